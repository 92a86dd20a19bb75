"""The cached map: what is cached is answered at once, the rest is computed in parallel by joblib."""

from __future__ import annotations

import asyncio
import inspect
import os
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

Arguments = tuple[Any, ...]


class Answers(Protocol):
    """The side of the function that knows the cache."""

    def look(self, arguments: Arguments) -> tuple[str, bool, Any]:
        """The key of a call, whether it is cached, and if so its value."""

    def adopt(self, arguments: Arguments, computed: Any, description: Any) -> None:
        """Keep what a worker handed over."""


class Mappable(Protocol):
    """A cached function."""

    def __call__(self, *args: Any) -> Any:
        """A call."""

    def compute_apart(self, *args: Any) -> tuple[Any, Any] | None:
        """Compute in a worker process and hand over all that the first process needs to keep the result."""


class Progress(Protocol):
    """Something that shows how far a map has come."""

    def advance(self) -> None:
        """One more call is done."""


class _Unseen:
    def advance(self) -> None:
        """Show nothing."""


def cached_map(
    function: Mappable,
    calls: list[Arguments],
    answers: Answers,
    n_jobs: int | None,
    backend: str | None,
    progress: Callable[[int], AbstractContextManager[Progress]] | None,
) -> list[Any]:
    """Call a cached function for each tuple of arguments; a list of the results in order.

    Parameters
    ----------
    n_jobs, backend : as for `joblib.Parallel`; None follows the active configuration
    progress : given the number of calls to compute, a context that shows how many are done; None for nothing

    Raises
    ------
    The first exception of a call, in their order. No more calls are begun then, and what others compute is kept.

    Notes
    -----
    Equal calls are sent once. Coroutines are awaited, each in a loop of its own. A worker process that shares the store
    on disk keeps its results there; what others compute is sent back and kept in the memory of this process.
    """
    results: list[Any] = [None] * len(calls)
    first: dict[str, int] = {}
    again: list[tuple[int, int]] = []
    for place, arguments in enumerate(calls):
        key, hit, value = answers.look(arguments)
        if hit:
            results[place] = value
        elif key and key in first:
            again.append((place, first[key]))
        else:
            first[key or f"call {place}"] = place
    missing = sorted(first.values())
    if missing:
        import joblib

        errors: list[Exception] = []

        def tasks() -> Iterator[Any]:
            for place in missing:
                if errors:
                    return
                yield joblib.delayed(_call)(function, calls[place], os.getpid())

        parallel = joblib.Parallel(n_jobs=n_jobs, backend=backend, return_as="generator")
        with nullcontext(_Unseen()) if progress is None else progress(len(missing)) as line:
            for place, (value, apart, error) in zip(missing, parallel(tasks()), strict=False):
                if error is not None:
                    errors.append(error)
                if apart is not None:
                    value = apart[0].value
                    answers.adopt(calls[place], *apart)
                results[place] = value
                line.advance()
        if errors:
            raise errors[0]
    for place, earlier in again:
        # an independent value, as a second call would get
        _, hit, value = answers.look(calls[place])
        results[place] = value if hit else finished(function(*calls[earlier]))
    return results


def _call(function: Mappable, arguments: Arguments, home: int) -> tuple[Any, Any, Exception | None]:
    """One call, in whatever process it runs: its value, or what the first process has to keep, or its error.

    An error that is raised here would take the results of its whole batch with it.
    """
    elsewhere = os.getpid() != home
    try:
        apart = function.compute_apart(*arguments) if elsewhere else None
        return None if apart is not None else finished(function(*arguments)), apart, None
    except Exception as error:
        if elsewhere:
            error.add_note(f"In a worker process:\n{traceback.format_exc()}")
        return None, None, error


def finished(value: Any) -> Any:
    """A value, or what a coroutine returns: it runs in a thread of its own, since this one may have a loop already."""
    if not inspect.iscoroutine(value):
        return value
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, value).result()

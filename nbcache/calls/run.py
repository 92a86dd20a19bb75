"""One run of a cached function: under a spinner, with its outputs and the files it reads recorded."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from time import perf_counter
from types import CoroutineType
from typing import Any

from ..compute.singleflight import inside
from ..errors import AwaitableResultError, explain
from ..keys import files
from ..keys.files import FileDep
from ..road.surroundings import SILENCE, UNRECORDED, Recorded, around

_NOTHING = nullcontext()


@dataclass(slots=True)
class Run:
    """What is known of a run once it is over."""

    seconds: float = 0.0
    recorded: Recorded = SILENCE
    files: tuple[FileDep, ...] = ()
    state: bytes = b""
    steady: bool = True


@contextmanager
def watched(message: str | None, show_time: bool, what: str, named: tuple[FileDep, ...], track: bool) -> Iterator[Run]:
    """Surround a run, and say afterwards how long it took, what it showed and which files it read.

    Parameters
    ----------
    message : the spinner's text; None for no spinner
    what : "display", "all" or "none": which outputs to record
    named : files that arguments and constants name; they count as read unless the run wrote them
    track : whether files count at all
    """
    run = Run()
    before = {dep: files.state_digest((dep,)) for dep in named}
    with (
        _NOTHING if message is None else around.spinner(message, show_time),
        UNRECORDED if what == "none" else around.record(what) as run.recorded,
        files.recording() as seen,
    ):
        seen.scope = inside()  # threads that the run starts are part of the same computations
        start = perf_counter()
        yield run
        run.seconds = perf_counter() - start
    if not track or not (named or seen.any()):
        return
    # what the run writes where it was pointed at is its output, no input
    named = tuple(dep for dep in named if not seen.wrote(dep.path))
    run.files = tuple(dict.fromkeys((*seen.deps, *named)))
    # digested before it is looked whether they still are what the run read: a later change is another state
    run.state = files.state_digest(run.files)
    # any other file that changed meanwhile moved under it
    run.steady = seen.steady() and all(files.state_digest((dep,)) == before[dep] for dep in named)


def refuse_awaitable(value: Any, name: str) -> None:
    """Refuse an awaitable, which can be awaited only once; an unstarted coroutine is closed first.

    Raises
    ------
    AwaitableResultError
        `value` is awaitable.
    """
    kind = type(value)
    if kind is CoroutineType:
        value.close()
    elif kind.__module__ == "builtins" or not inspect.isawaitable(value):
        return
    raise AwaitableResultError(
        explain(
            f"{name}() returned an awaitable ({kind.__name__}) and cannot be cached.",
            "an awaitable can be awaited only once, so a second call would get a used one.",
            "define it with async def and decorate that.",
        )
    )

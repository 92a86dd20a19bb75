"""joblib: tasks in, their results out as they are done, on whatever backend is active."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from importlib.util import find_spec
from itertools import islice
from typing import Any, NamedTuple

from nbcache.errors import MissingExtraError, explain

#: Tasks that one round takes for each worker, where a backend gives results only when a round is over.
_ROUND = 8

#: Backends that need a package of their own.
_NEEDED = {"dask": "distributed", "ray": "ray"}

Task = tuple[Callable[..., Any], tuple[Any, ...]]


class Engine(NamedTuple):
    """How tasks are run.

    Attributes
    ----------
    n_jobs, backend, batch_size : as for `joblib.Parallel`; None follows the active configuration
    """

    n_jobs: int | None = None
    backend: str | None = None
    batch_size: int | None = None

    def name(self) -> str:
        """The backend that runs the tasks, in joblib's words."""
        from joblib.parallel import get_active_backend

        if self.backend is not None:
            return self.backend
        active = type(get_active_backend()[0]).__name__
        return {"LokyBackend": "loky", "MultiprocessingBackend": "multiprocessing"}.get(active, active)

    def results(self, tasks: Iterable[Task]) -> Generator[Any, None, None]:
        """The results of tasks, in the order in which they are done; closing it stops what has not begun."""
        import joblib

        _prepare(self.backend)
        given = (joblib.delayed(function)(*arguments) for function, arguments in tasks)
        options: dict[str, Any] = {"n_jobs": self.n_jobs, "backend": self.backend}
        if self.batch_size is not None:
            options["batch_size"] = self.batch_size
        try:
            parallel = joblib.Parallel(**options, return_as="generator_unordered")
        except ValueError:  # multiprocessing and ray hand over all results of a call at once
            return self._in_rounds(given, options)
        return self._as_done(parallel, given)

    def _as_done(self, parallel: Any, given: Iterator[Any]) -> Generator[Any, None, None]:
        with closing(parallel(given)) as done:
            yield from done

    def _in_rounds(self, given: Iterator[Any], options: dict[str, Any]) -> Generator[Any, None, None]:
        import joblib

        with joblib.Parallel(**options) as parallel:
            size = _ROUND * max(1, joblib.effective_n_jobs(self.n_jobs))
            while some := list(islice(given, size)):
                yield from parallel(some)


def _prepare(backend: str | None) -> None:
    """Make a backend known to joblib that is not by itself.

    Raises
    ------
    MissingExtraError
        Its package is not installed.
    """
    needed = _NEEDED.get(backend or "")
    if needed is None:
        return
    if find_spec(needed) is None:
        raise MissingExtraError(
            explain(
                f"map() cannot use the backend {backend!r}.",
                f"the package {needed} is not installed.",
                f"pip install 'nbcache[{backend}]', or choose another backend.",
            )
        )
    if backend == "ray":
        from ray.util.joblib import register_ray

        register_ray()

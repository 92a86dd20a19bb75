"""To whom belongs a task of a thread that was there before the run: to the run that hands it to the pool.

Threads that a run starts inherit its recording. Those of a pool that outlives runs, such as a global executor or the
one that dask keeps, do not: so each task takes the recording along.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

from nbcache.tracebacks import hide_frame
from nbcache.tracking.observations import context
from nbcache.tracking.observations.after_import import when_imported
from nbcache.tracking.observations.noted_methods import take_place

__all__ = ["install"]

# By module and class: methods that take a function first.
_POOLS = {
    ("concurrent.futures.thread", "ThreadPoolExecutor"): ("submit",),
    ("multiprocessing.pool", "ThreadPool"): (
        *("apply", "apply_async", "map", "map_async", "starmap", "starmap_async", "imap", "imap_unordered"),
    ),
}


def install() -> None:
    """Let the pools of this process know, now or when they are imported."""
    for (module, kind), methods in _POOLS.items():
        when_imported(module, partial(_take_along, kind, methods))


def _take_along(kind_name: str, methods: tuple[str, ...], module: ModuleType) -> None:
    kind = getattr(module, kind_name)
    for name in methods:
        take_place(kind, name, _handing_on(getattr(kind, name)))


def _handing_on(method: Callable[..., Any]) -> Callable[..., Any]:
    def call(self: Any, function: Any, /, *given: Any, **named: Any) -> Any:
        recorder = context.current()
        task = function if recorder is None else _Task(function, recorder)
        try:
            return method(self, task, *given, **named)
        except BaseException as error:
            hide_frame(error)
            raise

    return call


class _Task:
    """A function that is called as a part of the run that has handed it on."""

    __slots__ = ("_function", "_recorder")

    def __init__(self, function: Callable[..., Any], recorder: context.Open) -> None:
        self._function = function
        self._recorder = recorder

    def __call__(self, *given: Any, **named: Any) -> Any:
        try:
            with context.PartOf(self._recorder):
                return self._function(*given, **named)
        except BaseException as error:
            hide_frame(error)
            raise

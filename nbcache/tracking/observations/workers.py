"""What worker processes observe while they run pieces of a recorded run: they hand it back with their results.

Pools of the standard library, joblib and loky are told apart by nothing but the method that takes a task. In the
worker a piece runs under a recording of its own; its result travels in a parcel that unpickles to the result itself,
and tells the run's recorder on the way.
"""

from __future__ import annotations

import functools
import itertools
import os
import weakref
from collections.abc import Callable
from types import ModuleType
from typing import Any

from nbcache.tracking.observations import context
from nbcache.tracking.observations.after_import import when_imported
from nbcache.tracking.observations.kinds import PATHS
from nbcache.tracking.observations.paths import working_folder
from nbcache.tracking.observations.recorder import recording

#: Kinds that mean the same in a worker as in the process that started it.
_SHARED = frozenset({"variable", "variables"})

_installed: list[bool] = []
_numbers = itertools.count(1)
_recorders: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()

# Where a pool takes a task: module, class, method, and which of its arguments is the function.
_DOORS = (
    ("concurrent.futures.process", "ProcessPoolExecutor", "submit", 0),
    ("joblib.externals.loky.process_executor", "ProcessPoolExecutor", "submit", 0),
    ("loky.process_executor", "ProcessPoolExecutor", "submit", 0),
    ("multiprocessing.pool", "Pool", "apply_async", 0),
    ("multiprocessing.pool", "Pool", "imap", 0),
    ("multiprocessing.pool", "Pool", "imap_unordered", 0),
    ("multiprocessing.pool", "Pool", "_map_async", 2),  # what runs a batch: one recording for all of it
)


def install() -> None:
    """Let pools, as soon as they are imported, take pieces instead of functions while a run is recorded; once."""
    if _installed:
        return
    _installed.append(True)
    for module, kind, method, place in _DOORS:
        when_imported(module, functools.partial(_open_door, kind=kind, method=method, place=place))


def _open_door(module: ModuleType, *, kind: str, method: str, place: int) -> None:
    pool = getattr(module, kind)
    original = pool.__dict__[method]

    @functools.wraps(original)
    def take(self: Any, *arguments: Any, **options: Any) -> Any:
        recorder = context.current()
        if recorder is not None and len(arguments) > place and not type(self).__name__.startswith("Thread"):
            piece = Piece(arguments[place], _number(recorder))
            arguments = (*arguments[:place], piece, *arguments[place + 1 :])
        return original(self, *arguments, **options)

    setattr(pool, method, take)


def _number(recorder: Any) -> int:
    number: int | None = getattr(recorder, "number", None)
    if number is None:
        number = recorder.number = next(_numbers)
        _recorders[number] = recorder
    return number


class Piece:
    """A function that, in another process, runs under a recording and hands back what was observed."""

    def __init__(self, function: Callable[..., Any], number: int) -> None:
        self._function = function
        self._number = number
        self._process = os.getpid()
        self._folder = working_folder()

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        if os.getpid() == self._process:
            return self._function(*arguments, **options)
        with recording() as seen:
            value = self._function(*arguments, **options)
        away = seen.moved or working_folder() != self._folder
        found = tuple(
            (
                one.kind,
                os.path.abspath(one.name) if one.kind in PATHS and away else one.name,
                seen.recorded.get(one),
            )
            for one in seen.observations
            if one.kind in PATHS or one.kind in _SHARED
        )
        if not (found or seen.written or seen.outside or seen.failed):
            return value
        return _Parcel(value, (self._number, found, tuple(seen.written), tuple(seen.outside), seen.failed))


class _Parcel:
    """A result with what was observed for it; unpickles to the result."""

    def __init__(self, value: Any, told: tuple[Any, ...]) -> None:
        self._value = value
        self._told = told

    def __reduce__(self) -> Any:
        return _received, (self._value, *self._told)


def _received(
    value: Any,
    number: int,
    found: tuple[tuple[str, str, bytes | None], ...],
    written: tuple[str, ...],
    outside: tuple[str, ...],
    failed: str,
) -> Any:
    recorder = _recorders.get(number)
    if recorder is not None and recorder.is_open:
        for path in written:
            recorder.write(path)
        for kind, name, digest in found:
            recorder.observe(kind, name, digest)
        for what in outside:
            recorder.reached(what)
        recorder.failed = recorder.failed or failed
    return value

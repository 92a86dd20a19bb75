"""What other processes observe while they run pieces of a recorded run: they hand it back with their results.

Pools of the standard library, joblib and loky are told apart by nothing but the method that takes a task. In the
worker a piece runs under a recording of its own; its result travels in a parcel that unpickles to the result itself,
and tells the run's recorder on the way. A single `multiprocessing.Process` has no result: it leaves a note in a file,
which is read when it is joined, or when the run is over.
"""

from __future__ import annotations

import functools
import itertools
import json
import os
import shutil
import tempfile
import weakref
from collections.abc import Callable
from contextlib import suppress
from types import ModuleType
from typing import Any

from nbcache.tracking.observations import context
from nbcache.tracking.observations.after_import import when_imported
from nbcache.tracking.observations.context import unrecorded
from nbcache.tracking.observations.kinds import PATHS
from nbcache.tracking.observations.paths import working_folder
from nbcache.tracking.observations.processes.unseen import UNSEEN_KIND
from nbcache.tracking.observations.recorder import Recorder, recording

#: Kinds that mean the same in a worker as in the process that started it.
_SHARED = frozenset({"variable", "variables", UNSEEN_KIND})

_installed: list[bool] = []
_numbers = itertools.count(1)
_recorders: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()

#: What was found, written, reached outside, and why something may have been overlooked.
Told = tuple[list[tuple[str, str, str | None]], list[str], list[str], str]
# Their workers run pieces, each of which tells for itself.
_OF_POOLS = frozenset({"multiprocessing.pool", "concurrent.futures.process", "loky.process_executor"})

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
    when_imported("multiprocessing.process", _follow_processes)


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
        told = _told(seen, self._folder)
        return _Parcel(value, self._number, told) if any(told) else value


class _Parcel:
    """A result with what was observed for it; unpickles to the result."""

    def __init__(self, value: Any, number: int, told: Told) -> None:
        self._value = value
        self._number = number
        self._told = told

    def __reduce__(self) -> Any:
        return _received, (self._value, self._number, self._told)


def _told(seen: Recorder, folder: str) -> Told:
    """What a recording has to tell to the process that began in a folder."""
    away = seen.moved or working_folder() != folder
    found = [
        (
            one.kind,
            os.path.abspath(one.name) if one.kind in PATHS and away else one.name,
            None if (digest := seen.recorded.get(one)) is None else digest.hex(),
        )
        for one in seen.observations
        if one.kind in PATHS or one.kind in _SHARED
    ]
    return found, sorted(seen.written), list(seen.outside), seen.failed


def _received(value: Any, number: int, told: Told) -> Any:
    recorder = _recorders.get(number)
    if recorder is not None:
        _tell(recorder, told)
    return value


def _tell(recorder: Any, told: Told) -> None:
    if not recorder.is_open:
        return
    found, written, outside, failed = told
    for path in written:
        recorder.write(path)
    for kind, name, digest in found:
        recorder.observe(kind, name, None if digest is None else bytes.fromhex(digest))
    for what in outside:
        recorder.reached(what)
    recorder.failed = recorder.failed or failed


# -- single processes


class _Noted:
    """What a process runs: its own `run`, under a recording that it leaves a note of."""

    def __init__(self, run: Callable[[], object], path: str) -> None:
        self._run = run
        self._path = path
        self._folder = working_folder()

    def __call__(self) -> None:
        try:
            with recording() as seen:
                self._run()
        finally:
            with unrecorded():
                _write_down(self._path, _told(seen, self._folder))


def _write_down(path: str, told: Told) -> None:
    with suppress(OSError), open(f"{path}.new", "w", encoding="utf-8", errors="surrogateescape") as file:
        json.dump(told, file)
    with suppress(OSError):
        os.replace(f"{path}.new", path)


#: Where processes that a recorded run has started leave their notes, and for whom.
_notes: weakref.WeakKeyDictionary[Any, tuple[Any, str]] = weakref.WeakKeyDictionary()


def _follow_processes(module: ModuleType) -> None:
    kind = module.BaseProcess
    start, join = kind.start, kind.join

    @functools.wraps(start)
    def started(self: Any) -> None:
        recorder = context.current()
        if recorder is not None and getattr(getattr(self, "_target", None), "__module__", "") not in _OF_POOLS:
            with suppress(OSError), unrecorded():
                path = os.path.join(tempfile.mkdtemp(prefix="nbcache-"), "seen")
                _notes[self] = recorder, path
                self.run = _Noted(self.run, path)
                recorder.ending.append(functools.partial(_read_note, self, ending=True))
        start(self)

    @functools.wraps(join)
    def joined(self: Any, timeout: float | None = None) -> None:
        join(self, timeout)
        _read_note(self)

    kind.start, kind.join = started, joined


def _read_note(process: Any, *, ending: bool = False) -> None:
    """Read the note of a process that is over; at the end of the run those of the others are given up."""
    recorder, path = _notes.get(process, (None, ""))
    if recorder is None or (process.exitcode is None and not ending):
        return
    del _notes[process]
    with unrecorded():
        try:
            with open(path, encoding="utf-8", errors="surrogateescape") as file:
                told = json.load(file)
        except (OSError, ValueError):  # killed, or not over: what it goes on to see is no part of the run
            told = None
        shutil.rmtree(os.path.dirname(path), ignore_errors=True)
    if told is not None:
        _tell(recorder, told)

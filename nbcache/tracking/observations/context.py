"""Whose recording is under way here: that of this task, of this thread, or of the run that started this thread."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar, Token
from typing import Any, Protocol

from nbcache.tracking.observations.observation import Observer


class Open(Observer, Protocol):
    """An observer with a beginning and an end.

    Attributes
    ----------
    is_open : false once its run is over, also for threads of the run that are still alive
    scope : what the threads that the run starts inherit besides the recording; up to whoever records
    moved : whether the working folder may be another than at the beginning
    ending : called when the run is over, while it is still recorded
    asking : the names of the module whose code opened a file last, where it is the user's
    """

    is_open: bool
    scope: object
    moved: bool
    ending: list[Callable[[], object]]
    asking: dict[str, Any] | None

    def opened(self, path: str, found: os.stat_result) -> None:
        """Note that the run opens something to read it, which may turn out to be nobody's input."""

    def moves(self) -> None:
        """Hear that the working folder is about to change."""

    def is_part_of(self, run: object) -> bool:
        """Whether the run is another one, or was called by it."""


#: The recordings under way in this process; empty nearly always, so that listeners find out fast.
recorders: set[Any] = set()
_current: ContextVar[Open | None] = ContextVar("nbcache_recorder", default=None)
#: What `current` is in tasks and threads that a recording began in; it may be over by now.
of_this_task = _current.get
_threads: weakref.WeakKeyDictionary[threading.Thread, Open] = weakref.WeakKeyDictionary()


class _Nobody:
    """Stands where nothing is to be recorded."""

    is_open = False


_NOBODY: Any = _Nobody()
_NOTHING: AbstractContextManager[None] = nullcontext()


def current() -> Open | None:
    """The recorder of the run that this code is part of; None outside of any."""
    if not recorders:
        return None
    recorder = _current.get()
    if recorder is None and _threads:
        recorder = _threads.get(threading.current_thread())
    return recorder if recorder is None or recorder.is_open else None


def active() -> bool:
    """Whether a recording is under way here."""
    return current() is not None


def begin(recorder: Open) -> Token[Open | None]:
    """Let this task and what it calls belong to a recorder."""
    recorders.add(recorder)
    return _current.set(recorder)


def end(recorder: Open, token: Token[Open | None]) -> None:
    """Undo `begin`."""
    _current.reset(token)
    recorders.discard(recorder)


def inherit(thread: threading.Thread, recorder: Open) -> None:
    """Let what a thread does belong to the recorder of the code that starts it."""
    _threads[thread] = recorder


class PartOf:
    """A context whose doings belong to a recorder, in whatever thread. A class, because most runs enter one."""

    __slots__ = ("_recorder", "_token")

    def __init__(self, recorder: Open) -> None:
        self._recorder = recorder

    def __enter__(self) -> None:
        self._token = _current.set(self._recorder)

    def __exit__(self, *error: object) -> None:
        _current.reset(self._token)


def unrecorded() -> AbstractContextManager[None]:
    """A context that keeps what the cache itself looks at out of any recording around it."""
    return PartOf(_NOBODY) if recorders else _NOTHING


def scope_here() -> object:
    """The scope of the recording under way here, in the thread that records or in one that it started."""
    recorder = current()
    return None if recorder is None else recorder.scope

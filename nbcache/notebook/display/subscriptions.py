"""Who is told of what is shown: the listeners of this thread or task, each nested in the ones before it.

It is decided by where an event happens: the listeners opened by this thread or task are told, those of the code that
started this thread, and nobody else. Output of C code arrives on ipykernel's own watcher threads, which belong to
nobody: only listeners that everything open now is nested in receive it.
"""

from __future__ import annotations

import contextlib
import contextvars
import itertools
import threading
import weakref
from collections.abc import Iterator
from typing import Any, Protocol

__all__ = [
    "Listener",
    "Subscribed",
    "Subscriptions",
    "common_subscriptions",
    "inherit",
    "inherited",
    "own_subscriptions",
    "subscriptions",
    "unrecorded",
]


class Listener(Protocol):
    """Something that is told of events; called from any thread, right after the output itself."""

    def stream(self, name: str, text: str) -> None: ...
    def display(self, kind: str, data: dict[str, Any], metadata: dict[str, Any], display_id: str | None) -> None: ...
    def clear(self, wait: bool) -> None: ...

    def error(self) -> None: ...
    def result(self, data: dict[str, Any], metadata: dict[str, Any], value: object) -> None: ...


#: Listeners, the innermost last; beside each, the identities of the objects whose output it is told of.
Subscriptions = tuple[tuple[Listener, frozenset[int]], ...]

_own: contextvars.ContextVar[Subscriptions | None] = contextvars.ContextVar("nbcache_subscriptions", default=None)
_inherited: weakref.WeakKeyDictionary[threading.Thread, Subscriptions] = weakref.WeakKeyDictionary()
_lock = threading.RLock()
_open: list[Subscriptions] = []

#: What this thread or task has opened itself; None where only what the thread inherited counts.
own_subscriptions = _own.get


def subscriptions() -> Subscriptions:
    """The subscriptions that count in this thread or task."""
    own = _own.get()
    return inherited(threading.current_thread()) if own is None else own


def inherited(thread: threading.Thread) -> Subscriptions:
    """The subscriptions of the code that started a thread."""
    return _inherited.get(thread, ())


def inherit(thread: threading.Thread) -> None:
    """Give the subscriptions that count here to a thread that is about to start."""
    here = subscriptions()
    if here:
        _inherited[thread] = here


def common_subscriptions() -> Subscriptions:
    """The subscriptions that all open ones begin with."""
    with _lock:
        same = itertools.takewhile(lambda level: len(set(map(id, level))) == 1, zip(*_open, strict=False))
        return tuple(level[0] for level in same)


class Subscribed:
    """A context in which a listener is told of what is shown here, as far as it is shown by these objects."""

    __slots__ = ("_inner", "_listener", "_objects", "_outer", "_token")

    def __init__(self, listener: Listener, objects: frozenset[int]) -> None:
        self._listener = listener
        self._objects = objects

    def __enter__(self) -> None:
        outer = self._outer = subscriptions()
        inner = self._inner = (*outer, (self._listener, self._objects))
        with _lock:
            if outer in _open:
                _open.remove(outer)
            _open.append(inner)
        self._token = _own.set(inner)

    def __exit__(self, *error: object) -> None:
        outer = self._outer
        _own.reset(self._token)
        with _lock:
            _open.remove(self._inner)
            if outer and not any(other[: len(outer)] == outer for other in _open):
                _open.append(outer)


@contextlib.contextmanager
def unrecorded() -> Iterator[None]:
    """Keep what this thread or task shows meanwhile from all listeners, and what the threads it starts show."""
    token = _own.set(())
    try:
        yield
    finally:
        _own.reset(token)

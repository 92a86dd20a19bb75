"""Has a function or a class been changed in place: told by an audit event, so that a guard asks one number instead.

Python announces every assignment to a function's `__code__`, `__defaults__` or `__kwdefaults__`, to a class's
`__bases__` or `__name__`, and to the `__class__` of anything as an audit event. One count of these events answers for
all functions and classes of a guard at once; only after it has moved are they looked at.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Iterable
from operator import attrgetter
from types import FunctionType
from typing import Any

__all__ = ["Listener", "Watched", "changes", "listen", "parts_of", "tell"]

Listener = Callable[[str, tuple[Any, ...]], None]

_IN_CLASSES = tuple(type.__dict__[name].__get__ for name in ("__mro__", "__name__", "__qualname__"))

#: What a function is called by, in the order of its items: code, defaults, defaults of keywords.
parts_of = attrgetter("__code__", "__defaults__", "__kwdefaults__")

#: How many changes in place were seen in this process, as the only item.
changes = [0]


_told: dict[int, list[tuple[weakref.ref[FunctionType], Callable[[], None]]]] = {}
_installed: list[bool] = []


def _changed(
    event: str,
    arguments: tuple[Any, ...],
    # Bound here: the names of a module are None while the program ends, and the hook is called until the very end.
    count: list[int] = changes,
    told: dict[int, list[tuple[weakref.ref[FunctionType], Callable[[], None]]]] = _told,
) -> None:
    count[0] += 1
    for function, act in tuple(told.get(id(arguments[0]), ())):
        if function() is arguments[0]:
            act()


_listeners: dict[str, tuple[Listener, ...]] = dict.fromkeys(("object.__setattr__", "object.__delattr__"), (_changed,))


def listen(listener: Listener | None = None, events: Iterable[str] = ()) -> None:
    """Note changes from now on, and tell `listener` of the audit events named; there is one hook for all."""
    for event in events:
        known = _listeners.get(event, ())
        if listener is not None and listener not in known:
            _listeners[event] = (*known, listener)
    if not _installed:
        _installed.append(True)
        sys.addaudithook(_on_event)


def _on_event(
    event: str,
    arguments: tuple[Any, ...],
    find: Callable[[str], tuple[Listener, ...] | None] = _listeners.get,
) -> None:
    # The hook can never be removed, and Python announces even each `id`: one look-up for what nobody listens to.
    listeners = find(event)
    if listeners is not None:
        for listener in listeners:
            listener(event, arguments)


def tell(function: FunctionType, act: Callable[[], None]) -> None:
    """Call `act` before each change of a function's code or defaults, for as long as the function lives."""
    listen()
    place = id(function)

    def forget(gone: weakref.ref[FunctionType]) -> None:
        left = [pair for pair in _told.get(place, ()) if pair[0] is not gone]
        if left:
            _told[place] = left
        else:
            _told.pop(place, None)

    _told[place] = [*_told.get(place, ()), (weakref.ref(function, forget), act)]


class Watched:
    """Functions and classes as they were.

    Attributes
    ----------
    seen : the count of changes up to which they are known to be as they were, as the only item
    """

    def __init__(self) -> None:
        listen()
        self.seen = [changes[0]]
        self._functions: list[tuple[FunctionType, tuple[object, ...]]] = []
        self._classes: list[tuple[type, tuple[object, ...]]] = []

    def __bool__(self) -> bool:
        return bool(self._functions or self._classes)

    def add(self, function: FunctionType) -> None:
        """Watch a function; its code and defaults are kept alive, so that their identity stays their own."""
        self._functions.append((function, parts_of(function)))

    def add_class(self, cls: type) -> None:
        """Watch what a class derives from, how it is called, and what made it."""
        self._classes.append((cls, _parts_of_class(cls)))

    def unchanged(self) -> bool:
        """Whether all of them are as they were: looks at each one."""
        count = changes[0]
        for function, before in self._functions:
            if any(now is not then for now, then in zip(parts_of(function), before, strict=True)):
                return False
        for cls, before in self._classes:
            if any(now is not then for now, then in zip(_parts_of_class(cls), before, strict=True)):
                return False
        self.seen[0] = count
        return True


def _parts_of_class(cls: type) -> tuple[object, ...]:
    return (type(cls), *[read(cls) for read in _IN_CLASSES])

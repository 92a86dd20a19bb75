"""Has a function been changed in place: told by an audit event, so that a guard asks one number instead.

Python announces every assignment to a function's `__code__`, `__defaults__` or `__kwdefaults__` as an audit event.
One count of these events answers for all functions of a guard at once; only after it has moved are they looked at.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from operator import attrgetter
from types import FunctionType
from typing import Any

Listener = Callable[[str, tuple[Any, ...]], None]

_ATTRIBUTES = ("__code__", "__defaults__", "__kwdefaults__")
_EVENTS = frozenset({"object.__setattr__", "object.__delattr__"})
_read = attrgetter(*_ATTRIBUTES)

#: How many changes in place were seen in this process, as the only item.
changes = [0]
_listeners: list[Listener] = []
_installed: list[bool] = []


def listen(listener: Listener | None = None) -> None:
    """Note changes from now on, and pass all other audit events to `listener`; there is one hook for both."""
    if listener is not None and listener not in _listeners:
        _listeners.append(listener)
    if not _installed:
        _installed.append(True)
        sys.addaudithook(_on_event)


def _on_event(
    event: str,
    arguments: tuple[Any, ...],
    # Bound here: the names of a module are None while the program ends, and the hook is called until the very end.
    events: frozenset[str] = _EVENTS,
    count: list[int] = changes,
    listeners: list[Listener] = _listeners,
) -> None:
    if event in events:
        count[0] += 1
    else:
        for listener in listeners:
            listener(event, arguments)


class Watched:
    """Functions as they were.

    Attributes
    ----------
    seen : the count of changes up to which they are known to be as they were, as the only item
    """

    def __init__(self) -> None:
        listen()
        self.seen = [changes[0]]
        self._functions: list[tuple[FunctionType, tuple[object, ...]]] = []

    def __bool__(self) -> bool:
        return bool(self._functions)

    def add(self, function: FunctionType) -> None:
        """Watch a function; its code and defaults are kept alive, so that their identity stays their own."""
        self._functions.append((function, _read(function)))

    def unchanged(self) -> bool:
        """Whether all of them are as they were: looks at each one."""
        count = changes[0]
        for function, before in self._functions:
            if any(now is not then for now, then in zip(_read(function), before, strict=True)):
                return False
        self.seen[0] = count
        return True

"""Who is told of the audit events of a run: one hook, and a table of listeners for each subscriber.

A hook can never be removed, so there is one for all; it looks further only while somebody has subscribed, and only at
what the thread of a recorded run does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nbcache.tracking import watch
from nbcache.tracking.observations.context import current

__all__ = ["Listeners", "subscribe", "unsubscribe"]

#: By the name of an event: what is called with the subscriber and the arguments of the event.
Listeners = Mapping[str, Callable[[Any, tuple[Any, ...]], None]]

_subscribers: list[tuple[object, Listeners]] = []


def subscribe(subscriber: object, listeners: Listeners) -> None:
    """Tell a subscriber of events from now on."""
    _subscribers.append((subscriber, listeners))
    watch.listen(_on_event)


def unsubscribe(subscriber: object) -> None:
    """Tell it no more."""
    _subscribers[:] = [pair for pair in _subscribers if pair[0] is not subscriber]


def _on_event(
    event: str,
    arguments: tuple[Any, ...],
    # Bound here: the names of a module are None while the program ends, and the hook is called until the very end.
    subscribers: list[tuple[object, Listeners]] = _subscribers,
) -> None:
    for subscriber, listeners in subscribers:
        listener = listeners.get(event)
        if listener is None or current() is None:
            continue
        try:
            listener(subscriber, arguments)
        except Exception:  # an error here would stop the user's own call; a path that cannot be read is no file
            continue

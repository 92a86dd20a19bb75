"""Who is told of the audit events of a run: one hook, and a table of listeners for each subscriber.

A hook can never be removed, so there is one for all; it looks further only while somebody has subscribed, and tells
each only of what belongs to the run in which it subscribed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from nbcache.tracking import watch
from nbcache.tracking.observations.context import Open, current

__all__ = ["Listeners", "announce", "subscribe", "unsubscribe"]

#: By the name of an event: what is called with the subscriber and the arguments of the event.
Listeners = Mapping[str, Callable[[Any, tuple[Any, ...]], None]]


class _Subscription(NamedTuple):
    """Who is told, of what, and of which run."""

    subscriber: object
    listeners: Listeners
    run: Open | None


_subscriptions: list[_Subscription] = []


def subscribe(subscriber: object, listeners: Listeners) -> None:
    """Tell a subscriber from now on of the events of the run that is recorded here."""
    _subscriptions.append(_Subscription(subscriber, listeners, current()))
    watch.listen(_on_event, listeners)


def unsubscribe(subscriber: object) -> None:
    """Tell it no more."""
    _subscriptions[:] = [one for one in _subscriptions if one.subscriber is not subscriber]


def announce(event: str, arguments: tuple[Any, ...]) -> None:
    """Tell of something that the cache does in the place of a run."""
    _on_event(event, arguments)


def _on_event(
    event: str,
    arguments: tuple[Any, ...],
    # Bound here: the names of a module are None while the program ends, and the hook is called until the very end.
    subscriptions: list[_Subscription] = _subscriptions,
) -> None:
    if not subscriptions:
        return
    for subscriber, listeners, run in tuple(subscriptions):  # another thread may begin or end a run meanwhile
        listener = listeners.get(event)
        if listener is None or (here := current()) is None or not (run is None or here.is_part_of(run)):
            continue
        try:
            listener(subscriber, arguments)
        except Exception:  # an error here would stop the user's own call; a path that cannot be read is no file
            continue

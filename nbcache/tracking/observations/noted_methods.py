"""Methods of others that say when they are called, while a run is recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbcache.tracebacks import hide_frame
from nbcache.tracking.observations import context

__all__ = ["note_calls", "take_place"]


def note_calls(kind: Any, notes: dict[str, Callable[..., None]]) -> None:
    """Let methods of a class say with what they are called, before they do it; nothing is said outside of recordings.

    Parameters
    ----------
    notes : what is told, by the name of the method; the caller stands two frames above it
    """
    for name, note in notes.items():
        take_place(kind, name, _noted(getattr(kind, name), note))


def take_place(kind: Any, name: str, ours: Callable[..., Any]) -> None:
    """Put a function in the place of a method of a class, under the names that this has."""
    method = getattr(kind, name)
    ours.__module__, ours.__name__ = method.__module__, method.__name__
    ours.__qualname__, ours.__doc__ = method.__qualname__, method.__doc__
    setattr(kind, name, ours)


def _noted(method: Callable[..., Any], note: Callable[..., None]) -> Callable[..., Any]:
    def call(*given: Any, **named: Any) -> Any:
        if context.recorders:
            note(*given, **named)
        try:
            return method(*given, **named)
        except BaseException as error:
            hide_frame(error)
            raise

    return call

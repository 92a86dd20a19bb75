"""Methods of others that say when they are called, while a run is recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbcache.tracebacks import hide_frame
from nbcache.tracking.observations import context

__all__ = ["note_calls"]


def note_calls(kind: Any, notes: dict[str, Callable[..., None]]) -> None:
    """Let methods of a class say with what they are called, before they do it; nothing is said outside of recordings.

    Parameters
    ----------
    notes : what is told, by the name of the method; the caller stands two frames above it
    """
    for name, note in notes.items():
        setattr(kind, name, _noted(getattr(kind, name), note))


def _noted(method: Callable[..., Any], note: Callable[..., None]) -> Callable[..., Any]:
    def call(*given: Any, **named: Any) -> Any:
        if context.recorders:
            note(*given, **named)
        try:
            return method(*given, **named)
        except BaseException as error:
            hide_frame(error)
            raise

    call.__module__, call.__name__ = method.__module__, method.__name__
    call.__qualname__, call.__doc__ = method.__qualname__, method.__doc__
    return call

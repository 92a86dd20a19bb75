"""Listen to what a kernel shows, without delaying or changing it."""

from __future__ import annotations

import sys
from typing import Any

from nbcache.notebook.display import patches
from nbcache.notebook.display.subscriptions import Listener, Subscribed, subscriptions

__all__ = ["Listening", "current_shell", "listen"]


def current_shell() -> Any | None:
    """Return the running IPython shell; `None` outside IPython, which is not imported to find out."""
    module = sys.modules.get("IPython.core.interactiveshell")
    if module is None:
        return None
    shells = getattr(module, "InteractiveShell", None)
    return shells.instance() if shells is not None and shells.initialized() else None


def listen(listener: Listener, *, streams: bool, displays: bool, results: bool) -> Listening:
    """Send to `listener` what this thread or task shows inside, and what the threads it starts show."""
    return Listening(listener, streams, displays, results)


class Listening:
    """The context of `listen`; a class, because the generator of `contextlib` takes longer than a small run."""

    __slots__ = ("_listener", "_subscribed", "_taken", "_wanted")

    def __init__(self, listener: Listener, streams: bool, displays: bool, results: bool) -> None:
        self._listener = listener
        self._wanted = streams, displays, results

    def __enter__(self) -> None:
        streams, displays, results = self._wanted
        taken = patches.take(current_shell(), streams=streams, displays=displays, results=results)
        self._taken = taken
        if streams and not subscriptions():
            patches.drain(taken)  # what was written before is not ours
        self._subscribed = Subscribed(self._listener, frozenset([id(patch.target) for patch in taken]))
        self._subscribed.__enter__()

    def __exit__(self, *error: object) -> None:
        try:
            try:
                if self._wanted[0]:
                    patches.drain(self._taken)
            finally:
                self._subscribed.__exit__()
        finally:
            patches.release(self._taken)

"""Listen to what a kernel shows, without delaying or changing it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

from nbcache.notebook.display import patches
from nbcache.notebook.display.subscriptions import Listener, subscribed, subscriptions

__all__ = ["current_shell", "listen"]


def current_shell() -> Any | None:
    """Return the running IPython shell; `None` outside IPython, which is not imported to find out."""
    module = sys.modules.get("IPython.core.interactiveshell")
    if module is None:
        return None
    shells = getattr(module, "InteractiveShell", None)
    return shells.instance() if shells is not None and shells.initialized() else None


@contextlib.contextmanager
def listen(listener: Listener, *, streams: bool, displays: bool, results: bool) -> Iterator[None]:
    """Send to `listener` what this thread or task shows from now on, and what the threads it starts show."""
    taken = patches.take(current_shell(), streams=streams, displays=displays, results=results)
    if not subscriptions():
        patches.drain(taken)  # what was written before is not ours
    try:
        with subscribed(listener, frozenset(id(patch.target) for patch in taken)):
            try:
                yield
            finally:
                patches.drain(taken)
    finally:
        patches.release(taken)

"""Run the statements of a cell, with an event loop or without one."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from nbcache.engine.job import Computed

__all__ = ["driven", "in_event_loop", "nothing"]


def nothing() -> Computed:
    """Compute nothing: for a job that only looks."""
    return Computed(None, storable=False)


def in_event_loop() -> bool:
    """Whether code that awaits can run here."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def driven(run: Coroutine[Any, Any, bool]) -> bool:
    """Run a coroutine that never suspends."""
    try:
        run.send(None)
    except StopIteration as end:
        raised: bool = end.value
        return raised
    run.close()
    raise RuntimeError("a cell without await was suspended")

"""Waiting for a computation elsewhere: ask, and ask again at growing intervals."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

__all__ = ["Claim", "poll"]


class Claim(Protocol):
    """A lock or a lease on the way."""

    def attempt(self) -> bool:
        """Whether the computation may go on."""
        ...

    def release(self) -> None:
        """Give back what is held; also ends a wait."""
        ...


def poll(claim: Claim, first: float, longest: float, waiting: Callable[[], None] | None) -> None:
    """Return when `attempt` succeeds; an exception while it waits releases the claim.

    Parameters
    ----------
    first, longest : seconds between two attempts, at the beginning and at most
    waiting : called once if the first attempt fails
    """
    try:
        if claim.attempt():
            return
        if waiting is not None:
            waiting()
        interval = first
        while not claim.attempt():
            time.sleep(interval)
            interval = min(longest, interval * 1.5)
    except BaseException:
        claim.release()
        raise

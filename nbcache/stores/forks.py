"""Locks after a fork: a forked child has none of the threads that could release them."""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class Renewable(Protocol):
    def renew(self) -> None:
        """Start with fresh locks, in a child process that has only the thread that forked."""


_renewables: WeakSet[Renewable] = WeakSet()


def renew_after_fork(store: Renewable) -> None:
    """Have `store.renew()` called in every forked child, as long as the store lives."""
    _renewables.add(store)


def _after_fork() -> None:
    for renewable in list(_renewables):
        renewable.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

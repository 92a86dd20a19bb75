"""How long and where the results of one owner are kept."""

from __future__ import annotations

from math import inf
from typing import NamedTuple


class Policy(NamedTuple):
    """How long and where the results of one owner are kept.

    Attributes
    ----------
    ttl : seconds since the write; None for ever, 0 never
    max_entries, max_size : bounds of the owner's entries in every tier, sizes in bytes; None for none
    disk : whether results go beyond memory
    background : whether an expired result is served for one more ttl while a new one is computed
    copied : whether hits come in plain memory instead of over a copy-on-write map
    """

    ttl: float | None = None
    max_entries: int | None = None
    max_size: int | None = None
    disk: bool = False
    background: bool = False
    copied: bool = False

    @property
    def bounded(self) -> bool:
        return self.max_entries is not None or self.max_size is not None

    def deadline(self, created: float) -> float:
        """When an entry of that age expires, in epoch seconds."""
        return inf if self.ttl is None else created + self.ttl

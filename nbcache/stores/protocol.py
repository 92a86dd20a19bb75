"""The `Store` and its promises.

Every store keeps these, and `tests/store_contract.py` holds them to it:

- Nothing here raises for what is wrong with a store. What cannot be read, or cannot be verified, is None and at most
  one warning; what cannot be deleted is a warning each time. The one exception is `UntrustedEntryError` of `get` and
  `peek`, and only under ``trust="strict"``.
- A put never raises and never loses the value: it returns an entry that owns its bytes, stored or not.
- A reader sees a whole entry or none, whatever writers, clears and kills happen at the same moment.
- What was deleted or cleared is never found again, and a computation that began before a clear is not stored after
  it, if its `mark` is given to `put`.
- Counting, listing and finding do not unpickle, do not count as use, and do not change what is evicted next.
- Within one owner the least recently used entry goes first. Bookkeeping (the kinds "trace" and "profile") does not
  count for the bounds of an owner; it leaves with the results it belongs to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol

from nbcache.entries.entry import Address, Entry, Meta

#: Whether an entry is meant, by its key.
Whose = Callable[[str], bool]
Warn = Callable[[str], None]
Clock = Callable[[], float]
#: Told, in any thread, of an address whose entry has left memory: `on_drop` of the memory and the tiered store.
Dropped = Callable[[Address], None]

#: Kinds of entries that are results; every other kind is bookkeeping.
RESULTS = frozenset({"value", "cell"})


class Stored(NamedTuple):
    """One row of a listing.

    Attributes
    ----------
    size : bytes the entry occupies
    used : when it was last put or got, in epoch seconds
    tier : "memory", "disk" or "remote", the fastest that has it
    """

    address: Address
    meta: Meta
    size: int
    used: float
    tier: str


class Mark(Protocol):
    """A point in time, taken when a computation starts: what was cleared since must not be stored."""

    @property
    def cleared(self) -> bool:
        """Whether the address of the mark was deleted or cleared after the mark was taken."""


class Store(Protocol):
    """Entries by address.

    Attributes
    ----------
    tier : the name in listings
    """

    tier: str

    def get(self, address: Address) -> Entry | None:
        """The entry of an address, which becomes the most recently used; None when there is none to trust."""

    def peek(self, address: Address) -> Entry | None:
        """The same entry, without counting as use."""

    def find(self, address: Address) -> Stored | None:
        """The row of one entry, from its header only."""

    def touch(self, address: Address, used: float | None = None) -> None:
        """Note that an entry was used, now or at a time given."""

    def mark(self, address: Address) -> Mark:
        """Remember this moment for a later `put`."""

    def put(self, address: Address, entry: Entry, since: Mark | None = None) -> Entry:
        """Store an entry, replacing any other of that address.

        Parameters
        ----------
        since : the `mark` taken when the computation began; if the address was cleared after it, nothing is stored

        Returns
        -------
        The entry as this store holds it (for a disk: mapped from its file), or, if it could not be stored, an
        entry that owns its bytes.
        """

    def delete(self, address: Address) -> int:
        """Remove one entry; returns how many were removed, 0 or 1."""

    def delete_all(self, addresses: Sequence[Address]) -> set[Address]:
        """Remove entries, which may be many; returns those that were there."""

    def clear(self, owner: str | None = None) -> int:
        """Remove every entry of an owner, or all; returns how many results were removed."""

    def discard(self, owner: str | None = None) -> set[str]:
        """Like `clear`; returns the names (`names.entry_name`) of the results removed."""

    def entries(self, owner: str | None = None) -> Iterator[Stored]:
        """The rows of an owner, or all; bookkeeping included."""

    def limit(self, owner: str, max_entries: int | None, max_size: int | None, whose: Whose | None = None) -> int:
        """Evict the least recently used results of an owner until both bounds hold; returns how many went.

        Those that are not `whose` neither count nor go. The most recently used one stays, even if it alone is larger
        than `max_size`.
        """

    def close(self) -> None:
        """Write down what is only noted in this process; the store can still be used."""

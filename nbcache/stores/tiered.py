"""Stores behind each other: memory first, then what is slower and lasts longer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nbcache.entries.entry import Address, Entry
from nbcache.stores.disk.invalidations import NOTHING
from nbcache.stores.disk.store import DiskStore
from nbcache.stores.memory import MemoryStore
from nbcache.stores.names import entry_name
from nbcache.stores.protocol import Dropped, Mark, Store, Stored, Whose

#: Uses of entries in memory are told to the slower stores at least this often while `refresh` is called, in seconds.
_REPORT_USES = 30.0


class TieredMark:
    """A moment in every tier."""

    __slots__ = ("parts",)

    def __init__(self, parts: Sequence[Mark]) -> None:
        self.parts = tuple(parts)

    @property
    def cleared(self) -> bool:
        for part in self.parts:  # noqa: SIM110
            if part.cleared:
                return True
        return False


class TieredStore:
    """Several stores as one.

    Parameters
    ----------
    tiers : the fastest first: a `MemoryStore`, then any others

    Attributes
    ----------
    memory : the first tier; who wants to keep an entry in memory only works with it directly

    Notes
    -----
    Slower tiers are written and cleared first, so that nothing cleared comes back from them; what a lookup found
    there goes to the faster ones only if it was not cleared meanwhile.
    """

    tier = "tiered"

    def __init__(self, tiers: Sequence[Store]) -> None:
        memory, *slower = tiers
        if not isinstance(memory, MemoryStore):
            raise TypeError("the first tier is a MemoryStore")
        self.memory = memory
        self.tiers: tuple[Store, ...] = (memory, *slower)
        self.disk = next((store for store in slower if isinstance(store, DiskStore)), None)
        self._slower: tuple[Store, ...] = tuple(slower)
        self._disk_alone = self.disk if len(slower) == 1 else None
        self._stamp = NOTHING if self.disk is None else self.disk.stamp()
        self._looks = 0
        self._reported: dict[str, float] = {}
        self._reported_at = memory.clock()

    @property
    def on_drop(self) -> Dropped | None:
        return self.memory.on_drop

    @on_drop.setter
    def on_drop(self, listener: Dropped | None) -> None:
        self.memory.on_drop = listener

    def get(self, address: Address, *, near: bool = False) -> Entry | None:
        """The entry of an address; `near` for one in memory or on this machine's disk."""
        entry = self.memory.get(address)
        if entry is not None:
            return entry if self.memory.is_backed(address) else self._write_through(address)
        if near and self.disk is not None and not self.disk.may_have(address):
            return None
        if self._disk_alone is not None and not self._disk_alone.may_have(address):
            return None
        return self._find_slower(address, self._slower[:1] if near else self._slower)

    def peek(self, address: Address) -> Entry | None:
        for store in self.tiers:
            entry = store.peek(address)
            if entry is not None:
                return entry
        return None

    def find(self, address: Address) -> Stored | None:
        for store in self.tiers:
            row = store.find(address)
            if row is not None:
                return row
        return None

    def touch(self, address: Address, used: float | None = None) -> None:
        """Note a use in memory; the slower tiers are told before they evict, and when the store is closed."""
        self.memory.touch(address, used)

    def mark(self, address: Address) -> TieredMark:
        return TieredMark([store.mark(address) for store in self.tiers])

    def put(self, address: Address, entry: Entry, since: Mark | None = None) -> Entry:
        parts = since.parts if isinstance(since, TieredMark) else (since,) * len(self.tiers)
        looks = self._looks
        for store, part in zip(self._slower, parts[1:], strict=True):
            # The disk asks by itself, in the very moment in which it makes the entry known.
            if store is not self.disk and since is not None and since.cleared:
                return self.memory.own(entry)
            entry = store.put(address, entry, part)
        if since is not None and since.cleared:
            return self.memory.own(entry)
        kept = self._keep(address, entry, parts[0])
        if since is not None and self._looks != looks and since.cleared:
            # By another process, and `refresh` has looked already: before the entry was in memory.
            self.memory.drop(address, kept)
        return kept

    def delete(self, address: Address) -> int:
        removed = [store.delete(address) for store in reversed(self.tiers)]
        return max(removed)

    def delete_all(self, addresses: Sequence[Address]) -> set[Address]:
        removed: set[Address] = set()
        for store in reversed(self.tiers):
            removed |= store.delete_all(addresses)
        return removed

    def clear(self, owner: str | None = None) -> int:
        return len(self.discard(owner))

    def discard(self, owner: str | None = None) -> set[str]:
        names: set[str] = set()
        for store in reversed(self.tiers):
            names |= store.discard(owner)
        return names

    def entries(self, owner: str | None = None) -> Iterator[Stored]:
        seen: set[str] = set()
        for position, store in enumerate(self.tiers):
            last = position == len(self.tiers) - 1
            # The headers of what is in memory need not be read.
            if last and store is self.disk:
                yield from self.disk.entries(owner, but=seen)
                return
            for row in store.entries(owner, but=seen) if isinstance(store, DiskStore) else store.entries(owner):
                name = entry_name(row.address)
                if name not in seen:
                    if not last:
                        seen.add(name)
                    yield row

    def limit(self, owner: str, max_entries: int | None, max_size: int | None, whose: Whose | None = None) -> int:
        self._report_uses(owner)
        return max(store.limit(owner, max_entries, max_size, whose) for store in self.tiers)

    def close(self) -> None:
        for owner in self.memory.owners():
            self._report_uses(owner)
        for store in self.tiers:
            store.close()

    def refresh(self) -> int:
        """Drop from memory what other processes have deleted, cleared or replaced on disk; returns how many went.

        Cheap when nothing happened: made to be called twice a second.
        """
        now = self.memory.clock()
        if not 0 <= now - self._reported_at < _REPORT_USES:
            self._reported_at = now
            for owner in self.memory.owners():
                self._report_uses(owner)
        if self.disk is None:
            return 0
        stamp = self.disk.stamp()
        if stamp == self._stamp:
            return 0
        # Counted after the stamp was taken: who puts into memory meanwhile, and finds the count as it was before,
        # is met here, or by the next look.
        self._looks += 1
        concerned = self.disk.concerns_since(self._stamp)
        dropped = 0
        for owner in self.memory.owners():
            if (test := concerned.keys_of(owner)) is None:
                continue
            for address, entry in self.memory.backed(owner):
                if test(address.key) and not self.disk.holds(address, entry):
                    dropped += self.memory.drop(address, entry)
        # Only now: another thread that looks meanwhile must not take this for done.
        self._stamp = stamp
        return dropped

    def _write_through(self, address: Address) -> Entry | None:
        """Give the slower tiers what is in memory only, because it was not asked to last until now."""
        mark = self.mark(address)
        entry = self.memory.get(address)  # under the mark: a clear before it is seen here, one after it by the tiers
        return None if entry is None else self.put(address, entry, mark)

    def _find_slower(self, address: Address, slower: Sequence[Store]) -> Entry | None:
        disk, looks = self.disk, self._looks
        # The slowest is filled by nobody.
        marks = [store.mark(address) for store in self.tiers[:-1]]
        for position, store in enumerate(slower, 1):
            entry = store.get(address)
            if entry is not None:
                for faster, mark in zip(reversed(self.tiers[1:position]), reversed(marks[1:position]), strict=True):
                    entry = faster.put(address, entry, mark)
                kept = self._keep(address, entry, marks[0])
                if disk is not None and self._looks != looks and not disk.holds(address, kept):
                    # Cleared or replaced by another process since it was found, and `refresh` has looked already.
                    self.memory.drop(address, kept)
                return kept
        return None

    def _keep(self, address: Address, entry: Entry, mark: Mark | None) -> Entry:
        # Also where the disk could not take it: what another process clears must leave this memory all the same.
        return self.memory.put(address, entry, mark, backed=True)

    def _report_uses(self, owner: str) -> None:
        if self.disk is None:
            return
        now = self.memory.clock()
        for address, used in reversed(self.memory.used_since(owner, self._reported.get(owner, float("-inf")))):
            self.disk.touch(address, used)
        self._reported[owner] = now

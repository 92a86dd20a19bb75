"""The memory store: entries in this process, per owner, least recently used first."""

from __future__ import annotations

import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

from nbcache.entries.entry import KEPT_FROM, Address, Entry
from nbcache.entries.section import MAPPED_FROM
from nbcache.stores.eviction import is_within, notes_to_keep
from nbcache.stores.folders import make_scratch
from nbcache.stores.forks import renew_after_fork
from nbcache.stores.marks import Marks, MemoryMark
from nbcache.stores.names import entry_name
from nbcache.stores.protocol import RESULTS, Clock, Dropped, Mark, Stored, Whose


class _Kept:
    """An entry, the bytes it takes, when it was last used, and whether a store on disk has it too."""

    __slots__ = ("backed", "entry", "size", "used")

    def __init__(self, entry: Entry, used: float, backed: bool) -> None:
        self.entry = entry
        self.size = entry.size
        self.used = used
        self.backed = backed


class _OwnerEntries:
    """The entries of one owner: results and bookkeeping apart, each in the order of use; `size` of the results."""

    __slots__ = ("in_order", "notes", "results", "size")

    def __init__(self) -> None:
        self.results: OrderedDict[str, _Kept] = OrderedDict()
        self.notes: OrderedDict[str, _Kept] = OrderedDict()
        self.size = 0
        self.in_order = True

    def sort(self) -> None:
        """Bring uses that were told late into their place."""
        if not self.in_order:
            self.results = OrderedDict(sorted(self.results.items(), key=lambda item: item[1].used))
            self.notes = OrderedDict(sorted(self.notes.items(), key=lambda item: item[1].used))
            self.in_order = True


class MemoryStore:
    """Entries in the memory of this process.

    Parameters
    ----------
    clock : epoch seconds
    scratch : folder for the nameless files that hold large buffers, made at the first need together with the one
        around it; None keeps buffers in memory

    Notes
    -----
    Thread-safe. get, put, delete and touch take the same time whatever the number of entries; clear, limit and
    listing of an owner look at that owner only. A lookup says nothing about age: the reader knows its ttl.
    """

    tier = "memory"

    def __init__(self, *, clock: Clock = time.time, scratch: Path | None = None) -> None:
        self.on_drop: Dropped | None = None
        self.clock = clock
        self._scratch = scratch
        # Re-entrant, because a finalizer run by the garbage collector may call a cached function anywhere.
        self._lock = threading.RLock()
        self._owners: dict[str, _OwnerEntries] = {}
        self._marks = Marks()
        renew_after_fork(self)

    def renew(self) -> None:
        self._lock = threading.RLock()
        self._marks.renew()

    def get(self, address: Address) -> Entry | None:
        owner, key = address
        with self._lock:
            held = self._owners.get(owner)
            if held is None:
                return None
            kept = held.results.get(key)
            if kept is not None:
                held.results.move_to_end(key)
            else:
                kept = held.notes.get(key)
                if kept is None:
                    return None
                held.notes.move_to_end(key)
            kept.used = self.clock()
            return kept.entry

    def has(self, address: Address) -> bool:
        """Whether an entry is there, or was a moment ago: asked without the lock."""
        held = self._owners.get(address.owner)
        return held is not None and (address.key in held.results or address.key in held.notes)

    def is_backed(self, address: Address) -> bool:
        """Whether a slower store has an entry too, or could not take it."""
        kept = self._find(address)
        return kept is None or kept.backed

    def peek(self, address: Address) -> Entry | None:
        kept = self._find(address)
        return None if kept is None else kept.entry

    def find(self, address: Address) -> Stored | None:
        kept = self._find(address)
        return None if kept is None else self._row(address, kept)

    def touch(self, address: Address, used: float | None = None) -> None:
        """Note that an entry was used, now or earlier."""
        with self._lock:
            kept = self._find(address)
            if kept is None:
                return
            held = self._owners[address.owner]
            part = held.results if address.key in held.results else held.notes
            moment = self.clock() if used is None else used
            if moment >= kept.used:
                kept.used = moment
                part.move_to_end(address.key)
                # Whoever reports uses late reports them in any order.
                held.in_order = held.in_order and used is None

    def mark(self, address: Address) -> MemoryMark:
        return self._marks.mark(address)

    def own(self, entry: Entry) -> Entry:
        """The entry with bytes of its own, as this store would keep it."""
        if self._scratch is not None and entry.size > MAPPED_FROM and not self._scratch.is_dir():
            try:
                make_scratch(self._scratch)
            except OSError:
                # Kept in plain memory instead.
                return entry.owned(None)
        return entry.owned(self._scratch)

    def put(self, address: Address, entry: Entry, since: Mark | None = None, *, backed: bool = False) -> Entry:
        """Keep an entry, as in `Store`; `backed` says that a slower store has it too."""
        owned = self.own(entry)
        owner, key = address
        with self._lock:
            # Checked under the lock, so that a clear comes either before the check or after the entry is there.
            if since is not None and since.cleared:
                return owned
            held = self._owners.get(owner)
            if held is None:
                held = self._owners[owner] = _OwnerEntries()
            replaced = self._take(held, key)
            kept = _Kept(owned, self.clock(), backed)
            if entry.meta.kind in RESULTS:
                held.results[key] = kept
                held.size += kept.size
            else:
                held.notes[key] = kept
        if kept.size > KEPT_FROM:
            owned.beside.changed = partial(_weigh, weakref.ref(self), address, weakref.ref(owned))
            self.weigh(address, owned)
        if replaced is not None and replaced.entry is not owned:
            self._report([address])
        return owned

    def weigh(self, address: Address, entry: Entry) -> None:
        """Count what an entry keeps in memory by now beside its bytes, if it is still there."""
        with self._lock:
            held = self._owners.get(address.owner)
            kept = None if held is None else held.results.get(address.key)
            if held is not None and kept is not None and kept.entry is entry:
                size = entry.size + entry.beside.size
                held.size += size - kept.size
                kept.size = size

    def delete(self, address: Address) -> int:
        owner, key = address
        with self._lock:
            self._marks.clear(address=address)
            held = self._owners.get(owner)
            gone = None if held is None else self._take(held, key)
            if held is not None:
                self._tidy(owner, held)
        if gone is None:
            return 0
        self._report([address])
        return 1

    def drop(self, address: Address, entry: Entry) -> bool:
        """Remove an address if it still holds that very entry; marks are not told."""
        owner, key = address
        with self._lock:
            kept = self._find(address)
            if kept is None or kept.entry is not entry:
                return False
            held = self._owners[owner]
            self._take(held, key)
            self._tidy(owner, held)
        self._report([address])
        return True

    def delete_all(self, addresses: Sequence[Address]) -> set[Address]:
        return {address for address in addresses if self.delete(address)}

    def clear(self, owner: str | None = None) -> int:
        return len(self._clear(owner)[0])

    def discard(self, owner: str | None = None) -> set[str]:
        return {entry_name(address) for address in self._clear(owner)[0]}

    def entries(self, owner: str | None = None) -> Iterator[Stored]:
        with self._lock:
            owners = list(self._owners) if owner is None else [owner] if owner in self._owners else []
        for name in owners:
            with self._lock:
                held = self._owners.get(name)
                rows = [] if held is None else [*held.results.items(), *held.notes.items()]
            for key, kept in rows:
                yield self._row(Address(name, key), kept)

    def few(self, owner: str, wanted: Whose | None, most: int) -> list[Stored]:
        """The rows of the newest results whose keys are wanted, at most so many."""
        with self._lock:
            held = self._owners.get(owner)
            if held is None:
                return []
            # as they lie in memory: to follow the order of use takes three times as long
            keys = list(dict.keys(held.results) if wanted else islice(reversed(held.results), most))
        # all keys of an owner are looked at, and nobody waits for it
        chosen = list(filter(wanted, keys)) if wanted else keys
        with self._lock:
            kept = [(key, one) for key in chosen if (one := held.results.get(key)) is not None]
        kept.sort(key=lambda found: found[1].used, reverse=True)
        return [self._row(Address(owner, key), one) for key, one in kept[:most]]

    def limit(self, owner: str, max_entries: int | None, max_size: int | None, whose: Whose | None = None) -> int:
        with self._lock:
            held = self._owners.get(owner)
            if held is None:
                return 0
            gone: list[tuple[str, _Kept]] = []
            if is_within(len(held.results), held.size, max_entries, max_size):
                # What is meant is no more than all: nothing of it has to be looked at.
                return 0
            held.sort()
            results, size = held.results, held.size
            if whose is not None:
                results = OrderedDict((key, kept) for key, kept in results.items() if whose(key))
                size = sum(kept.size for kept in results.values())
            while len(results) > 1 and not is_within(len(results), size, max_entries, max_size):
                gone.append(results.popitem(last=False))
                size -= gone[-1][1].size
            for key, kept in gone:
                held.results.pop(key, None)
                held.size -= kept.size
            evicted = len(gone)
            if gone:
                gone += self._trim_notes(held)
        self._report([Address(owner, key) for key, _ in gone])
        return evicted

    def sweep(self, now: float, ttl_of: Callable[[Address], float | None]) -> int:
        """Drop what has expired; returns how many entries went.

        Parameters
        ----------
        ttl_of : the time-to-live in force for an entry, in seconds; None where it is not known, and then the
            expiry written into the entry decides
        """
        gone: list[Address] = []
        with self._lock:
            for owner, held in list(self._owners.items()):
                addresses = [Address(owner, key) for key in held.results]
                for address in addresses:
                    meta, ttl = held.results[address.key].entry.meta, ttl_of(address)
                    expires = meta.expires if ttl is None else meta.created + ttl
                    if expires is not None and expires <= now:
                        self._take(held, address.key)
                        gone.append(address)
                gone += [Address(owner, key) for key, _ in self._trim_notes(held)]
                self._tidy(owner, held)
        self._report(gone)
        return len(gone)

    def used_since(self, owner: str, moment: float) -> list[tuple[Address, float]]:
        """What was used after a moment, the most recent first."""
        used: list[tuple[Address, float]] = []
        with self._lock:
            held = self._owners.get(owner)
            if held is not None:
                held.sort()
            for part in () if held is None else (held.results, held.notes):
                for key in reversed(part):
                    if part[key].used <= moment:
                        break
                    used.append((Address(owner, key), part[key].used))
        return used

    def backed(self, owner: str) -> list[tuple[Address, Entry]]:
        """The entries of an owner that a store on disk has too."""
        with self._lock:
            held = self._owners.get(owner)
            if held is None:
                return []
            return [
                (Address(owner, key), kept.entry)
                for part in (held.results, held.notes)
                for key, kept in part.items()
                if kept.backed
            ]

    def owners(self) -> list[str]:
        with self._lock:
            return list(self._owners)

    def close(self) -> None:
        """Nothing to write down; entries stay."""

    def __len__(self) -> int:
        with self._lock:
            return sum(len(held.results) + len(held.notes) for held in self._owners.values())

    def _find(self, address: Address) -> _Kept | None:
        with self._lock:
            held = self._owners.get(address.owner)
            if held is None:
                return None
            return held.results.get(address.key) or held.notes.get(address.key)

    def _row(self, address: Address, kept: _Kept) -> Stored:
        return Stored(address, kept.entry.meta, kept.entry.size, kept.used, self.tier)

    @staticmethod
    def _take(held: _OwnerEntries, key: str) -> _Kept | None:
        kept = held.results.pop(key, None)
        if kept is None:
            return held.notes.pop(key, None)
        held.size -= kept.size
        return kept

    @staticmethod
    def _trim_notes(held: _OwnerEntries) -> list[tuple[str, _Kept]]:
        """Let bookkeeping go with the results it belonged to."""
        surplus = len(held.notes) - notes_to_keep(len(held.results))
        return [held.notes.popitem(last=False) for _ in range(surplus)]

    def _tidy(self, owner: str, held: _OwnerEntries) -> None:
        if not held.results and not held.notes:
            self._owners.pop(owner, None)

    def _clear(self, owner: str | None) -> tuple[list[Address], list[_OwnerEntries]]:
        """The addresses of the results removed, and the owners, which keep the entries alive outside the lock."""
        with self._lock:
            self._marks.clear(owner=owner)
            if owner is None:
                owners, self._owners = self._owners, {}
            else:
                held = self._owners.pop(owner, None)
                owners = {} if held is None else {owner: held}
        results = [Address(name, key) for name, held in owners.items() for key in held.results]
        self._report(results + [Address(name, key) for name, held in owners.items() for key in held.notes])
        return results, list(owners.values())

    def _report(self, addresses: list[Address]) -> None:
        """Report what has left, outside the lock, because who listens may call this store."""
        if self.on_drop is not None:
            for address in addresses:
                self.on_drop(address)


def _weigh(store: weakref.ref[MemoryStore], address: Address, entry: weakref.ref[Entry]) -> None:
    here, grown = store(), entry()
    if here is not None and grown is not None:
        here.weigh(address, grown)

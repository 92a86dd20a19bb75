"""What this process holds in memory and has counted: the slots, the counts per owner, and what became of the rest."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from typing import Any

from nbcache.engine.slot import Counts, Replay, Slot
from nbcache.engine.traces import without_variant
from nbcache.entries.entry import Address, Entry
from nbcache.stores.forks import renew_after_fork
from nbcache.stores.protocol import Whose
from nbcache.tracking.observations.observation import Observation

#: So many departures are remembered, for explanations.
_REMEMBERED = 10_000
_NONE: Mapping[Observation, bytes] = {}


Fate = tuple[str, float]
"""What became of an entry, and when (epoch seconds)."""


class Slots:
    """The slots of one process.

    Parameters
    ----------
    clock : epoch seconds
    in_memory : the entry that the memory store has at an address, or None

    Notes
    -----
    Thread-safe. Its lock is never held while a store is asked for anything that takes a lock of its own.
    """

    def __init__(self, clock: Callable[[], float], in_memory: Callable[[Address], Entry | None]) -> None:
        self._clock = clock
        self._in_memory = in_memory
        self._lock = threading.RLock()
        renew_after_fork(self)
        self._slots: dict[Address, Slot] = {}
        self._counts: dict[str, Counts] = {}
        # by owner and by the key without the variant, so that a clear finds its own at once
        self._departed: OrderedDict[Address, dict[str, Fate]] = OrderedDict()

    def renew(self) -> None:
        """Start with a fresh lock in a forked child."""
        self._lock = threading.RLock()

    def slot(
        self, address: Address, entry: Entry, deadline: float, replay: Replay | None, copied: bool = False
    ) -> Slot:
        """The slot of an entry; `copied` for one whose hits come in plain memory."""
        with self._lock:
            slot = self._slots.get(address)
            if slot is None or not slot.hands_out(entry, replay, copied):
                if slot is not None:
                    self._retire(slot)
                slot = self._slots[address] = Slot(address, entry, deadline, replay, copied)
                if self._departed:
                    self._return(address)
            slot.deadline = deadline
            return slot

    def offer(
        self, slot: Slot, fast: dict[Any, Slot], key: Hashable, digests: Mapping[Observation, bytes] = _NONE
    ) -> None:
        """Let a fast path find a slot, as long as its entry stays in memory."""
        with self._lock:
            if self._slots.get(slot.address) is slot and self._in_memory(slot.address) is slot.entry:
                slot.offer(fast, key, digests)

    def dropped(self, address: Address) -> None:
        """An entry has left memory: no fast path may find it any more."""
        with self._lock:
            slot = self._slots.get(address)
            if slot is None or self._in_memory(address) is slot.entry:
                return
            del self._slots[address]
            self._retire(slot)
            now = self._clock()
            if slot.deadline <= now:
                self._note(address, "expired", slot.deadline)
            else:
                self._note(address, "evicted", now)

    def unkept(self, address: Address, why: str) -> None:
        """A result was computed, and there is a reason not to keep it."""
        with self._lock:
            self._note(address, f"not kept: {why}; computed", self._clock())

    def _note(self, address: Address, what: str, when: float) -> None:
        if len(self._departed) >= _REMEMBERED:
            self._departed.popitem(last=False)
        self._departed.setdefault(without_variant(address), {})[address.key] = what, when

    def _return(self, address: Address) -> None:
        base = without_variant(address)
        fates = self._departed.get(base)
        if fates is not None:
            fates.pop(address.key, None)
            if not fates:
                del self._departed[base]

    def forgotten(self, owner: str | None, key: str | None = None, whose: Whose | None = None) -> None:
        """Entries were cleared on purpose: they were not evicted."""
        with self._lock:
            if owner is not None and key is not None:
                bases = [without_variant(Address(owner, key))]
            else:
                bases = [base for base in self._departed if owner is None or base.owner == owner]
            if whose is not None:
                bases = [base for base in bases if whose(base.key)]
            fate = "cleared", self._clock()
            for base in bases:
                fates = self._departed.get(base, {})
                fates.update({name: fate for name in fates if key is None or name.startswith(key)})

    def withdraw(self, meant: Callable[[Address], bool]) -> None:
        """Send the fast paths that know the entries of some addresses to the slow one."""
        with self._lock:
            for address in [address for address in self._slots if meant(address)]:
                self._retire(self._slots.pop(address))

    def fate(self, address: Address) -> Fate | None:
        """What became of an entry: "expired", "evicted", "cleared" or why it was not kept; and when. None: unknown."""
        return self._departed.get(without_variant(address), {}).get(address.key)

    def retire_all(self) -> None:
        """Send every fast path to the slow one."""
        with self._lock:
            for slot in self._slots.values():
                self._retire(slot)
            self._slots.clear()

    def _retire(self, slot: Slot) -> None:
        slot.retire()
        self.count(slot.address.owner).absorb(slot)

    # -- counting --------------------------------------------------------------------------------------------------

    def count(self, owner: str) -> Counts:
        """The counts of an owner, without the hits that its slots still hold."""
        counts = self._counts.get(owner)
        return self._counts.setdefault(owner, Counts()) if counts is None else counts

    def note_use(self, owner: str, when: float) -> None:
        """Note that an owner was used, by another process perhaps, before its entries go."""
        counts = self.count(owner)
        counts.last_used = max(counts.last_used, when)

    def counts(self, owner: str) -> Counts:
        """What an owner has counted so far, as a copy."""
        with self._lock:
            total = self._counts.get(owner, Counts()).copy()
            for slot in self._slots.values():
                if slot.address.owner == owner:
                    total.add(slot)
        return total

    def all_counts(self) -> dict[str, Counts]:
        """What everybody who has a slot or counted something has counted, in one pass, as copies."""
        with self._lock:
            totals = {owner: kept.copy() for owner, kept in self._counts.items()}
            for slot in self._slots.values():
                owner = slot.address.owner
                total = totals.get(owner)
                if total is None:
                    total = totals[owner] = Counts()
                total.add(slot)
            return totals

    def hits(self) -> int:
        """All hits of this process: a number that grows whenever anything was handed out."""
        with self._lock:
            return sum(counts.hits for counts in self._counts.values()) + sum(
                slot.hits for slot in self._slots.values()
            )

    def hits_by_slot(self) -> dict[Slot, int]:
        """How often each entry in memory was handed out."""
        with self._lock:
            return {slot: slot.hits for slot in self._slots.values()}

    def save_once(self, before: Mapping[Slot, int]) -> None:
        """Count what was handed out several times since then as one computation saved."""
        with self._lock:
            for slot in self._slots.values():
                more = slot.hits - before.get(slot, 0) - 1
                if more > 0:
                    slot.spent += more * slot.entry.meta.seconds

    def owners(self) -> set[str]:
        """Everybody who has a slot or has counted something."""
        with self._lock:
            return {*self._counts, *(address.owner for address in self._slots)}

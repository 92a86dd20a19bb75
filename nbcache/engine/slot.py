"""The `Slot`: an entry in memory, ready to be handed out, and what its function has counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from nbcache.engine.verified import Verified
from nbcache.entries.entry import Address, Entry
from nbcache.keys.key import branch_of
from nbcache.stores.protocol import Whose
from nbcache.tracking.observations.observation import Observation
from nbcache.tracking.written.with_files import has_files, putting_back

#: Hits per entry are remembered for so many entries that have left memory.
_ENTRIES = 100_000

Replay = Callable[[bytes], None]


class Slot:
    """One entry in memory, as the fast path of a function sees it.

    Attributes
    ----------
    value, restore : `value` is handed out as it is when `restore` is None, else `restore()` is
    hits, used : how often it was handed out, and when last (epoch seconds; 0.0 for never)
    spent : seconds that hits took to key and to load, as far as they were measured
    deadline : when it expires (epoch seconds; infinite without a ttl)
    """

    __slots__ = (
        "address", "copied", "deadline", "entry", "fast", "hits", "replay", "restore", "spent", "used", "value",
    )  # fmt: skip

    def __init__(
        self, address: Address, entry: Entry, deadline: float, replay: Replay | None, copied: bool = False
    ) -> None:
        self.address = address
        self.entry = entry
        self.deadline = deadline
        self.replay = replay
        self.copied = copied
        self.hits = 0
        self.used = 0.0
        self.spent = 0.0
        self.fast: tuple[Any, ...] = ()
        as_it_is, value = entry.restore
        self.value: Any = value if as_it_is else None
        self.restore: Callable[[], Any] | None = None if as_it_is else entry.copied if copied else value
        made = entry.copied if copied else entry.value
        if entry.meta.effects and has_files(entry.meta.effects):
            self.restore = made = putting_back(made)
        if entry.recording and replay is not None:
            self.restore = _replaying(entry, made, replay)

    def hands_out(self, entry: Entry, replay: Replay | None, copied: bool) -> bool:
        """Whether this is the slot of an entry, for a function that wants it in this way."""
        return self.entry is entry and self.replay == replay and self.copied is copied

    def offer(self, fast: dict[Any, Slot], key: Any, digests: Mapping[Observation, bytes]) -> None:
        """Let a function's fast path find this slot under a key of its own, until `retire`.

        Parameters
        ----------
        digests : what the observations are that lead to this entry, and to no other
        """
        if not self.entry.meta.plain and type(self.restore) is not Verified:
            self.restore = Verified(self.restore, self.value, digests, self.entry.meta.effects)
        fast[key] = self
        self.fast = (*self.fast, fast, key)  # flat, because there is one in every entry

    def retire(self) -> None:
        """Take the slot out of every fast path that knows it."""
        offers = iter(self.fast)
        for fast, key in zip(offers, offers, strict=True):
            if fast.get(key) is self:
                fast.pop(key, None)
        self.fast = ()

    def take(self) -> Any:
        """The value for one more caller, who has looked at what it rests on."""
        restore = self.restore
        if type(restore) is Verified:
            restore = restore.made
        return self.value if restore is None else restore()


def _replaying(entry: Entry, made: Callable[[], Any], replay: Replay) -> Callable[[], Any]:
    def restore() -> Any:
        value = made()
        replay(entry.recording)
        return value

    return restore


@dataclass(slots=True)
class Counts:
    """What one owner has counted in this process, beside the hits that its slots still hold.

    Attributes
    ----------
    seconds_saved : compute time of the hits, less what keys and loading cost where that was measured
    last_used : epoch seconds, 0.0 for never
    entry_hits : hits by the key of the entry
    parts : the same for each of the functions that have the name, by branch
    """

    hits: int = 0
    misses: int = 0
    seconds_saved: float = 0.0
    last_used: float = 0.0
    entry_hits: dict[str, int] = field(default_factory=dict)
    parts: dict[str, Counts] = field(default_factory=dict)

    def copy(self) -> Counts:
        """The same counts, to be added to."""
        parts = {branch: part.copy() for branch, part in self.parts.items()}
        return replace(self, entry_hits=dict(self.entry_hits), parts=parts)

    def of(self, whose: Whose) -> Counts:
        """What those counted whose keys are accepted."""
        found = Counts(entry_hits={key: hits for key, hits in self.entry_hits.items() if whose(key)})
        for part in [part for branch, part in self.parts.items() if whose(branch)]:
            found.hits += part.hits
            found.misses += part.misses
            found.seconds_saved += part.seconds_saved
            found.last_used = max(found.last_used, part.last_used)
        return found

    def missed(self, branch: str, when: float) -> None:
        """Count a result that was computed, by the function of a branch; "" for a cell."""
        for counts in (self, self._part(branch)) if branch else (self,):
            counts.misses += 1
            counts.last_used = when

    def add(self, slot: Slot) -> None:
        """Count what a slot has counted."""
        if not slot.hits:
            return
        key, cell = slot.address.key, slot.entry.meta.kind == "cell"
        for counts in (self,) if cell else (self, self._part(branch_of(key))):
            counts.hits += slot.hits
            counts.seconds_saved += slot.hits * slot.entry.meta.seconds - slot.spent
            counts.last_used = max(counts.last_used, slot.used)
        if len(self.entry_hits) < _ENTRIES:
            self.entry_hits[key] = self.entry_hits.get(key, 0) + slot.hits

    def _part(self, branch: str) -> Counts:
        part = self.parts.get(branch)
        return self.parts.setdefault(branch, Counts()) if part is None else part

    def absorb(self, slot: Slot) -> None:
        """Take over what a slot has counted, when it leaves memory."""
        self.add(slot)
        slot.hits = 0
        slot.spent = 0.0

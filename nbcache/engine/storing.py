"""Keep what a run computed: make its entry, find its place, put it there, make room."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from nbcache.compute.singleflight import Flight
from nbcache.config import error_text
from nbcache.engine import traces
from nbcache.engine.job import Computed, Job, Parts, keyed_parts
from nbcache.engine.policy import Policy
from nbcache.engine.readback import ReadBack
from nbcache.engine.slot import Slot
from nbcache.engine.slots import Slots
from nbcache.engine.tiers import Tiers
from nbcache.entries.entry import Address, Entry, Meta
from nbcache.errors import UnstorableResultError, explain, warn
from nbcache.hashing.attributes import held_by
from nbcache.keys.key import combine
from nbcache.stores.protocol import Mark
from nbcache.tracking.origins import Change
from nbcache.tracking.written.with_files import effects_of, joined, result_in


class Keeper:
    """Keeps results in the tiers that their policies name."""

    def __init__(self, tiers: Tiers, slots: Slots, clock: Callable[[], float]) -> None:
        self._tiers = tiers
        self._slots = slots
        self._clock = clock
        self._oversized: set[str] = set()
        self._said: set[tuple[str, str]] = set()
        self.read_back = ReadBack()

    def keep(self, job: Job, computed: Computed, mine: Flight | None, since: Mark | None) -> Slot | None:
        """Keep the outcome of a run; None where it is not kept, and then it is said why if it should have been.

        Parameters
        ----------
        mine : the flight of the computation, which a clear cancels
        since : the mark taken when it began; what was cleared after it, here or in another process, is not stored
        """
        policy = job.policy
        if policy.ttl == 0:
            return None
        if computed.refused:
            self._slots.unkept(job.address, computed.refused)
            self._say_once(
                job,
                f'{computed.refused}, and a hit could not do that again for outputs="files".',
                "write each file as a whole, in the project's folder; or leave outputs out.",
            )
            return None
        if computed.drew:
            self._slots.unkept(job.address, f"it drew from the random generator in {computed.drew}")
            self._say_once(
                job,
                f"it drew from the random generator in {computed.drew}, and a hit could not move that as the run did.",
                "pass the generator as an argument, or make it a global.",
            )
            return None
        if not computed.storable:
            self._slots.unkept(job.address, computed.overlooked or f"{computed.moved} changed while it ran")
            if computed.overlooked:
                warn(
                    explain(
                        f"The result of {job.subject} is not kept.",
                        f"{computed.overlooked}, so nobody could tell when it is out of date.",
                        "nothing; the next call runs again.",
                    )
                )
            return None
        if job.keep_if is not None and not self._wanted(job.keep_if, job, computed.value):
            self._slots.unkept(job.address, "cache_if rejected its result")
            return None
        key = computed.key or job.key
        address = job.address if computed.key is None else Address(key.owner, key.text)
        now = self._clock()
        description = job.describe()
        meta = Meta(
            owner=key.owner,
            arguments=description.arguments,
            created=now,
            expires=None if policy.ttl is None else now + policy.ttl,
            seconds=computed.seconds,
            kind=job.kind,
            observations=computed.observations,
            effects=(*computed.effects, *effects_of(computed.files)) if computed.files else computed.effects,
            parts=_with_observations(description.parts, computed),
        )
        if self.read_back.refused(key.owner, computed.value):
            self._slots.unkept(address, "its result would not be restored as it was")
            return None
        try:
            entry = _entry_of(computed, meta)
            # What a cell left is read back where its names are known.
            if job.kind != "cell" and (entry.by_pickle or held_by(computed.value)):
                self.read_back.check(key.owner, computed.value, entry, lambda: result_in(entry.value(), computed.files))
        except UnstorableResultError as error:
            what, *rest = str(error).splitlines()
            why, do = [line.partition(": ")[2] for line in rest] or ("", "leave this function uncached.")
            warn(
                explain(
                    f"The result of {job.subject} is not cached; it was computed and returned.",
                    f"{what} {why}".rstrip(),
                    do,
                )
            )
            self._slots.unkept(address, "its result cannot be pickled")
            return None
        place = self._place(address, computed, policy, now) if computed.observations else address
        if mine is not None and mine.cancelled:
            return None
        entry = self._tiers.put(place, entry, policy.disk, since)
        slot = self._slots.slot(place, entry, policy.deadline(now), job.replay, policy.copied)
        if mine is not None and mine.cancelled:  # cleared while it was being written
            self._tiers.delete(place)
            return None
        if policy.ttl is not None:
            self._tiers.expiring()
        if policy.bounded:
            self._warn_if_oversized(job, entry, policy)
            self._tiers.limit(key.owner, policy, job.whose)
        return slot

    def _say_once(self, job: Job, why: str, do: str) -> None:
        if (job.key.owner, why) not in self._said:
            self._said.add((job.key.owner, why))
            warn(explain(f"The result of {job.subject} is not cached; it was computed and returned.", why, do))

    def _warn_if_oversized(self, job: Job, entry: Entry, policy: Policy) -> None:
        if policy.max_size is None or entry.size <= policy.max_size or job.key.owner in self._oversized:
            return
        self._oversized.add(job.key.owner)
        warn(
            explain(
                f"A result of {job.subject} is larger than its max_size and is kept alone.",
                f"it takes {entry.size:,} bytes, max_size is {policy.max_size:,}.",
                "raise max_size, or leave it out.",
            )
        )

    def _wanted(self, keep_if: Callable[[Any], object], job: Job, value: Any) -> bool:
        try:
            return bool(keep_if(value))
        except Exception as error:
            warn(
                explain(
                    f"The result of {job.subject} is not cached; it was computed and returned.",
                    f"cache_if raised {error_text(error)}",
                    "make cache_if accept every result and return True or False.",
                )
            )
            return False

    def _place(self, address: Address, computed: Computed, policy: Policy, now: float) -> Address:
        """Where the value goes: at its key, or, where it rests on observations, at a variant that a trace leads to."""
        present = self._tiers.get(address, policy.disk)
        known = traces.read(present) if present is not None and present.meta.kind == "trace" else None
        trace, place, forgotten = traces.extended(address, known, computed.observations, computed.state)
        if trace != known:
            self._tiers.put(address, traces.entry_of(trace, address, now), policy.disk)
        for old in forgotten:
            self._tiers.delete(old)
        return place


def _entry_of(computed: Computed, meta: Meta) -> Entry:
    stored = joined(computed.value, computed.files) if computed.files else computed.value
    try:
        return Entry.of(stored, meta, computed.recording)
    except UnstorableResultError:
        if computed.files:
            Entry.of(computed.value, meta)  # says of the result itself what is wrong with it
        raise


def _with_observations(parts: Parts, computed: Computed) -> Parts:
    seen = computed.observations
    return keyed_parts(traces.SeenParts(parts, seen, computed.digests, computed.found) if seen else parts)


class Profiles:
    """What was learnt about functions and cells from running them."""

    def __init__(self, tiers: Tiers, clock: Callable[[], float]) -> None:
        self._tiers = tiers
        self._clock = clock

    def get(self, owner: str, code: str, disk: bool) -> tuple[str, ...]:
        """The names that were noted of some code."""
        names: tuple[str, ...] = self._read(_profile_of(b"profile", owner, code), disk)
        return names

    def put(self, owner: str, code: str, names: Iterable[str], disk: bool) -> None:
        """Note names of some code."""
        self._write(_profile_of(b"profile", owner, code), tuple(names), disk)

    def changes(self, owner: str, code: str, disk: bool) -> tuple[Change, ...]:
        """What a function's runs were seen to leave in globals, and as what that counts."""
        changes: tuple[Change, ...] = self._read(_profile_of(b"changes", owner, code), disk)
        return changes

    def put_changes(self, owner: str, code: str, changes: tuple[Change, ...], disk: bool) -> None:
        """Note what a function's runs leave in globals."""
        self._write(_profile_of(b"changes", owner, code), changes, disk)

    def _read(self, address: Address, disk: bool) -> tuple[Any, ...]:
        entry = self._tiers.get(address, disk)
        if entry is None or entry.meta.kind != "profile":
            return ()
        found: tuple[Any, ...] = entry.value()
        return found

    def _write(self, address: Address, found: tuple[Any, ...], disk: bool) -> None:
        meta = Meta(owner=address.owner, arguments="", created=self._clock(), expires=None, seconds=0.0, kind="profile")
        self._tiers.put(address, Entry.of(found, meta), disk)


def _profile_of(kind: bytes, owner: str, code: str) -> Address:
    return Address(owner, combine(kind, owner.encode(), code.encode()))

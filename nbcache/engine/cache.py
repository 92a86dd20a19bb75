"""One path for functions and cells: find an entry, or compute once and keep what came out.

`Cache.fetch` and `Cache.fetch_async` drive the same steps, a generator that says what has to be waited for; so a rule
that holds for one holds for the other.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import starmap
from typing import Any, NamedTuple

from nbcache.compute.singleflight import Ending, Flight, Flights
from nbcache.config import error_text
from nbcache.engine import traces
from nbcache.engine.background import Background
from nbcache.engine.driver import Compute, Lock, Refresh, Steps, Wait, drive, drive_async
from nbcache.engine.job import Computed, Fetched, Job
from nbcache.engine.lifetimes import Lifetimes
from nbcache.engine.pending import Later, PendingClear, in_a_thread
from nbcache.engine.policy import Policy
from nbcache.engine.slot import Slot
from nbcache.engine.slots import Slots
from nbcache.engine.storing import Keeper, Profiles
from nbcache.engine.tiers import Tiers
from nbcache.entries.entry import Address, Entry
from nbcache.errors import UntrustedEntryError, explain, of_other_version, warn
from nbcache.stores.protocol import RESULTS, Mark, Stored, Whose
from nbcache.tracking.observations.context import active, recorders, scope_here
from nbcache.tracking.observations.effects import repeat
from nbcache.tracking.observations.observation import Effect, Observation
from nbcache.tracking.observations.recorder import note
from nbcache.tracking.written.with_files import FilesLostError, lost_file

_NOTHING: Mapping[Observation, bytes] = {}
#: The one logger of nbcache: it says what is computed and cleared, never with an argument or a value.
_LOG = logging.getLogger("nbcache")


class _Found(NamedTuple):
    slot: Slot
    value: Any
    stale: bool
    digests: Mapping[Observation, bytes]


class Cache:
    """Entries in memory and, for those who ask, on disk and beyond.

    Parameters
    ----------
    tiers : the stores
    clock : epoch seconds

    Notes
    -----
    Safe to use from any number of threads, tasks and processes.
    """

    def __init__(self, tiers: Tiers, clock: Callable[[], float] = time.time) -> None:
        self.tiers = tiers
        self.clock = clock
        self._changes = 0
        #: How many seconds the last computation of each owner took.
        self._lasted: dict[str, float] = {}
        self._unloaded: set[tuple[str, str]] = set()
        self._flights = Flights(_inherited)
        self.background = Background(self.refresh, self.refresh_async)
        self._lifetimes = Lifetimes()
        self.slots = Slots(clock, tiers.in_memory)
        self.profiles = Profiles(tiers, clock)
        self._keeper = Keeper(tiers, self.slots, clock)
        tiers.watch(self.slots.dropped, self._lifetimes.kept)

    # -- asking ---------------------------------------------------------------------------------------------------

    def fetch(self, job: Job, looked: bool = False) -> Fetched:
        """The value of a job: from the fastest store that has it, or computed once and kept.

        Parameters
        ----------
        looked : whether somebody has just looked everywhere; once it is this call's turn, this machine is looked at

        Raises
        ------
        Whatever the computation raises; nothing of the cache's own, except `UntrustedEntryError` with
        ``trust="strict"``.
        """
        return drive(self._steps(job, looked), self.background.in_thread)

    async def fetch_async(self, job: Job) -> Fetched:
        """Like `fetch`, for a job whose computation is awaited."""
        return await drive_async(self._steps(job), self.background.in_task)

    def refresh(self, job: Job) -> Fetched:
        """Compute and store, whatever is cached; if the computation fails, the old entry stays."""
        self.tiers.finish_pending()
        since = self.tiers.mark(job.address, job.policy.disk)
        return self._computed(job, job.compute(), None, since)  # type: ignore[arg-type]

    async def refresh_async(self, job: Job) -> Fetched:
        """Like `refresh`, for a job whose computation is awaited."""
        self.tiers.finish_pending()
        since = self.tiers.mark(job.address, job.policy.disk)
        return self._computed(job, await job.compute(), None, since)  # type: ignore[misc]

    def prefetch(self, jobs: Sequence[Job]) -> None:
        """Bring to this machine what a shared store has of some jobs, in few requests; `find(near=True)` finds it."""
        addresses = [job.address for job in jobs if job.policy.disk]
        self.tiers.prefetch(addresses)
        variants = []
        for address in addresses:
            if (entry := self.tiers.get(address, True, near=True)) is not None and entry.meta.kind == "trace":
                variants += [place for place, _ in traces.places(address, traces.read(entry))]
        self.tiers.prefetch(variants)

    def find(self, job: Job, near: bool = False) -> Fetched | None:
        """The value of a job if it is cached and not expired; computes nothing.

        Parameters
        ----------
        near : whether a shared store is not asked
        """
        found = self._find(job, near=near)
        return None if found is None or found.stale else self._hit(found, job)

    def collect(self, job: Job) -> Fetched | None:
        """What another process computed for this one a moment ago; it counts as a miss."""
        found = self._find(job)
        if found is None or found.stale:
            return None
        self._missed(job)
        return Fetched(found.value, False, found.slot)

    def keep(self, job: Job, computed: Computed) -> Fetched:
        """Keep what was computed elsewhere."""
        return self._computed(job, computed, None, None)

    def holds(self, job: Job) -> bool:
        """Whether the call would be a hit; counts nothing and loads nothing."""
        entry = self.locate(job)
        if entry is None or self.clock() >= job.policy.deadline(entry.meta.created):
            return False
        return not lost_file(entry.meta.effects)

    def locate(self, job: Job) -> Entry | None:
        """The entry of a job, expired or not; counts nothing and loads no value."""
        located = self._locate(job.address, job.policy, looking=True)
        return None if located is None else located[1]

    def _steps(self, job: Job, looked: bool = False) -> Steps:
        found, begun_again = None if looked else self._find(job), False
        while found is None:
            mine, theirs = self._flights.join((job.key.owner, job.place or job.text), job.text)
            if theirs is not None:
                try:
                    ending = yield Wait(theirs)
                finally:
                    self._flights.stop_waiting(theirs)
                job = self._renewed(job) or job  # what the run has changed counts by now as what it found
                if ending is Ending.UNSTORED:
                    return self._computed(job, (yield Compute(job)), None, None)
                found = self._find(job)
                continue
            if mine is None:
                return self._computed(job, (yield Compute(job)), None, None)
            if not begun_again and (again := self._changed_meanwhile(job, mine)) is not None:
                job, begun_again = again, True
                found = self._find(job)
                continue
            ending, lock = Ending.FAILED, self.tiers.lock(job.text) if job.policy.disk else None
            lease = None
            try:
                with self._flights.within(mine):
                    if lock is not None:
                        yield Lock(lock, job)
                    try:
                        # in memory alone the flight itself learns of every clear
                        since = None if lock is None else self.tiers.mark(job.address, True)
                        found = self._find(job, near=True)
                        if found is None and lock is not None:
                            lease = self.tiers.lease(job.address, self._lasted.get(job.key.owner))
                        if lease is not None:
                            yield Lock(lease, job, "machine")
                            found = self._find(job)
                        if found is None:
                            fetched = self._computed(job, (yield Compute(job)), mine, since)
                            # after a clear the others start anew; where nothing can be kept they need not queue
                            ending = (
                                Ending.STORED if fetched.slot else Ending.FAILED if mine.cancelled else Ending.UNSTORED
                            )
                            return fetched
                        ending = Ending.STORED
                    finally:
                        for turn in (lease, lock):
                            if turn is not None:
                                turn.release()
            finally:
                self._flights.leave(mine, ending)
        if found.stale:
            yield Refresh(job)
        return self._hit(found, job)

    @staticmethod
    def _renewed(job: Job) -> Job | None:
        return job.renewed() if job.renewed is not None and job.place else None

    def _changed_meanwhile(self, job: Job, mine: Flight) -> Job | None:
        """The request as it is now, if a run at its place has ended since the call looked at what such runs change."""
        again: Job | None = job
        try:
            again = self._renewed(job)
        finally:
            if again is not None:
                self._flights.leave(mine, Ending.FAILED)
        return again

    def _hit(self, found: _Found, job: Job) -> Fetched:
        slot = found.slot
        slot.hits += 1
        slot.used = self.clock()
        slot.spent += time.perf_counter() - job.began
        if slot.entry.meta.effects and not job.put_in_place:
            repeat(starmap(Effect, slot.entry.meta.effects))
        self._changes += 1
        return Fetched(found.value, True, slot, found.digests)

    def touch(self, address: Address) -> None:
        """Note a hit that did not pass here, for the order of eviction."""
        self.tiers.memory.touch(address)

    # -- finding --------------------------------------------------------------------------------------------------

    def _find(self, job: Job, near: bool = False) -> _Found | None:
        """What is cached, expired or not; `near` for what is on this machine."""
        self._lifetimes.note(job)
        if not job.policy.disk and not self.tiers.memory.has(job.address):
            return None
        located = self._locate(job.address, job.policy, near=near)
        if located is None:
            return None
        address, entry, digests = located
        deadline = job.policy.deadline(entry.meta.created)
        now = self.clock()
        stale = now >= deadline
        if stale and not (job.policy.background and job.policy.ttl and now < deadline + job.policy.ttl):
            return None
        slot = self.slots.slot(address, entry, deadline, job.replay, job.policy.copied)
        try:
            value = slot.take()
        except UntrustedEntryError:
            raise
        except FilesLostError:
            return None
        except Exception as error:  # a class that is gone, a __setstate__ of the user's: the entry is of no use
            self._unloadable(job, address, error)
            return None
        if digests:
            note(digests)
            if active():
                again = self._locate(job.address, job.policy, looking=True)
                if again is None or again[0] != address:
                    return None  # whoever records would take the old value for one of what is there now
        return _Found(slot, value, stale, digests)

    def _locate(
        self, address: Address, policy: Policy, looking: bool = False, near: bool = False
    ) -> tuple[Address, Entry, Mapping[Observation, bytes]] | None:
        get = self.tiers.peek if looking else partial(self.tiers.get, near=near)
        entry = get(address, policy.disk)
        if entry is None:
            return None
        if entry.meta.kind != "trace":
            return address, entry, _NOTHING
        for place, digests in traces.places(address, traces.read(entry)):
            entry = get(place, policy.disk)
            if entry is not None:
                return place, entry, digests
        return None

    def _unloadable(self, job: Job, address: Address, error: Exception) -> None:
        self.tiers.forget(address)
        self._keeper.read_back.doubt(job.key.owner)
        if of_other_version(error):
            return  # nobody did anything wrong, and the new result takes its place
        if (job.key.owner, job.text) in self._unloaded:
            return  # it was told: the next tier has the same entry
        self._unloaded.add((job.key.owner, job.text))
        warn(
            explain(
                f"A cached result of {job.subject} could not be loaded and is computed again.",
                error_text(error),
                "define or import the classes it needs before the call; nothing else is needed."
                if isinstance(error, AttributeError | ImportError | NameError)
                else "nothing for now; if it happens again, run %cache_trust verify.",
            )
        )

    # -- keeping --------------------------------------------------------------------------------------------------

    def _computed(self, job: Job, computed: Computed, mine: Flight | None, since: Mark | None) -> Fetched:
        self._missed(job)
        self._unloaded.discard((job.key.owner, job.text))
        self._lasted[job.key.owner] = computed.seconds
        _LOG.debug("computed %s in %.3f s", job.key.owner, computed.seconds)
        return Fetched(computed.value, False, self._keeper.keep(job, computed, mine, since))

    def _missed(self, job: Job) -> None:
        self.slots.count(job.key.owner).missed(job.key.branch, self.clock())
        self._changes += 1

    # -- clearing and looking -------------------------------------------------------------------------------------

    def delete(self, address: Address, place: str = "") -> int:
        """Remove one entry, and whatever rests on it, from every tier; return how many entries are gone.

        Parameters
        ----------
        place : where the entry may be being computed, under another key
        """
        self.tiers.finish_pending()
        self._flights.cancel(address.owner, traces.call_key(address.key), place)
        self._changes += 1
        removed = self.tiers.delete_call(address)
        self.slots.forgotten(address.owner, address.key)
        return removed

    def clear(self, owner: str | None = None, whose: Whose | None = None) -> int:
        """Remove all entries of an owner, or of everybody, in memory and on disk; return how many are gone.

        Parameters
        ----------
        whose : only those of the owner's entries whose keys it accepts
        """
        self.tiers.finish_pending()
        self._flights.cancel(owner, whose=whose)
        self._changes += 1
        removed = self.tiers.clear(owner, whose)
        self.slots.forgotten(owner, whose=whose)
        _LOG.debug("cleared %s (%d)", owner or "everything", removed)
        return removed

    def clear_later(
        self, owner: str | None, key: str | None, seconds: float, later: Later = in_a_thread
    ) -> PendingClear:
        """Clear so that it can be taken back for some seconds; here nothing of it is found from now on.

        Parameters
        ----------
        owner, key : whose entries, and which; None for all
        later : does something after some seconds
        """
        self.tiers.finish_pending()
        self._flights.cancel(owner, None if key is None else traces.call_key(key))
        pending = PendingClear(self.tiers, owner, key, self.clock(), self._flights.running, self._noted)
        self.tiers.withhold(pending)
        self.slots.withdraw(pending.covers)
        self.slots.forgotten(owner, key)
        self._noted()
        pending.start(seconds, later)
        return pending

    def _noted(self) -> None:
        self._changes += 1

    def entries(self, owner: str | None = None) -> Iterator[Stored]:
        """The entries of an owner, or all, each once, with the fastest tier that holds it; expired ones left out."""
        now = self.clock()
        for stored in self.tiers.entries(owner):
            if stored.meta.kind in RESULTS:
                expires = self.expiry(stored)
                if expires is None or now < expires:
                    yield stored

    def few(self, owner: str, wanted: Whose | None, most: int) -> list[Stored]:
        """Some of an owner's results whose keys are wanted, the newest among them; of many, few are read."""
        return [row for row in self.tiers.few(owner, wanted, most) if row.meta.kind in RESULTS]

    def expiry(self, stored: Stored) -> float | None:
        """When an entry expires, by the ttl of the function that reads it; None for never."""
        return self._lifetimes.expiry(stored.meta, stored.address)

    def version(self) -> int:
        """A number that differs whenever anything was kept, handed out or cleared in this process."""
        return self._changes + self.slots.hits()

    def close(self) -> None:
        """Send every fast path to the slow one, and write down what stores only note."""
        self.slots.retire_all()
        self.tiers.close()


def _inherited() -> tuple[Flight, ...]:
    scope = scope_here() if recorders else None
    return scope if isinstance(scope, tuple) else ()

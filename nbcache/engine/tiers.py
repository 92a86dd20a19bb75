"""The open stores of this process: memory always, the disk and what is behind it from their first use on.

One daemon thread looks after memory: it drops what has expired, and what other processes cleared or replaced.
"""

from __future__ import annotations

import _thread
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbcache.config import settings
from nbcache.engine import traces
from nbcache.engine.pending import PendingClear
from nbcache.engine.policy import Policy
from nbcache.entries.entry import Address, Entry, Meta
from nbcache.entries.signing import Keyring
from nbcache.errors import CacheError, KeyFileError, explain, warn
from nbcache.stores.disk.locks import Claim
from nbcache.stores.disk.store import DiskStore
from nbcache.stores.folders import is_there
from nbcache.stores.forks import renew_after_fork
from nbcache.stores.memory import MemoryStore
from nbcache.stores.protocol import RESULTS, Mark, Store, Stored, Whose
from nbcache.stores.tiered import TieredStore
from nbcache.tracking.observations.paths import ignore_folder

if TYPE_CHECKING:
    from nbcache.stores.remote.leases import Lease
    from nbcache.stores.remote.outbox import Outbox

#: Seconds between two looks at what other processes did; a clear is to reach every kernel within one second.
_EVERY = 0.4


class OuterTiers:
    """The stores behind memory, opened together."""

    def __init__(self, tiered: TieredStore, disk: DiskStore, outbox: Outbox | None = None) -> None:
        self.tiered = tiered
        self.disk = disk
        self.outbox = outbox


class Tiers:
    """Where entries are kept.

    Parameters
    ----------
    memory : the store in this process
    open_outer : opens the stores behind it, at their first use

    Notes
    -----
    Safe to use from any number of threads; a forked child starts its own watching thread when it needs one.
    """

    def __init__(self, memory: MemoryStore, open_outer: Callable[[MemoryStore], OuterTiers]) -> None:
        self.memory = memory
        self._open_outer = open_outer
        self._outer: OuterTiers | None = None
        self._lock = threading.Lock()
        self._ttl_of: Callable[[Address], float | None] = _unknown
        self._expiring = False
        self._watcher: Watcher | None = None
        self._pending: tuple[PendingClear, ...] = ()
        renew_after_fork(self)

    def renew(self) -> None:
        """Start with a fresh lock in a forked child."""
        self._lock = threading.Lock()

    def watch(self, dropped: Callable[[Address], None], ttl_of: Callable[[Address], float | None]) -> None:
        """Say whom to tell of entries that left memory, and how long it keeps each."""
        self.memory.on_drop = dropped
        self._ttl_of = ttl_of

    @property
    def outer(self) -> OuterTiers:
        """The stores behind memory."""
        outer = self._outer
        if outer is None:
            with self._lock:
                outer = self._outer
                if outer is None:
                    outer = self._outer = self._open_outer(self.memory)
        return outer

    def _store(self, disk: bool) -> Store:
        return self.outer.tiered if disk else self.memory

    def get(self, address: Address, disk: bool, *, near: bool = False) -> Entry | None:
        """The entry of an address; `near` for one on this machine, without asking a server."""
        if not disk:
            return self._unless_hidden(address, self.memory.get(address))
        entry = self.outer.tiered.get(address, near=near)
        if entry is not None:
            self._maintain()
        return self._unless_hidden(address, entry)

    def prefetch(self, addresses: Sequence[Address]) -> list[Entry]:
        """Put on disk what a shared store has of some addresses, and this machine has not; returns that."""
        outer = self.outer
        if outer.outbox is None:
            return []
        wanted = [one for one in addresses if not self.memory.has(one) and not outer.disk.may_have(one)]
        marks = {address: outer.disk.mark(address) for address in wanted}
        found = outer.outbox.get_many(wanted) if wanted else {}
        return [outer.disk.put(address, entry, marks[address]) for address, entry in found.items() if entry is not None]

    def lasts(self, address: Address) -> bool:
        """Whether the disk, which other processes see, has an entry at an address."""
        return self.outer.disk.may_have(address)

    def has_shared(self) -> bool:
        """Whether there is a store behind the disk, which is slow to ask."""
        return self.outer.outbox is not None

    def peek(self, address: Address, disk: bool) -> Entry | None:
        return self._unless_hidden(address, self._store(disk).peek(address))

    def in_memory(self, address: Address) -> Entry | None:
        """The entry that memory has; nothing is counted."""
        return self._unless_hidden(address, self.memory.peek(address))

    def _unless_hidden(self, address: Address, entry: Entry | None) -> Entry | None:
        if not self._pending or entry is None or not self.hides(address, entry.meta):
            return entry
        return None

    def put(self, address: Address, entry: Entry, disk: bool, since: Mark | None = None) -> Entry:
        if disk:
            self._maintain()
        for pending in self._pending:
            pending.replaced(address, entry.meta.created)
        return self._store(disk).put(address, entry, since)

    def mark(self, address: Address, disk: bool) -> Mark:
        return self._store(disk).mark(address)

    def limit(self, owner: str, policy: Policy, whose: Whose | None) -> int:
        """Make an owner's results, those of them that are meant, keep within the bounds."""
        return self._store(policy.disk).limit(owner, policy.max_entries, policy.max_size, whose)

    def delete(self, address: Address) -> int:
        """Remove an entry wherever it is."""
        return self._store(self.has_disk()).delete(address)

    def delete_call(self, address: Address) -> int:
        """Remove one entry, or all that the trace at its address leads to, wherever they are."""
        base = traces.without_variant(address)
        store = self._store(self.has_disk())
        present = store.peek(base) if address == base else None
        if present is None or present.meta.kind != "trace":
            return store.delete(address)
        removed = sum(map(store.delete, traces.written(base, traces.read(present))))
        store.delete(base)
        return removed

    def clear(self, owner: str | None, whose: Whose | None = None) -> int:
        """Remove the entries of an owner, all or those that are meant, or of everybody, wherever they are."""
        store = self._store(self.has_disk())
        if whose is None:
            return store.clear(owner)
        rows = [row for row in store.entries(owner) if whose(row.address.key)]
        removed = store.delete_all([row.address for row in rows])
        return sum(row.address in removed for row in rows if row.meta.kind in RESULTS)

    def forget(self, address: Address) -> None:
        """Drop an entry from memory only."""
        self.memory.delete(address)

    def entries(self, owner: str | None) -> Iterator[Stored]:
        """The rows of an owner, or all; those on disk too, if there is a folder."""
        rows = self._store(self.has_disk()).entries(owner)
        return (row for row in rows if not self.hides(row.address, row.meta)) if self._pending else rows

    def stores(self) -> tuple[Store, ...]:
        """Every store, the slowest first, as entries leave them."""
        return tuple(reversed(self.outer.tiered.tiers)) if self.has_disk() else (self.memory,)

    def few(self, owner: str, wanted: Whose | None, most: int) -> list[Stored]:
        """Some rows of an owner whose keys are wanted, from memory and disk; of many files few are read."""
        rows = self.memory.few(owner, wanted, most)
        return rows if len(rows) >= most or not self.has_disk() else rows + self.outer.disk.few(owner, wanted, most)

    def lock(self, text: str) -> Claim:
        """The lock that other processes respect, for one key."""
        return self.outer.disk.lock(text)

    def lease(self, address: Address, seconds: float | None) -> Lease | None:
        """What other machines respect, for one key; None without a shared store, and where it is not worth it.

        Parameters
        ----------
        seconds : that the computation took before; None if nobody knows
        """
        outbox = self.outer.outbox
        return None if outbox is None else outbox.leases.lease(address, seconds)

    def claim(self, address: Address, disk: bool) -> str:
        """Whose file lies on disk where an entry would be: "ours", "foreign", or "" for none; nothing is read."""
        return self.outer.disk.claim(address) if disk and self.has_disk() else ""

    def has_disk(self) -> bool:
        """Whether anything may be on disk: a look must not make folders or keys."""
        if self._outer is not None:
            return True
        chosen = settings()
        return is_there(f"{chosen.folder_text()}/v1") or bool(chosen.store)

    # -- looking after memory --------------------------------------------------------------------------------------

    def expiring(self) -> None:
        """From now on entries expire: memory is swept while nothing is called."""
        self._expiring = True
        self._maintain()

    def _maintain(self) -> None:
        watcher = self._watcher
        if watcher is None or not watcher.alive():
            with self._lock:
                if self._watcher is None or not self._watcher.alive():
                    self._watcher = Watcher(self.look, _EVERY)

    def look(self) -> None:
        """Drop from memory what has expired, and what another process cleared or replaced."""
        if self._expiring:
            self.memory.sweep(self.memory.clock(), self._ttl_of)
        outer = self._outer
        if outer is not None:
            outer.tiered.refresh()

    def reopen(self) -> None:
        """Open the stores behind memory anew at their next use, because this user's keys have changed."""
        with self._lock:
            outer, self._outer = self._outer, None
        if outer is not None:
            outer.tiered.close()

    # -- clears that can be taken back -----------------------------------------------------------------------------

    def withhold(self, pending: PendingClear) -> None:
        """Find and list nothing any more of what a clear concerns."""
        with self._lock:
            self._pending = (*self._pending, pending)

    def release(self, pending: PendingClear) -> None:
        """End what `withhold` began."""
        with self._lock:
            self._pending = tuple(each for each in self._pending if each is not pending)

    def waits_for(self, pending: PendingClear) -> bool:
        """Whether a clear has neither been finished nor taken back."""
        return pending in self._pending

    @property
    def hiding(self) -> bool:
        """Whether any clear waits."""
        return bool(self._pending)

    def hides(self, address: Address, meta: Meta) -> bool:
        """Whether an entry counts as cleared, although the stores still have it."""
        return any(pending.hides(address, meta.created, meta.kind) for pending in self._pending)

    def hides_all_of(self, owner: str) -> bool:
        """Whether every entry of an owner counts as cleared, as far as is known."""
        return any(pending.hides_all_of(owner) for pending in self._pending)

    def finish_pending(self) -> None:
        """Let no clear be taken back any more."""
        for pending in self._pending:
            pending.finish()

    def close(self) -> None:
        """Stop looking after memory, and write down what is only noted."""
        for pending in self._pending:
            pending.close()
        if self._watcher is not None:
            self._watcher.stop()
        if self._outer is not None:
            self._outer.tiered.close()


class Watcher:
    """A daemon thread that calls a function every now and then; none where threads cannot be started.

    Notes
    -----
    `Thread.start` waits until the thread runs, which takes as long as the rest of a first hit, and many times as long
    on a busy machine. So that, and all that is made for it, is left to another thread.
    """

    def __init__(self, look: Callable[[], None], every: float) -> None:
        self._look = look
        self._every = every
        self._stopped = False
        #: Held until it is stopped.
        self._running = _thread.allocate_lock()
        self._running.acquire()
        self._starting: int | None = os.getpid()
        self._thread: threading.Thread | None = None
        try:
            _thread.start_new_thread(self._start, ())
        except RuntimeError:
            self._starting = None

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name="nbcache-watch", daemon=True)
        try:
            thread.start()
            self._thread = thread
        except RuntimeError:
            pass
        finally:
            self._starting = None

    def alive(self) -> bool:
        """Whether it watches in this process, or is about to; a thread does not survive a fork."""
        if self._stopped:
            return False
        starting = self._starting
        if starting is not None:
            return starting == os.getpid()
        return self._thread is None or self._thread.is_alive()

    def stop(self) -> None:
        if not self._stopped:
            self._stopped = True
            self._running.release()

    def _run(self) -> None:
        while not self._running.acquire(timeout=self._every):
            self._look()


def _unknown(address: Address) -> float | None:
    return None


def open_tiers(clock: Callable[[], float] = time.time) -> Tiers:
    """The stores that the settings name, the disk not yet opened."""
    place = settings().folder_text()
    ignore_folder(place)
    folder = Path(place)
    memory = MemoryStore(clock=clock, scratch=folder / "scratch")
    return Tiers(memory, lambda memory: _open_outer(memory, folder, clock))


def _open_outer(memory: MemoryStore, folder: Path, clock: Callable[[], float]) -> OuterTiers:
    chosen = settings()
    disk = DiskStore(folder, load_keyring(), clock=clock, max_size=chosen.disk_bound, trust=chosen.setting("trust"))
    stores: list[Store] = [memory, disk]
    outbox = None
    if chosen.setting("store"):
        from nbcache.stores.remote.outbox import Outbox
        from nbcache.stores.remote.store import open_remote

        try:
            how: dict[str, Any] = {"trust": chosen.trust, "encrypted": chosen.encrypt, "scratch": folder / "scratch"}
            outbox = Outbox(open_remote(chosen.store, disk.keyring, clock=clock, **how))
        except CacheError as error:  # a URL that means nothing, or a package that is missing
            warn(str(error))
        else:
            stores.append(outbox)
    return OuterTiers(TieredStore(stores), disk, outbox)


def load_keyring() -> Keyring:
    """This user's keys; for a file that cannot be trusted, a key of this process only, and a warning."""
    try:
        return Keyring.load(settings().setting("key_file") or None)
    except KeyFileError as error:
        if settings().trust == "strict":
            raise
        what, _, reason = str(error).partition("\nWhy: ")
        why, _, do = reason.partition("\nDo: ")
        warn(explain("Results on disk are kept for this session only.", f"{what.rstrip('.')}: {why}", do))
        return Keyring.ephemeral()

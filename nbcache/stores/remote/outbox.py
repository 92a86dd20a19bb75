"""Writing to a shared store in the background, so that no call waits for a server.

What is put goes into a queue with a bound, and a thread sends it, in order. While the server is away the queue is kept,
and sent once it is back. At the end of the process it is drained, for a bounded time.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from nbcache.entries.entry import Address, Entry
from nbcache.stores.forks import renew_after_fork
from nbcache.stores.marks import MemoryMark
from nbcache.stores.names import entry_name
from nbcache.stores.protocol import RESULTS, Mark, Stored, Whose
from nbcache.stores.remote.leases import Leases
from nbcache.stores.remote.store import RemoteStore

#: So many results wait at most, with so many bytes; one that is larger waits alone.
MOST_WAITING, MOST_BYTES = 10_000, 1 << 30
#: A put that finds the queue full waits for so many seconds, and then gives up.
_PATIENCE = 5.0
#: The end of a process waits for so many seconds until the queue is empty.
DRAIN = 10.0
_IDLE = 5.0
_LOOK = 0.25


class _Letter:
    """One result on its way."""

    __slots__ = ("address", "entry", "since", "size")

    def __init__(self, address: Address, entry: Entry, since: Mark) -> None:
        self.address = address
        self.entry = entry
        self.since = since
        self.size = entry.size

    def here(self) -> Entry | None:
        return None if self.since.cleared else self.entry

    def row(self) -> Stored:
        return Stored(self.address, self.entry.meta, self.size, self.entry.meta.created, Outbox.tier)


class Outbox:
    """A remote store that is written in the background, and read and cleared at once.

    Attributes
    ----------
    leases : on keys, for compute-once across machines

    Notes
    -----
    Thread-safe. A forked child starts with an empty queue: its parent sends what was in there.
    """

    tier = "remote"

    def __init__(self, store: RemoteStore) -> None:
        self.store = store
        self.leases = Leases(store.notes, store.keyring, store.is_reachable, self.after)
        self._queue: deque[_Letter | Callable[[], None]] = deque()
        self._waiting: dict[Address, _Letter] = {}
        self._bytes = 0
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._gave_up_at = float("-inf")
        self._drained_by = float("inf")
        renew_after_fork(self)
        _drain_at_exit(self)

    def renew(self) -> None:
        """Start empty in a forked child."""
        self._queue, self._waiting, self._bytes = deque(), {}, 0
        self._changed = threading.Condition()
        self._thread = None
        _drain_at_exit(self)

    # -- writing

    def put(self, address: Address, entry: Entry, since: Mark | None = None) -> Entry:
        entry = entry.owned(None)
        letter = _Letter(address, entry, since or self.store.mark(address))
        with self._changed:
            if self._has_room(letter):
                former = self._waiting.get(address)
                if former is not None:
                    self._queue.remove(former)
                    self._bytes -= former.size
                self._waiting[address] = letter
                self._bytes += letter.size
                self._append(letter)
                return entry
        self.store.left_unsent(1)
        return entry

    def after(self, call: Callable[[], None]) -> None:
        """Call something in the background when everything that was put before is sent, or cannot be."""
        with self._changed:
            self._append(call)

    def close(self) -> None:
        """Send what waits, for `DRAIN` seconds at most."""
        self.drain(DRAIN)

    def drain(self, seconds: float) -> bool:
        """Send what waits, for so many seconds at most; returns whether all was sent."""
        until = time.monotonic() + seconds
        with self._changed:
            self._drained_by = until
            self._changed.notify_all()
            while self._queue and time.monotonic() < until and self._is_sending():
                self._changed.wait(_LOOK)
        while self._queue and time.monotonic() < until and self._send_next():
            pass  # no thread can be started any more, at the end of a process
        with self._changed:
            self._drained_by = float("inf")
            left = len(self._waiting)
            if left:
                self._queue.clear()
                self._waiting.clear()
                self._bytes = 0
        if left:
            self.store.left_unsent(left)
        return not left

    def _has_room(self, letter: _Letter) -> bool:
        """Wait for room, unless somebody has waited in vain a moment ago."""
        patient = time.monotonic() - self._gave_up_at > 6 * _PATIENCE and self.store.may_be_written()
        if patient and self._is_full(letter):
            self._changed.wait_for(lambda: not self._is_full(letter), _PATIENCE)
        if self._is_full(letter):
            self._gave_up_at = time.monotonic()
            return False
        return True

    def _is_sending(self) -> bool:
        return self._thread is not None and self._thread.is_alive() and self.store.may_be_written()

    def _is_full(self, letter: _Letter) -> bool:
        return bool(self._waiting) and (len(self._waiting) >= MOST_WAITING or self._bytes + letter.size > MOST_BYTES)

    def _append(self, item: _Letter | Callable[[], None]) -> None:
        self._queue.append(item)
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="nbcache-outbox", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:  # no threads here, or none any more: the queue is drained at the end
                self._thread = None
        self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._queue and not self._changed.wait_for(lambda: bool(self._queue), _IDLE):
                    self._thread = None
                    return
            if not self._send_next():
                if time.monotonic() > self._drained_by - _LOOK:
                    return
                time.sleep(_LOOK)

    def _send_next(self) -> bool:
        """Send what has waited longest; False where that must wait until the server is back."""
        with self._changed:
            if not self._queue:
                return True
            item = self._queue[0]
        if not isinstance(item, _Letter):
            item()
            self._done(item)  # only now: the end of a process waits for what is in the queue
            return True
        if not item.since.cleared:
            if not self.store.may_be_written():
                self._call_all()
                return False
            if not self.store.send(item.address, item.entry, item.since):
                return False
        self._done(item)
        return True

    def _call_all(self) -> None:
        """Let nobody wait for what cannot be sent now."""
        with self._changed:
            calls = [item for item in self._queue if not isinstance(item, _Letter)]
            self._queue = deque(item for item in self._queue if isinstance(item, _Letter))
        for call in calls:
            call()

    def _done(self, item: _Letter | Callable[[], None]) -> None:
        with self._changed:
            if self._queue and self._queue[0] is item:
                self._queue.popleft()
                if isinstance(item, _Letter):
                    self._bytes -= item.size
                    if self._waiting.get(item.address) is item:
                        del self._waiting[item.address]
            self._changed.notify_all()

    # -- what is not written

    # A letter that was cleared while it is sent lies in the store until the sender takes it back: until then, what the
    # store has at that address is not looked at.

    def get(self, address: Address) -> Entry | None:
        letter = self._waiting.get(address)
        return self.store.get(address) if letter is None else letter.here()

    def get_many(self, addresses: Sequence[Address]) -> dict[Address, Entry | None]:
        """Entries that are not large, in as few requests as can be."""
        with self._changed:
            here = {one: self._waiting[one].here() for one in addresses if one in self._waiting}
        return {**self.store.get_many([one for one in addresses if one not in here]), **here}

    def peek(self, address: Address) -> Entry | None:
        letter = self._waiting.get(address)
        return self.store.peek(address) if letter is None else letter.here()

    def find(self, address: Address) -> Stored | None:
        letter = self._waiting.get(address)
        if letter is None:
            return self.store.find(address)
        return None if letter.since.cleared else letter.row()

    def _waits(self, address: Address) -> bool:
        letter = self._waiting.get(address)
        return letter is not None and not letter.since.cleared

    def touch(self, address: Address, used: float | None = None) -> None:
        self.store.touch(address, used)

    def mark(self, address: Address) -> MemoryMark:
        return self.store.mark(address)

    def delete(self, address: Address) -> int:
        waits = self._waits(address)
        return max(self.store.delete(address), waits)

    def delete_all(self, addresses: Sequence[Address]) -> set[Address]:
        waiting = {address for address in addresses if self._waits(address)}
        return waiting | self.store.delete_all(addresses)

    def clear(self, owner: str | None = None) -> int:
        return len(self.discard(owner))

    def discard(self, owner: str | None = None) -> set[str]:
        rows = self._rows(self._letters(), owner)
        waiting = {entry_name(row.address) for row in rows if row.meta.kind in RESULTS}
        if owner is None:
            self.store.tidy(self.leases.tidy)
        return waiting | self.store.discard(owner)

    def entries(self, owner: str | None = None) -> Iterator[Stored]:
        letters = self._letters()
        yield from self._rows(letters, owner)
        addresses = {one.address for one in letters}
        for row in self.store.entries(owner):
            if row.address not in addresses:
                yield row

    def _letters(self) -> list[_Letter]:
        with self._changed:
            return list(self._waiting.values())

    def _rows(self, letters: list[_Letter], owner: str | None) -> list[Stored]:
        return [one.row() for one in letters if not one.since.cleared and owner in (None, one.address.owner)]

    def limit(self, owner: str, max_entries: int | None, max_size: int | None, whose: Whose | None = None) -> int:
        return self.store.limit(owner, max_entries, max_size, whose)


def _drain_at_exit(outbox: Outbox) -> None:
    """Drain at the end of this process, however it ends in order: workers of multiprocessing run no `atexit`."""
    kept, process = weakref.ref(outbox), os.getpid()

    def drain() -> None:
        found = kept()
        if found is not None and os.getpid() == process:
            found.drain(DRAIN)

    if "multiprocessing.process" in sys.modules and sys.modules["multiprocessing.process"].parent_process() is not None:
        from multiprocessing.util import Finalize

        Finalize(None, drain, exitpriority=0)
        return
    try:
        # Libraries of servers look names up in pools of threads, which end before `atexit`: this comes before both.
        import concurrent.futures.thread  # noqa: F401

        threading._register_atexit(drain)  # type: ignore[attr-defined]
    except (AttributeError, RuntimeError):
        atexit.register(drain)

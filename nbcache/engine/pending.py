"""A clear that can be taken back for a while: in this process its entries are gone at once, from the stores later.

Until then the stores keep them, so that `undo` needs no copy, and a process that is killed meanwhile has lost nothing.
For other processes the clear happens when it is finished: by its time, by the next clear or refresh here, or by the
end of this process.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable
from typing import Protocol

from nbcache.engine.traces import call_key, without_variant
from nbcache.entries.entry import Address
from nbcache.stores.forks import renew_after_fork
from nbcache.stores.protocol import RESULTS, Store

#: Given seconds and what to do then, returns what calls it off; RuntimeError where nothing can be done later.
Later = Callable[[float, Callable[[], None]], Callable[[], None]]
#: The keys, without their variants, that are being computed for an owner, or for everybody.
Running = Callable[[str | None], set[str]]

#: Seconds until what was being computed when a clear was finished is looked at again.
_AGAIN = 2.0


class Holding(Protocol):
    """The stores, as a clear that waits needs them."""

    def stores(self) -> tuple[Store, ...]:
        """Every store, the slowest first."""

    def clear(self, owner: str | None) -> int:
        """Remove the entries of an owner, or of everybody."""

    def delete_call(self, address: Address) -> int:
        """Remove one entry, or all that the trace at its address leads to."""

    def waits_for(self, pending: PendingClear) -> bool:
        """Whether a clear has neither been finished nor taken back."""

    def release(self, pending: PendingClear) -> None:
        """Find and list again what a clear has hidden, as far as it is there."""


def in_a_thread(seconds: float, act: Callable[[], None]) -> Callable[[], None]:
    """Do something later in a daemon thread; returns what calls it off.

    Raises
    ------
    RuntimeError
        No thread can be started here, as in Pyodide.
    """
    timer = threading.Timer(seconds, act)
    timer.daemon = True
    timer.start()
    return timer.cancel


class PendingClear:
    """One clear that waits.

    Parameters
    ----------
    owner, key : whose entries; None for everybody's, and for all of the owner
    at : when it was asked for (epoch seconds): what is created later is not concerned
    running : what is being computed, so that the end of the waiting does not reach it
    changed : told when the clear has ended, either way

    Attributes
    ----------
    waiting : whether it can still be taken back

    Notes
    -----
    Thread-safe. Only results are hidden: traces and profiles are no answers, and what is computed meanwhile extends
    them.
    """

    def __init__(
        self,
        tiers: Holding,
        owner: str | None,
        key: str | None,
        at: float,
        running: Running,
        changed: Callable[[], None],
    ) -> None:
        self._tiers = tiers
        self._owner = owner
        self._key = key
        self._at = at
        self._running = running
        self._changed = changed
        self._left: set[str] | None = None
        self._renewed: dict[Address, float] = {}
        self._lock = threading.RLock()
        self._call_off: Callable[[], None] | None = None
        self._later: Later | None = None
        self.waiting = True
        renew_after_fork(self)

    def renew(self) -> None:
        """In a forked child the entries stay hidden, and the end of the waiting is its parent's affair."""
        self._lock = threading.RLock()
        atexit.unregister(self.close)

    def covers(self, address: Address) -> bool:
        """Whether an address is one of those to be cleared."""
        owner, key = address
        if self._owner is not None and owner != self._owner:
            return False
        if self._left is not None and call_key(key) not in self._left:
            return False
        return self._key is None or key == self._key or key.startswith(f"{self._key}-")

    def hides(self, address: Address, created: float, kind: str) -> bool:
        """Whether an entry counts as cleared."""
        return (
            kind in RESULTS and created <= self._at and self.covers(address) and self._renewed.get(address) != created
        )

    def hides_all_of(self, owner: str) -> bool:
        """Whether nothing is known to be left of an owner."""
        return self._key is None and self._left is None and self._owner in (None, owner)

    def replaced(self, address: Address, created: float) -> None:
        """Something was put at an address: that is not what was cleared."""
        if self.covers(address):
            self._renewed[address] = created

    def start(self, seconds: float, later: Later) -> None:
        """Finish after some seconds; at once where nothing can be done later."""
        atexit.register(self.close)
        with self._lock:
            self._later = later
            try:
                self._call_off = later(seconds, self.finish)
            except RuntimeError:
                self.close()

    def undo(self) -> bool:
        """Take the clear back: the entries are there again; False where it is too late."""
        with self._lock:
            if not self.waiting:
                return False
            self._end()
            return True

    def finish(self) -> None:
        """Remove the entries from the stores, for every process.

        What is being computed now replaces its old result: to delete that would keep the new one out, so it stays
        hidden, and is looked at again a little later.
        """
        with self._lock:
            if not self._tiers.waits_for(self):
                return
            self.waiting = False
            running = self._running(self._owner)
            if running or self._renewed or self._left is not None:
                self._delete_one_by_one(running)
            else:
                self._delete_together()
            if not running or self._later is None:
                self._end()
                return
            self._left = running if self._left is None else self._left & running
            try:
                self._call_off = self._later(_AGAIN, self.finish)
            except RuntimeError:
                self.close()

    def close(self) -> None:
        """Finish, whatever is being computed."""
        with self._lock:
            if self._tiers.waits_for(self):
                self._delete_one_by_one(set())
                self._end()

    def _end(self) -> None:
        self.waiting = False
        if self._call_off is not None:
            self._call_off()
        self._tiers.release(self)
        atexit.unregister(self.close)
        self._changed()

    def _delete_together(self) -> None:
        if self._owner is None or self._key is None:
            self._tiers.clear(self._owner)
        else:
            self._tiers.delete_call(Address(self._owner, self._key))

    def _delete_one_by_one(self, running: set[str]) -> None:
        """Delete in each store what it has from before the clear, and what leads there."""
        renewed = dict(self._renewed)
        kept = {without_variant(address) for address in renewed}
        for store in self._tiers.stores():
            for address in self._doomed(store, kept):
                if call_key(address.key) in running or self._renewed.get(address) != renewed.get(address):
                    continue
                store.delete(address)

    def _doomed(self, store: Store, kept: set[Address]) -> list[Address]:
        return [
            row.address
            for row in store.entries(self._owner)
            if self.hides(row.address, row.meta.created, row.meta.kind)
            or (row.meta.kind == "trace" and self.covers(row.address) and row.address not in kept)
        ]

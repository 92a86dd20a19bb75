"""Compute-once across machines: who computes a key holds a lease in the shared store, and renews it.

A lease is a small signed object under a name of its own. Whoever can create it computes; the others look at it until
it is gone, or has not been renewed for so long that its holder must be dead, by their own clocks: no two machines need
to agree on the time. Waiting must end. Where the store fails, or knows no way to create a name only once, everybody
computes; computations on several machines that wait for each other are found, and one of them goes on.
"""

from __future__ import annotations

import json
import os
import secrets
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import NamedTuple

from nbcache.entries.entry import Address
from nbcache.entries.signing import Keyring
from nbcache.stores.forks import renew_after_fork
from nbcache.stores.names import entry_name
from nbcache.stores.polling import poll
from nbcache.stores.remote.bucket import Bucket

#: A lease that nobody has renewed for so many seconds is lost; it is renewed three times as often.
LASTS = 20.0
#: One whose holder's clock says that it is older than this is lost at once.
_LONG_AGO = 600.0
#: A computation inside another one waits no longer than this, whatever it waits for.
_PATIENCE = 300.0
_FIRST_LOOK, _LONGEST_LOOK = 0.05, 1.0
_LOOK_FOR_CYCLES = 2.0
#: Where leases fail, none is asked for during so many seconds.
_PAUSE = 60.0
#: Asking may take this share of the time that the computation took before.
_SHARE = 0.05
_LONGEST = 1024
_PURPOSE = b"lease"


class Note(NamedTuple):
    """What a lease, or somebody who waits for one, says.

    Attributes
    ----------
    token : of the lease; for somebody who waits, the name of the lease that it waits for
    chain : of the computations inside each other to which it belongs
    at : the time of its holder, in epoch seconds
    """

    token: str
    chain: str
    at: float


class Leases:
    """The leases of one shared store.

    Parameters
    ----------
    usable : whether the store may be asked now
    after : calls a function when everything that was put before is in the store
    lasts : seconds after which a lease that is not renewed is lost; `LASTS` by default

    Notes
    -----
    Thread-safe. A thread renews what is held; it ends when nothing is.
    """

    def __init__(
        self,
        bucket: Bucket,
        keyring: Keyring,
        usable: Callable[[], bool],
        after: Callable[[Callable[[], None]], None],
        lasts: float | None = None,
    ) -> None:
        self.bucket = bucket
        self.lasts = LASTS if lasts is None else lasts
        self.after = after
        self._keyring = keyring
        self._usable = usable
        self._failed_at = float("-inf")
        self._asked, self._asking = False, 0.0
        self._lock = threading.Lock()
        self._held: set[Lease] = set()
        self._thread: threading.Thread | None = None
        renew_after_fork(self)

    def renew(self) -> None:
        """A forked child holds nothing."""
        self._lock = threading.Lock()
        self._held = set()
        self._thread = None

    def lease(self, address: Address, seconds: float | None) -> Lease | None:
        """A lease on a key, not taken yet; None where it would cost more than it saves.

        Parameters
        ----------
        seconds : that the computation took before; None if nobody knows
        """
        if not self.usable() or (seconds is not None and self._asking > _SHARE * seconds):
            return None
        return Lease(self, f"lease/{entry_name(address)}")

    def usable(self) -> bool:
        """Whether the store may be asked for leases now."""
        return self._usable() and time.monotonic() - self._failed_at > _PAUSE

    def failed(self) -> None:
        """Note that the store has failed, or cannot do this."""
        self._failed_at = time.monotonic()

    def asked(self, took: float) -> None:
        """Note how long a lease took to ask for."""
        if self._asked:  # the first time there is a connection to be made
            self._asking = took if not self._asking else 0.8 * self._asking + 0.2 * took
        self._asked = True

    def written(self, name: str, note: Note) -> bytes:
        """A note as it stands in the store."""
        text = json.dumps(note).encode()
        return self._keyring.sign(_PURPOSE, name.encode(), text).hex().encode() + b" " + text

    def read(self, name: str) -> Note | None:
        """A note of somebody who shares a key with us; None for none, and for what is no note.

        Raises
        ------
        Whatever the bucket raises.
        """
        content = self.bucket.read(name, _LONGEST)
        mac, _, text = (content or b"").partition(b" ")
        try:
            if not self._keyring.verify(_PURPOSE, bytes.fromhex(mac.decode("ascii")), name.encode(), text):
                return None
            token, chain, at = json.loads(text)
        except (ValueError, TypeError):
            return None
        return Note(str(token), str(chain), float(at))

    def tidy(self) -> None:
        """Remove what machines that died have left, where the store does not forget it by itself.

        Raises
        ------
        Whatever the bucket raises.
        """
        for folder in ("lease/", "lease-waits/"):
            notes = [(blob.name, self.read(blob.name)) for blob in self.bucket.list(folder)]
            left = [name for name, note in notes if note is not None and time.time() - note.at > _LONG_AGO]
            if left:
                self.bucket.delete(left)

    def hold(self, lease: Lease) -> None:
        """Renew a lease from now on."""
        with self._lock:
            self._held.add(lease)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._renew_all, name="nbcache-leases", daemon=True)
                try:
                    self._thread.start()
                except RuntimeError:  # no threads here: it is lost after a while, and somebody else computes too
                    self._thread = None

    def drop(self, lease: Lease) -> bool:
        """Renew a lease no longer; returns whether it was held until now."""
        with self._lock:
            held = lease in self._held
            self._held.discard(lease)
            return held

    def _renew_all(self) -> None:
        while True:
            time.sleep(self.lasts / 3)
            with self._lock:
                held = list(self._held)
                if not held:
                    self._thread = None
                    return
            for lease in held:
                lease.renew()


#: The leases that the running code is inside of, the innermost last.
_inside: ContextVar[tuple[Lease, ...]] = ContextVar("nbcache_leases", default=())


class Lease:
    """A lease on one key for one computation.

    Notes
    -----
    `wait` and `release` are those of a lock on this machine (`disk.locks.Claim`), so that whoever computes needs not
    know which of them it has.
    """

    def __init__(self, leases: Leases, name: str) -> None:
        self._leases = leases
        self._name = name
        #: Names the lease while it is held; empty otherwise.
        self.token: str = ""
        self._outer = tuple([lease for lease in _inside.get() if lease.token])
        self._chain: str = self._outer[0]._chain if self._outer else secrets.token_hex(8)
        self._process = os.getpid()
        self._generation = 0
        self._renewed_at = 0.0
        self._seen: tuple[Note | None, float] = (None, 0.0)
        self._began = time.monotonic()
        self._looked = self._began
        self._noted = False
        _inside.set((*self._outer, self))

    def wait(self, waiting: Callable[[], None] | None = None) -> None:
        """Wait until the computation may go on; `waiting` is called once if that is not at once."""
        poll(self, _FIRST_LOOK, _LONGEST_LOOK, waiting)

    def attempt(self) -> bool:
        """Whether the computation may go on: it has the lease, or none can be had, or waiting would never end."""
        if not self._leases.usable():
            return True
        began = time.monotonic()
        try:
            taken = self._create()
            self._leases.asked(time.monotonic() - began)
            done = taken or self._is_abandoned() or self._gives_way()
            if done:
                self._withdraw()
        except Exception:  # every library of every server raises something else
            self._leases.failed()
            return True
        return done

    def release(self) -> None:
        """Give the lease back, as soon as the result is in the store. Harmless when nothing is held."""
        if self._process != os.getpid():
            return
        if self.token:
            self._leases.after(self._give_back)
        current = _inside.get()
        if current and current[-1] is self:
            _inside.set(self._outer)

    def renew(self) -> None:
        """Say that the holder lives, unless the lease is somebody else's by now."""
        name = self._place()
        try:
            found = self._leases.read(name)
            if found is None or found.token != self.token or self._is_lost():
                self._leases.drop(self)
            else:
                content = self._content(name)
                self._leases.bucket.write(name, [content], len(content), self._leases.lasts)
                self._renewed_at = time.monotonic()
        except Exception:  # the next time may go well; until then it is the others who decide
            if self._is_lost():
                self._leases.drop(self)

    # -- how

    def _place(self) -> str:
        return f"{self._name}.{self._generation}"

    def _content(self, name: str) -> bytes:
        return self._leases.written(name, Note(self.token, self._chain, time.time()))

    def _is_lost(self) -> bool:
        return time.monotonic() - self._renewed_at > self._leases.lasts

    def _create(self) -> bool:
        name = self._place()
        self.token = secrets.token_hex(8)
        self._renewed_at = time.monotonic()
        if self._leases.bucket.create(name, self._content(name), self._leases.lasts):
            self._leases.hold(self)
            return True
        self.token = ""
        return False

    def _is_abandoned(self) -> bool:
        """Whether what lies there binds nobody; the next attempt is for the next generation if its holder is dead."""
        note = self._leases.read(self._place())
        now = time.monotonic()
        if note is None:
            # Gone a moment ago, or not of ours: what stays is no reason to wait.
            unreadable = self._leases.bucket.size(self._place()) is not None
            return unreadable and now - self._began > _LONGEST_LOOK
        known, since = self._seen
        if known is None or note.at > known.at:
            self._seen = (note, now)
            since = now
        if now - since > self._leases.lasts or time.time() - note.at > _LONG_AGO:
            self._generation += 1
            self._seen = (None, 0.0)
        return False

    def _gives_way(self) -> bool:
        """Whether a computation inside another one has waited for long enough, or for itself."""
        now = time.monotonic()
        if not self._outer or now - self._looked < _LOOK_FOR_CYCLES:
            return False
        self._looked = now
        place = f"lease-waits/{self._chain}"
        content = self._leases.written(place, Note(self._place(), self._chain, time.time()))
        self._leases.bucket.write(place, [content], len(content), 2 * self._leases.lasts)
        self._noted = True
        return now - self._began > _PATIENCE or self._chain == min(self._cycle(), default="")

    def _cycle(self) -> list[str]:
        """The chains that wait for each other in a circle, this one among them; empty for none."""
        found: list[str] = []
        name = self._place()
        while (holder := self._leases.read(name)) is not None and holder.chain not in found:
            found.append(holder.chain)
            if holder.chain == self._chain:
                return found
            waits = self._leases.read(f"lease-waits/{holder.chain}")
            if waits is None or time.time() - waits.at > _LONG_AGO:
                break
            name = waits.token
        return []

    def _withdraw(self) -> None:
        if self._noted:
            self._noted = False
            self._leases.bucket.delete([f"lease-waits/{self._chain}"])

    def _give_back(self) -> None:
        held, self.token = self._leases.drop(self), ""
        if held and not self._is_lost() and self._leases.usable():
            try:
                self._leases.bucket.delete([f"{self._name}.{number}" for number in range(self._generation + 1)])
            except Exception:  # it ends by itself
                self._leases.failed()

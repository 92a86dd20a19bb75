"""The disk store: one immutable, signed file per entry, safe for many processes and for whatever else happens.

``<folder>/v1/<key id>/<digest of the owner>/<key>.nbc``
"""

from __future__ import annotations

import os
import time
from collections.abc import Container, Iterator, Sequence
from functools import partial
from pathlib import Path

from nbcache import system
from nbcache.entries.entry import Address, Entry, Meta
from nbcache.entries.keyfile import verified_folder
from nbcache.entries.packed import Packed
from nbcache.entries.section import MAPPED_FROM
from nbcache.entries.signing import Keyring
from nbcache.entries.verified import VerifiedFiles
from nbcache.errors import CacheError, UnstorableResultError, warn
from nbcache.stores import folders
from nbcache.stores.disk.catalogue import Catalogue
from nbcache.stores.disk.disk_usage import occupied
from nbcache.stores.disk.few import few_names
from nbcache.stores.disk.invalidations import Concerned, DiskMark, Invalidations, Stamp
from nbcache.stores.disk.locks import Claim
from nbcache.stores.disk.publish import Publisher
from nbcache.stores.disk.publish_lock import ClearedError
from nbcache.stores.disk.reader import Reader
from nbcache.stores.disk.writer import Changing
from nbcache.stores.folders import Places, is_named
from nbcache.stores.forks import renew_after_fork
from nbcache.stores.protocol import Clock, Mark, Stored, Warn, Whose
from nbcache.stores.warnings import StoreWarnings, reason, untrusted

#: So many entries are deleted, and told of, one by one.
_ONE_BY_ONE = 8


class DiskStore:
    """Entries in files below one folder.

    Parameters
    ----------
    folder : made at the first put, owner-only; resolved once
    keyring : signs what is put, verifies what is got
    clock : epoch seconds
    max_size : bytes the whole folder may hold; the least recently used entries go first
    trust : "sign", "strict" (what cannot be verified is an `UntrustedEntryError`) or "safe" (nothing is loaded that
        could run code)
    warn : told what went wrong, in the user's words

    Notes
    -----
    Thread-safe, and safe for any number of processes. Published files never change: a reader sees a whole entry or
    none, and a mapping of one that was deleted stays valid.
    """

    tier = "disk"

    def __init__(
        self,
        folder: Path,
        keyring: Keyring,
        *,
        clock: Clock = time.time,
        max_size: int = 10 << 30,
        trust: str = "sign",
        warn: Warn = warn,
    ) -> None:
        place = os.path.abspath(os.path.expanduser(folder))
        self.folder = folder if os.fspath(folder) == place else Path(place)
        self.keyring = keyring
        self.places = Places(self.folder)
        self._clock = clock
        self._trust = trust
        self._max_size = max_size
        self._verified = VerifiedFiles(None if keyring.ephemeral_only else verified_folder, keyring)
        self._warnings = StoreWarnings(warn, clock)
        publisher = Publisher(self.places)
        self._catalogue = Catalogue(self.places, keyring.ids, max_size, clock)
        self._invalidations = Invalidations(self.places.invalidations, publisher)
        self._reader = Reader(
            self.places, keyring, trust, self._verified, self._warnings, lambda: self._changing.index, clock
        )
        known = (self._catalogue, self._invalidations, publisher, self._warnings)
        self._make = partial(Changing, self.places, keyring, *known, max_size, clock, self._could_not_delete)
        self._made: dict[str, Changing] = {}
        renew_after_fork(self)

    def renew(self) -> None:
        self._warnings.renew()
        self._catalogue.renew()

    # -- looking

    def get(self, address: Address) -> Entry | None:
        found = self._load(address)
        if found is None:
            return None
        path, entry = found
        self._catalogue.used(path, self._clock())
        return entry

    def may_have(self, address: Address) -> bool:
        """Whether a look would find anything, or have to say something: costs a few microseconds."""
        return self._trust == "strict" or any(map(folders.is_named, self._catalogue.paths(address)))

    def peek(self, address: Address) -> Entry | None:
        found = self._load(address)
        return None if found is None else found[1]

    def find(self, address: Address) -> Stored | None:
        for path in self._catalogue.paths(address):
            folder = os.path.dirname(path)
            head = self._reader.head(path)
            if head is not None and head[0] == address and self._reader.trusts(folder):
                return self._row(path, head, self._catalogue.uses.of(folder))
        return None

    def holds(self, address: Address, entry: Entry) -> bool:
        """Whether an entry, put or got earlier, still is the published one of its address."""
        for path in self._catalogue.paths(address):
            head = self._reader.head(path)
            if head is not None:
                meta = head[1]
                return (meta.created, meta.seconds) == (entry.meta.created, entry.meta.seconds)
        return False

    def claim(self, address: Address) -> str:
        """Whose file lies where an entry would be: "ours", "foreign" (signed with another key) or "" for none."""
        return self._catalogue.claim(address)

    def entries(self, owner: str | None = None, *, but: Container[str] = ()) -> Iterator[Stored]:
        """The rows of an owner, or all, without the entries of these names (`names.entry_name`)."""
        try:
            for folder in self._catalogue.owner_folders(owner):
                yield from self._rows(folder, but)
        except OSError as error:
            self._reader.trouble(self.places.text, error)

    def few(self, owner: str, wanted: Whose | None, most: int) -> list[Stored]:
        """Some rows of an owner whose keys are wanted, the newest as far as that is cheap to know."""
        rows: list[Stored] = []
        try:
            for folder in self._catalogue.owner_folders(owner):
                names = few_names(folder, wanted, most - len(rows))
                rows += self._rows(folder, names=names) if names else ()
        except OSError as error:
            self._reader.trouble(self.places.text, error)
        return rows

    # -- changing

    def touch(self, address: Address, used: float | None = None) -> None:
        for path in self._catalogue.paths(address):
            if is_named(path):
                self._catalogue.used(path, self._clock() if used is None else used)
                return

    def mark(self, address: Address) -> DiskMark:
        return DiskMark(self._invalidations, address)

    def put(self, address: Address, entry: Entry, since: Mark | None = None) -> Entry:
        if self._changing.writer.paused:
            return self._unstored(address, entry)
        try:
            packed = entry.packed(address, self.keyring)
            if occupied(packed.size) <= self._max_size:
                return self._publish(address, entry, packed, since)
            self._warn_too_large(packed.size)
        except UnstorableResultError as error:
            self._warnings.always(
                "A result is returned, and kept in memory, but not stored on disk.",
                str(error).partition("\n")[0],
                "nothing; to keep it, return what it was made from, such as its data.",
            )
        except OSError as error:
            self._changing.writer.failed(error)
        return self._unstored(address, entry)

    def delete(self, address: Address) -> int:
        removed = 0
        try:
            if is_named(self.places.text):
                # Told before, for computations that end while this runs; and after, for those who hold the entry,
                # also when somebody else has made room with it just now.
                self._changing.turns.cleared(address=address)
                for path in self._catalogue.paths(address):
                    removed += self._catalogue.unlink(path)
                self._invalidations.cleared(address=address)
        except OSError as error:
            self._could_not_delete(error)
        return min(1, removed)

    def delete_all(self, addresses: Sequence[Address]) -> set[Address]:
        if len(addresses) <= _ONE_BY_ONE:
            return {address for address in addresses if self.delete(address)}
        removed: set[Address] = set()
        try:
            # Told of the owner as a whole: to tell of each costs ten times what it takes to delete it.
            owners = {address.owner for address in addresses}
            for owner in owners:
                self._changing.turns.cleared(owner)
            removed = {one for one in addresses if sum(map(self._catalogue.unlink, self._catalogue.paths(one)))}
            for owner in owners:
                self._invalidations.cleared(owner)
        except OSError as error:
            self._could_not_delete(error)
        return removed

    def clear(self, owner: str | None = None) -> int:
        return len(self.discard(owner))

    def discard(self, owner: str | None = None) -> set[str]:
        names: set[str] = set()
        failures: list[OSError] = []
        if not is_named(self.places.text):
            return names
        try:
            self._changing.turns.cleared(owner)
            for folder in self._catalogue.owner_folders(owner):
                self._catalogue.forget(folder)
                names |= self._changing.trash.throw(Path(folder), failures.append)
            self._invalidations.cleared(owner)
            # Nobody finds it any more; the bytes go now, or in the background if they are many.
            self._changing.trash.empty(failures.append)
        except OSError as error:
            failures.append(error)
        if failures:
            self._could_not_delete(failures[0])
        return names

    def limit(self, owner: str, max_entries: int | None, max_size: int | None, whose: Whose | None = None) -> int:
        if max_entries is None and max_size is None:
            return 0
        try:
            return self._catalogue.limit(owner, max_entries, max_size, whose)
        except OSError as error:
            self._could_not_delete(error)
            return 0

    def collect(self) -> int:
        """Delete what has expired, and the least recently used beyond the bound; returns how many files went.

        One process at a time: 0 if another one is at it.
        """
        return self._changing.collector.collect()

    def close(self) -> None:
        """Write down the uses noted in this process; delete what was signed with a key that ends with it.

        The store can still be used.
        """
        try:
            if is_named(self.places.text):
                self._catalogue.uses.write_all()
                self._catalogue.usage.share()
        except OSError:
            # Hints, for which a closing program needs no warning of a full disk.
            pass
        if self.keyring.ephemeral_only:
            self.discard()
        if self._made:
            self._changing.locks.close()

    # -- between processes

    def stamp(self) -> Stamp:
        """This moment, for `concerns_since`; another one whenever anybody deletes, clears or replaces an entry."""
        return self._invalidations.stamp()

    def concerns_since(self, stamp: Stamp) -> Concerned:
        """What was deleted, cleared or replaced after a stamp, by anybody."""
        return self._invalidations.concerns_since(stamp)

    def lock(self, text: str) -> Claim:
        """The lock of a computation that must run once, whatever number of processes want its result."""
        return self._changing.locks.claim(text)

    # -- how

    @property
    def _changing(self) -> Changing:
        # Two threads may make one each; both get the first that is there.
        return self._made.get("") or self._made.setdefault("", self._make())

    def _load(self, address: Address) -> tuple[str, Entry] | None:
        for path in self._catalogue.paths(address):
            entry = self._reader.load(path, address)
            if entry is not None:
                return path, entry
        if self._trust == "strict":
            self._refuse_foreign(address)
        return None

    def _refuse_foreign(self, address: Address) -> None:
        """Under "strict", an entry of this address under somebody else's key is an error, not a miss."""
        try:
            foreign = [path for path in self._catalogue.foreign_paths(address) if is_named(path)]
        except OSError:
            return
        if foreign:
            raise untrusted(foreign[0], "it was signed with another key")

    def _rows(self, folder: str, but: Container[str] = (), names: list[str] | None = None) -> Iterator[Stored]:
        """The rows of one owner's folder, opened once for all of them; those of some files, where they are named."""
        try:
            fd = os.open(folder, folders.READ_FOLDER) if system.FOLDERS_OPEN else None
        except OSError:
            return
        try:
            if self._reader.trusts(folder):
                uses = self._catalogue.uses.of(folder)
                yield from (
                    self._reader.rows(folder, fd, but, uses)
                    if names is None
                    else self._reader.read(folder, fd, names, uses)
                )
        finally:
            if fd is not None:
                os.close(fd)

    def _row(self, path: str, head: tuple[Address, Meta, int, float], uses: dict[str, float]) -> Stored:
        address, meta, size, written = head
        used = uses.get(os.path.basename(path).partition(".")[0], 0.0)
        return Stored(address, meta, size, max(written, used), self.tier)

    def _publish(self, address: Address, entry: Entry, packed: Packed, since: Mark | None) -> Entry:
        path = self._catalogue.path_for(address, entry.meta)
        if not self._reader.trusts(path.rpartition("/")[0]):
            return entry.owned(None)
        now, change = self._clock(), self._changing
        watched = self._catalogue.watched(path)
        turn = change.turns.publishing(since, change.index.telling(path, address, entry.meta, packed.sections))
        try:
            fd, replaced = change.writer.write(packed, path, now, turn.of)
        except ClearedError:
            return entry.owned(None)
        try:
            if not turn.alone and since is not None and since.cleared:
                # The clear may have passed this place already.
                folders.unlink_if_same(path, fd)
                # Whoever found it in between has it in memory now.
                self._invalidations.cleared(address=address)
                return entry.owned(None)
            if packed.size > MAPPED_FROM:
                self._verified.written(fd, packed.size, packed.mac)
            for other in self._catalogue.paths(address):
                if other != path and folders.is_there(other):
                    self._catalogue.unlink(other)
            if replaced is not None:
                self._invalidations.replaced(address)
            total = self._catalogue.written(path, packed.size, replaced or 0, now, watched)
            if entry.meta.expires is not None:
                self._catalogue.used(path, now, entry.meta.expires)
            change.writer.succeeded()
            change.collector.written(total)
            change.index.shorten()
            return self._backed(fd, packed, address, entry)
        finally:
            os.close(fd)

    def _backed(self, fd: int, packed: Packed, address: Address, entry: Entry) -> Entry:
        """The entry over a mapping of its file, where that is worth it."""
        if packed.buffered > MAPPED_FROM:
            try:
                return Entry.open(fd, address, self.keyring, trust=self._trust, memo=self._verified)
            except (CacheError, OSError, MemoryError):
                # Altered since it was written, or no room for a map: the value at hand is the right one.
                pass
        return entry.owned(None)

    def _unstored(self, address: Address, entry: Entry) -> Entry:
        """Give up a put: what the new entry should have replaced must not be found any more either."""
        for path in self._catalogue.paths(address):
            try:
                self._catalogue.unlink(path)
            except OSError:
                # A store that cannot be changed at all; the writer has warned of it.
                break
        return entry.owned(None)

    def _could_not_delete(self, error: OSError) -> None:
        self._warnings.always(
            "Stored entries could not be deleted, and may be found again.",
            f"{reason(error)}.",
            f"check whether you can write to {self.folder}, or delete that folder.",
        )

    def _warn_too_large(self, size: int) -> None:
        self._warnings.once(
            "size",
            None,
            "A result is returned, and kept in memory, but not stored on disk.",
            f"it takes {size} bytes, and the whole folder may hold {self._max_size}.",
            "set a larger NBCache.max_disk_size.",
        )

"""The disk store: one immutable, signed file per entry, safe for many processes and for whatever else happens.

``<folder>/v1/<key id>/<digest of the owner>/<key>.nbc``
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ..entries.entry import Address, Entry
from ..entries.section import MAPPED_FROM
from ..entries.signing import Keyring, state_folder
from ..entries.verified import VerifiedFiles
from ..errors import CacheError, UnstorableResultError, warn
from . import clearing, collection, folders
from .complaints import Complaints, reason
from .folders import Places
from .forks import renew_after_fork
from .locks import Claim, KeyLocks
from .names import NOTE, RESULT, entry_name, is_key_folder, key_name, may_be_note, owner_name
from .notices import Notices, Stamp
from .protocol import RESULTS, Clock, Mark, Stored, Warn
from .publish import Block
from .ranking import Ranking
from .reader import Reader, untrusted
from .usage import Usage, occupied
from .uses import Uses
from .writer import Writer

_COLLECTOR = "nbcache collects"
#: A collection that could not make room is not tried again for so many seconds.
_RETRY = 60.0


class DiskMark:
    """A moment in the life of a store, which other processes see too."""

    __slots__ = ("_address", "_notices", "_stamp")

    def __init__(self, notices: Notices, address: Address) -> None:
        self._notices = notices
        self._address = address
        self._stamp = notices.stamp()

    @property
    def cleared(self) -> bool:
        return self._notices.cleared_since(self._stamp, self._address)


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
        self.folder = Path(os.path.realpath(os.path.expanduser(folder)))
        self.keyring = keyring
        self.places = Places.of(self.folder)
        self._clock = clock
        self._trust = trust
        self._max_size = max_size
        records = None if keyring.ephemeral_only else state_folder() / "verified"
        self._verified = VerifiedFiles(records, keyring)
        self._complaints = Complaints(warn, clock)
        self._reader = Reader(self.places, keyring, trust, self._verified, self._complaints, clock)
        self._writer = Writer(self.places, self._complaints, clock)
        self._notices = Notices(self.places.notices)
        self._usage = Usage(self.places.usage, max_size)
        self._locks = KeyLocks(self.places.lock, self.places.waits, self._writer.prepare)
        self._uses = Uses(clock)
        self._rankings: dict[str, Ranking] = {}
        self._lock = threading.RLock()
        self._crowded_at: float | None = None
        renew_after_fork(self)

    def renew(self) -> None:
        self._lock = threading.RLock()
        for part in (self._complaints, self._usage, self._uses):
            part.renew()

    # What is there

    def get(self, address: Address) -> Entry | None:
        found = self._load(address)
        if found is None:
            return None
        path, entry = found
        self._note_use(path, self._clock())
        return entry

    def peek(self, address: Address) -> Entry | None:
        found = self._load(address)
        return None if found is None else found[1]

    def find(self, address: Address) -> Stored | None:
        for path in self._paths(address):
            row = self._row(path)
            if row is not None and row.address == address:
                return row
        return None

    def holds(self, address: Address, entry: Entry) -> bool:
        """Whether an entry, put or got earlier, still is the published one of its address."""
        row = self.find(address)
        return row is not None and row.meta.created == entry.meta.created and row.meta.seconds == entry.meta.seconds

    def contains(self, name: str) -> bool:
        """Whether there is a result of that name (`names.entry_name`)."""
        return any(os.path.lexists(self.places.base / key_id / (name + RESULT)) for key_id in self.keyring.ids)

    def touch(self, address: Address, used: float | None = None) -> None:
        for path in self._paths(address):
            if os.path.lexists(path):
                self._note_use(path, self._clock() if used is None else used)
                return

    def entries(self, owner: str | None = None) -> Iterator[Stored]:
        try:
            owned = list(self._owner_folders(owner))
        except OSError as error:
            self._reader.trouble(self.places.base, error)
            return
        for folder in owned:
            if not self._reader.trusts(folder):
                continue
            uses = self._uses.of(folder)
            for name in folders.list_names(folder):
                if name.endswith(RESULT):
                    row = self._row(folder / name, uses)
                    if row is not None and entry_name(row.address) == f"{folder.name}/{name.partition('.')[0]}":
                        yield row

    # What changes

    def mark(self, address: Address) -> Mark:
        return DiskMark(self._notices, address)

    def put(self, address: Address, entry: Entry, since: Mark | None = None) -> Entry:
        if since is not None and since.cleared:
            return entry.owned(None)
        if self._writer.paused:
            return self._unstored(address, entry)
        try:
            blocks = entry.pack(address, self.keyring)
            size = sum(memoryview(block).nbytes for block in blocks)
            if occupied(size) <= self._max_size:
                return self._publish(address, entry, blocks, size, since)
            self._say_too_large(size)
        except UnstorableResultError as error:
            self._complaints.always(
                "A result is returned, and kept in memory, but not stored on disk.",
                f"{error}",
                "nothing, or return something that can be pickled.",
            )
        except OSError as error:
            self._writer.failed(error)
        return self._unstored(address, entry)

    def _unstored(self, address: Address, entry: Entry) -> Entry:
        """Give up a put: what the new entry should have replaced must not be found any more either."""
        for path in self._paths(address):
            try:
                self._unlink(path)
            except OSError:
                # A store that cannot be changed at all; the writer has warned of it.
                break
        return entry.owned(None)

    def delete(self, address: Address) -> int:
        removed = 0
        try:
            paths = [path for path in self._paths(address) if os.path.lexists(path)]
            if not os.path.lexists(self.places.base):
                return 0
            self._notices.cleared(address=address)
            for path in paths:
                removed += self._unlink(path)
            if removed:
                self._notices.cleared(address=address)
        except OSError as error:
            self._could_not_delete(1, error)
        return min(1, removed)

    def clear(self, owner: str | None = None) -> int:
        return len(self.discard(owner))

    def discard(self, owner: str | None = None) -> set[str]:
        names: set[str] = set()
        failures: list[OSError] = []
        if not os.path.lexists(self.places.base):
            return names
        try:
            # Told before, for computations that end while this runs; and after, for those who hold entries.
            self._notices.cleared(owner)
            for folder in self._owner_folders(owner):
                with self._lock:
                    self._uses.forget(folder)
                removed, freed = clearing.clear_folder(folder, self.places.trash, failures.append)
                names |= removed
                self._usage.change(-freed)
            self._notices.cleared(owner)
        except OSError as error:
            failures.append(error)
        with self._lock:
            self._rankings.clear()
        if failures:
            self._could_not_delete(len(failures), failures[0])
        return names

    def limit(self, owner: str, max_entries: int | None, max_size: int | None) -> int:
        if max_entries is None and max_size is None:
            return 0
        evicted = 0
        try:
            with self._lock:
                ranking = self._ranking(owner)
                results, notes = ranking.excess(max_entries, max_size)
                for path in results:
                    evicted += self._unlink(path)
                for path in notes:
                    self._unlink(path)
                ranking.settle()
        except OSError as error:
            self._could_not_delete(1, error)
        return evicted

    def collect(self) -> int:
        """Delete what has expired, and the least recently used beyond the bound; returns how many files went.

        One process at a time: 0 if another one is at it.
        """
        if not os.path.lexists(self.places.base) or not self._locks.try_exclusive(_COLLECTOR):
            return 0
        try:
            self._uses.write_all()
            evicted, left = collection.collect(self.places, self._max_size, self._clock())
            self._usage.correct(left)
            self._crowded_at = self._clock() if left > self._max_size else None
            return evicted
        except OSError as error:
            self._crowded_at = self._clock()
            self._could_not_delete(1, error)
            return 0
        finally:
            self._locks.release_exclusive(_COLLECTOR)

    def close(self) -> None:
        """Write down the uses noted in this process; delete what was signed with a key that ends with it."""
        try:
            if os.path.lexists(self.places.base):
                self._uses.write_all()
                self._usage.share()
        except OSError:
            # Hints, for which a closing program need not hear of a full disk.
            pass
        if self.keyring.ephemeral_only:
            self.discard()

    # Between processes

    def generation(self) -> int | None:
        """A number that changes whenever an entry was deleted, cleared or replaced by anybody; None without a store."""
        stamp = self._notices.stamp()
        return hash(stamp) if stamp.file else None

    def stamp(self) -> Stamp:
        """This moment, for `concerns_since`."""
        return self._notices.stamp()

    def concerns_since(self, stamp: Stamp) -> Callable[[Address], bool]:
        """A test whether an address was deleted, cleared or replaced after a stamp, by anybody."""
        return self._notices.concerns_since(stamp)

    def lock(self, text: str) -> Claim:
        """The lock of a computation that must run once, whatever number of processes want its result."""
        return self._locks.claim(text)

    # How

    def _paths(self, address: Address) -> list[Path]:
        owner, key = owner_name(address.owner), key_name(address.key)
        endings = (RESULT, NOTE) if may_be_note(key) else (RESULT,)
        return [self.places.base / key_id / owner / (key + end) for key_id in self.keyring.ids for end in endings]

    def _owner_folders(self, owner: str | None) -> Iterator[Path]:
        if owner is None:
            yield from clearing.owner_folders(self.places.base, self.keyring.ids)
        else:
            for key_id in self.keyring.ids:
                yield self.places.base / key_id / owner_name(owner)

    def _load(self, address: Address) -> tuple[Path, Entry] | None:
        for path in self._paths(address):
            entry = self._reader.load(path, address)
            if entry is not None:
                return path, entry
        if self._trust == "strict":
            self._refuse_foreign(address)
        return None

    def _refuse_foreign(self, address: Address) -> None:
        """Under "strict", an entry of this address under somebody else's key is an error, not a miss."""
        try:
            key_ids = [name for name in folders.list_names(self.places.base) if is_key_folder(name)]
        except OSError:
            return
        for key_id in key_ids:
            path = self.places.base / key_id / (entry_name(address) + RESULT)
            if not self.keyring.knows(key_id) and os.path.lexists(path):
                raise untrusted(path, f"it was signed with another key ({key_id})")

    def _row(self, path: Path, uses: dict[str, float] | None = None) -> Stored | None:
        head = self._reader.head(path)
        if head is None:
            return None
        address, meta, size, written = head
        key = path.name.partition(".")[0]
        used = (self._uses.of(path.parent) if uses is None else uses).get(key, 0.0)
        return Stored(address, meta, size, max(written, used), self.tier)

    def _publish(self, address: Address, entry: Entry, blocks: Sequence[Block], size: int, since: Mark | None) -> Entry:
        path = self._path_for(address, entry)
        if not self._reader.trusts(path.parent):
            return entry.owned(None)
        now = self._clock()
        before = _size_of(path)
        fd, replaced = self._writer.write(blocks, size, path, now)
        try:
            if since is not None and since.cleared:
                # Cleared between the check and the publishing: the clear may have passed this place already.
                _unlink_if_same(path, fd)
                return entry.owned(None)
            self._verified.written(fd, blocks)
            for other in self._paths(address):
                if other != path and os.path.lexists(other):
                    self._unlink(other)
            if replaced:
                self._notices.replaced(address)
            with self._lock:
                ranking = self._rankings.get(path.parent.name)
                if ranking is not None:
                    ranking.put(path, size, now)
            if entry.meta.expires is not None:
                self._uses.note(path.parent, key_name(address.key), now, entry.meta.expires)
            self._writer.succeeded()
            self._count(occupied(size) - occupied(before))
            return self._backed(fd, blocks, address, entry)
        finally:
            os.close(fd)

    def _path_for(self, address: Address, entry: Entry) -> Path:
        ending = RESULT if entry.meta.kind in RESULTS else NOTE
        return self.places.base / self.keyring.id / owner_name(address.owner) / (key_name(address.key) + ending)

    def _backed(self, fd: int, blocks: Sequence[Block], address: Address, entry: Entry) -> Entry:
        """The entry over a mapping of its file, where that is worth it."""
        if sum(block.nbytes for block in blocks if isinstance(block, memoryview)) > MAPPED_FROM:
            try:
                return Entry.open(fd, address, self.keyring, trust=self._trust, memo=self._verified)
            except (CacheError, OSError, MemoryError):
                # Altered since it was written, or no room for a map: the value at hand is the right one.
                pass
        return entry.owned(None)

    def _count(self, change: int) -> None:
        """Count bytes, and make room when there are too many."""
        total = self._usage.change(change)
        if total is None or total <= self._max_size:
            return
        if self._crowded_at is None or not 0 <= self._clock() - self._crowded_at < _RETRY:
            self.collect()

    def _note_use(self, path: Path, used: float) -> None:
        with self._lock:
            ranking = self._rankings.get(path.parent.name)
            if ranking is not None:
                ranking.touch(path, used)
        self._uses.note(path.parent, path.name.partition(".")[0], used)

    def _ranking(self, owner: str) -> Ranking:
        name = owner_name(owner)
        ranking = self._rankings.get(name)
        if ranking is None:
            places = list(self._owner_folders(owner))
            for folder in places:
                self._uses.write(folder)
            ranking = self._rankings[name] = Ranking(places)
        return ranking

    def _unlink(self, path: Path) -> int:
        """Delete one file; 0 if it was gone, OSError if it cannot be."""
        try:
            size = os.lstat(path).st_size
            os.unlink(path)
        except FileNotFoundError:
            return 0
        self._usage.change(-occupied(size))
        ranking = self._rankings.get(path.parent.name)
        if ranking is not None:
            with self._lock:
                ranking.remove(path)
        return 1

    def _could_not_delete(self, count: int, error: OSError) -> None:
        self._complaints.always(
            f"{count} stored {'entry' if count == 1 else 'entries'} could not be deleted, and may be found again.",
            f"{reason(error)}.",
            f"see whether you can write to {self.places.root}, or delete that folder.",
        )

    def _say_too_large(self, size: int) -> None:
        self._complaints.once(
            "size",
            None,
            "A result is returned, and kept in memory, but not stored on disk.",
            f"it takes {size} bytes, and the whole folder may hold {self._max_size}.",
            "set a larger NBCache.max_disk_size.",
        )


def _size_of(path: Path) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:
        return 0


def _unlink_if_same(path: Path, fd: int) -> None:
    try:
        ours, named = os.fstat(fd), os.lstat(path)
        if (ours.st_dev, ours.st_ino) == (named.st_dev, named.st_ino):
            os.unlink(path)
    except FileNotFoundError:
        pass

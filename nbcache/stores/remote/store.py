"""The remote store: the same signed entries, on a server that several users and machines share.

Nothing that comes from there is trusted more than a file somebody sent: it is verified in memory at each fetch, and
no more than an entry may have is fetched. The server decides how much it keeps; entries with a time-to-live are
given one there, where the server knows such a thing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from nbcache.entries.entry import Address, Entry, Meta
from nbcache.entries.signing import Keyring
from nbcache.errors import DamagedEntryError, ForeignEntryError, UnstorableResultError, warn
from nbcache.stores.forks import renew_after_fork
from nbcache.stores.marks import Marks, MemoryMark
from nbcache.stores.names import NOTE, RESULT, entry_name, may_be_note, owner_name, parts_of_file
from nbcache.stores.protocol import RESULTS, Clock, Mark, Stored, Warn, Whose
from nbcache.stores.remote.breaker import Breaker, is_answer, is_unreachable
from nbcache.stores.remote.bucket import Blob, Bucket
from nbcache.stores.remote.urls import open_bucket, shown
from nbcache.stores.warnings import StoreWarnings, reason, untrusted

Answer = TypeVar("Answer")

#: Entries larger than this are neither sent nor fetched.
LARGEST = 1 << 30
#: What is told once, and again after it was over: that nothing is read, or that nothing is written.
_KIND_OF_TROUBLE = ("server", "writing")
#: What a listing fetches of each entry; the header, the files and the parts of a key are within.
_HEAD = 64 << 10
#: Entries up to this size are fetched with others.
_SMALL = 4 << 20
#: Of so many damaged entries the beginnings are remembered, so that each is told of once.
_MOST_TOLD, _TELLING = 1000, 256


class RemoteStore:
    """Entries in a bucket.

    Parameters
    ----------
    bucket : where the bytes are
    place : the name of the bucket in messages, without secrets
    keyring : signs what is put, verifies what is got; users who share a key share entries
    largest : bytes of an entry; larger ones are neither sent nor fetched
    notes : where leases lie, which hold no values; the bucket itself by default

    Notes
    -----
    Thread-safe. A server that fails is told of once, and left alone for a while that grows.
    """

    tier = "remote"

    def __init__(
        self,
        bucket: Bucket,
        place: str,
        keyring: Keyring,
        *,
        clock: Clock = time.time,
        trust: str = "sign",
        warn: Warn = warn,
        largest: int = LARGEST,
        notes: Bucket | None = None,
    ) -> None:
        self.bucket = bucket
        self.notes = bucket if notes is None else notes
        self.keyring = keyring
        self._place = place
        self._clock = clock
        self._trust = trust
        self._largest = min(largest, bucket.largest)
        self._warnings = StoreWarnings(warn, clock)
        self._reading = Breaker(clock)
        self._writing = Breaker(clock)
        self._marks = Marks()
        self._damaged: dict[str, bytes] = {}
        renew_after_fork(self)

    def renew(self) -> None:
        self._warnings.renew()
        self._reading.renew()
        self._writing.renew()
        self._marks.renew()

    def get(self, address: Address) -> Entry | None:
        found = self._ask(partial(self.bucket.read_first, self._names(address), self._largest + 1))
        return None if found is None else self._verified(*found, address)

    def get_many(self, addresses: Sequence[Address]) -> dict[Address, Entry | None]:
        """Entries that are not large, in as few requests as can be; None for what is not there, or is large."""
        groups = [self._names(address) for address in addresses]
        found = self._ask(lambda: self.bucket.read_many(groups, _SMALL)) or [None] * len(addresses)
        return {
            address: None if one is None else self._verified(*one, address)
            for address, one in zip(addresses, found, strict=True)
        }

    def peek(self, address: Address) -> Entry | None:
        """Like `get`, and of a large entry only the facts: its value cannot be had."""
        found = self._ask(partial(self.bucket.read_first, self._names(address), _HEAD))
        if found is None:
            return None
        name, head = found
        if len(head) < _HEAD:
            return self._verified(name, head, address)
        size: int | None = self._ask(lambda: self.bucket.size(name))
        row = None if size is None else self._row(Blob(name, size), head)
        return None if row is None or row.address != address else Entry.described(row.meta, row.size)

    def find(self, address: Address) -> Stored | None:
        for name in self._names(address):
            size = self._ask(partial(self.bucket.size, name))
            row = None if size is None else self._row(Blob(name, size))
            if row is not None and row.address == address:
                return row
        return None

    def touch(self, address: Address, used: float | None = None) -> None:
        """Nothing: the server decides what it keeps."""

    def mark(self, address: Address) -> MemoryMark:
        return self._marks.mark(address)

    def put(self, address: Address, entry: Entry, since: Mark | None = None) -> Entry:
        if self._writing.closed and (since is None or not since.cleared):
            self.send(address, entry, since)
        return entry.owned(None)

    def send(self, address: Address, entry: Entry, since: Mark | None) -> bool:
        """Put an entry, if the server may be written; False where it is worth to try again later."""
        try:
            blocks = entry.without_texts().pack(address, self.keyring)
        except UnstorableResultError:
            # The disk has said so already, with more to say about it.
            return True
        size = sum(memoryview(block).nbytes for block in blocks)
        if size > self._largest:
            self._warn_too_large(size)
            return True
        name = self._name_for(address, entry.meta)
        self._tell(lambda: self.bucket.write(name, blocks, _lifetime(entry.meta)))
        written = self._writing.closed
        # A lookup takes a result before bookkeeping: only the latter must not find the former in its way.
        stale = [name.replace(NOTE, RESULT)] if name.endswith(NOTE) else []
        if since is not None and since.cleared:
            stale.append(name)
        if stale:
            self._tell(partial(self.bucket.delete, stale))
        return written

    def may_be_written(self) -> bool:
        """Whether the server may be sent something now; it has not failed a moment ago."""
        return self._writing.closed

    def is_reachable(self) -> bool:
        """Whether the server may be asked and told now."""
        return self._reading.closed and self._writing.closed

    def left_unsent(self, count: int) -> None:
        """Say that results were not sent, once until the server takes some again."""
        self._warnings.once(
            _KIND_OF_TROUBLE[True],
            "unsent",
            f"{count} result{'s' if count != 1 else ''} could not be sent to {self._place} in time.",
            "it takes them more slowly than they are made, or it is away.",
            "nothing; they are kept on this machine.",
        )

    def delete(self, address: Address) -> int:
        self._marks.clear(address=address)
        return min(1, len(self._removed(lambda: self.bucket.delete(self._names(address)))))

    def delete_all(self, addresses: Sequence[Address]) -> set[Address]:
        meant = {name: address for address in addresses for name in self._names(address)}
        for address in addresses:
            self._marks.clear(address=address)
        return {meant[name] for name in self._removed(lambda: self.bucket.delete(list(meant)))} if meant else set()

    def clear(self, owner: str | None = None) -> int:
        return len(self.discard(owner))

    def discard(self, owner: str | None = None) -> set[str]:
        self._marks.clear(owner=owner)
        names: set[str] = set()
        for prefix in self._prefixes(owner):
            listed = self._removed(partial(self._listed, prefix))
            if listed and self._removed(partial(self.bucket.delete_listed, listed)):
                for name in listed:
                    folder, file = name.split("/")[-2:]
                    key, ending = parts_of_file(file) or ("", "")
                    if ending == RESULT:
                        names.add(f"{folder}/{key}")
        return names

    def entries(self, owner: str | None = None) -> Iterator[Stored]:
        for prefix in self._prefixes(owner):
            blobs: list[Blob] = self._ask(partial(self._blobs, prefix)) or []
            for blob in blobs:
                row = self._row(blob)
                if row is not None and blob.name in self._names(row.address):
                    yield row

    def limit(self, owner: str, max_entries: int | None, max_size: int | None, whose: Whose | None = None) -> int:
        """Nothing: bounds of a function are for the tiers of its own user."""
        return 0

    def close(self) -> None:
        """Nothing is only noted here."""

    def _names(self, address: Address) -> list[str]:
        name = entry_name(address)
        endings = (RESULT, NOTE) if may_be_note(name.rpartition("/")[2]) else (RESULT,)
        return [f"v1/{key_id}/{name}{ending}" for key_id in self.keyring.ids for ending in endings]

    def _name_for(self, address: Address, meta: Meta) -> str:
        return f"v1/{self.keyring.id}/{entry_name(address)}{RESULT if meta.kind in RESULTS else NOTE}"

    def _prefixes(self, owner: str | None) -> list[str]:
        below = "" if owner is None else f"{owner_name(owner)}/"
        return [f"v1/{key_id}/{below}" for key_id in self.keyring.ids]

    def _blobs(self, prefix: str) -> list[Blob]:
        """The entries under a prefix, and nothing else that somebody has put there."""
        return [blob for blob in self.bucket.list(prefix) if parts_of_file(os.path.basename(blob.name)) is not None]

    def _listed(self, prefix: str) -> list[str]:
        return [blob.name for blob in self._blobs(prefix)]

    def _verified(self, name: str, content: bytes, address: Address) -> Entry | None:
        try:
            if len(content) > self._largest:
                raise DamagedEntryError(f"it has more than {self._largest} bytes")
            return Entry.open(content, address, self.keyring, trust=self._trust)
        except (ForeignEntryError, DamagedEntryError) as error:
            place = f"{self._place} {name}"
            if self._trust == "strict":
                raise untrusted(place, str(error)) from error
            if isinstance(error, DamagedEntryError) and self._is_new(name, content[:_TELLING]):
                self._warnings.damaged(place, None, str(error))
        except MemoryError as error:
            self._trouble(error, self._reading)
        return None

    def _is_new(self, name: str, begins: bytes) -> bool:
        """Whether this very content was not told of; one miss meets it more than once."""
        if self._damaged.get(name) == begins:
            return False
        if len(self._damaged) > _MOST_TOLD:
            self._damaged.clear()
        self._damaged[name] = begins
        return True

    def _row(self, blob: Blob, head: bytes | None = None) -> Stored | None:
        if head is None:
            head = self._ask(lambda: self.bucket.read(blob.name, _HEAD))
        if head is None:
            return None
        try:
            address, meta, size = _peek(head, blob.size, self.keyring)
        except (ForeignEntryError, DamagedEntryError, OSError):
            return None
        return Stored(address, meta, size, meta.created, self.tier)

    def _ask(self, request: Callable[[], Answer]) -> Answer | None:
        """What the server answers; None when it fails, or has failed not long ago."""
        return self._through(self._reading, request)

    def _tell(self, request: Callable[[], Answer]) -> None:
        """Send something to the server; a full one, or one that may only be read, goes on being read."""
        self._through(self._writing, request)

    def _through(self, breaker: Breaker, request: Callable[[], Answer]) -> Answer | None:
        if not breaker.closed:
            return None
        try:
            answer = request()
        except Exception as error:
            # Every library of every server raises something else.
            self._trouble(error, breaker)
            return None
        if breaker.succeeded():
            self._warnings.over(_KIND_OF_TROUBLE[breaker is self._writing])
        return answer

    def _removed(self, request: Callable[[], Sequence[str]]) -> Sequence[str]:
        """Like `_tell`, for a removal: that nothing was removed must be said each time."""
        if self._writing.closed:
            try:
                return request()
            except Exception as error:
                if not is_answer(error):
                    self._writing.failed()
                why = reason(error)
        else:
            why = "the server did not answer a moment ago"
        self._warnings.always(
            f"Entries in {self._place} could not be deleted, and may be found again.",
            f"{why}.",
            "clear once more when the server answers.",
        )
        return []

    def _trouble(self, error: Exception, breaker: Breaker) -> None:
        writing = breaker is self._writing
        if is_answer(error) and not writing:
            # About one name, such as one of another type; the next question may be answered well.
            self._warnings.once(
                "answer", None, f"The shared store {self._place} refused to answer.", f"{reason(error)}.", "nothing."
            )
            return
        pause = breaker.failed()
        if not writing or is_unreachable(error):
            (self._reading if writing else self._writing).failed()
        what = "takes no results" if writing and not is_unreachable(error) else "is not used"
        self._warnings.once(
            _KIND_OF_TROUBLE[writing and not is_unreachable(error)],
            None,
            f"The shared store {self._place} {what} for now; everything else goes on.",
            f"{reason(error)}.",
            f"see why; it is asked again after {pause:.0f} s.",
        )

    def _warn_too_large(self, size: int) -> None:
        self._warnings.once(
            "size",
            None,
            f"A result is not sent to {self._place}; it is kept on this machine.",
            f"it takes {size} bytes, and no more than {self._largest} are sent.",
            "nothing.",
        )


def open_remote(
    url: str,
    keyring: Keyring,
    *,
    clock: Clock = time.time,
    trust: str = "sign",
    warn: Warn = warn,
    encrypted: bool = False,
) -> RemoteStore:
    """Open a shared store by its URL; nothing is sent yet.

    Parameters
    ----------
    encrypted : whether others who can read the store shall not be able to read the values

    Raises
    ------
    MissingExtraError, InvalidParameterError
        As for `open_bucket`; or nothing can be encrypted here.
    """
    bucket = open_bucket(url)
    if encrypted:
        from nbcache.stores.remote.sealed import SealedBucket

        holds: Bucket = SealedBucket(bucket, keyring)
    else:
        holds = bucket
    return RemoteStore(holds, shown(url), keyring, clock=clock, trust=trust, warn=warn, notes=bucket)


def _lifetime(meta: Meta) -> float | None:
    """For how long a server keeps an entry, in seconds.

    Twice its time-to-live: within the second one, an old value may be served while a new one is computed.
    """
    return None if meta.expires is None else 2 * (meta.expires - meta.created)


def _peek(head: bytes, size: int, keyring: Keyring) -> tuple[Address, Meta, int]:
    """Read the facts of an entry of which only the beginning was fetched."""
    if len(head) == size:
        return Entry.peek(head, keyring)
    if not hasattr(os, "memfd_create"):
        return Entry.peek(head + bytes(size - len(head)), keyring)
    # The reader checks that all lengths add up: a file in memory, of the right length and with a hole in it.
    fd = os.memfd_create("nbcache")
    try:
        os.write(fd, head)
        os.ftruncate(fd, size)
        return Entry.peek(fd, keyring)
    finally:
        os.close(fd)

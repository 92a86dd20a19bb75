"""The remote store: the same signed entries, on a server that several users and machines share.

Nothing that comes from there is trusted more than a file somebody sent: it is verified in memory at each fetch, and
no more than an entry may have is fetched. The server decides how much it keeps; entries with a time-to-live are
given one there, where the server knows such a thing. Elsewhere whoever meets an entry that has outlived it, in a
look-up or in a listing, removes it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from nbcache.entries.entry import Address, Entry, Meta
from nbcache.entries.signing import Keyring
from nbcache.entries.source import Given
from nbcache.errors import DamagedEntryError, ForeignEntryError, UnstorableResultError, warn
from nbcache.stores.forks import renew_after_fork
from nbcache.stores.marks import Marks, MemoryMark
from nbcache.stores.names import NOTE, RESULT, entry_name, may_be_note, owner_name, parts_of_file
from nbcache.stores.protocol import RESULTS, Clock, Mark, Stored, Warn, Whose
from nbcache.stores.remote.arriving import arrived
from nbcache.stores.remote.bucket import PIECE, Blob, Bucket
from nbcache.stores.remote.requests import Requests
from nbcache.stores.remote.urls import open_bucket, shown
from nbcache.stores.warnings import untrusted

#: Entries larger than this are neither sent nor fetched.
LARGEST = 1 << 30
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
    scratch : a folder for nameless files, through which large values come

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
        scratch: Path | None = None,
    ) -> None:
        self.bucket = bucket
        self.notes = bucket if notes is None else notes
        self.keyring = keyring
        self._place = place
        self._clock = clock
        self._trust = trust
        self._largest = min(largest, bucket.largest)
        self._at_once = min(PIECE, self._largest + 1)
        self._scratch = scratch
        self._server = Requests(place, warn, clock)
        self._marks = Marks()
        self._damaged: dict[str, bytes] = {}
        renew_after_fork(self)

    def renew(self) -> None:
        self._server.renew()
        self._marks.renew()

    def get(self, address: Address) -> Entry | None:
        found = self._server.ask(partial(self.bucket.read_first, self._names(address), self._at_once))
        return None if found is None else self._verified(*found, address)

    def get_many(self, addresses: Sequence[Address]) -> dict[Address, Entry | None]:
        """Entries that are not large, in as few requests as can be; None for what is not there, or is large."""
        groups = [self._names(address) for address in addresses]
        found = self._server.ask(lambda: self.bucket.read_many(groups, _SMALL)) or [None] * len(addresses)
        return {
            address: None if one is None else self._verified(*one, address)
            for address, one in zip(addresses, found, strict=True)
        }

    def peek(self, address: Address) -> Entry | None:
        """Like `get`, and of a large entry only the facts: its value cannot be had."""
        found = self._server.ask(partial(self.bucket.read_first, self._names(address), _HEAD))
        if found is None:
            return None
        name, head = found
        if len(head) < _HEAD:
            return self._verified(name, head, address)
        size: int | None = self._server.ask(lambda: self.bucket.size(name))
        row = None if size is None else self._row_of(address, Blob(name, size), head)
        return None if row is None else Entry.described(row.meta, row.size)

    def find(self, address: Address) -> Stored | None:
        for name in self._names(address):
            size = self._server.ask(partial(self.bucket.size, name))
            row = None if size is None else self._row_of(address, Blob(name, size))
            if row is not None:
                return row
        return None

    def touch(self, address: Address, used: float | None = None) -> None:
        """Nothing: the server decides what it keeps."""

    def mark(self, address: Address) -> MemoryMark:
        return self._marks.mark(address)

    def put(self, address: Address, entry: Entry, since: Mark | None = None) -> Entry:
        if self._server.may_write and (since is None or not since.cleared):
            self.send(address, entry, since)
        return entry.owned(None)

    def send(self, address: Address, entry: Entry, since: Mark | None) -> bool:
        """Put an entry, if the server may be written; False where it is worth to try again later."""
        try:
            packed = entry.without_texts().packed(address, self.keyring)
        except UnstorableResultError:
            # The disk has said so already, with more to say about it.
            return True
        if packed.size > self._largest:
            self._warn_too_large(packed.size)
            return True
        name = self._name_for(address, entry.meta)
        self._server.tell(lambda: self.bucket.write(name, packed.in_turn(), packed.size, _lifetime(entry.meta)))
        written = self._server.may_write
        # A lookup takes a result before bookkeeping: only the latter must not find the former in its way.
        stale = [name.replace(NOTE, RESULT)] if name.endswith(NOTE) else []
        if since is not None and since.cleared:
            stale.append(name)
        if stale:
            self._server.tell(partial(self.bucket.delete, stale))
        return written

    def may_be_written(self) -> bool:
        """Whether the server may be sent something now; it has not failed a moment ago."""
        return self._server.may_write

    def is_reachable(self) -> bool:
        """Whether the server may be asked and told now."""
        return self._server.may_ask and self._server.may_write

    def left_unsent(self, count: int) -> None:
        """Say that results were not sent, once until the server takes some again."""
        self._server.left_unsent(count)

    def tidy(self, request: Callable[[], object]) -> None:
        """Do what nobody asked for, if the server lets us."""
        self._server.tidy(request)

    def delete(self, address: Address) -> int:
        self._marks.clear(address=address)
        return min(1, len(self._server.remove(lambda: self.bucket.delete(self._names(address)))))

    def delete_all(self, addresses: Sequence[Address]) -> set[Address]:
        meant = {name: address for address in addresses for name in self._names(address)}
        for address in addresses:
            self._marks.clear(address=address)
        removed = self._server.remove(lambda: self.bucket.delete(list(meant))) if meant else ()
        return {meant[name] for name in removed}

    def clear(self, owner: str | None = None) -> int:
        return len(self.discard(owner))

    def discard(self, owner: str | None = None) -> set[str]:
        self._marks.clear(owner=owner)
        names: set[str] = set()
        for prefix in self._prefixes(owner):
            listed = self._server.remove(partial(self._listed, prefix))
            if listed and self._server.remove(partial(self.bucket.delete_listed, listed)):
                for name in listed:
                    folder, file = name.split("/")[-2:]
                    key, ending = parts_of_file(file) or ("", "")
                    if ending == RESULT:
                        names.add(f"{folder}/{key}")
        return names

    def entries(self, owner: str | None = None) -> Iterator[Stored]:
        for prefix in self._prefixes(owner):
            blobs: list[Blob] = self._server.ask(partial(self._blobs, prefix)) or []
            expired: list[str] = []
            for blob in blobs:
                row = self._row(blob)
                if row is None or blob.name not in self._names(row.address):
                    continue
                if self._has_expired(row.meta):
                    expired.append(blob.name)
                else:
                    yield row
            self._remove_expired(expired)

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

    def _verified(self, name: str, begins: bytes, address: Address) -> Entry | None:
        """The entry under a name, of which so much is here as is fetched at once."""
        try:
            entry = self._opened(begins, address) if len(begins) < self._at_once else self._large(name, begins, address)
        except (ForeignEntryError, DamagedEntryError) as error:
            place = f"{self._place} {name}"
            if self._trust == "strict":
                raise untrusted(place, str(error)) from error
            if isinstance(error, DamagedEntryError) and self._is_new(name, begins[:_TELLING]):
                self._server.warnings.damaged(place, None, str(error))
            return None
        except MemoryError as error:
            self._server.failed(error)
            return None
        if entry is not None and self._has_expired(entry.meta):
            self._remove_expired([name])
            return None
        return entry

    def _opened(self, content: Given, address: Address) -> Entry:
        return Entry.open(content, address, self.keyring, trust=self._trust)

    def _large(self, name: str, begins: bytes, address: Address) -> Entry | None:
        """Fetch the rest of an entry; from its beginning again, if another one takes its place meanwhile."""

        def more(place: int) -> bytes | None:
            return self._server.ask(partial(self.bucket.read, name, PIECE, place))

        for last in (False, True):
            size = self._server.ask(partial(self.bucket.size, name))
            if size is None:
                return None
            if size > self._largest:
                raise DamagedEntryError(f"it has more than {self._largest} bytes")
            content: int | bytes | None = None
            try:
                content = arrived(begins, size, more, self._scratch)
                return None if content is None else self._opened(content, address)
            except DamagedEntryError:
                again = None if last else self._server.ask(partial(self.bucket.read, name, self._at_once))
                if again is None or again == begins:
                    raise
                begins = again
            finally:
                if isinstance(content, int):
                    os.close(content)
        return None

    def _is_new(self, name: str, begins: bytes) -> bool:
        """Whether this very content was not told of; one miss meets it more than once."""
        if self._damaged.get(name) == begins:
            return False
        if len(self._damaged) > _MOST_TOLD:
            self._damaged.clear()
        self._damaged[name] = begins
        return True

    def _row_of(self, address: Address, blob: Blob, head: bytes | None = None) -> Stored | None:
        """The row of an address, which has not expired."""
        row = self._row(blob, head)
        if row is None or row.address != address:
            return None
        if self._has_expired(row.meta):
            self._remove_expired([blob.name])
            return None
        return row

    def _row(self, blob: Blob, head: bytes | None = None) -> Stored | None:
        if head is None:
            head = self._server.ask(lambda: self.bucket.read(blob.name, _HEAD))
        if head is None:
            return None
        try:
            address, meta, size = _peek(head, blob.size, self.keyring)
        except (ForeignEntryError, DamagedEntryError, OSError):
            return None
        return Stored(address, meta, size, meta.created, self.tier)

    def _has_expired(self, meta: Meta) -> bool:
        """Whether a server that knows lifetimes would have forgotten an entry by now."""
        lifetime = _lifetime(meta)
        return lifetime is not None and self._clock() > meta.created + lifetime

    def _remove_expired(self, names: Sequence[str]) -> None:
        """Remove what a server without lifetimes has kept for too long."""
        if names:
            self._server.tidy(partial(self.bucket.delete, names))

    def _warn_too_large(self, size: int) -> None:
        self._server.warnings.once(
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
    scratch: Path | None = None,
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
    return RemoteStore(holds, shown(url), keyring, clock=clock, trust=trust, warn=warn, notes=bucket, scratch=scratch)


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

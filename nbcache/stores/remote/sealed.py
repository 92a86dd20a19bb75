"""A bucket of which others see names and sizes only: what is written is encrypted, below a folder of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from nbcache.entries.signing import Keyring
from nbcache.errors import DamagedEntryError
from nbcache.stores.remote.bucket import Blob, Bucket
from nbcache.stores.remote.sealing import CHUNK, Sealer, plain_size, sealed_size

_BELOW = "sealed/"
#: What is read in the place of bytes that were altered; it is no entry, and whoever opens it will say so.
_ALTERED = b"altered"


class SealedBucket:
    """Encrypts what goes into another bucket.

    Notes
    -----
    Names are those of `RemoteStore`: the second part says which key is used. What is read from a place on must begin
    with a chunk, as each piece does.
    """

    def __init__(self, bucket: Bucket, keyring: Keyring) -> None:
        self._bucket = bucket
        self._sealer = Sealer(keyring)
        self.largest = plain_size(bucket.largest)

    def read(self, name: str, most: int, start: int = 0) -> bytes | None:
        if not start:
            return self._opened(name, self._bucket.read(_BELOW + name, _to_read(most)), most)
        place = sealed_size(start)
        head = self._bucket.read(_BELOW + name, sealed_size(0))
        rest = self._bucket.read(_BELOW + name, sealed_size(start + _whole(most)) - place, place)
        return None if head is None or rest is None else self._opened(name, head + rest, most, start // CHUNK)

    def read_first(self, names: Sequence[str], most: int) -> tuple[str, bytes] | None:
        found = self._bucket.read_first([_BELOW + name for name in names], _to_read(most))
        if found is None:
            return None
        name = found[0].removeprefix(_BELOW)
        content = self._opened(name, found[1], most)
        return None if content is None else (name, content)

    def read_many(self, groups: Sequence[Sequence[str]], most: int) -> list[tuple[str, bytes] | None]:
        inside = [[_BELOW + name for name in names] for names in groups]
        found: list[tuple[str, bytes] | None] = []
        for one in self._bucket.read_many(inside, _to_read(most)):
            name = "" if one is None else one[0].removeprefix(_BELOW)
            content = None if one is None else self._opened(name, one[1], most)
            found.append(None if content is None else (name, content))
        return found

    def size(self, name: str) -> int | None:
        size = self._bucket.size(_BELOW + name)
        return None if size is None else plain_size(size)

    def write(self, name: str, blocks: Iterable[bytes | memoryview], size: int, seconds: float | None) -> None:
        sealed = self._sealer.seal(_key_of(name), name, blocks)
        self._bucket.write(_BELOW + name, sealed, sealed_size(size), seconds)

    def create(self, name: str, content: bytes, seconds: float) -> bool:
        return self._bucket.create(_BELOW + name, content, seconds)

    def delete(self, names: Iterable[str]) -> Sequence[str]:
        return _without_folder(self._bucket.delete([_BELOW + name for name in names]))

    def delete_listed(self, names: Sequence[str]) -> Sequence[str]:
        return _without_folder(self._bucket.delete_listed([_BELOW + name for name in names]))

    def list(self, prefix: str) -> Iterator[Blob]:
        for blob in self._bucket.list(_BELOW + prefix):
            yield Blob(blob.name.removeprefix(_BELOW), plain_size(blob.size))

    def _opened(self, name: str, content: bytes | None, most: int, first: int = 0) -> bytes | None:
        if content is None:
            return None
        try:
            return self._sealer.opened(_key_of(name), name, content, first)[:most]
        except DamagedEntryError:
            return _ALTERED


def _key_of(name: str) -> str:
    return name.split("/")[1]


def _to_read(most: int) -> int:
    """So many bytes, that the beginning can be opened: whole chunks."""
    return sealed_size(_whole(most))


def _whole(most: int) -> int:
    return -(-most // CHUNK) * CHUNK


def _without_folder(names: Sequence[str]) -> list[str]:
    return [name.removeprefix(_BELOW) for name in names]

"""A bucket whose server did not answer when it was opened: each request tries again, until one succeeds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from nbcache.stores.remote.bucket import Blob, Bucket


class UnopenedBucket:
    """Stands for a bucket until it can be opened; what opening raises is what the request raises.

    Notes
    -----
    How often it is tried is up to the breaker of the store.
    """

    largest = 1 << 62

    def __init__(self, open_again: Callable[[], Bucket]) -> None:
        self._open = open_again
        self._opened: Bucket | None = None

    def _bucket(self) -> Bucket:
        if self._opened is None:
            self._opened = self._open()
            self.largest = self._opened.largest
        return self._opened

    def read(self, name: str, most: int, start: int = 0) -> bytes | None:
        return self._bucket().read(name, most, start)

    def read_first(self, names: Sequence[str], most: int) -> tuple[str, bytes] | None:
        return self._bucket().read_first(names, most)

    def read_many(self, groups: Sequence[Sequence[str]], most: int) -> Sequence[tuple[str, bytes] | None]:
        return self._bucket().read_many(groups, most)

    def size(self, name: str) -> int | None:
        return self._bucket().size(name)

    def write(self, name: str, blocks: Iterable[bytes | memoryview], size: int, seconds: float | None) -> None:
        self._bucket().write(name, blocks, size, seconds)

    def create(self, name: str, content: bytes, seconds: float) -> bool:
        return self._bucket().create(name, content, seconds)

    def delete(self, names: Iterable[str]) -> Sequence[str]:
        return self._bucket().delete(names)

    def delete_listed(self, names: Sequence[str]) -> Sequence[str]:
        return self._bucket().delete_listed(names)

    def list(self, prefix: str) -> Iterator[Blob]:
        return self._bucket().list(prefix)

"""Named bytes in a Redis server."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from nbcache.stores.remote.bucket import PIECE, Blob, cut, first_of

_PREFIX = "nbcache/"
_AT_ONCE = 500
#: So many bytes are fetched in one answer at most.
_TOGETHER = 64 << 20
#: What is left of a large value that was not sent to its end is forgotten after a time, in ms.
_UNFINISHED = 600_000


class RedisBucket:
    """Keys of one Redis database that begin with ``nbcache/``."""

    #: What Redis itself allows.
    largest = 512 << 20

    def __init__(self, url: str) -> None:
        import redis

        # A server that does not answer must not hold up a cell for long.
        self._server: Any = redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=2)

    def read(self, name: str, most: int, start: int = 0) -> bytes | None:
        content: bytes = self._server.getrange(_PREFIX + name, start, start + most - 1)
        # An entry is never empty, so that this is what a missing key looks like.
        return content or None

    def read_first(self, names: Sequence[str], most: int) -> tuple[str, bytes] | None:
        with self._server.pipeline(transaction=False) as pipeline:
            for name in names:
                pipeline.strlen(_PREFIX + name)
            sizes = pipeline.execute(raise_on_error=False)
        # The longer way is for what is there only; a name of another type raises then.
        return first_of(self, [name for name, size in zip(names, sizes, strict=True) if size], most)

    def read_many(self, groups: Sequence[Sequence[str]], most: int) -> list[tuple[str, bytes] | None]:
        names = [name for group in groups for name in group]
        with self._server.pipeline(transaction=False) as pipeline:
            for name in names:
                pipeline.strlen(_PREFIX + name)
            answers = pipeline.execute(raise_on_error=False)
            sizes = {name: size for name, size in zip(names, answers, strict=True) if isinstance(size, int)}
            there = [next((name for name in group if sizes.get(name)), "") for group in groups]
            room = _TOGETHER
            for number, name in enumerate(there):
                room -= sizes.get(name, 0)
                if not name or sizes[name] > most or room < 0:
                    there[number] = ""
                else:
                    pipeline.getrange(_PREFIX + name, 0, most - 1)
            contents = iter(pipeline.execute(raise_on_error=False))
        found = [(name, next(contents)) if name else None for name in there]
        return [one if one is not None and isinstance(one[1], bytes) and one[1] else None for one in found]

    def size(self, name: str) -> int | None:
        return int(self._server.strlen(_PREFIX + name)) or None

    def write(self, name: str, blocks: Iterable[bytes | memoryview], size: int, seconds: float | None) -> None:
        lifetime = None if seconds is None else max(1, int(seconds * 1000))
        if size > PIECE:
            self._write_in_pieces(_PREFIX + name, blocks, lifetime)
            return
        self._server.set(_PREFIX + name, b"".join(blocks), px=lifetime)

    def _write_in_pieces(self, key: str, blocks: Iterable[bytes | memoryview], lifetime: int | None) -> None:
        """Write under another key first, so that no second copy of a large value is made here."""
        beside = f"{key}.{secrets.token_hex(8)}.tmp"
        try:
            for piece in cut(blocks):
                self._server.append(beside, bytes(piece))
                self._server.pexpire(beside, _UNFINISHED)
            with self._server.pipeline() as pipeline:
                pipeline.rename(beside, key)
                if lifetime is None:
                    pipeline.persist(key)
                else:
                    pipeline.pexpire(key, lifetime)
                pipeline.execute()
        except BaseException:
            self._server.delete(beside)
            raise

    def create(self, name: str, content: bytes, seconds: float) -> bool:
        return bool(self._server.set(_PREFIX + name, content, nx=True, px=max(1, int(seconds * 1000))))

    def delete(self, names: Iterable[str]) -> list[str]:
        wanted = list(names)
        deleted: list[str] = []
        for start in range(0, len(wanted), _AT_ONCE):
            some = wanted[start : start + _AT_ONCE]
            with self._server.pipeline(transaction=False) as pipeline:
                for name in some:
                    pipeline.delete(_PREFIX + name)
                deleted += [name for name, count in zip(some, pipeline.execute(), strict=True) if count]
        return deleted

    def delete_listed(self, names: Sequence[str]) -> Sequence[str]:
        self.delete(names)
        return names

    def list(self, prefix: str) -> Iterator[Blob]:
        found = self._server.scan_iter(match=f"{_PREFIX}{prefix}*", count=_AT_ONCE)
        # Names of ours are ASCII; whatever else somebody has put there is not looked at.
        keys = [key.decode() for key in found if key.isascii()]
        for start in range(0, len(keys), _AT_ONCE):
            some = keys[start : start + _AT_ONCE]
            with self._server.pipeline(transaction=False) as pipeline:
                for key in some:
                    pipeline.strlen(key)
                for key, size in zip(some, pipeline.execute(raise_on_error=False), strict=True):
                    if isinstance(size, int) and size:
                        yield Blob(key.removeprefix(_PREFIX), int(size))

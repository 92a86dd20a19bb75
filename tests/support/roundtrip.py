"""Values through bytes and back, for the tests of the serializers."""

from __future__ import annotations

from typing import Any

from nbcache.entries import guests
from nbcache.entries.serialize import BYTES, READONLY, Serialized, dumps, loads

LARGE = 300_000


def returned(value: object, inline_below: int = guests.INLINE_BELOW) -> Any:
    """A value through bytes, over buffers of its own."""
    stream, buffers, kinds = dumps(value, inline_below)
    own = [
        memoryview(bytes(b) if k in (READONLY, BYTES) else bytearray(b)) for b, k in zip(buffers, kinds, strict=True)
    ]
    return loads(stream, own, kinds)


def outside(value: object) -> Serialized:
    """A serialization whose stream is small, because the memory is beside it."""
    found = dumps(value)
    assert len(found.stream) < 4096, "the memory was copied into the stream"
    return found

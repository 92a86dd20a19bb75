"""The digest of builtin containers seen before, at the speed of pickle.

The stream that pickle makes of nothing but builtin containers and atoms fixes the value fully: equal streams, equal
values, equal digests. It is not canonical (the order of a dict and shared texts show in it), so it only leads to a
digest worked out before, and never is one.
"""

from __future__ import annotations

import pickle
from typing import NoReturn

from xxhash import xxh3_128

from nbcache.hashing.immutable import Sink

_MOST = 4096
_known: dict[bytes, bytes] = {}


class _Builtins(pickle.Pickler):
    """Goes no further than what pickle writes by exact type, without a look at any class."""

    def reducer_override(self, value: object) -> NoReturn:
        raise pickle.PicklingError("not a builtin container")


def _refuse(buffer: pickle.PickleBuffer) -> NoReturn:
    # Written in-band it could not be told from bytes.
    raise pickle.PicklingError("not a builtin container")


def stream_of(value: object) -> bytes | None:
    """Digest the pickle stream of `value`; None when anything but builtin containers and atoms is in it."""
    stream = xxh3_128()
    try:
        _Builtins(Sink(stream.update), 5, buffer_callback=_refuse).dump(value)
    except (pickle.PicklingError, RecursionError):
        return None
    return stream.digest()


def known(stream: bytes) -> bytes | None:
    """Return the digest that belongs to a stream, if it was worked out before."""
    return _known.get(stream)


def remember(stream: bytes, digest: bytes) -> None:
    """Keep the digest that belongs to a stream; 32 bytes each, and a bounded number of them."""
    if len(_known) >= _MOST:
        _known.clear()
    _known[stream] = digest

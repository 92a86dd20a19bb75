"""A value in, a pickle stream and raw buffers out; and back.

pickle comes first, because it names classes and functions instead of copying them; cloudpickle does what pickle
cannot: lambdas, classes made inside functions. Large memory stays outside of the stream, where it is never copied.
"""

from __future__ import annotations

import gc
import io
import pickle
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from nbcache.advice import advice_for
from nbcache.entries import guests
from nbcache.entries.whole_stack import with_whole_stack
from nbcache.errors import UnstorableResultError, explain, text_of

__all__ = ["BLOBS", "BYTEARRAY", "BYTES", "READONLY", "WRITABLE", "Serialized", "dumps", "loads", "without_collector"]

PROTOCOL = 5
WRITABLE, READONLY, BYTES, BYTEARRAY = b"wrba"
BLOBS = frozenset((BYTES, BYTEARRAY))

_BLOB_FROM = 1 << 20
_LOOKED_INTO = 1000
_WORTH_A_LOOK = frozenset((bytes, bytearray, dict, list, tuple))
_WITHOUT_COLLECTOR_FROM = 64 << 10


class Serialized(NamedTuple):
    """A pickle stream, the buffers beside it, and one kind a buffer: how it may be used, or what it becomes."""

    stream: bytes
    buffers: list[memoryview]
    kinds: bytes


def dumps(value: object, inline_below: int = guests.INLINE_BELOW) -> Serialized:
    """Serialize a value; the buffers alias its memory.

    Raises
    ------
    UnstorableResultError
        Neither pickle nor cloudpickle can: a lock, a live generator, an open file.
    """
    blobs = _Blobs() if _holds_blob(value, 2) else None

    def pickled(make: _Make) -> tuple[bytes, list[pickle.PickleBuffer]]:
        return _pickled(make, value, guests.reducers(inline_below), blobs)

    try:
        stream, collected = with_whole_stack(pickled, _by_name)
    except UnstorableResultError:
        raise
    except Exception as first:
        try:
            stream, collected = with_whole_stack(pickled, _by_value)
        except UnstorableResultError:
            raise
        except Exception as second:
            raise _unstorable(value, first, second) from second
    buffers = [buffer.raw() for buffer in collected]
    kinds = bytes(READONLY if buffer.readonly else WRITABLE for buffer in buffers)
    if blobs is not None:
        buffers += [memoryview(blob) for blob in blobs.found]
        kinds += bytes(BYTES if type(blob) is bytes else BYTEARRAY for blob in blobs.found)
    return Serialized(stream, buffers, kinds)


def loads(stream: bytes, buffers: Sequence[memoryview], kinds: bytes) -> Any:
    """Make the value again over the given buffers.

    The stream must have been verified: it may run any code.
    """
    if len(stream) < _WITHOUT_COLLECTOR_FROM:
        return _loads(stream, buffers, kinds)
    return without_collector(partial(_loads, stream, buffers, kinds))


def without_collector(make: Callable[[], Any]) -> Any:
    """Make something of which nothing is garbage: the collector would look at all of it again and again.

    Not by the context `uncollected`: to leave it makes objects, and with the first comes the collection put off.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        return make()
    finally:
        if collecting:
            gc.enable()


def _loads(stream: bytes, buffers: Sequence[memoryview], kinds: bytes) -> Any:
    if not kinds:
        return pickle.loads(stream)
    if BYTES not in kinds and BYTEARRAY not in kinds:
        return pickle.loads(stream, buffers=buffers)
    return BlobUnpickler(stream, buffers, kinds).load()


_Table = Mapping[type, guests.Reducer]
_Collect = Callable[[pickle.PickleBuffer], object]
_Make = Callable[[io.BytesIO, _Table, _Collect, "_Blobs | None"], Any]


def _pickled(
    make: _Make,
    value: object,
    table: _Table,
    blobs: _Blobs | None,
) -> tuple[bytes, list[pickle.PickleBuffer]]:
    target = io.BytesIO()
    collected: list[pickle.PickleBuffer] = []
    make(target, table, collected.append, blobs).dump(value)
    return target.getvalue(), collected


def _by_name(target: io.BytesIO, table: _Table, collect: _Collect, blobs: _Blobs | None) -> Any:
    pickler: Any = (pickle.Pickler if blobs is None else _BlobPickler)(target, PROTOCOL, buffer_callback=collect)
    pickler.dispatch_table = table
    if blobs is not None:
        pickler.blobs = blobs
    return pickler


def _by_value(target: io.BytesIO, table: _Table, collect: _Collect, blobs: _Blobs | None) -> Any:
    from nbcache.entries.byvalue import ByValuePickler

    pickler = ByValuePickler(target, table, collect)
    pickler.blobs = blobs
    return pickler


# --- big bytes: pickle would copy them into the stream, and no reducer is asked about them


class _Blobs:
    """Bytes and bytearrays kept out of a stream, each once."""

    def __init__(self) -> None:
        self.found: list[bytes | bytearray] = []
        self._ranks: dict[int, int] = {}

    def rank(self, value: object) -> int | None:
        """Return the place of a large blob among them, `None` for anything else."""
        if type(value) is not bytes and type(value) is not bytearray:
            return None
        if len(value) < _BLOB_FROM:
            return None
        rank = self._ranks.setdefault(id(value), len(self.found))
        if rank == len(self.found):
            self.found.append(value)
        return rank


class _BlobPickler(pickle.Pickler):
    blobs: _Blobs

    def persistent_id(self, obj: object) -> int | None:
        return self.blobs.rank(obj)


class BlobUnpickler(pickle.Unpickler):
    """Puts the blobs of a stream back in their places; those met twice are one object again."""

    def __init__(self, stream: bytes, buffers: Sequence[memoryview], kinds: bytes) -> None:
        first = len(kinds) - sum(kind in BLOBS for kind in kinds)
        super().__init__(io.BytesIO(stream), buffers=buffers[:first])
        self._blobs = buffers[first:]
        self._kinds = kinds[first:]
        self._made: dict[int, bytes | bytearray] = {}

    def persistent_load(self, pid: Any) -> bytes | bytearray:
        if pid not in self._made:
            made = bytes if self._kinds[pid] == BYTES else bytearray
            self._made[pid] = made(self._blobs[pid])
        return self._made[pid]


def _holds_blob(value: object, depth: int) -> bool:
    """Look for large blobs where people keep them: the value itself, or a short container of a few."""
    kind = type(value)
    if kind is bytes or kind is bytearray:
        return len(value) >= _BLOB_FROM  # type: ignore[arg-type]
    if not depth or kind not in (dict, list, tuple) or len(value) > _LOOKED_INTO:  # type: ignore[arg-type]
        return False
    inner: Any = value.values() if kind is dict else value  # type: ignore[attr-defined]
    if _WORTH_A_LOOK.isdisjoint(map(type, inner)):
        return False
    return any(_holds_blob(item, depth - 1) for item in inner)


# --- what cannot be stored

_INNER_TYPE = re.compile(r"cannot pickle '([\w.]+)' (?:object|instances)")


def _type_name(value: object) -> str:
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _unstorable(value: object, first: Exception, second: Exception) -> UnstorableResultError:
    name = _type_name(value)
    holds = ""
    for error in (second, first):
        inner = _INNER_TYPE.search(text_of(error))
        if inner and inner[1].rpartition(".")[2] != name.rpartition(".")[2]:
            holds = inner[1]
            what = f"A result of type {name} cannot be stored: it holds a {holds}."
            break
    else:
        what = f"A result of type {name} cannot be stored."
    text = " ".join(text_of(second).split())[:200]
    why = f"{type(second).__name__}: {text}" if text else f"{type(second).__name__}."
    return UnstorableResultError(explain(what, why, advice_for(value, holds)))

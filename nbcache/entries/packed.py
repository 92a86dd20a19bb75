"""An entry on its way into a file: large buffers are digested while they are written, piece by piece.

First a digest and then a write of the same bytes would take both times, and read the memory twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from nbcache import system
from nbcache.entries.body import Body
from nbcache.entries.signing import MAC_BYTES

__all__ = ["Packed"]

Bytes = bytes | memoryview

#: One system call writes at most this much, so that Ctrl-C is handled while a large value is written.
_AT_ONCE = 32 << 20
_VECTORS = 512
#: Up to this size the pieces are put together first, which is quicker than to tell the system about each.
_JOINED = 64 << 10
#: From so many bytes of buffers on, the digest is made while they are written.
_LATE_FROM = 8 << 20
_UNKNOWN = bytes(32)


class Packed:
    """The bytes of an entry's file.

    Parameters
    ----------
    compose : makes the header, which ends with the MAC, and the zeros before the buffers; given the buffers' digest
    sections : what stands between header and zeros
    body : the value

    Attributes
    ----------
    size : of the whole, in bytes
    buffered : bytes of it that are buffers
    """

    __slots__ = ("_body", "_compose", "_head", "_late", "_zeros", "buffered", "sections", "size")

    def __init__(self, compose: Callable[[bytes], tuple[bytes, bytes]], sections: Sequence[bytes], body: Body) -> None:
        self._compose = compose
        self.sections = sections
        self._body = body
        self.buffered = body.length
        self._late = body.length >= _LATE_FROM
        self._head, self._zeros = compose(_UNKNOWN if self._late else body.root() if body.length else b"")
        self.size = len(self._head) + sum(map(len, sections)) + len(self._zeros) + body.length

    @property
    def mac(self) -> bytes:
        """What stands for the whole entry."""
        return self._before()[0][-MAC_BYTES:]

    def blocks(self) -> list[Bytes]:
        """List the bytes in order; the first piece ends with the MAC."""
        return [*self._before(), *self._body.pieces()]

    def in_turn(self) -> Iterator[Bytes]:
        """Yield the bytes in order; what lies in a file, some at a time."""
        yield from self._before()
        yield from self._body.in_turn()

    def write_to(self, descriptor: int) -> None:
        """Write all of it to an open file, from its beginning.

        Raises
        ------
        OSError
            Not all of it can be written.
        """
        if not self._late:
            blocks = self.blocks()
            if self.size > _JOINED or system.write_at(descriptor, b"".join(blocks), 0) < self.size:
                _write(descriptor, 0, blocks)
            return
        start = self.size - self.buffered
        self._body.root(lambda place, pieces: _write(descriptor, start + place, pieces))
        _write(descriptor, 0, self._before())

    def _before(self) -> list[bytes]:
        if self._late:
            self._head, self._zeros = self._compose(self._body.root())  # as long as with the digest of nothing
            self._late = False
        return [piece for piece in (self._head, *self.sections, self._zeros) if piece]


def _write(descriptor: int, place: int, pieces: Iterable[Bytes]) -> None:
    for batch in _batches(pieces):
        waiting = batch
        while waiting:
            written = system.write_pieces_at(descriptor, waiting, place)
            place += written
            waiting = _rest(waiting, written)


def _batches(pieces: Iterable[Bytes]) -> Iterator[list[memoryview]]:
    batch: list[memoryview] = []
    size = 0
    for piece in pieces:
        view = memoryview(piece)
        while view.nbytes:
            taken = view[: _AT_ONCE - size]
            batch.append(taken)
            size += taken.nbytes
            view = view[taken.nbytes :]
            if size == _AT_ONCE or len(batch) == _VECTORS:
                yield batch
                batch, size = [], 0
    if batch:
        yield batch


def _rest(batch: list[memoryview], written: int) -> list[memoryview]:
    for number, view in enumerate(batch):
        if written < view.nbytes:
            return [view[written:], *batch[number + 1 :]]
        written -= view.nbytes
    return []

"""What a remote store is built on: named bytes somewhere else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

#: What is larger is fetched, and sent where a server takes it so, in pieces of so many bytes.
PIECE = 8 << 20


class Blob(NamedTuple):
    """Some named bytes, as a listing tells of them."""

    name: str
    size: int


class Bucket(Protocol):
    """Named bytes. Every method may raise anything that its library raises.

    Attributes
    ----------
    largest : the most bytes that one name can have
    """

    largest: int

    def read(self, name: str, most: int, start: int = 0) -> bytes | None:
        """Up to `most` bytes of a name, or None; never more is fetched.

        Parameters
        ----------
        start : a place before the end
        """

    def read_first(self, names: Sequence[str], most: int) -> tuple[str, bytes] | None:
        """The first of some names that is there, with its first `most` bytes, in as few requests as can be."""

    def read_many(self, groups: Sequence[Sequence[str]], most: int) -> Sequence[tuple[str, bytes] | None]:
        """Like `read_first`, for many groups of names at once; None also for what may have more than `most` bytes."""

    def size(self, name: str) -> int | None:
        """How many bytes a name has; None when there is no such name."""

    def write(self, name: str, blocks: Iterable[bytes | memoryview], size: int, seconds: float | None) -> None:
        """Put blocks of `size` bytes under a name, whole or not at all; they may be forgotten after `seconds`."""

    def create(self, name: str, content: bytes, seconds: float) -> bool:
        """Put a few bytes under a name that nobody has; False if somebody has. They may be forgotten after a time."""

    def delete(self, names: Iterable[str]) -> Sequence[str]:
        """Delete names; returns those that were there."""

    def delete_listed(self, names: Sequence[str]) -> Sequence[str]:
        """Delete names that `list` gave a moment ago, many at once; returns them."""

    def list(self, prefix: str) -> Iterator[Blob]:
        """What there is under a prefix that ends with a slash."""


def cut(blocks: Iterable[bytes | memoryview], most: int = PIECE) -> Iterator[memoryview]:
    """The same bytes in blocks of `most` bytes at most."""
    for block in blocks:
        view = memoryview(block).cast("B")
        for start in range(0, view.nbytes, most):
            yield view[start : start + most]


def in_parts(blocks: Iterable[bytes | memoryview], size: int) -> Iterator[bytearray]:
    """The same bytes in blocks of exactly `size` bytes, the last one shorter; each is valid until the next is asked."""
    space, filled = bytearray(size), 0
    for piece in cut(blocks, size):
        while piece.nbytes:
            taken = piece[: size - filled]
            space[filled : filled + taken.nbytes] = taken
            filled += taken.nbytes
            piece = piece[taken.nbytes :]
            if filled == size:
                yield space
                filled = 0
    if filled:
        yield space[:filled]


def each_first(bucket: Bucket, groups: Sequence[Sequence[str]], most: int) -> list[tuple[str, bytes] | None]:
    """`Bucket.read_many` for a bucket that is asked quickly."""
    found = [bucket.read_first(names, most + 1) for names in groups]
    return [one if one is not None and len(one[1]) <= most else None for one in found]


def first_of(bucket: Bucket, names: Sequence[str], most: int) -> tuple[str, bytes] | None:
    """`Bucket.read_first` for a bucket that can only ask for one name after the other."""
    for name in names:
        content = bucket.read(name, most)
        if content is not None:
            return name, content
    return None

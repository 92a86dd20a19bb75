"""What an entry keeps of a value: its pickle stream, and the buffers beside it."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from nbcache.entries import serialize
from nbcache.entries.hits.repeated import Beside, Repeated
from nbcache.entries.section import MAPPED_FROM, RamSection, Section, arrange, in_order, spool
from nbcache.entries.serialize import READONLY, WRITABLE, Serialized
from nbcache.entries.template import array_maker
from nbcache.entries.treehash import Sink, digest_of_pieces

__all__ = ["Body"]

_SMALL_STREAM = 64 << 10
_REPEATED_BELOW = 16 << 20

Loader = Callable[[bytes, Sequence[memoryview], bytes], Any]


class Body:
    """A serialized value, from which independent values are made.

    Parameters
    ----------
    stream, kinds : as in `Serialized`
    spans : offset and length of each buffer in the section
    section : the buffers; `None` while they are still the memory of the caller's value, given in `loose`
    root : their digest, where it is known already
    load : puts the value together; another one where not every stream is trusted

    Notes
    -----
    Never changes once made: threads share it.
    """

    __slots__ = ("_load", "_loose", "_root", "_section", "kinds", "length", "spans", "stream")

    def __init__(
        self,
        stream: bytes,
        kinds: bytes,
        spans: Sequence[tuple[int, int]],
        section: Section | None,
        loose: Sequence[memoryview] = (),
        root: bytes | None = None,
        load: Loader = serialize.loads,
    ) -> None:
        self.stream = stream
        self.kinds = kinds
        self.spans = spans
        self.length = spans[-1][0] + spans[-1][1] if spans else 0
        self._section = section
        self._loose = loose
        self._root = root
        self._load = load

    @classmethod
    def of(cls, serialized: Serialized) -> Body:
        """Wrap a fresh serialization, whose buffers alias the caller's value."""
        lengths = [buffer.nbytes for buffer in serialized.buffers]
        spans = list(zip(arrange(lengths)[0], lengths, strict=True))
        return cls(serialized.stream, serialized.kinds, spans, None, serialized.buffers)

    @property
    def size(self) -> int:
        """Bytes it occupies."""
        return len(self.stream) + self.length

    def owned(self, folder: Path | None) -> Body:
        """Return a body whose bytes are nobody else's: in memory, or mapped from a nameless file in `folder`."""
        if not self.kinds or (self._section is not None and not self._could_be_mapped(folder)):
            return self
        section = spool(self.pieces(), folder)
        if self._section is not None and isinstance(section, RamSection):
            return self  # the file could not be written, and the bytes are in memory already
        return Body(self.stream, self.kinds, self.spans, section, (), self._root, self._load)

    def _could_be_mapped(self, folder: Path | None) -> bool:
        return isinstance(self._section, RamSection) and folder is not None and self.length > MAPPED_FROM

    def pieces(self) -> list[memoryview]:
        """List the buffers in order, with the zeros between them."""
        if self._section is not None:
            return [self._section.shared()] if self.length else []
        return in_order(self._loose, [offset for offset, _ in self.spans])

    def in_turn(self) -> Iterator[memoryview]:
        """Yield the buffers in order; of a file, some at a time."""
        return iter(self.pieces()) if self._section is None or not self.length else self._section.in_turn()

    def root(self, sink: Sink | None = None) -> bytes:
        """Digest the buffers, once; a `sink` is given all of them each time, in pieces and from several threads."""
        if self._root is None:
            self._root = digest_of_pieces(self.pieces(), sink)
        elif sink is not None:
            sink(0, self.pieces())
        return self._root

    def fresh(self) -> Any:
        """Make a value that shares nothing with any other."""
        if not self.kinds:
            return self._load(self.stream, (), b"")
        if self._section is None:
            return self._load(self.stream, self._copies_of_loose(), self.kinds)
        private = self._section.private() if WRITABLE in self.kinds else self._section.shared()
        return self._load(self.stream, self._cut(private), self.kinds)

    def shortest(self, beside: Beside | None = None) -> Callable[[], Any]:
        """Return the shortest way to the values of `fresh`, which may keep something `beside` the body."""
        if not self.kinds:
            if self._load is not serialize.loads:
                return self.fresh
            if len(self.stream) < _SMALL_STREAM:
                return partial(pickle.loads, self.stream)
            if beside is None or len(self.stream) > _REPEATED_BELOW:
                return self.fresh
            return Repeated(self.stream, self.fresh, beside)
        section = self._section
        if section is None or len(self.kinds) > 1 or not self.length:
            return self.fresh
        content = section.private if self.kinds[0] == WRITABLE else section.shared
        made = array_maker(self.stream, lambda whole: self._load(self.stream, self._cut(whole), self.kinds), content)
        return made or self.fresh

    def copied(self) -> Any:
        """Make an independent value in plain memory, for those who will write to all of it."""
        if not self.kinds or self._section is None:
            return self.fresh()
        return self._load(self.stream, self._cut(self._section.plain()), self.kinds)

    def master(self) -> Any:
        """Make the value over memory that nobody can write, for types that copy what they change."""
        if not self.kinds:
            return self.fresh()
        if self._section is None:
            copies = [memoryview(bytes(buffer)) for buffer in self._loose]
            return self._load(self.stream, copies, self.kinds)
        return self._load(self.stream, self._cut(self._section.shared()), self.kinds)

    def _copies_of_loose(self) -> list[memoryview]:
        return [
            memoryview(bytearray(buffer) if kind == WRITABLE else bytes(buffer))
            for buffer, kind in zip(self._loose, self.kinds, strict=True)
        ]

    def _cut(self, whole: memoryview) -> list[memoryview]:
        views = [whole[offset : offset + length] for offset, length in self.spans]
        if READONLY in self.kinds:
            return [v.toreadonly() if k == READONLY else v for v, k in zip(views, self.kinds, strict=True)]
        return views

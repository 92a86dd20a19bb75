"""The facts of an entry that a listing shows, as one short line, and back: what many entries share is apart.

A line holds facts, a tab, and the parts of the key that are the entry's own. The tag in it names what the entry shares
with others of its function: names, and the parts for the code. Both are ASCII without line ends. Whoever keeps lines
signs them; nothing here looks at a signature.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

from nbcache.entries.meta import LONGEST_ARGUMENTS, Address, LateParts, Meta, Part, observed_of

__all__ = ["Line", "SharedFacts", "lines_of", "meta_of_line", "packed_line"]

#: Where the facts of a line stand: the name of its file without the ending; number, size and time of the last change
#: of the file; the kind of the entry; the tag of what it shares.
STEM, NUMBER, SIZE, CHANGED, KIND, TAG = 0, 1, 2, 3, 8, 9
FILE = slice(NUMBER, CHANGED + 1)

_TEXT = json.JSONEncoder(separators=(",", ":")).encode
_OWN_PART = b'["argument '
_BETWEEN = b'],["'
_new = tuple.__new__


class Line(NamedTuple):
    """A line, and what it shares: a tag, and the text that the tag stands for."""

    text: bytes
    tag: str
    shared: bytes


class SharedFacts:
    """What the entries of one version of a function have in common.

    Parameters
    ----------
    text : as `packed_line` made it

    Raises
    ------
    ValueError
        It is something else.
    """

    __slots__ = ("_parts", "name", "namespace", "owner", "rest", "text")

    def __init__(self, text: bytes) -> None:
        self.text = text
        names, _, self.rest = text.partition(b"\t")
        self.owner, self.name, self.namespace = json.loads(names)
        self._parts: tuple[Part, ...] | None = None

    def parts(self) -> tuple[Part, ...]:
        """The shared parts, read once; ValueError where they cannot be read alone."""
        if self._parts is None:
            # Behind parts of its own, an entry's rest begins with a comma.
            self._parts = _read(b"[" + self.rest[1:]) if self.rest else ()
        return self._parts


class _LineParts(LateParts):
    """The parts of one line, put together when somebody looks."""

    __slots__ = ("_own", "_shared")

    def __init__(self, own: bytes, shared: SharedFacts) -> None:
        self._own = own
        self._shared = shared

    def read(self) -> tuple[Part, ...]:
        own, shared = self._own, self._shared
        if not shared.rest or not own:
            return _read(own or shared.rest)
        try:
            # What is shared is read once for all; its text begins with the comma behind the own parts.
            return _read(own + b"]") + shared.parts()
        except ValueError:
            return _read(own + shared.rest)

    def __reversed__(self) -> Iterator[Part]:
        """Begin with the code, which many entries share and which needs no reading for each."""
        try:
            shared = self._shared.parts()
        except ValueError:
            return reversed(self.read())
        return _backwards(self, shared)


def _backwards(parts: _LineParts, shared: tuple[Part, ...]) -> Iterator[Part]:
    yield from reversed(shared)
    yield from reversed(parts.read()[: -len(shared) or None])


def _read(text: bytes) -> tuple[Part, ...]:
    return tuple([(label, digest, summary) for label, digest, summary in json.loads(text)])


def packed_line(
    stem: str, file: tuple[int, int, int], address: Address, meta: Meta, observed: bytes, parts: bytes
) -> Line:
    """Write down what a listing shows of an entry.

    Parameters
    ----------
    stem : the name of its file without the ending
    file : number, size, and time of the last change in nanoseconds of the file
    observed, parts : the sections of the entry (`meta.sections_of`)
    """
    own = parts.rfind(_OWN_PART)
    # Wherever the cut is, both pieces together are the text again.
    cut = 0 if own < 0 else (parts.find(_BETWEEN, own) + 1 or len(parts))
    tag, shared = _shared(address.owner, meta.owner, meta.namespace, parts[cut:])
    facts: list[Any] = [
        stem, *file, meta.arguments[:LONGEST_ARGUMENTS], meta.created, meta.expires, meta.seconds, meta.kind, tag
    ]  # fmt: skip
    usual = not observed and stem == address.key
    facts.append(0 if usual else [address.key, observed.decode("ascii")])
    return Line(_TEXT(facts).encode("ascii") + b"\t" + parts[:cut], tag, shared)


@lru_cache(maxsize=64)
def _shared(owner: str, name: str, namespace: str, rest: bytes) -> tuple[str, bytes]:
    shared = _TEXT([owner, name, namespace]).encode("ascii") + b"\t" + rest
    return blake2b(shared, digest_size=8).hexdigest(), shared


def lines_of(texts: list[bytes]) -> Iterator[tuple[list[Any], bytes]]:
    """The facts in some lines, and their own parts, in the same order; ValueError for something else."""
    pieces = [text.partition(b"\t") for text in texts]
    # One text for all of them is read in half the time.
    facts = json.loads((b"[" + b",".join([piece[0] for piece in pieces]) + b"]").decode("ascii"))
    return zip(facts, [piece[2] for piece in pieces], strict=True)


def meta_of_line(facts: list[Any], own: bytes, shared: SharedFacts) -> tuple[Address, Meta]:
    """The address and the facts that a line was made from; ValueError for something else."""
    stem, _, _, _, arguments, created, expires, seconds, kind, _, more = facts
    key, observed = more or (stem, "")
    seen, effects = observed_of(observed) if observed else ((), ())
    parts = _LineParts(own, shared) if own or shared.rest else ()
    # As `Address(...)` and `Meta(...)`, at a third of the price: a listing comes here for every entry.
    return _new(Address, (shared.owner, key)), _new(
        Meta, (shared.name, arguments, created, expires, seconds, kind, seen, parts, shared.namespace, effects)
    )

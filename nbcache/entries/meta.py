"""What is known of a stored value without loading it."""

from __future__ import annotations

import json
from abc import abstractmethod
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from sys import intern
from typing import Any, NamedTuple, overload

__all__ = ["Address", "LateParts", "Meta", "meta_of", "observed_of", "sections_of"]

LONGEST_ARGUMENTS = 8192
_TEXT = json.JSONEncoder(separators=(",", ":")).encode

Part = tuple[str, str, str]
EffectRow = tuple[str, str, bytes]


class Address(NamedTuple):
    """Where an entry belongs: the function or cell that owns it, and the key of the call."""

    owner: str
    key: str


class Meta(NamedTuple):
    """The facts of one entry.

    Attributes
    ----------
    owner : "module.qualname", or "cell NAME"
    arguments : text, for people
    created, expires : epoch seconds; an entry that expires at `None` never does
    seconds : it took to compute
    kind : "value", "cell", "trace" or "profile"
    observations : name and kind of each thing that the run saw outside its arguments and code
    effects : name, kind and data of each thing that the run left changed, and a hit changes too
    parts : label, digest and summary of each part of the key
    namespace : of the store it was made for
    """

    owner: str
    arguments: str
    created: float
    expires: float | None
    seconds: float
    kind: str = "value"
    observations: tuple[tuple[str, str], ...] = ()
    parts: Sequence[Part] = ()
    namespace: str = ""
    effects: tuple[EffectRow, ...] = ()

    @property
    def plain(self) -> bool:
        """Whether a hit has nothing to look at in the world, and nothing to do there."""
        return not (self.observations or self.effects)


class LateParts(Sequence[Part]):
    """Parts of a key that are put together when somebody looks, which a hit never does."""

    __slots__ = ()

    @abstractmethod
    def read(self) -> tuple[Part, ...]:
        """Put them together."""

    @overload
    def __getitem__(self, index: int) -> Part: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Part, ...]: ...
    def __getitem__(self, index: int | slice) -> Part | tuple[Part, ...]:
        return self.read()[index]

    def __len__(self) -> int:
        return len(self.read())

    def __iter__(self) -> Iterator[Part]:
        return iter(self.read())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self.read() == tuple(other)

    def __hash__(self) -> int:
        return hash(self.read())

    def __repr__(self) -> str:
        return repr(self.read())


class _UnreadParts(LateParts):
    """Verified text of the parts: parsed at the first look."""

    __slots__ = ("_parts", "text")

    def __init__(self, text: bytes) -> None:
        self.text = text
        self._parts: tuple[Part, ...] | None = None

    def read(self) -> tuple[Part, ...]:
        if self._parts is None:
            self._parts = tuple((label, digest, summary) for label, digest, summary in json.loads(self.text))
        return self._parts


def _text(rows: Sequence[Sequence[str]]) -> bytes:
    return _TEXT(rows).encode("ascii") if rows else b""


def sections_of(meta: Meta) -> tuple[bytes, bytes]:
    """Write the observations, with the effects behind them, and the parts down; nothing for none."""
    effects = [(name, kind, b64encode(data).decode()) for name, kind, data in meta.effects]
    seen = _text([*meta.observations, *effects])
    if isinstance(meta.parts, _UnreadParts):
        return seen, meta.parts.text
    return seen, _text(meta.parts.read() if isinstance(meta.parts, LateParts) else tuple(meta.parts))


def facts_of(meta: Meta, address: Address) -> dict[str, Any]:
    """Collect what the header says of an entry."""
    return {
        "owner": address.owner,
        "address": address.key,
        "name": meta.owner,
        "arguments": meta.arguments[:LONGEST_ARGUMENTS],
        "created": meta.created,
        "expires": meta.expires,
        "seconds": meta.seconds,
        "kind": meta.kind,
        "namespace": meta.namespace,
    }


_NUMBER = (float, int)


def _as_text(given: object) -> str:
    if type(given) is not str:
        raise ValueError("a name is not a text")
    return given


def observed_of(text: str | bytes) -> tuple[tuple[tuple[str, str], ...], tuple[EffectRow, ...]]:
    """Read observations, rows of two texts, and effects, rows of three; ValueError and TypeError for anything else."""
    rows = json.loads(text)
    seen = tuple([(_as_text(row[0]), _as_text(row[1])) for row in rows if len(row) == 2])
    effects = [
        (_as_text(name), _as_text(kind), b64decode(_as_text(data), validate=True))
        for name, kind, data in [row for row in rows if len(row) != 2]
    ]
    return seen, tuple(effects)


def meta_of(facts: dict[str, Any], observed: bytes, parts: bytes) -> tuple[Address, Meta]:
    """Read the address and the facts back from an authenticated header and its sections.

    Raises
    ------
    ValueError, KeyError, TypeError
        They are not what `facts_of` and `sections_of` write.
    """
    owner, key, name = facts["owner"], facts["address"], facts["name"]
    arguments, kind, namespace = facts["arguments"], facts["kind"], facts["namespace"]
    # written out: a listing comes here for every entry
    if not (type(owner) is type(key) is type(name) is str and type(arguments) is type(kind) is type(namespace) is str):
        raise ValueError("a fact is of another type")
    created, expires, seconds = facts["created"], facts["expires"], facts["seconds"]
    if type(created) not in _NUMBER or type(seconds) not in _NUMBER:
        raise ValueError("a time is no number")
    if expires is not None and type(expires) not in _NUMBER:
        raise ValueError("its end is no time")
    seen, effects = observed_of(observed) if observed else ((), ())
    unread = _UnreadParts(parts) if parts else ()
    # of many entries few names differ: each is kept once
    owner, name = intern(owner), intern(name)
    return Address(owner, key), Meta(name, arguments, created, expires, seconds, kind, seen, unread, namespace, effects)

"""Results that rest on observations: what a call saw, and the entry for what that is now.

The entry at the key of such a call is a *trace*: lists of what earlier runs observed. Each list, together with what
its observations are now, names a variant of the key, and there the value is. So a file that changes and changes back
is a hit again, and a call that reads other files under other circumstances has several lists.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, cast

from nbcache.entries.entry import Address, Entry, Meta
from nbcache.entries.meta import LateParts, Part
from nbcache.keys.key import variant
from nbcache.tracking.observations.files import Signature, outline_in
from nbcache.tracking.observations.kinds import digest_of, label_of, outline_of, state_digest
from nbcache.tracking.observations.observation import Observation, names_by_kind

#: Lists of observations, and variants, remembered per key; the oldest go first.
LISTS = 8
VARIANTS = 1000

Names = tuple[tuple[str, ...], ...]
"""Observations: for each kind a tuple of the kind and the names."""


class Trace(NamedTuple):
    """What leads from a key to its variants.

    Attributes
    ----------
    nonce : makes the variants of this trace; those left over from before a clear can never be found again
    lists : what earlier runs observed, the newest list first
    known : the variants written so far, the newest first, so that a clear finds them all
    """

    nonce: str
    lists: tuple[Names, ...] = ()
    known: tuple[str, ...] = ()


def read(entry: Entry) -> Trace:
    """The trace that an entry of kind "trace" holds."""
    return Trace(*cast("tuple[str, tuple[Names, ...], tuple[str, ...]]", entry.value()))


def without_variant(address: Address) -> Address:
    """The address of a call, without what tells its results in several states of files and variables apart."""
    return Address(address.owner, call_key(address.key)) if "-" in address.key else address


def call_key(key: str) -> str:
    """The key of a call, without what tells its results in several states of files and variables apart."""
    return key.partition("-")[0]


def places(address: Address, trace: Trace) -> Iterator[tuple[Address, dict[Observation, bytes]]]:
    """Where the value of a call may be, given what its observations are now; the newest list first."""
    now: dict[Observation, bytes] = {}
    for names in trace.lists:
        digests = {}
        for kind, *of_kind in names:
            for name in of_kind:
                seen = Observation(name, kind)
                digest = now.get(seen)
                if digest is None:
                    digest = now[seen] = digest_of(seen)
                digests[seen] = digest
        yield Address(address.owner, variant(address.key, trace.nonce, state_digest(digests))), digests


def written(address: Address, trace: Trace) -> list[Address]:
    """Where values of a call have been stored."""
    return [Address(address.owner, key) for key in trace.known]


def extended(
    address: Address, trace: Trace | None, observations: tuple[Observation, ...], state: bytes
) -> tuple[Trace, Address, list[Address]]:
    """A trace that leads to the value of a run which observed these things.

    Parameters
    ----------
    state : what they were then, as `state_digest` has it; by now they may be something else

    Returns
    -------
    The trace, the place of the value, and the places of values that the trace no longer leads to.
    """
    trace = trace or Trace(secrets.token_hex(8))
    names = tuple([(kind, *sorted(names)) for kind, names in names_by_kind(observations).items()])
    lists = (names, *(other for other in trace.lists if other != names))[:LISTS]
    key = variant(address.key, trace.nonce, state)
    known = (key, *(other for other in trace.known if other != key))
    forgotten = [Address(address.owner, other) for other in known[VARIANTS:]]
    return Trace(trace.nonce, lists, known[:VARIANTS]), Address(address.owner, key), forgotten


def observed_parts(observations: Iterable[Observation]) -> Iterator[Part]:
    """What an explanation needs to name what changed: a part per observation, as it is now."""
    for seen in observations:
        yield label_of(seen), digest_of(seen).hex(), outline_of(seen)


class SeenParts(LateParts):
    """The parts of a key, and one for each observation of the run that made the result.

    Parameters
    ----------
    digests : what each observation was then
    found : in which state files were, of which there may be thousands: what is said of them waits until somebody looks
    """

    __slots__ = ("_digests", "_found", "_outlines", "_parts")

    def __init__(
        self,
        parts: Sequence[Part],
        observations: Iterable[Observation],
        digests: Mapping[Observation, bytes],
        found: Mapping[Observation, Signature | None],
    ) -> None:
        self._parts = parts
        self._digests = digests
        self._found = found
        self._outlines = {seen: outline_of(seen) for seen in set(observations).difference(found)}

    def read(self) -> tuple[Part, ...]:
        seen = [
            (
                label_of(one),
                digest.hex(),
                self._outlines[one] if one in self._outlines else outline_in(self._found[one]),
            )
            for one, digest in self._digests.items()
        ]
        return (*self._parts, *seen)


def entry_of(trace: Trace, address: Address, now: float) -> Entry:
    """The entry that holds a trace."""
    meta = Meta(owner=address.owner, arguments="", created=now, expires=None, seconds=0.0, kind="trace")
    return Entry.of(tuple(trace), meta)

"""Results that rest on observations: what a call saw, and the entry for what that is now.

The entry at the key of such a call is a *trace*: lists of what earlier runs observed. Each list, together with what
its observations are now, names a variant of the key, and there the value is. So a file that changes and changes back
is a hit again, and a call that reads other files under other circumstances has several lists.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple, cast

from nbcache.entries.entry import Address, Entry, Meta
from nbcache.keys.key import variant
from nbcache.tracking.observations.kinds import digest_of, label_of, outline_of, state_digest
from nbcache.tracking.observations.observation import Observation

#: Lists of observations, and variants, remembered per key; the oldest go first.
LISTS = 8
VARIANTS = 1000

Names = tuple[tuple[str, str], ...]
"""Observations, as (name, kind)."""


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


def places(address: Address, trace: Trace) -> Iterator[tuple[Address, tuple[Observation, ...]]]:
    """Where the value of a call may be, given what its observations are now; the newest list first."""
    for names in trace.lists:
        seen = tuple(Observation(name, kind) for name, kind in names)
        yield Address(address.owner, variant(address.key, trace.nonce, state_digest(seen))), seen


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
    names = tuple(sorted((seen.name, seen.kind) for seen in observations))
    lists = (names, *(other for other in trace.lists if other != names))[:LISTS]
    key = variant(address.key, trace.nonce, state)
    known = (key, *(other for other in trace.known if other != key))
    forgotten = [Address(address.owner, other) for other in known[VARIANTS:]]
    return Trace(trace.nonce, lists, known[:VARIANTS]), Address(address.owner, key), forgotten


def observed_parts(
    observations: Iterable[Observation], recorded: Mapping[Observation, bytes] = MappingProxyType({})
) -> Iterator[tuple[str, str, str]]:
    """What an explanation needs to name what changed: a part per observation, with its digest.

    Parameters
    ----------
    recorded : digests from before the run changed something itself; the others are taken now
    """
    for seen in observations:
        yield label_of(seen), (recorded[seen] if seen in recorded else digest_of(seen)).hex(), outline_of(seen)


def entry_of(trace: Trace, address: Address, now: float) -> Entry:
    """The entry that holds a trace."""
    meta = Meta(owner=address.owner, arguments="", created=now, expires=None, seconds=0.0, kind="trace")
    return Entry.of(tuple(trace), meta)

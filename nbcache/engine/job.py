"""What the cache is asked to do for one call or one cell: the `Job`, and what came of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from time import perf_counter
from types import MappingProxyType
from typing import Any, NamedTuple

from nbcache.config import switches
from nbcache.engine.policy import Policy
from nbcache.engine.slot import Replay, Slot
from nbcache.entries.entry import Address
from nbcache.entries.meta import LateParts, Part
from nbcache.hashing.hasher import summary
from nbcache.keys.arguments import Arguments, Bound
from nbcache.keys.key import Key, keyed
from nbcache.stores.protocol import Whose
from nbcache.tracking.argument_code import ArgumentCode
from nbcache.tracking.observations.files import Signature
from nbcache.tracking.observations.observation import Effect, Observation
from nbcache.tracking.written.file_outputs import FileOutput

Parts = Sequence[tuple[str, str, str]]
"""What a key rests on, for explanations: (label, digest, summary) each."""


class Computed(NamedTuple):
    """The outcome of a run.

    Attributes
    ----------
    recording : the outputs of the run, as bytes; empty for none
    observations : what the run saw of the world outside its arguments and code
    seconds : how long it took
    key : the key to store under, where the run showed that it is another than the one asked for
    storable : False for a result that must not be kept, such as one that rests on a file changed meanwhile
    state : digest of what the observations were for the run
    effects : what the run left changed, and a hit changes too
    digests : what each observation was for the run, from before it changed one itself
    found : in which state its files were
    overlooked : why something may have been overlooked, so that the result must not be kept; "" when nothing was
    moved : what changed meanwhile, where it is not storable
    files : what the run wrote, where that is an output
    refused : why a hit could not do what the run did with files, so that the result is not kept; "" for nothing
    drew : what holds the random generators that the run drew from and a hit could not move, which is the same
    """

    value: Any
    recording: bytes = b""
    observations: tuple[Observation, ...] = ()
    seconds: float = 0.0
    key: Key | None = None
    storable: bool = True
    state: bytes = b""
    effects: tuple[Effect, ...] = ()
    digests: Mapping[Observation, bytes] = MappingProxyType({})
    found: Mapping[Observation, Signature | None] = MappingProxyType({})
    overlooked: str = ""
    moved: str = "a file that it read"
    files: tuple[FileOutput, ...] = ()
    refused: str = ""
    drew: str = ""


class CallParts(LateParts):
    """The parts of one call's key where no argument can change: digests and summaries are made at the first look.

    Parameters
    ----------
    reached : the parts of what the function reaches, which all its entries share
    """

    __slots__ = ("_arguments", "_bound", "_reached")

    def __init__(self, arguments: Arguments, bound: Bound, reached: tuple[Part, ...]) -> None:
        self._arguments = arguments
        self._bound = bound
        self._reached = reached

    def read(self) -> tuple[Part, ...]:
        digests = self._arguments.digests(self._bound, ArgumentCode())
        summaries = [summary(value) for _, value in self._arguments.items(self._bound)]
        return (*argument_parts(digests, summaries), *self._reached)


def argument_parts(digests: Iterable[tuple[str, bytes]], summaries: Iterable[str]) -> Iterator[Part]:
    """The parts of arguments, given what may be said of each."""
    for (name, digest), text in zip(digests, summaries, strict=True):
        yield f"argument {name.lstrip('*')}", digest.hex(), text


def keyed_parts(parts: Parts) -> Parts:
    """Parts as they may be written down: with the setting `private`, no digest is one that anybody can make."""
    if not switches().private:
        return parts
    return tuple([(label, keyed(digest), summary) for label, digest, summary in parts])


class Description(NamedTuple):
    """What listings and explanations say about an entry."""

    arguments: str
    parts: Parts


@dataclass(slots=True)
class Job:
    """One request to the cache.

    Attributes
    ----------
    compute : runs the real thing; awaitable for `Cache.fetch_async`
    describe : called only when a result is stored
    address : where the entry belongs
    keep_if : False for a result that is returned and not stored
    replay : shows the recording of a hit
    kind : the kind of the entry, "value" or "cell"
    silent : nothing is shown while another process computes the same
    began : when the call was made, as `time.perf_counter` counts, so that a hit knows what it cost
    place : where only one computation runs at a time, if other keys than this one share it; "" for the key alone
    renewed : the same request as it is now, after a computation at its place; None if nothing has changed
    whose : of the results of one name, those that count for the bounds; None for all
    waited : for how long it has waited for other processes that computed the same, in seconds
    put_in_place : whether the caller has yet to put the value of a hit in its place, and repeats the effects after that
    """

    key: Key
    policy: Policy
    compute: Callable[[], Computed | Awaitable[Computed]]
    describe: Callable[[], Description]
    keep_if: Callable[[Any], object] | None = None
    replay: Replay | None = None
    kind: str = "value"
    name: str = ""
    silent: bool = False
    began: float = field(default_factory=perf_counter)
    place: str = ""
    renewed: Callable[[], Job | None] | None = None
    whose: Whose | None = None
    put_in_place: bool = False
    waited: float = 0.0
    text: str = field(init=False)
    address: Address = field(init=False)

    def __post_init__(self) -> None:
        self.text = self.key.text
        self.address = Address(self.key.owner, self.text)

    def at(self, text: str) -> Job:
        """The same request for what is stored under another key of its owner."""
        there = copy(self)
        there.text, there.address = text, Address(self.key.owner, text)
        return there

    @property
    def subject(self) -> str:
        """The function or the cell, as a sentence names it."""
        return "this cell" if self.kind == "cell" else f"{self.name or self.key.owner}()"


class Fetched(NamedTuple):
    """The answer to a `Job`.

    Attributes
    ----------
    hit : whether it was found
    slot : holds it, if one does
    digests : what the observations were that led to it, for a hit
    """

    value: Any
    hit: bool
    slot: Slot | None
    digests: Mapping[Observation, bytes] = {}

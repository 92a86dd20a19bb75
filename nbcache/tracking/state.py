"""What did a function rest on at one moment: a digest, its parts, and what a run has changed of it since."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from nbcache.tracking.code.bytecode import short_digest
from nbcache.tracking.code.facts import LateSource
from nbcache.tracking.contents import DEFAULT, Content
from nbcache.tracking.observations.context import unrecorded
from nbcache.tracking.origins import Origins, Running


class Part:
    """One thing that a result rests on.

    Attributes
    ----------
    label : in the user's words: "code", "helper normalize", "global ALPHA", "class Model", "package pandas"
    digest : hexadecimal; "" for a global that is left out
    """

    __slots__ = ("_summary", "digest", "label")

    def __init__(self, label: str, digest: str, summary: str | LateSource) -> None:
        self.label = label
        self.digest = digest
        self._summary = summary

    @property
    def summary(self) -> str:
        """The source of code, read at the first look; a short text for values; the version of a package."""
        text = self._summary
        if not isinstance(text, str):
            text = self._summary = text()
        return text


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """What a function rested on at one moment.

    Attributes
    ----------
    digest : 16 bytes over everything that counts
    outline : the function's own code alone: the rest may be changing while runs are under way
    parts : what counts, each thing with its own digest
    unfollowed : what could not be followed or is left out, in the user's words
    paths : strings met in the code and in globals that may name files
    packages : the distributions that the code reaches, normalised: "numpy", "scikit_learn"
    generators : the random generators that stand at names of modules, as "module:name"; their states do not count here
    held : those in other places, which a hit could not move, each with the label of what holds it
    asks : names of what the code asks functions and classes for, whichever they are: "__doc__", "getsource"
    current : true while nothing has changed; some 20 to 35 ns per identity, a new digest for mutable values
    compiled : gives a function that does the same as `current`, and is the quickest after some hundred looks
    names : what `simple` speaks of
    counted : as what each content counts, by label
    """

    digest: bytes
    outline: bytes
    parts: tuple[Part, ...]
    unfollowed: tuple[str, ...]
    paths: tuple[str, ...]
    packages: frozenset[str]
    generators: tuple[str, ...]
    held: tuple[tuple[str, Any], ...]
    asks: frozenset[str]
    current: Callable[[], bool]
    compiled: Callable[[], Callable[[], bool]]
    names: Mapping[str, object]
    counted: Mapping[str, bytes]
    _contents: tuple[Content, ...]
    _record: Sequence[bytes | Content]
    _ending: str
    _simple: Callable[[], str] | None

    @property
    def simple(self) -> str | None:
        """The guard as an expression over `names`, when identities are all there is.

        It may raise LookupError, AttributeError or ValueError, which mean a change. It is made anew at each look, and
        may be trusted if this is the present state before and after.
        """
        return None if self._simple is None else self._simple()

    def default_counts_as(self, default: object) -> bytes | None:
        """As what the content of a parameter's default counts; None where it is not among what counts."""
        for content in self._contents:
            if content.label.startswith(DEFAULT) and content.found() is default:
                return content.counted
        return None

    def changed(self) -> frozenset[str]:
        """Give the labels of values whose content is no longer that of this state."""
        return frozenset(label for label, _, _ in self._left())

    def note(self, origins: Origins, run: Running, *, apart: bool = False) -> Changes:
        """Right after a run that began in this state: what it left in globals counts as what it found there.

        Parameters
        ----------
        apart : whether it ran in the background, where somebody else may have made a change that is seen first now
        """
        if not self._contents:
            return UNCHANGED
        mine: dict[str, bytes] = {}
        others: list[str] = []
        for label, content, left in self._left():
            if apart and not origins.knows(label):
                others.append(label)
                continue
            counted = self.counted[label]
            mine[label] = origins.note(label, content.digest, counted, left, content.inside, run)
        return Changes(mine, tuple(others))

    def _left(self) -> Iterable[tuple[str, Content, bytes]]:
        if not self._contents:
            return
        with unrecorded():
            for content in self._contents:
                if (now := content.now()) != content.digest:
                    yield content.label + self._ending, content, now

    def digest_where(self, counted: Mapping[str, bytes]) -> bytes:
        """The digest if some contents, by label, had counted as something else."""
        return short_digest(*[
            item if isinstance(item, bytes) else counted.get(item.label + self._ending, item.counted)
            for item in self._record
        ])  # fmt: skip


class Changes(NamedTuple):
    """What a run was seen to have changed.

    Attributes
    ----------
    mine : as what the contents count that it changed, by label
    others : labels of what changed meanwhile by somebody else
    drew : labels of seeded random generators that it moved, where a hit could not
    """

    mine: Mapping[str, bytes]
    others: tuple[str, ...]
    drew: tuple[str, ...] = ()


#: Of a run that has changed nothing.
UNCHANGED = Changes(MappingProxyType({}), ())

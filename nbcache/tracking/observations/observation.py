"""The `Observation`: one thing that a run saw outside its arguments and code, and what each kind of them can tell.

Build systems call a list of them a verifying trace: it is recorded while a run runs, and at the next lookup each is
looked at again. If all are what they were, the stored result is the one that a run would give now.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from operator import itemgetter
from typing import Any, NamedTuple, Protocol

from nbcache.tracking.observations.generators.objects import Within


class Observation(NamedTuple):
    """One thing that a run saw.

    Attributes
    ----------
    name : of the file, the variable, the option; as the run gave it
    kind : a key of `KINDS`
    """

    name: str
    kind: str


_name, _kind = itemgetter(0), itemgetter(1)


def names_by_kind(observations: Collection[Observation]) -> dict[str, list[str]]:
    """The names of each kind, by kind; where there is but one, as for a run that opens thousands of files, at once."""
    kinds = sorted(set(map(_kind, observations)))
    if len(kinds) == 1:
        return {kinds[0]: list(map(_name, observations))}
    return {kind: [one.name for one in observations if one.kind == kind] for kind in kinds}


class Effect(NamedTuple):
    """Something that a run left changed, which a hit has to leave changed in the same way.

    Attributes
    ----------
    name, kind : as for an `Observation`; the kind is a key of `EFFECTS`
    data : what the kind needs to do it again
    """

    name: str
    kind: str
    data: bytes


class Kind(Protocol):
    """One kind of observation."""

    def digest(self, name: str) -> bytes:
        """Digest what it is now; equal digests mean that a run could not tell the difference."""

    def stamp(self, name: str) -> object:
        """A cheap sign that has to stay the same while a run runs, such as the times of a file; None for none."""

    def label(self, name: str) -> str:
        """What a reader calls it: "file data.csv"."""

    def outline(self, name: str) -> str:
        """What can be said of it at a glance, to tell old from new: "1,024 bytes"; empty for nothing."""


class Observer(Protocol):
    """Whoever records a run, as those who notice things know it.

    Attributes
    ----------
    uses : the distributions that the run's code reaches, normalised: "numpy", "scikit_learn"
    generators : the random generators within its reach
    folder : the working folder when it began, in full; "" for one that is gone
    kept : what those who watch the run remember of its beginning, each under a key of its own
    failed : why something may have been overlooked, empty when nothing was; the result is then not kept
    opens : what was opened to be read, as it was then, by the names that were given
    plain : whether `opens` tells all that Python code opens in this process; up to who watches opens
    unchanged : files, as the run named them, of which the system says that nobody changed them while it ran
    """

    uses: frozenset[str]
    generators: Within
    folder: str
    kept: dict[object, Any]
    failed: str
    opens: dict[str, os.stat_result]
    plain: bool
    unchanged: set[str]

    def observe(self, kind: str, name: str, digest: bytes | None = None, *, here: bool = False) -> None:
        """Note that the run saw something; the first sight counts.

        Parameters
        ----------
        digest : what it was then; None where nothing of the run's own can change it, and it is digested afterwards
        here : True: seen from the beginning of this very recording, so that it takes the place of an earlier sight,
            and recorders around have a sight of their own
        """

    def own(self, kind: str, name: str, *, here: bool = False) -> None:
        """Note that the run itself decides what it sees from now on, because it sets it; what it saw before counts.

        Parameters
        ----------
        here : True: for this recording alone
        """

    def effect(self, kind: str, name: str, data: bytes, *, here: bool = False) -> None:
        """Note what the run has changed and a hit has to change too; the last word counts.

        Parameters
        ----------
        here : True: for this recording alone
        """

    def add(self, observations: Iterable[Observation]) -> None:
        """Note what a result that was found in the cache rests on."""

    def wrote(self, path: str) -> bool:
        """Whether the run wrote a file, or made the folder it lies in."""

    def write(self, path: str) -> None:
        """Note that the run writes a file."""

    def make_folder(self, path: str) -> None:
        """Note that the run makes a folder: what others put there is no work of the run."""

    def made(self, path: str) -> None:
        """Note that the run has made a file that was not there; what it saw of it was its own."""

    def reached(self, what: str) -> None:
        """Note that the run went outside: to the "network", or into a "subprocess"."""

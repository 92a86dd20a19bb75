"""As what does the content of a global count: what a run of the function left there counts as what that run found.

A generator of random numbers, a memo, a registry, a model that fills a cache at its first use: their content moves
with the runs of the function, so it cannot count as it is. But whatever else changes such an object is a change. So
one cached function remembers, for each thing that its runs change, which content it left and what it had found; any
other content is new, and counts as itself.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

Change = tuple[str, bytes, bytes]
"""A label, the digest of a content that a run has left, and of the one that it counts as."""

_REMEMBERED = 4096
#: What goes into a profile: the oldest and the newest, of each thing that changes.
_ON_RECORD = 32


class Running(NamedTuple):
    """One run under way.

    Attributes
    ----------
    counted : as what every content counted when it began, by label
    since : its place in the order of all runs and their ends
    """

    counted: Mapping[str, bytes]
    since: int


class Origins:
    """What the runs of one function are known to have changed.

    Attributes
    ----------
    version : differs whenever anything was learnt

    Notes
    -----
    Thread-safe.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counted: OrderedDict[tuple[str, bytes], tuple[bytes, int]] = OrderedDict()
        self._inside: OrderedDict[tuple[str, bytes], Sequence[object]] = OrderedDict()
        self._labels: dict[str, None] = {}
        self._running: list[Running] = []
        self._order = 0
        self.version = 0

    def renew(self) -> None:
        """Start with nothing under way in a forked child."""
        self._lock = threading.Lock()
        self._running = []

    @property
    def labels(self) -> tuple[str, ...]:
        """What the function changes itself, in order of label."""
        return tuple(sorted(self._labels))

    def counted(self, label: str, digest: bytes) -> tuple[bytes, bool]:
        """As what a content counts; and whether that is so only while runs are under way that may be changing it."""
        known = self._counted.get((label, digest))
        if known is not None:
            return known[0], False
        if label in self._labels and self._running:
            with self._lock:
                for run in self._running:
                    if label in run.counted:
                        return run.counted[label], True
        return digest, False

    def inside(self, label: str, digest: bytes) -> Sequence[object] | None:
        """The functions, classes and modules that were in an original content; None where that is not known."""
        return self._inside.get((label, digest))

    def begin(self, counted: Mapping[str, bytes]) -> Running:
        """A run begins, which finds all things as they count; `end` must follow."""
        with self._lock:
            self._order += 1
            run = Running(counted, self._order)
            self._running.append(run)
        return run

    def end(self, run: Running) -> None:
        with self._lock:
            self._running = [other for other in self._running if other is not run]

    def note(
        self, label: str, found: bytes, counted: bytes, left: bytes, inside: Sequence[object], run: Running
    ) -> bytes:
        """A run has changed something: what it left counts as what it found.

        Parameters
        ----------
        found, counted : the content that the run found, and as what it counted
        left : the content now
        inside : the functions, classes and modules in what counted

        Returns
        -------
        As what it counts from now on: of two runs at one time that leave the same, what the first of them said.
        """
        with self._lock:
            self._order += 1
            self.version += 1
            self._labels[label] = None
            known = self._counted.get((label, left))
            if known is not None and known[1] > run.since and known[0] != counted:
                self._write(label, found, known[0])
                self._write(label, counted, known[0])
                return known[0]
            self._write(label, left, counted)
            self._inside.setdefault((label, counted), inside)
            while len(self._counted) > _REMEMBERED:
                self._counted.popitem(last=False)
            while len(self._inside) > _REMEMBERED:
                self._inside.popitem(last=False)
        return counted

    def _write(self, label: str, left: bytes, counted: bytes) -> None:
        self._counted.pop((label, left), None)
        if left != counted:
            self._counted[label, left] = counted, self._order

    def knows(self, label: str) -> bool:
        """Whether the function is known to change a thing."""
        return label in self._labels

    def learn(self, changes: Iterable[Change]) -> None:
        """Take over what is on record of earlier sessions."""
        with self._lock:
            self.version += 1
            for label, left, counted in changes:
                self._labels[label] = None
                self._counted.setdefault((label, left), (counted, 0))

    def note_argument(self, name: str) -> bool:
        """A run has changed an argument, which is said and counts for nothing; tell whether that is news."""
        label = f"argument {name}"
        with self._lock:
            if label in self._labels:
                return False
            self._order += 1
            self._labels[label] = None
            self._counted[label, b""] = b"", self._order  # puts it on record
        return True

    def on_record(self) -> tuple[Change, ...]:
        """What a later session should know."""
        by_label: dict[str, list[Change]] = {}
        with self._lock:
            for (label, left), (counted, _) in self._counted.items():
                by_label.setdefault(label, []).append((label, left, counted))
        half = _ON_RECORD // 2
        return tuple(
            change
            for changes in by_label.values()
            for change in (changes if len(changes) <= _ON_RECORD else changes[:half] + changes[-half:])
        )


#: For those who do not run what they follow: everything counts as it is.
UNCHANGED = Origins()

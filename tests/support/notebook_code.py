"""Source run as in a notebook, for the tests of fingerprints; and what two fingerprints differ in."""

from __future__ import annotations

import itertools
import textwrap
from typing import Any

from nbcache.tracking.fingerprint import State, Tracker

_cells = itertools.count()


def run(source: str) -> dict[str, Any]:
    """Run source in a fresh namespace like that of a notebook; every run has a file name of its own."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(textwrap.dedent(source), f"<cell {next(_cells)}>", "exec"), namespace)
    return namespace


def state_of(source: str, **options: Any) -> State:
    return Tracker({"": run(source)["foo"]}, **options).state()


def labels(one: State, other: State) -> set[str]:
    """Name the parts in which two states differ."""
    old, new = ({part.label: part.digest for part in state.parts} for state in (one, other))
    return {label for label in old | new if old.get(label) != new.get(label)}

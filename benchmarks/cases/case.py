"""One thing to measure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from systems import System

Measure = Callable[[System, Path], dict[str, float]]


@dataclass(frozen=True)
class Case:
    """A case, and how its numbers are to be read.

    Attributes
    ----------
    row : the row of the table of targets it belongs to ("T1")
    measure : runs in a fresh process; returns numbers by name; "time" is the main one
    prepare : runs before, in another process that shares the folder
    takes_part : which systems can do this at all
    unit : "s", "B" or "" (a count)
    in_quick : whether `--quick` runs it
    rounds : at most so many, None: as many as asked for
    """

    name: str
    row: str
    measure: Measure
    prepare: Callable[[System, Path], object] | None = None
    takes_part: Callable[[System], bool] = lambda system: True
    unit: str = "s"
    in_quick: bool = True
    rounds: int | None = None

"""The table of docs/speed.md, from a run: a row for each case, ours beside the best of the others."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Set
from typing import NamedTuple

from cases import CASES
from systems import SYSTEMS, ours
from units import duration, shown, times, unit_of

START, END = "<!-- table -->", "<!-- end of table -->"
"""What stands before and behind the table on the page."""

ROWS = {
    "int": "hit: an int",
    "int, 20 dependencies": "hit: an int, code that depends on 20 globals",
    "dict of 20": "hit: a dict of 20",
    "array 8 MB": "hit: an array of 8 MB",
    "array 8 MB, read all": "... and read all of it",
    "array 8 MB, write all": "... and write all of it",
    "array 1 GB": "hit: an array of 1 GB",
    "array 1 GB, read all": "... and read all of it",
    "array 1 GB, write all": "... and write all of it",
    "array 1 GB, write all: copied": "... and write all of it, with `copy=True`",
    "frame 1e6 x 8": "hit: a pandas frame, 1e6 x 8",
    "frame of 1e6 strings": "hit: a pandas frame of 1e6 strings",
    "polars 1e6 x 5": "hit: a polars frame, 1e6 x 5",
    "1e5 small objects": "hit: a dict of 1e5 objects",
    "argument: array of 10 numbers": "key: an array of 10 numbers as argument",
    "argument: array 256 MB": "key: an array of 256 MB as argument",
    "argument: frame 1e6 x 8": "key: a pandas frame, 1e6 x 8",
    "argument: nested dict of 1e4": "key: a nested dict of 1e4",
    "cold: int": "first hit of a new process: an int",
    "cold: array 1 GB": "first hit of a new process: an array of 1 GB",
    "cold: array 1 GB: again": "... its second hit",
    "miss: int": "miss: what storing an int adds",
    "miss: array 256 MB": "miss: what storing 256 MB adds",
    "hit among 1e5 entries": "hit: an int among 1e5 entries",
    "listing of 1e5 entries, new process": "list 1e5 entries that an earlier process left",
    "clear one": "clear one of 1,000 entries",
    "hit among 1e5 entries: clear one": "clear one of 1e5 entries",
    "hit among 1e5 entries: disk": "disk for a tiny entry",
    "memory added by a hit, 1 GB": "memory that a hit of 1 GB adds",
    "executions asked by 8 threads": "runs when 8 threads ask at once",
    "executions asked by 4 processes": "runs when 4 processes ask at once",
    "import": "import in a warm kernel",
}


class Row(NamedTuple):
    """One row of the table.

    Attributes
    ----------
    values, stale : what was measured of each system, and whether its result was a stale one
    rival, best : the best of the peers that neither share results nor returned a stale one; "" and NaN for none
    """

    label: str
    unit: str
    values: dict[str, float]
    stale: dict[str, float]
    rival: str
    best: float

    @property
    def mine(self) -> float:
        return min((self.values[own] for own in ours if own in self.values), default=math.nan)


def compared(medians: dict[str, dict[str, float]], fair: Set[str]) -> Iterator[Row]:
    """The rows that were measured, in the order of the page."""
    for row, label in ROWS.items():
        values = medians.get(row)
        if not values:
            continue
        case, _, metric = (row, "", "") if row in CASES else row.rpartition(": ")
        stale = medians.get(f"{case}: stale", {})
        rivals = {name: value for name, value in values.items() if name in fair and not stale.get(name)}
        rival = min(rivals, key=lambda name: rivals[name], default="")
        yield Row(label, unit_of(CASES[case].unit, metric), values, stale, rival, rivals.get(rival, math.nan))


def table(medians: dict[str, dict[str, float]], fair: Set[str], empty_wrapper: float) -> Iterator[str]:
    """Lines of Markdown; peers that share results or returned a stale one are left out of "best other"."""
    yield "| | nbcache, memory | nbcache, disk | best other | | Streamlit |"
    yield "|---|---|---|---|---|---|"
    for row in compared(medians, fair):
        values, unit = row.values, row.unit
        cells = [shown(values[own], unit) if own in values else "" for own in ours]
        best = f"{shown(row.best, unit)} ({row.rival})" if row.rival else ""
        streamlit = [f"{shown(values[s], unit)}{' (stale)' if row.stale.get(s) else ''}"
                     for s in ("streamlit", "streamlit disk") if s in values]  # fmt: skip
        cells += [best, _verdict(row.mine, row.best, unit), (streamlit or [""])[0]]
        yield f"| {row.label} | {' | '.join(cells)} |"
    yield ""
    yield (
        f"Medians of one interleaved run on one machine, where an empty wrapper costs {duration(empty_wrapper)}; "
        "trust the ratios. Compared are "
        + ", ".join(sorted({SYSTEMS[name].module for name in fair}))
        + "; systems that hand the same object to every caller are left out, as are results that were stale. "
        "Bold rows are those where we lose."
    )


def renewed(page: str, rows: Iterable[str]) -> str:
    """The text of the page with the rows of a new table in place of the old one."""
    before, _, rest = page.partition(START)
    kept = [row for row in rows if row.startswith("|")]
    return "\n".join([before + START, "", *kept, "", END + rest.partition(END)[2]])


def _verdict(mine: float, best: float, unit: str) -> str:
    if math.isnan(best) or math.isnan(mine):
        return ""
    if mine <= 0 or best <= 0 or mine == best:
        return "equal" if mine == best else ""
    ratio = best / mine
    if ratio >= 1:
        return f"{times(ratio)}x"
    return f"**{times(1 / ratio)}x {'slower' if unit == 's' else 'more'}**"

"""A notebook in five ways: plain, cold, warm in the same kernel, warm after a restart, and after one random edit."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from namespace_graph import differences

from .notebook import cells_of, edited
from .processes import Processes
from .session import files_in

Seen = list[dict[str, Any]]


@dataclass
class Comparison:
    """What came of one notebook.

    Attributes
    ----------
    differences : where a cell showed or left something else than without nbcache
    plain, cold, restart : seconds, per cell
    outcomes : what became of each cell after the restart, and why
    """

    name: str
    differences: list[str] = field(default_factory=list)
    plain: list[float] = field(default_factory=list)
    cold: list[float] = field(default_factory=list)
    restart: list[float] = field(default_factory=list)
    outcomes: list[tuple[str, str]] = field(default_factory=list)
    stored: list[tuple[str, str]] = field(default_factory=list)

    def slow(self, least: float) -> list[int]:
        """Which cells take `least` seconds or more, and do not raise: of those nothing is stored."""
        return [n for n, seconds in enumerate(self.plain) if seconds >= least and self.outcomes[n][0] != "failed"]

    def saved(self, least: float) -> tuple[float, float]:
        """Seconds of the slow cells, and how many of them a restart saved."""
        slow = self.slow(least)
        return sum(self.plain[i] for i in slow), sum(self.plain[i] - self.restart[i] for i in slow)


def compare(
    path: Path,
    plain: Processes,
    cached: Processes,
    *,
    least: str = "0s",
    full: bool = False,
    seed: int = 0,
    twice: bool = False,
    times: bool = False,
) -> Comparison:
    """Run a notebook in all ways, and compare.

    Parameters
    ----------
    plain, cached : processes of different hash seeds; the first also makes the cold run
    least : `--min-time` of `%cache_cells on`
    full : at full size
    seed : of the random edit
    twice : whether a second plain session says what is unstable by itself; else everything is expected to be stable
    times : whether only times are wanted: plain, cold and after a restart, with nothing compared
    """
    cells = cells_of(path, full)
    found = Comparison(path.name)
    top = Path(tempfile.mkdtemp(prefix="differential-"))
    try:
        given = top / "given"
        _copy(path, given)
        for name in ("plain", "cached", "home"):
            (top / name).mkdir()
        shutil.copytree(given, top / "plain", dirs_exist_ok=True)
        shutil.copytree(given, top / "cached", dirs_exist_ok=True)
        other, number = edited(cells, seed)

        def job(cells: list[str], folder: str, rounds: int, options: str | None) -> dict[str, Any]:
            return {
                "cells": cells,
                "folder": str(top / folder),
                "rounds": rounds,
                "cache": options,
                "store": str(top / "store"),
                "key": str(top / "key"),
                "home": str(top / "home"),
                "described": not times,
                "timeout": 3600 if full or path.suffix == ".ipynb" else 100,
            }

        options = f"--min-time {least}"
        if times:
            plain.start(job(cells, "plain", 1, None))
            (want,) = plain.result()
            plain.start(job(cells, "cached", 1, options))  # in the same order of sets, which makes a tenth
            (cold,) = plain.result()
            _reset(given, top / "cached")
            cached.start(job(cells, "cached", 1, options))
            (restart,) = cached.result()
            return _timed(found, want, cold, restart)
        plain.start(job(cells, "plain", 2, None))
        cached.start(job(cells, "cached", 2, options))
        want, again = plain.result()
        cold, warm = cached.result()
        unstable: set[tuple[int, str]] = set()
        if twice:
            shutil.copytree(given, top / "second", dirs_exist_ok=True)
            cached.start(job(cells, "second", 2, None))
            unstable = set().union(*map(_unstable, (want, again), cached.result()))
        _differences(found, "cold", want, cold, cells, unstable)
        _differences(found, "warm", again, warm, cells, unstable)
        _reset(given, top / "cached")
        plain.start(job(cells, "cached", 1, options))  # another hash seed than the cold run had
        (restart,) = plain.result()
        _differences(found, "restart", want, restart, cells, unstable)
        if number >= 0:
            _reset(given, top / "plain")
            _reset(given, top / "cached")
            plain.start(job(other, "plain", 1, None))
            cached.start(job(other, "cached", 1, options))
            (want_other,), (got_other,) = plain.result(), cached.result()
            _differences(found, f"edited cell {number}", want_other, got_other, other, unstable)
        return _timed(found, want, cold, restart)
    finally:
        shutil.rmtree(top, ignore_errors=True)


def _timed(found: Comparison, want: Seen, cold: Seen, restart: Seen) -> Comparison:
    found.plain = [one["seconds"] for one in want]
    found.cold = [one["seconds"] for one in cold]
    found.restart = [one["seconds"] for one in restart]
    found.outcomes = [_outcome(one) for one in restart]
    found.stored = [_outcome(one) for one in cold]
    return found


def _outcome(seen: dict[str, Any]) -> tuple[str, str]:
    report = seen["report"]
    return ("", "") if report is None else (report["outcome"], report["reason"])


def _copy(path: Path, folder: Path) -> None:
    """Take what lies beside a user's notebook along, as far as it is small; texts of ours need nothing."""
    folder.mkdir()
    if path.suffix != ".ipynb":
        return
    total = 0
    for one in sorted(path.parent.rglob("*")):
        relative = one.relative_to(path.parent)
        if not one.is_file() or any(part.startswith(".") for part in relative.parts):
            continue
        total += one.stat().st_size
        if total > 500_000_000:
            break
        (folder / relative).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(one, folder / relative)


def _reset(given: Path, folder: Path) -> None:
    """Leave a folder as it was before any run."""
    for name in files_in(folder):
        if not (given / name).exists():
            (folder / name).unlink()
    shutil.copytree(given, folder, dirs_exist_ok=True)


def _unstable(want: Seen, again: Seen) -> set[tuple[int, str]]:
    """Cells and names that two plain sessions tell apart."""
    found = set()
    for number, (one, other) in enumerate(zip(want, again, strict=True)):
        if one["outputs"] != other["outputs"]:
            found.add((number, "outputs"))
        if one["names"] != other["names"]:
            found.add((number, "names"))
    return found


def _differences(
    found: Comparison, way: str, want: Seen, got: Seen, cells: list[str], unstable: set[tuple[int, str]]
) -> None:
    told: set[str] = set()  # a difference stays in all cells after the one that made it
    for number, (one, other) in enumerate(zip(want, got, strict=True)):
        where = f"{found.name} {way}: cell {number} ({cells[number].strip().splitlines()[0][:50]})"
        if one["outputs"] != other["outputs"] and (number, "outputs") not in unstable:
            shown = f"\n    {_cut(other['outputs'])}\n  instead of\n    {_cut(one['outputs'])}"
            found.differences.append(f"{where} shows{shown}")
        if (number, "names") not in unstable and "names" not in told:
            lines = differences(one["names"], other["names"])
            if lines:
                told.add("names")
                found.differences.append(f"{where} leaves other names:\n    " + "\n    ".join(map(_cut, _both(lines))))
        changed = {
            name
            for name in one["files"].keys() | other["files"].keys()
            if one["files"].get(name) != other["files"].get(name)
        }
        if changed - told:
            found.differences.append(f"{where} leaves other files: {', '.join(sorted(changed - told))}")
            told |= changed


def _both(lines: list[str], most: int = 6) -> list[str]:
    """The first lines that only one side has, and the first that only the other has."""
    return [line for sign in "-+" for line in [one for one in lines if one[0] == sign][:most]]


def _cut(value: object) -> str:
    text = str(value)
    return text if len(text) < 600 else text[:600] + "…"

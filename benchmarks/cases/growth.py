"""What many entries cost: the same hit, clear and listing with 1e5 of them."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import timing
from systems import System
from timing import best, once

from .case import Case, Measure
from .misses import tiny

#: Seconds to fill a cache. Peers get less, and with it fewer entries, which can only make them look faster.
FILL_BUDGET, FILL_BUDGET_OF_PEERS = 60.0, 20.0


def _filled(system: System, cached: Callable[[int], int], entries: int) -> int:
    """Fill a cache, and return with how many entries."""
    started, filled = time.perf_counter(), 0
    budget = FILL_BUDGET if system.module == "nbcache" else FILL_BUDGET_OF_PEERS
    for filled in range(1, entries + 1):
        cached(filled)
        if filled % 100 == 0 and time.perf_counter() - started > budget:
            break
    return filled


def _growth(entries: int) -> Measure:
    def measure(system: System, folder: Path) -> dict[str, float]:
        cached = system.decorate(tiny, folder)
        resident, started = _resident(), time.perf_counter()
        filled = _filled(system, cached, entries)
        filling = time.perf_counter() - started
        per_entry = (_resident() - resident) / filled
        keys = random.Random(0).choices(range(1, filled + 1), k=1000)
        numbers = {
            "entries": float(filled),
            "fill": filling / filled,
            "memory": per_entry,
            "time": best("for key in keys: f(key)", {"f": cached, "keys": keys}, budget=2.0) / len(keys),
        }
        if system.on_disk:
            numbers["disk"] = sum(_occupied(folder)) / filled
        if system.listing is not None:
            numbers["listing"] = once(lambda: system.listing(cached))  # type: ignore[misc]  # fmt: skip
        if system.forget is not None:
            forgets = [once(lambda key=key: system.forget(cached, key)) for key in set(keys[:50])]  # type: ignore[misc]
            numbers["clear one"] = sorted(forgets)[len(forgets) // 2]
        return numbers

    return measure


def _clearing(system: System, folder: Path) -> dict[str, float]:
    """Seconds to clear the result of one call: the best of many, as each can be cleared only once."""
    cached = system.decorate(tiny, folder)
    forget = system.forget
    assert forget is not None
    filled = _filled(system, cached, 1_000)
    fastest = float("inf")
    for key in range(1, filled + 1):
        started = timing.clock()
        forget(cached, key)
        fastest = min(fastest, timing.clock() - started)
    return {"time": fastest}


def _left_by_an_earlier_process(system: System, folder: Path) -> None:
    filled = _filled(system, system.decorate(tiny, folder), 100_000)
    (folder / "filled").write_text(str(filled))


def _listing(system: System, folder: Path) -> dict[str, float]:
    """Seconds for a hundred thousand entries; who has fewer is taken at the same rate."""
    cached = system.decorate(tiny, folder)
    filled = int((folder / "filled").read_text())
    assert system.listing is not None
    seconds = [once(lambda: system.listing(cached)) for _ in range(3)]  # type: ignore[misc]
    return {"time": seconds[0] / filled * 1e5, "again": min(seconds[1:]) / filled * 1e5, "entries": float(filled)}


def _resident() -> float:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return float("nan")
    return float(pages * os.sysconf("SC_PAGE_SIZE"))


def _occupied(folder: Path) -> Iterator[int]:
    for root, _, files in os.walk(folder):
        for name in files:
            yield os.stat(os.path.join(root, name)).st_blocks * 512


CASES = [
    Case("hit among 10 entries", "T15", _growth(10), rounds=3),
    Case("hit among 1e4 entries", "T15", _growth(10_000), rounds=1),
    Case("hit among 1e5 entries", "T15", _growth(100_000), rounds=1, in_quick=False),
    Case("clear one", "T15", _clearing, takes_part=lambda system: system.forget is not None, rounds=3),
    Case(
        "listing of 1e5 entries, new process",
        "T15",
        _listing,
        _left_by_an_earlier_process,
        lambda system: system.on_disk and system.listing is not None,
        rounds=1,
        in_quick=False,
    ),
]

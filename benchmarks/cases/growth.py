"""What many entries cost: the same hit, clear and listing with 1e5 of them."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

from systems import System
from timing import best, once

from .case import Case, Measure
from .misses import tiny

#: Seconds to fill a cache. Peers get less, and with it fewer entries, which can only make them look faster.
FILL_BUDGET, FILL_BUDGET_OF_PEERS = 60.0, 20.0


def _growth(entries: int) -> Measure:
    def measure(system: System, folder: Path) -> dict[str, float]:
        cached = system.decorate(tiny, folder)
        resident, started, filled = _resident(), time.perf_counter(), 0
        budget = FILL_BUDGET if system.module == "nbcache" else FILL_BUDGET_OF_PEERS
        for filled in range(1, entries + 1):
            cached(filled)
            if filled % 100 == 0 and time.perf_counter() - started > budget:
                break
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
            numbers["listing"] = once(lambda: system.listing(cached))  # type: ignore[misc]
        if system.forget is not None:
            forgets = [once(lambda key=key: system.forget(cached, key)) for key in set(keys[:50])]  # type: ignore[misc]
            numbers["clear one"] = sorted(forgets)[len(forgets) // 2]
        return numbers

    return measure


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
]

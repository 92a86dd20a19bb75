"""A world that changes at random: cached and uncached answers never differ, and a world seen before is a hit.

``NEVER_STALE_PROGRAMS=2000`` makes this run longer; ``random_observations.py`` alone reports figures.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

import pytest
import random_observations
from random_observations import SIGHTS, check, known_sights

from nbcache import cache_data

PROGRAMS = int(os.environ.get("NEVER_STALE_PROGRAMS", "40"))
SEED = int(os.environ.get("NEVER_STALE_SEED", "11"))


@pytest.mark.timeout(60 + 2 * PROGRAMS)
def test_a_cached_answer_is_the_uncached_one_in_every_world(surroundings: None) -> None:
    total: Counter[str] = Counter()
    for number in range(PROGRAMS):
        total += check(SEED * 1_000_000 + number)

    assert total["programs"] == PROGRAMS
    assert total["hits"] > 2 * PROGRAMS


def test_a_cache_that_follows_nothing_is_found_out(surroundings: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def blind(function: Any = None, **options: Any) -> Any:
        options["track"] = False
        return cache_data(function, **options) if function else lambda given: cache_data(given, **options)

    monkeypatch.setattr(random_observations, "cache_data", blind)
    wrong = 0
    for number in range(10):
        try:
            check(number)
        except AssertionError:
            wrong += 1
    assert wrong > 5


def test_all_sights_can_be_looked_at_here() -> None:
    for library in ("duckdb", "h5py", "pyarrow"):
        pytest.importorskip(library)
    assert set(known_sights()) == set(SIGHTS)

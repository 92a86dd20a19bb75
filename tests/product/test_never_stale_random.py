"""Programs and edits made at random: cached and uncached answers never differ, and what changes nothing is a hit.

``NEVER_STALE_PROGRAMS=2000`` makes this run longer; ``random_programs.py`` alone reports figures.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from random_programs import CODE, DATA, KINDS, MUTATIONS, play

from nbcache import cache_data

PROGRAMS = int(os.environ.get("NEVER_STALE_PROGRAMS", "45"))
SEED = int(os.environ.get("NEVER_STALE_SEED", "7"))
pytestmark = pytest.mark.usefixtures("no_bytecode")


@pytest.mark.timeout(30 + PROGRAMS)
def test_a_cached_answer_is_the_uncached_one_after_every_edit(tmp_path: Path) -> None:
    tally = play(PROGRAMS, SEED, tmp_path)

    assert not tally.wrong, tally.wrong[0]
    assert not tally.false_misses, tally.false_misses[0]
    assert tally.programs == PROGRAMS
    assert tally.changed > PROGRAMS
    assert tally.must_hit > 4 * PROGRAMS


def blind(function: Any = None, **options: Any) -> Any:
    """A decorator that follows nothing but the function itself."""
    return cache_data(function, track=False, **options)


def test_a_cache_that_follows_nothing_is_found_out(tmp_path: Path) -> None:
    tally = play(20, SEED, tmp_path, blind)

    assert tally.wrong


def test_every_kind_of_definition_can_be_drawn_and_changed() -> None:
    assert set(MUTATIONS) <= set(KINDS)
    assert set(DATA) <= set(MUTATIONS) | {"constant"}
    assert all("V" in definition or "D" in definition for definition, _ in CODE.values())

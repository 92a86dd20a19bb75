"""Names that mean something else after an edit made at random: never a wrong answer, never a miss without a reason.

``NEVER_STALE_PROGRAMS=2000`` makes this run longer; ``random_names.py`` alone reports figures.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from random_names import KINDS, play

PROGRAMS = int(os.environ.get("NEVER_STALE_PROGRAMS", "40"))
SEED = int(os.environ.get("NEVER_STALE_SEED", "7"))


@pytest.mark.timeout(60 + 3 * PROGRAMS)
def test_a_cached_answer_is_the_uncached_one_whatever_names_stand_for(tmp_path: Path) -> None:
    for guest in ("duckdb", "numpy", "pandas", "scipy"):
        pytest.importorskip(guest)

    tally = play(PROGRAMS, SEED, tmp_path)

    assert not tally.wrong, tally.wrong[0]
    assert not tally.false_misses, tally.false_misses[0]
    assert tally.must_hit > 4 * PROGRAMS
    assert len(tally.edits) > len(KINDS) // 2

"""Notebooks of many kinds show and leave the same with automatic caching as without, in every way of running them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from differential.comparison import compare
from differential.processes import Processes

NOTEBOOKS = sorted((Path(__file__).parent / "notebooks").glob("*.txt"))
# What is known to differ still; a notebook that leaves this list must never come back.
STILL_DIFFERENT: set[str] = set()
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="sessions are forked from one process")


@pytest.fixture(scope="module")
def processes() -> Iterator[tuple[Processes, Processes]]:
    with Processes(1) as plain, Processes(2) as cached:
        yield plain, cached


@needs_fork
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_shows_and_leaves_the_same(notebook: Path, processes: tuple[Processes, Processes]) -> None:
    _skip_without(notebook)
    if notebook.stem in STILL_DIFFERENT:
        pytest.xfail("known to differ")

    found = compare(notebook, *processes, seed=len(notebook.stem))

    assert not found.differences, "\n".join(found.differences)
    assert any(outcome == "hit" for outcome, _ in found.outcomes), found.outcomes


def _skip_without(notebook: Path) -> None:
    for line in notebook.read_text().splitlines():
        if line.startswith("# needs: "):
            for library in line.removeprefix("# needs: ").split():
                pytest.importorskip(library)

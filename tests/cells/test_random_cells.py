"""Random programs of cells show and leave the same with automatic caching as without, however they are run.

`NBCACHE_RANDOM_CELLS=200` runs that many programs; `NBCACHE_RANDOM_CELLS_FIRST=40` begins with another one.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys

import pytest
from namespace_graph import differences, lines_of
from random_cells import edited, program

from nbcache.notebook.cells.known import known_cells

_FIRST = int(os.environ.get("NBCACHE_RANDOM_CELLS_FIRST", "0"))
SEEDS = range(_FIRST, _FIRST + int(os.environ.get("NBCACHE_RANDOM_CELLS", "8")))
_SESSION = frozenset({"In", "Out", "get_ipython", "exit", "quit", "open", "cache_data"})


class Sessions:
    """One shell, as one session after another."""

    def __init__(self, shell, restart):
        self._shell = shell
        self._restart = restart
        self._fresh = dict(shell.user_ns)
        self.outcomes = []

    def run(self, cells, rounds=1, cached=True):
        """Run the cells in a new session; what each showed and left."""
        space = self._shell.user_ns
        space.clear()
        space.update(self._fresh)
        space["Out"].clear()
        self._shell.run_cell(f"%cache_cells {'on --min-time 0s' if cached else 'off'}")
        if cached:
            self._restart()
        self._shell.execution_count = 1
        return [self._cell(cell, cached) for _ in range(rounds) for cell in cells]

    def _cell(self, cell, cached):
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
            result = self._shell.run_cell(cell, store_history=True)
        error = result.error_before_exec or result.error_in_exec
        shown = [line for line in out.getvalue().splitlines() if not line.startswith("restored ")]
        if cached:
            self.outcomes.append(known_cells(self._shell).rows()[-1][2].outcome)
        return [*shown, err.getvalue(), repr(error)], lines_of(self._shell.user_ns)


def _differences(want, got, cells):
    for number, ((shown, left), (other, now)) in enumerate(zip(want, got, strict=True)):
        where = f"cell {number}: {cells[number % len(cells)]}"
        if shown != other:
            return f"{where}\nshows {other} instead of {shown}"
        if lines := differences(left, now):
            return f"{where}\nleaves\n" + "\n".join(lines)
    return ""


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_program_of_cells_is_what_it_is_without_the_cache(shell, cache, restart, seed):
    main = sys.modules["__main__"]
    shell.run_cell("%load_ext nbcache")
    sessions = Sessions(shell, restart)
    cells = program(seed)
    other = edited(cells, seed)

    want = sessions.run(cells, 2, cached=False)
    cold = sessions.run(cells, 2)
    warm = sessions.run(cells)
    want_other = sessions.run(other, cached=False)
    got_other = sessions.run(other)

    for way, one, two, these in (
        ("cold, and again in the same session", want, cold, cells),
        ("after a restart", want[: len(cells)], warm, cells),
        ("edited", want_other, got_other, other),
    ):
        found = _differences(one, two, these)
        assert not found, f"{way}: {found}\nin\n" + "\n# %%\n".join(these[1:])
    assert "hit" in sessions.outcomes
    assert sys.modules["__main__"] is main

"""An analysis of thirty cells under `%cache_cells on`, in real kernels: restarted, and edited cell by cell."""

from __future__ import annotations

import json

import pytest
from analysis import CELLS
from live import RESET, live, seen


def dependents(edited):
    """The cells that use the result of `edited`, directly or through others."""
    found = {edited}
    for cell in CELLS:
        if found & set(cell.needs.split()):
            found.add(cell.name)
    return found


class Analysis:
    """The thirty cells in a kernel: run as a whole, with what each cell showed and what became of it."""

    def __init__(self, nb):
        self.nb = nb
        self.outcomes = {}

    def run(self, edited=None):
        """Run all cells in an empty namespace; return what each showed."""
        self.nb(RESET)
        sources = {cell.name: cell.edited if cell.name == edited else cell.source for cell in CELLS}
        shown = {name: seen(self.nb(source).every) for name, source in sources.items()}
        became = json.loads(self.nb(BECAME).out)
        self.outcomes = {name: became.get(source) for name, source in sources.items()}
        return shown

    def uncached(self, edited=None):
        self.nb("%cache_cells off")
        try:
            return self.run(edited)
        finally:
            self.nb("%cache_cells on --min-time 0s")


BECAME = """import json
from nbcache.notebook.cells.known import known_cells
print(json.dumps({run.code.source.strip(): report.outcome for _, run, report in known_cells(get_ipython()).rows()}))"""
KEPT = {cell.name for cell in CELLS if not cell.lives}


@pytest.mark.timeout(500)  # a dozen runs of thirty cells
def test_an_edit_of_any_cell_recomputes_what_depends_on_it_and_nothing_else():
    with live() as nb:
        nb("%cache_cells on --min-time 0s")
        analysis = Analysis(nb)
        first = analysis.run()
        assert analysis.run() == first == analysis.uncached()
        assert {name for name, became in analysis.outcomes.items() if became == "hit"} == KEPT
        for cell in CELLS[1::6]:
            cached = analysis.run(cell.name)
            again = {name for name, became in analysis.outcomes.items() if became != "hit"}
            assert cached == analysis.uncached(cell.name), cell.name
            assert again & KEPT <= dependents(cell.name), cell.name
            assert cell.name in again, cell.name
            assert cached[cell.name] != first[cell.name] or len(again & KEPT) > 1, cell.name


def test_thirty_cells_come_back_in_a_new_kernel_and_none_is_computed():
    runs = []
    for _ in range(2):
        with live() as nb:
            nb("%cache_cells on --min-time 0s")
            analysis = Analysis(nb)
            runs.append((analysis.run(), analysis.outcomes, str(nb("%cache_cells status").value)))
    (first, stored, _), (second, came_back, status) = runs
    assert len(CELLS) == 30
    for name, shown in first.items():
        assert second[name] == shown, name
    assert {name for name, became in stored.items() if became == "stored"} == KEPT
    assert {name for name, became in came_back.items() if became == "hit"} == KEPT
    assert "explore" not in KEPT and "it shows a widget" in status

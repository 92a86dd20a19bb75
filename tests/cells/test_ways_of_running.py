"""Cells that are run in another order, again, from the middle, in two notebooks, or with an interrupt in between."""

from __future__ import annotations

import re
import signal
import sys

import pytest
from namespace_graph import lines_of

from nbcache.notebook.cells import cell
from nbcache.notebook.cells.known import known_cells
from nbcache.notebook.cells.namespace import unpack
from nbcache.notebook.cells.objects.restoring import Restoring

NOTEBOOK = [
    "xs = [1, 2]\nd = {'xs': xs}",
    "def f(v):\n    return v + offset\noffset = 10",
    "xs.append(f(len(xs)))",
    "ys = d['xs']\ntotal = sum(ys)",
    "offset = total",
    "d['more'] = [f(y) for y in ys]\nlast = d['more'][-1]",
]
OTHER = [
    "xs = (1, 2, 3)\nd = {'xs': list(xs)}",
    "def f(v):\n    return v * 2\noffset = 10",
    "xs = [f(x) for x in xs]",
    "ys = d['xs']\ntotal = sum(ys)",
]
ORDERS = {
    "as it stands": [0, 1, 2, 3, 4, 5],
    "twice": [0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5],
    "each cell twice": [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5],
    "out of order": [1, 0, 3, 2, 4, 2, 5, 3, 5],
    "from the middle": [0, 1, 2, 3, 4, 5, 2, 3, 4, 5],
    "from the middle, changed before": [0, 1, 2, 3, 1, 2, 3, 0, 2, 3, 4, 5],
}


@pytest.fixture
def session(nb):
    """Run cells in an empty namespace; give what each left, and whether it was restored."""
    empty = dict(nb.ns)

    def run(cells):
        nb.ns.clear()
        nb.ns.update(empty)
        left, hits = [], []
        for text in cells:
            nb(text)
            names = sorted(name for name in nb.ns.keys() - empty.keys() if name[0] != "_")
            left.append(lines_of({name: nb.ns[name] for name in names}))
            rows = known_cells(nb.shell).rows()
            hits.append(bool(rows) and rows[-1][2].outcome == "hit")
        return left, hits

    return run


def cached(nb):
    nb("%cache_cells on --min-time 0s")


@pytest.mark.parametrize("order", ORDERS)
def test_any_order_leaves_what_it_leaves_without_the_cache(nb, session, restart, order):
    cells = [NOTEBOOK[number] for number in ORDERS[order]]
    plain, _ = session(cells)
    cached(nb)
    for ready in (NOTEBOOK, cells):
        assert session(cells)[0] == plain
        restart()
        session(ready)
    left, hits = session(cells)
    assert left == plain and any(hits)


def test_two_notebooks_in_one_folder_share_nothing_but_equal_cells(nb, session, restart):
    plain, other = session(NOTEBOOK)[0], session(OTHER)[0]
    cached(nb)
    for _ in range(2):
        assert session(NOTEBOOK)[0] == plain
        restart()
        assert session(OTHER)[0] == other
        restart()
    assert all(session(NOTEBOOK)[1][2:]) and all(session(OTHER)[1][2:])


def test_a_module_that_is_edited_while_a_cell_runs_is_not_taken_for_what_it_was(nb, tmp_path, monkeypatch):
    module = tmp_path / "edited_meanwhile.py"
    module.write_text("def f():\n    return 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    try:
        nb("import importlib, edited_meanwhile")
        monkeypatch.setattr(
            "builtins.edit_now", lambda: module.write_text("def f():\n    return 2 + 0\n"), raising=False
        )
        text = "%%cache_cell x\nx = edited_meanwhile.f()\nedit_now()"
        nb(text)
        nb("importlib.reload(edited_meanwhile)")
        nb(text)
        assert nb.ns["x"] == 2
    finally:
        sys.modules.pop("edited_meanwhile", None)


@pytest.fixture
def interrupts():
    """What a shell starts behind itself ignores them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_while_the_key_is_made_runs_nothing(nb, interrupts):
    nb(
        """
        import signal
        class Slow:
            waits = [True]
            def __cache_key__(self):
                if Slow.waits and Slow.waits.pop():
                    signal.raise_signal(signal.SIGINT)
                return 1
        slow = Slow()
        """
    )
    first = nb("%%cache_cell one\ny = type(slow).__name__", fails=True)
    assert isinstance(first.error, KeyboardInterrupt) and "y" not in nb.ns
    shown = _plain(first.out)
    assert "> 2 y = type(slow).__name__" in shown and "nbcache" not in shown and "During" not in shown
    nb("%%cache_cell one\ny = type(slow).__name__")
    assert nb.ns["y"] == "Slow"
    assert "restored" in nb("%%cache_cell one\ny = type(slow).__name__").out


def test_an_interrupt_while_a_result_is_kept_is_shown_at_the_end_of_its_cell(nb, interrupts):
    nb(
        """
        import signal
        class Slow:
            waits = [True]
            def __reduce__(self):
                if Slow.waits and Slow.waits.pop():
                    signal.raise_signal(signal.SIGINT)
                return Slow, ()
        """
    )
    ran = nb("%%cache_cell\ny = 1\nslow = Slow()", fails=True)
    assert isinstance(ran.error, KeyboardInterrupt) and nb.ns["y"] == 1
    assert "> 3 slow = Slow()" in _plain(ran.out) and "nbcache" not in ran.out


def test_an_interrupt_while_a_result_is_loaded_restores_nothing(nb, interrupts, monkeypatch):
    nb("xs = [1]")
    text = "%%cache_cell one\nxs.append(2)\nmade = {1}"
    nb(text)
    nb("xs = [1]\ndel made")
    with monkeypatch.context() as patch:
        patch.setattr(cell, "unpack", lambda packed, names: (unpack(packed, names), _interrupt()))
        assert isinstance(nb(text, fails=True).error, KeyboardInterrupt)
    assert nb.ns["xs"] == [1] and "made" not in nb.ns
    assert "restored" in nb(text).out
    assert nb.ns["xs"] == [1, 2] and nb.ns["made"] == {1}


def _plain(shown):
    return re.sub("\x1b\\[[0-9;]*m", "", shown)


def _interrupt():
    signal.raise_signal(signal.SIGINT)


def test_an_interrupt_in_the_middle_of_a_restore_comes_when_all_of_it_is_done(nb, interrupts, monkeypatch):
    nb("class Tells(list):\n    pass\nxs = Tells([1])\nys = [1]")
    text = "%%cache_cell one\nxs.append(2)\nys.append(2)\nz = 3"
    nb(text)
    nb("xs = Tells([1])\nys = [1]\ndel z")
    put = Restoring.put
    monkeypatch.setattr(Restoring, "put", lambda self, contents: (_interrupt(), put(self, contents)))
    assert isinstance(nb(text, fails=True).error, KeyboardInterrupt)
    assert nb.ns["xs"] == [1, 2] and nb.ns["ys"] == [1, 2] and nb.ns["z"] == 3

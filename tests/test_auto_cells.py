"""`%cache_cells on`: slow cells come back by themselves, and only while nothing they rest on has changed."""

from __future__ import annotations

import contextlib
import io
import re

import pytest
from analysis import CELLS
from test_cell import nb, one_shell, shell  # noqa: F401 - fixtures
from test_cell_kernel import run, seen

from nbcache.notebook.cells import known_cells
from nbcache.notebook.outputs import record


def outcomes(nb):  # noqa: F811
    return [cell.report.outcome for _, cell, _ in known_cells(nb.shell).rows()]


def last(nb):  # noqa: F811
    return known_cells(nb.shell).rows()[-1][2]


class TestSwitch:
    def test_off_by_default(self, nb):  # noqa: F811
        nb("x = 1")
        assert outcomes(nb) == []

    def test_a_slow_cell_is_restored(self, nb):  # noqa: F811
        nb("%cache_cells on --min-time 0s")
        nb("x = [1]\nx")
        nb("del x")
        second = nb("x = [1]\nx")
        assert last(nb).outcome == "hit" and second.value is nb.ns["x"] and second.out.startswith("restored x")

    def test_a_quick_cell_is_not_kept(self, nb):  # noqa: F811
        nb("%cache_cells on --min-time 1h")
        nb("x = 1")
        assert last(nb).outcome == "not cached" and "it took" in last(nb).reason

    def test_a_new_kernel_restores_it(self, nb, restart):  # noqa: F811
        nb("%cache_cells on --min-time 0s")
        nb("x = [1]")
        restart()
        nb("x = [1]")
        assert last(nb).outcome == "hit"

    def test_off_and_on_again_keeps_entries(self, nb):  # noqa: F811
        nb("%cache_cells on --min-time 0s")
        nb("x = [1]")
        nb("%cache_cells off")
        count = len(outcomes(nb))
        nb("x = [1]")
        assert len(outcomes(nb)) == count
        nb("%cache_cells on --min-time 0s")
        nb("x = [1]")
        assert last(nb).outcome == "hit"

    def test_a_marked_cell_keeps_its_own_options(self, nb):  # noqa: F811
        nb("%cache_cells on --min-time 1h")
        nb("%%cache_cell mine\nx = 1")
        nb("%%cache_cell mine\nx = 1")
        assert last(nb).outcome == "hit"

    def test_a_failing_cell_is_not_kept_and_fails_as_usual(self, nb):  # noqa: F811
        nb("%cache_cells on --min-time 0s")
        for _ in range(2):
            outcome = nb("print('once')\n1 / 0", fails=True)
            assert isinstance(outcome.error, ZeroDivisionError)
            assert outcome.out.count("once\n") == 1
        assert last(nb).outcome == "failed"

    @pytest.mark.parametrize("line", ["on --min-time 5", "on --max-size big", "maybe", "on --nope"])
    def test_mistakes_are_short_errors(self, nb, line):  # noqa: F811
        assert type(nb(f"%cache_cells {line}", fails=True).error).__name__ == "UsageError"


class TestNotByItself:
    @pytest.mark.parametrize(
        ("source", "why"),
        [
            ("with open('made.txt', 'w') as file:\n    n = file.write('x')\ndel file", "writes made.txt"),
            ("import subprocess\nsubprocess.run(['true'])", "subprocess"),
            (
                "import socket\ns = socket.socket()\ns.settimeout(0.01)\ns.connect_ex(('127.0.0.1', 9))\ndel s",
                "network",
            ),
            ("x = len(globals())", "globals()"),
            ("import os\n%cd .", "%cd"),
            ("%cache_cells status", "%cache_cells"),
            ("g = (n for n in [1])", "generator"),
            ("import threading\nlock = threading.Lock()", "lock"),
        ],
    )
    def test_what_a_hit_would_not_do_again_simply_runs(self, nb, source, why):  # noqa: F811
        nb("%cache_cells on --min-time 0s")
        first = nb(source)
        assert last(nb).outcome == "not cached" and why in last(nb).reason
        assert first.warned == []
        nb(source)
        assert last(nb).outcome == "not cached"

    def test_random_numbers_come_back_with_the_state_they_came_from(self, nb):  # noqa: F811
        nb("%cache_cells on --min-time 0s")
        cell = "x = random.random()"
        for _ in range(2):
            nb("import random\nrandom.seed(1)")
            nb(cell)
            following = nb("random.random() + 0").value
        assert [
            report.outcome for _, run, report in known_cells(nb.shell).rows() if run.code.source.strip() == cell
        ] == ["hit"]
        nb("import random\nrandom.seed(2)")
        nb(cell)
        assert last(nb).outcome == "stored"
        nb("import random\nrandom.seed(1)\nrandom.random()")
        assert nb("random.random() + 0").value == following

    def test_status_says_why(self, nb):  # noqa: F811
        nb("%cache_cells on --min-time 0s")
        nb("x = [1]")
        nb("y = len(globals())")
        text = str(nb("%cache_cells status").value)
        assert "x = [1]" in text and "stored" in text and "globals()" in text and "Automatic caching is on" in text


def shown(shell, source):  # noqa: F811
    """Run a cell as a user would; return what it showed, without what differs from run to run."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        with record("cell") as recording:
            result = shell.run_cell(source, store_history=True)
    assert result.success, result.error_in_exec or result.error_before_exec
    text = re.sub(rb"\[\d\d:\d\d<[^]]*\]", b"", recording.to_bytes())
    return re.sub(rb"Out\[\d+\]|0x[0-9a-f]+", b"", text)


def fresh(shell):  # noqa: F811
    """Empty the namespace, as a restart would."""
    hidden = shell.user_ns_hidden
    for name in [name for name in shell.user_ns if name not in hidden and not name.startswith("_")]:
        del shell.user_ns[name]


def dependents(edited):
    """The cells that use the result of `edited`, directly or through others."""
    found = {edited}
    for cell in CELLS:
        if found & set(cell.needs.split()):
            found.add(cell.name)
    return found


def whole_run(nb, edited=None, outcome=None):  # noqa: F811
    outputs = []
    fresh(nb.shell)
    for cell in CELLS:
        outputs.append(shown(nb.shell, cell.edited if cell.name == edited else cell.source))
        if outcome is not None:
            outcome[cell.name] = last(nb).outcome
    return outputs


def test_an_edit_of_any_cell_recomputes_what_depends_on_it_and_nothing_else(nb):  # noqa: F811
    nb("%cache_cells on --min-time 0s -q")
    outcome = {}
    first = whole_run(nb, outcome=outcome)
    assert whole_run(nb, outcome=outcome) == first
    assert set(outcome.values()) == {"hit"}
    for cell in CELLS:
        cached = whole_run(nb, cell.name, outcome)
        nb("%cache_cells off")
        uncached = whole_run(nb, cell.name)
        nb("%cache_cells on --min-time 0s -q")
        assert cached == uncached, cell.name
        again = {name for name, became in outcome.items() if became != "hit"}
        assert again <= dependents(cell.name), cell.name
        assert cell.name in again, cell.name


def test_thirty_cells_come_back_in_a_new_kernel(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    slow = "import time\ntime.sleep(0.15)\n"
    cells = ["%matplotlib inline", "%cache_cells on --min-time 0.1s -q"]
    cells += [slow + cell.source.replace("plt.close(fig)", "") for cell in CELLS]
    clock = "import time; began = time.perf_counter()", "print(time.perf_counter() - began)"
    first = run(clock[0], *cells, clock[1])
    second = run(clock[0], *cells, clock[1])
    for source, before, after in zip(cells, first[1:-1], second[1:-1], strict=True):
        assert seen(before) == seen(after), source
    took = [float(outputs[-1][0].text) for outputs in (first, second)]
    assert took[0] - took[1] > 0.9 * 30 * 0.15

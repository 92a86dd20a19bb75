"""`%cache_cells on`: slow cells come back by themselves, and only while nothing they rest on has changed."""

from __future__ import annotations

import pytest

from nbcache.notebook.cells.known import known_cells


def outcomes(nb):
    return [cell.report.outcome for _, cell, _ in known_cells(nb.shell).rows()]


def last(nb):
    return known_cells(nb.shell).rows()[-1][2]


class TestSwitch:
    def test_off_by_default(self, nb):
        nb("x = 1")
        assert outcomes(nb) == []

    def test_a_slow_cell_is_restored(self, nb):
        nb("%cache_cells on --min-time 0s")
        nb("x = [1]\nx")
        nb("del x")
        second = nb("x = [1]\nx")
        assert last(nb).outcome == "hit" and second.value is nb.ns["x"] and second.out.startswith("restored x")

    def test_a_quick_cell_is_not_kept(self, nb):
        nb("%cache_cells on --min-time 1h")
        nb("x = 1")
        assert last(nb).outcome == "not cached" and "it took" in last(nb).reason

    def test_a_new_kernel_restores_it(self, nb, restart):
        nb("%cache_cells on --min-time 0s")
        nb("x = [1]")
        restart()
        nb("x = [1]")
        assert last(nb).outcome == "hit"

    def test_off_and_on_again_keeps_entries(self, nb):
        nb("%cache_cells on --min-time 0s")
        nb("x = [1]")
        nb("%cache_cells off")
        count = len(outcomes(nb))
        nb("x = [1]")
        assert len(outcomes(nb)) == count
        nb("%cache_cells on --min-time 0s")
        nb("x = [1]")
        assert last(nb).outcome == "hit"

    def test_a_marked_cell_keeps_its_own_options(self, nb):
        nb("%cache_cells on --min-time 1h")
        nb("%%cache_cell mine\nx = 1")
        nb("%%cache_cell mine\nx = 1")
        assert last(nb).outcome == "hit"

    def test_a_failing_cell_is_not_kept_and_fails_as_usual(self, nb):
        nb("%cache_cells on --min-time 0s")
        for _ in range(2):
            outcome = nb("print('once')\n1 / 0", fails=True)
            assert isinstance(outcome.error, ZeroDivisionError)
            assert outcome.out.count("once\n") == 1
        assert last(nb).outcome == "failed"

    @pytest.mark.parametrize("line", ["on --min-time 5", "on --max-size big", "maybe", "on --nope"])
    def test_mistakes_are_short_errors(self, nb, line):
        assert type(nb(f"%cache_cells {line}", fails=True).error).__name__ == "UsageError"


class TestNotByItself:
    @pytest.mark.parametrize(
        ("source", "why"),
        [
            ("with open('made.txt', 'a') as file:\n    n = file.write('x')\ndel file", "changes made.txt"),
            ("import subprocess\nsubprocess.run(['true'])", "runs true"),
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
    def test_what_a_hit_would_not_do_again_simply_runs(self, nb, source, why):
        nb("%cache_cells on --min-time 0s")
        first = nb(source)
        assert last(nb).outcome == "not cached" and why in last(nb).reason
        assert first.warned == []
        nb(source)
        assert last(nb).outcome == "not cached"

    def test_random_numbers_come_back_with_the_state_they_came_from(self, nb):
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

    def test_status_says_why(self, nb):
        nb("%cache_cells on --min-time 0s")
        nb("x = [1]")
        nb("y = len(globals())")
        text = str(nb("%cache_cells status").value)
        assert "x = [1]" in text and "stored" in text and "globals()" in text and "Automatic caching is on" in text

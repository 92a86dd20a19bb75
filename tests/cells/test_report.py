"""What status says of a cell that is not cached: why, and what to change."""

from __future__ import annotations

import pytest

from nbcache.notebook.cells.report import advice


@pytest.mark.parametrize(
    ("reason", "what"),
    [
        ("lock cannot be stored (cannot pickle '_thread.lock' object)", "del lock"),
        ("input con cannot be read (Connection)", "--ignore con"),
        ("it changes log.txt in place", "as a whole"),
        ("it writes log.txt, outside the project", "cell of its own"),
        ("a file it reads changed while it ran", "run the cell again"),
        ("it keeps 5 KB, more than --max-size", "raise --max-size"),
        ("it both reads and writes state.json", "as a whole"),
        ("it uses the network", "save it to a file"),
        ("it runs git", "cell of its own"),
        ("it changes the session (loggers)", "cell of its own"),
        ("it took 12 ms", ""),
    ],
)
def test_a_reason_comes_with_what_to_change(reason, what):
    assert what in advice(reason) and bool(what) == bool(advice(reason))


def test_status_names_both(nb):
    nb("%cache_cells on --min-time 0s")
    nb("import threading\nlock = threading.Lock()")
    rows = str(nb("%cache_cells status").value)
    assert "lock cannot be stored" in rows and "del lock" in rows


def test_status_tells_nobody_to_put_a_magic_alone_into_a_cell_of_its_own(nb):
    nb("%cache_cells on --min-time 0s")
    nb("%precision 3\n%precision")
    nb("x = 1\n%precision")
    alone, among = str(nb("%cache_cells status").value).splitlines()[-3:-1]
    assert "it changes the session (%precision)" in alone and "cell of its own" not in alone
    assert "cell of its own" in among


def test_an_error_of_ours_after_a_run_does_not_reach_the_user(nb, monkeypatch):
    from nbcache.notebook.cells.run import CellRun

    monkeypatch.setattr(CellRun, "packed", lambda *a: 1 / 0)
    nb("%cache_cells on --min-time 0s")
    assert nb("x = [1]\nx").value == [1]


def test_an_underscore_of_the_users_is_a_name(nb):
    nb("%cache_cells on --min-time 0s")
    nb("print('x')\n_ = 5")
    assert nb("_ + 1").value == 6


def test_an_underscore_that_a_cell_binds_comes_back(nb, restart):
    nb("%cache_cells on --min-time 0s")
    nb("x, _ = 1, 5\nprint(x)")
    nb.ns.pop("_", None)
    restart()
    nb("x, _ = 1, 5\nprint(x)")
    assert nb.ns["_"] == 5


def test_a_cell_that_runs_again_says_what_its_input_was_before_it_changed_it(nb):
    cell = "%%cache_cell\na.append(99)"
    nb("a = [1, 2]")
    nb(cell)
    nb("a = [7, 2]")

    assert "input a [1, 2] -> [7, 2]" in (shown := nb(cell)).out + shown.err


def test_an_object_that_makes_what_it_is_asked_for_is_as_it_was(nb):
    nb(
        "class Making(dict):\n"
        "    def __getattr__(self, name):\n"
        "        if name.startswith('__'): raise AttributeError(name)\n"
        "        self[name] = 1\n"
        "m, n = Making(a=1), Making(a=2)\n"
        "@cache_data\ndef f(x): return m['a'] + x['a']\n"
        "f(n); f(n)"
    )
    for _ in range(2):
        nb("%%cache_cell\ny = m['a'] + n['a']")

    assert nb("f.info().hits, dict(m), dict(n)").value == (1, {"a": 1}, {"a": 2})

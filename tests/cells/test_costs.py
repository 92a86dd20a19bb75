"""Automatic caching costs next to nothing where it cannot win, and finds slow cells all the same."""

from __future__ import annotations

import ast
import datetime
import time

import pytest

from nbcache.notebook.cells.costs import CellCosts, Costs
from nbcache.notebook.cells.estimates import hashing_time, pickling_time, walking_time
from nbcache.notebook.cells.inputs import key_time
from nbcache.notebook.cells.known import known_cells
from nbcache.notebook.cells.left_alone import LeftAlone
from nbcache.notebook.cells.report import Report
from nbcache.notebook.cells.syntax.quickness import QUICK as QUICK_TEXT
from nbcache.notebook.cells.syntax.quickness import quickness
from nbcache.notebook.display import figures
from nbcache.tracking import watch


def last(nb):
    return known_cells(nb.shell).rows()[-1][2]


def alone(costs, text="f()", least=2.0):
    return costs.left_alone(text, quickness(ast.parse(text).body), least)


QUICK = (
    *("x = 1", "a, b = c + 1, [d]", "print(f'{len(x)}', x[:3])", "x.name = {}.get(y)", "df.head()", "s = set()"),
    *("def f(x):\n    return g(x)", "class A(B):\n    n = 1\n    def f(self): g()", "key = lambda x: g(x)"),
)
MAY_BE_SLOW = (
    *("x = f(1)", "[f for f in x]", "import x\nx.f()", "for i in x: pass", "a @ b", "print(f(x))", "list(x)"),
    *("@f(1)\ndef g(): pass", "def g(x=f(1)): pass", "class A:\n    n = f()", "f().head()", "with x: pass", "await x"),
)


@pytest.mark.parametrize("text", QUICK)
def test_code_that_can_only_be_quick_is_left_alone_at_once(text):
    assert alone(Costs(), text)


def test_what_earlier_sessions_learnt_is_loaded_for_code_that_may_be_slow_and_for_no_other():
    loads: list[None] = []
    costs = Costs(lambda: loads.append(None) or ["f(x) 3.0"])
    assert all(alone(costs, text) for text in (*QUICK, "import x"))
    LeftAlone("x = 1", costs, 2.0, QUICK_TEXT).took(0.5)
    assert not loads
    assert not alone(costs, "f(x)") and loads


def test_code_that_looks_quick_and_proves_slow_is_looked_at_from_then_on():
    costs = Costs()
    slow = LeftAlone("x = big + big", costs, 2.0, QUICK_TEXT)
    slow.took(3.0)
    assert not costs.left_alone(slow.owner.removeprefix("cell "), QUICK_TEXT, 2.0) and alone(costs, "x = 1")


@pytest.mark.parametrize("text", MAY_BE_SLOW)
def test_code_that_may_be_slow_is_looked_at(text):
    assert not alone(Costs(), text)


def test_a_cell_that_only_imports_is_left_alone_however_slow_it_is(nb):
    costs = Costs()
    costs.ran("import x", 5.0, 2.0)
    assert alone(costs, "import x") and alone(costs, "from x import y\nimport z\nn = 5")
    nb("%cache_cells on --min-time 200ms")
    nb("import json, csv")
    assert "only imports" in last(nb).reason and nb.ns["json"].__name__ == "json"


def test_code_that_was_quick_is_left_alone_until_it_is_slow():
    costs = Costs()
    assert not alone(costs)
    costs.ran("f()", 0.01, 2.0)
    assert alone(costs)
    costs.ran("f()", 3.0, 2.0)
    assert not alone(costs)


def test_with_a_short_least_time_everything_is_looked_at():
    costs = Costs()
    costs.ran("f()", 0.0, 0.0)
    assert not alone(costs, least=0.0) and costs.allowance("f()", 0.0) > 1


def test_what_cells_cost_is_remembered_by_later_sessions():
    kept: list[str] = []
    costs = Costs(lambda: kept, lambda texts: kept.__setitem__(slice(None), texts))
    costs.ran("f(slow)", 30.0, 2.0)
    costs.not_worth("g()", 3.0, "r cannot be stored (a lock)")

    later = Costs(lambda: kept)

    assert later.allowance("f(slow)", 2.0) == 1.5 and alone(later, "g()")
    assert not alone(later, "f(slow)") and later.reason("g()") == "r cannot be stored (a lock)"
    later.ran("g()", 11.0, 2.0)
    assert alone(later, "g()")
    later.ran("g()", 13.0, 2.0)
    assert not alone(later, "g()") and not later.reason("g()")


def test_the_key_of_code_that_was_kept_may_take_longer_than_that_of_code_that_never_was():
    kept: list[str] = []
    costs = Costs(lambda: kept, lambda texts: kept.__setitem__(slice(None), texts))
    costs.ran("never()", 40.0, 2.0)
    costs.ran("once()", 40.0, 2.0, kept=True)
    costs.ran("once()", 40.0, 2.0)
    later = Costs(lambda: kept)
    assert later.allowance("once()", 2.0) == 10.0 and later.allowance("never()", 2.0) == 2.0
    assert not later.reason("once()")


def test_a_share_of_the_time_that_cells_took_may_be_spent_and_half_of_what_is_left_on_one_cell():
    costs = Costs()
    first = costs.allowance("new", 2.0)
    costs.spent(1.0)
    costs.spent(1.0)
    assert first < 0.5 and costs.allowance("new", 2.0) <= 0.05
    costs.ran("other", 60.0, 2.0)
    costs.passed(40.0)
    assert costs.allowance("new", 2.0) == pytest.approx(0.5 + first)
    costs.spent(1.0)
    assert costs.allowance("new", 2.0) == pytest.approx(first)


def test_what_slow_cells_earn_is_not_taken_from_looks_at_new_code():
    costs = Costs()
    costs.spent(1.0)
    first = costs.allowance("new", 2.0)
    costs.ran("slow()", 10.0, 2.0)
    costs.spent(30.0, earned=True)
    assert costs.allowance("new", 2.0) == pytest.approx(first + 0.1) and not alone(costs, "new()")
    assert costs.storing(10.0, 2.0) == pytest.approx(1.2)


@pytest.mark.parametrize(
    ("ran", "seconds", "most"), [(0, 2, 0.28), (0, 20, 2.4), (1000, 2, 0.4), (1000, 300, 52.2), (0, 0.1, 0.05)]
)
def test_what_keeping_a_run_may_take_is_earned_by_that_run_and_by_those_before_it(ran, seconds, most):
    costs = Costs()
    costs.passed(ran)
    assert costs.storing(seconds, 2.0) == pytest.approx(most)


def session(cells, least=0.5):
    """Play cells of (seconds, of its key, of storing it); give the slow ones that were stored, and all that it cost."""
    costs, stored, cost = Costs(), [], 0.0
    costs.spent(0.3)  # loading
    for number, (seconds, key, storing) in enumerate(cells):
        text = f"f({number})"
        if alone(costs, text, least):
            costs.ran(text, seconds, least)
            continue
        found = key <= costs.allowance(text, least)
        kept = found and seconds >= least and storing <= costs.storing(seconds, least)
        overhead = min(key, costs.allowance(text, least)) + (storing if kept else 0.0)
        report = Report("stored" if kept else "not cached", "", seconds)
        CellCosts(costs, text, least, iter((0.0, seconds + overhead)).__next__).settle(report)
        cost += overhead
        stored += [number] * kept
    return stored, cost


@pytest.mark.parametrize(
    ("cells", "stored"),
    [
        ([(0.01, 0.005, 0)] * 30 + [(20, 0.005, 0.1)], [30]),
        ([(2, 0.01, 0.23)] * 8, list(range(8))),
        ([(2, 0.01, 0.5)] * 8, []),
        ([(0.6, 0.01, 0.09), *[(0.01, 0.005, 0)] * 30, (5, 0.04, 0.1)], [0, 31]),
        ([(0.01, 9, 0), (0.01, 9, 0), (0.01, 9, 0), (3, 0.04, 0.2)], [3]),
        ([(3, 0.01, 0.1), (0.01, 9, 0), (30, 0.06, 1)], [0, 2]),
        ([(0.001, 0.005, 0)] * 1000, []),
        ([(20, 1.5, 0.1)], []),
    ],
)
def test_the_slow_cells_of_a_first_run_are_kept_and_the_quick_ones_cost_little(cells, stored):
    found, cost = session(cells)
    assert found == stored
    least = sum(key + storing for number in found for _, key, storing in [cells[number]])
    assert cost - least <= 0.25 + 0.04 * sum(seconds for seconds, _, _ in cells)


def test_a_cell_whose_restoring_costs_more_than_its_run_is_run():
    costs = Costs()
    cell = CellCosts(costs, "import pandas", 2.0, iter((0.0, 3.0)).__next__)
    cell.settle(Report("hit", "", 2.5))
    assert alone(costs, "import pandas")


def test_waiting_for_another_kernel_is_no_cost_of_restoring_a_cell():
    costs = Costs()
    cell = CellCosts(costs, "f()", 2.0, iter((0.0, 3.0)).__next__)
    cell.waited, report = 2.75, Report("hit", "", 2.5)
    cell.settle(report)
    assert not alone(costs) and report.overhead == 0.25


def test_all_that_a_cell_takes_beside_its_own_run_counts_as_spent():
    costs = Costs()
    costs.spent(9.0)  # the first cell loads nbcache
    report = Report("not cached", "", 1.5)
    CellCosts(costs, "f()", 2.0, iter((0.0, 2.5)).__next__).settle(report)
    assert report.overhead == 1.0 and alone(costs, "new()")


def test_new_code_is_left_alone_where_the_share_is_used_up_and_slow_code_is_not():
    costs = Costs()
    costs.ran("slow()", 3.0, 2.0)
    costs.spent(5.0)
    assert not alone(costs, "new()")
    costs.spent(5.0)
    assert alone(costs, "new()") and not alone(costs, "slow()")
    costs.passed(1000.0)
    assert not alone(costs, "new()")


def test_a_run_that_failed_says_nothing_of_its_code():
    costs = Costs()
    CellCosts(costs, "f()", 2.0, iter((0.0, 0.5)).__next__).settle(Report("failed", "", 0.5))
    assert not alone(costs, "f()")


def test_quick_code_is_left_alone_by_later_sessions_too():
    kept: list[str] = []
    costs = Costs(lambda: kept, lambda texts: kept.__setitem__(slice(None), texts))
    for number in range(40):
        costs.ran(f"f({number})", 0.01, 2.0)
    later = Costs(lambda: kept)
    assert alone(later, "f(1)") and not later.reason("f(1)") and not alone(later, "new()")
    later.ran("f(1)", 3.0, 2.0)
    assert not alone(later, "f(1)")


def test_a_look_that_was_dear_is_remembered_at_once():
    kept: list[str] = []
    costs = Costs(lambda: kept, lambda texts: kept.__setitem__(slice(None), texts))
    costs.spent(0.3)  # loading
    for seconds, code in ((0.001, "cheap()"), (0.1, "dear()")):
        costs.ran(code, 0.01, 2.0)
        assert code not in " ".join(kept)
        costs.spent(seconds)
    assert alone(Costs(lambda: kept), "dear()")


def test_code_that_comes_near_to_the_least_time_is_looked_at_again_and_what_stays_below_is_not():
    costs = Costs()
    costs.ran("far()", 1.4, 2.0)
    costs.ran("near()", 1.6, 2.0)
    assert alone(costs, "far()") and not alone(costs, "near()")


def test_what_would_take_too_long_to_walk_through_is_not_begun(nb, monkeypatch):
    walked = []
    monkeypatch.setattr("nbcache.notebook.cells.run.BeforeRun", lambda *given: walked.append(given) or "not looked at")
    nb("rows = [[n] for n in range(300_000)]\nrow = [1]")
    nb("%cache_cells on --min-time 2s")
    nb("n = max(len(rows), 0)")
    assert not walked and "inputs" in last(nb).reason
    nb("n = max(len(row), 0)")
    assert walked


@pytest.mark.parametrize(
    ("value", "least", "most"),
    [
        ([[i, i] for i in range(100_000)], 0.05, 1.0),
        (list(range(1_000_000)), 0.001, 0.1),
        (bytes(100_000_000), 0.0, 0.001),
        ([datetime.date(2000, 1, 1)] * 100_000, 0.01, 0.2),
    ],
)
def test_the_time_to_walk_through_a_value_is_estimated(value, least, most):
    assert least <= walking_time([value]) <= most


@pytest.mark.parametrize(
    "value",
    [list(range(100_000)), tuple("x" * n for n in range(3000)), [[n] * (n // 10) for n in range(2000)]],
    ids=type,
)
def test_the_first_parts_of_a_list_do_not_stand_for_all_of_it(value):
    assert pickling_time([value]) >= 0.9 * pickling_time([value[1000:]])


@pytest.mark.parametrize(
    ("value", "most"),
    [
        ([[i, i] for i in range(100_000)], 0.3),
        ([(i, str(i), i / 2) for i in range(100_000)], 0.2),
        (bytes(500_000_000), 0.6),
        ([datetime.date(2000, 1, 1)] * 100_000, 0.3),
    ],
)
def test_what_is_quickly_kept_is_not_taken_for_slow(value, most):
    assert 0.005 < pickling_time([value]) <= most


@pytest.mark.parametrize(
    ("value", "least", "most"),
    [
        ([(i, str(i)) for i in range(200_000)], 0.05, 2.0),
        ({i: [i] for i in range(100_000)}, 0.02, 1.0),
        ("x" * 10_000_000, 0.001, 0.1),
        ([], 0.0, 0.001),
        (object(), 0.0, 0.001),
    ],
)
def test_the_time_to_hash_a_value_is_estimated(value, least, most):
    estimate = hashing_time([value])
    assert least <= estimate <= most


def test_what_inputs_may_share_is_hashed_once_more_and_arrays_are_not():
    big, other = {i: [i] for i in range(10_000)}, [1]
    assert key_time([big, 5]) == hashing_time([big]) + hashing_time([5])
    assert key_time([big, other]) == pytest.approx(2 * hashing_time([big, other]))
    np = pytest.importorskip("numpy")
    assert key_time([np.zeros(1000), other]) == hashing_time([np.zeros(1000), other])


def test_what_a_compiler_keeps_beside_a_function_is_no_part_of_the_estimate():
    pytest.importorskip("numpy")

    class Compiled:
        def __init__(self, function):
            self.py_func = function
            self.overloads = {number: [number] * 100 for number in range(100_000)}

    Compiled.__module__ = "numpy"  # a library's: what an object of a user's class holds counts
    assert hashing_time([Compiled(lambda: 1)]) < 0.001


def test_a_quick_cell_that_looks_at_a_big_object_does_not_pay_for_it(nb):
    nb("hands = [(i, str(i)) for i in range(2_000_000)]")
    nb("%cache_cells on --min-time 2s")
    began = time.perf_counter()
    nb("n = max(len(hands), 0)")
    assert time.perf_counter() - began < 5  # some ten seconds where all of it is hashed
    assert "inputs" in last(nb).reason and nb.ns["n"] == 2_000_000


def test_a_key_that_would_never_be_found_is_given_up(nb):
    nb("%cache_cells on --min-time 2s")
    nb(
        "class R:\n    def __init__(self, n):\n        for i in range(n):\n"
        "            setattr(self, f'h{i}', lambda i=i: (self, i))"
    )
    nb("r = R(60)")
    began = time.perf_counter()
    nb("d = vars(r)")
    assert time.perf_counter() - began < 20


def test_a_new_slow_cell_is_kept_at_its_first_run(nb, restart):
    nb("%cache_cells on --min-time 200ms")
    nb("import time")
    nb("time.sleep(0.25); x = 1")
    assert last(nb).outcome == "stored"
    nb("time.sleep(0.25); x = 1")
    assert last(nb).outcome == "hit"


def test_a_cell_that_becomes_slow_is_kept_from_its_next_run_on(nb):
    nb("%cache_cells on --min-time 200ms")
    nb("import time\nn = 0.01")
    nb("time.sleep(n); x = 1")
    nb("time.sleep(n); x = 1")
    nb("n = 0.25")
    nb("time.sleep(n); x = 1")
    assert last(nb).outcome == "not cached" and "next run" in last(nb).reason
    nb("time.sleep(n); x = 1")
    assert last(nb).outcome == "stored"


def test_what_takes_long_to_keep_is_given_up_and_left_alone_from_then_on(nb, monkeypatch):
    monkeypatch.setattr(CellCosts, "storing", lambda self, seconds: 0.01)
    monkeypatch.setattr("nbcache.notebook.cells.costs._AGAIN", 1000)  # however busy this machine is
    nb("%cache_cells on --min-time 200ms")
    nb("import time\nclass P: pass")
    cell = "time.sleep(0.25); made = [P() for _ in range(20_000)]"
    nb(cell)
    assert last(nb).outcome == "not cached" and "takes too long" in last(nb).reason
    nb(cell)
    assert known_cells(nb.shell).rows()[-1][1].__class__.__name__ == "LeftAlone" and "takes too long" in last(nb).reason


def test_what_cannot_be_stored_is_found_out_once(nb, monkeypatch):
    monkeypatch.setattr("nbcache.notebook.cells.costs._AGAIN", 1000)  # however busy this machine is
    nb("%cache_cells on --min-time 200ms")
    nb("import time, threading")
    cell = "time.sleep(0.25); lock = threading.Lock()"
    nb(cell)
    assert "lock cannot be stored" in last(nb).reason
    nb(cell)
    assert known_cells(nb.shell).rows()[-1][1].__class__.__name__ == "LeftAlone"
    assert "lock cannot be stored" in last(nb).reason


COUNTING = """
class Counts:
    def __cache_key__(self):
        sys.audit("nbcache.test.hashed")
        return 1
    def __reduce__(self):
        sys.audit("nbcache.test.pickled")
        return Counts, ()
"""


@pytest.fixture
def work(nb, monkeypatch):
    """How often objects of the notebook were hashed and pickled; told by an event, for a counter would be an input."""
    done = {"nbcache.test.hashed": 0, "nbcache.test.pickled": 0}

    def listener(event, arguments):
        done[event] += 1

    for event in done:
        monkeypatch.setitem(watch._listeners, event, (listener,))
    watch.listen()
    nb("import sys, time\n" + COUNTING)
    return lambda: (done["nbcache.test.hashed"], done["nbcache.test.pickled"])


def test_quick_code_is_hashed_at_its_first_run_only(nb, work):
    nb("%cache_cells on --min-time 2s\none = Counts()")
    nb("vars(one)")
    hashed, _ = work()
    assert hashed > 0
    for _ in range(5):
        nb("vars(one)")
    assert work() == (hashed, 0)


def test_names_that_a_cell_does_not_read_are_not_hashed(nb, work):
    nb("many = [Counts() for _ in range(1000)]\nglobals().update({f'n{i}': Counts() for i in range(1000)})")
    before = work()
    nb("%cache_cells on --min-time 200ms\nalone = 1")
    nb("time.sleep(0.25); x = len(str(alone))")
    assert nb.ns["x"] == 1 and work() == before


def test_what_would_take_too_long_to_keep_is_not_pickled(nb, work):
    nb("%cache_cells on --min-time 200ms")
    nb("time.sleep(0.25); made = [[Counts()] for _ in range(200_000)]")
    assert "takes too long" in last(nb).reason and work()[1] == 0


def test_the_time_that_the_figures_of_a_cell_take_at_its_end_counts(nb, monkeypatch):
    monkeypatch.setattr(figures, "flush_figures", lambda: time.sleep(0.25))
    nb("%cache_cells on --min-time 200ms")
    nb("x = sum([1, 2])")
    assert last(nb).outcome == "stored" and last(nb).seconds >= 0.2

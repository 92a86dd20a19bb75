"""What a hit of a cell brings back: names, objects, and what the cell showed."""

from __future__ import annotations

import inspect

import pytest
from marked_cells import marked, twice

from nbcache.notebook.cells.known import known_cells
from nbcache.notebook.display.outputs import record

pytestmark = pytest.mark.usefixtures("counter")


class TestWhatComesBack:
    def test_inputs_changed_in_place(self, nb):
        nb("import numpy as np\nrows, table, seen, grid = [1], {}, set(), np.zeros(2)\nother = rows")
        body = "rows.append(2); table['k'] = 1; seen.add(3); grid += 1"
        nb(marked(body))
        nb("rows, table, seen, grid = [1], {}, set(), np.zeros(2)\nother = rows; held = [grid]")
        assert nb(marked(body)).count == 0
        ns = nb.ns
        assert ns["rows"] == [1, 2] and ns["other"] is ns["rows"]
        assert (ns["table"], ns["seen"]) == ({"k": 1}, {3})
        assert ns["grid"].tolist() == [1, 1] and ns["held"][0] is ns["grid"]

    def test_a_changed_object_is_changed_in_place(self, nb):
        nb("class Box: pass\nbox = Box(); box.v = 1\nheld = [box]")
        nb(marked("box.v += 1"))
        nb("box = Box(); box.v = 1\nheld = [box]")
        assert nb(marked("box.v += 1")).count == 0
        assert nb.ns["held"][0].v == 2

    def test_a_changed_frame_is_rebound_under_all_its_names(self, nb):
        make = "import pandas as pd\ndf = pd.DataFrame({'a': [1]})\nsame = df"
        nb(make)
        nb(marked("df['b'] = 2"))
        nb(make)
        assert nb(marked("df['b'] = 2")).count == 0
        assert list(nb.ns["df"]) == ["a", "b"] and nb.ns["same"] is nb.ns["df"]

    def test_an_object_inside_an_input_changes_for_its_other_names_too(self, nb):
        make = "import pandas as pd\ndf = pd.DataFrame({'a': [1]})\nitems = {'x': [df]}"
        nb(make)
        nb(marked("items['x'][0]['b'] = 1"))
        nb(make)
        assert nb(marked("items['x'][0]['b'] = 1")).count == 0
        assert nb.ns["df"] is nb.ns["items"]["x"][0] and list(nb.ns["df"]) == ["a", "b"]
        nb(make + "\nmine = df\ndf = pd.DataFrame({'other': [2]})")
        assert nb(marked("items['x'][0]['b'] = 1")).count == 0
        assert list(nb.ns["df"]) == ["other"]

    def test_a_global_changed_inside_a_helper(self, nb):
        nb("log = []\ndef f(): log.append(1)")
        nb(marked("f()\nx = 1"))
        nb("log.clear()")
        assert nb(marked("f()\nx = 1")).count == 0 and nb.ns["log"] == [1]

    def test_a_global_assigned_inside_a_helper(self, nb):
        nb("n = 0\ndef f():\n    global n\n    n += 1")
        nb(marked("f()"))
        assert nb.ns["n"] == 1
        nb("n = 0")
        assert nb(marked("f()")).count == 0 and nb.ns["n"] == 1

    def test_outputs_hold_the_inputs_themselves(self, nb):
        nb("rows = [1]")
        _, second = twice(nb, "index = {'rows': rows}", between="del index")
        assert second.count == 0 and nb.ns["index"]["rows"] is nb.ns["rows"]

    def test_deleted_names_are_deleted(self, nb):
        nb("x = 1\ny = 2")
        nb(marked("del x"))
        nb("x = 1")
        assert nb(marked("del x")).count == 0 and "x" not in nb.ns

    def test_functions_see_the_notebook(self, nb):
        nb("K = 1")
        _, second = twice(nb, "def f(): return K", between="del f")
        assert second.count == 0
        nb("K = 2")
        assert nb("f()").value == 2 and nb.ns["f"].__globals__ is nb.ns

    def test_closures_and_recursion(self, nb):
        body = """
        def make():
            n = [0]
            def up():
                n[0] += 1
                return n[0]
            def get():
                return n[0]
            return up, get
        up, get = make()
        def fact(k): return 1 if k < 2 else k * fact(k - 1)
        """
        _, second = twice(nb, body, between="del up, get, fact")
        assert second.count == 0
        assert nb("up(); up(); get()").value == 2
        assert nb("fact(5)").value == 120

    def test_the_source_of_a_restored_function_is_known(self, nb):
        twice(nb, "def f():\n    return 'known'", between="del f")
        assert "known" in inspect.getsource(nb.ns["f"])

    def test_instances_stay_instances(self, nb):
        nb("class Model:\n    def __init__(self, v): self.v = v")
        _, second = twice(nb, "m = Model(3)", between="del m")
        assert second.count == 0 and type(nb.ns["m"]) is nb.ns["Model"] and nb.ns["m"].v == 3

    def test_a_class_made_in_the_cell_comes_back(self, nb):
        _, second = twice(nb, "class P:\n    def v(self): return K\np = P()", between="del P, p")
        nb("K = 4")
        assert second.count == 0 and nb("p.v()").value == 4 and isinstance(nb.ns["p"], nb.ns["P"])

    def test_modules_come_back(self, nb):
        _, second = twice(nb, "import json as j\nfrom os import path", between="del j, path")
        assert second.count == 0 and nb.ns["j"].__name__ == "json"

    def test_cached_functions_come_back(self, nb):
        _, second = twice(nb, "@cache_data\ndef f(a): return a + K", between="del f\nK = 2")
        assert second.count == 0 and nb("f(1)").value == 3
        nb("K = 5")
        assert nb("f(1)").value == 6

    def test_out_is_the_very_object(self, nb):
        _, second = twice(nb, "x = [1]\nx")
        assert second.value is nb.ns["x"] is nb.ns["_"]
        assert nb.ns["Out"][nb.shell.execution_count - 1] is nb.ns["x"]

    def test_a_later_change_does_not_reach_the_entry(self, nb):
        twice(nb, "x = [1]", between="x.append(2)")
        assert nb.ns["x"] == [1]
        nb("x.append(3)")
        nb(marked("x = [1]"))
        assert nb.ns["x"] == [1]

    def test_random_state_only_on_demand(self, nb):
        nb("import random\nrandom.seed(1)")
        nb(marked("x = random.random()", "cell --rng"))
        following = nb("random.random()").value
        nb("random.seed(1)")
        assert nb(marked("x = random.random()", "cell --rng")).count == 0
        assert nb("random.random()").value == following
        nb("random.seed(2)")
        assert nb(marked("x = random.random()", "cell --rng")).count == 1


class TestOutputs:
    def test_everything_in_order(self, nb):
        body = """
        import sys
        print("one")
        display("two")
        print("three", file=sys.stderr)
        print("four")
        "five"
        """
        first, second = twice(nb, body)
        assert second.count == 0
        assert [line for line in second.out.splitlines() if line][1:4] == ["one", "'two'", "four"]
        assert second.err == first.err == "three\n"

    def test_what_a_hit_will_not_repeat_is_said(self, nb):
        nb("import random\nrandom.seed()")
        first, second = twice(nb, "x = random.random()\nwith open('made', 'a') as f: pass")
        line = first.out.splitlines()[-1]
        assert all(word in line for word in ("changes made", "random")), line
        assert second.count == 0

    def test_one_line_says_what_came_back(self, nb):
        _, second = twice(nb, "x = 1\ny = 2")
        assert second.out.startswith("restored x, y · computed just now")

    def test_quiet_says_nothing(self, nb):
        _, second = twice(nb, "x = 1", "cell -q")
        assert second.count == 0 and second.out == ""

    def test_no_replay_only_restores(self, nb):
        _, second = twice(nb, "print('hello')\nx = 1", "cell -q --no-replay")
        assert second.count == 0 and second.out == ""

    def test_the_line_is_not_recorded(self, nb):
        nb(marked("x = 1"))
        with record("cell") as recording:
            nb(marked("x = 1"))
        assert b"restored" not in recording.to_bytes()

    def test_a_value_that_cannot_be_stored_is_shown_again(self, nb):
        first, second = twice(nb, "x = 1\n(i for i in [])")
        assert second.count == 0 and nb.ns["x"] == 1
        assert "generator" in second.out and not first.warned


def test_what_a_restored_cell_imports_from_the_future_counts_for_later_cells(nb):
    flags = nb.shell.compile.flags
    try:
        for _ in range(2):
            nb.shell.compile.flags = flags
            said = nb("%%cache_cell\nfrom __future__ import annotations\nx = 1").out
            nb("def f(a: NotThere): pass")
        assert "restored" in said and nb.ns["f"].__annotations__ == {"a": "NotThere"}
    finally:
        nb.shell.compile.flags = flags


def test_a_restored_class_has_the_members_that_are_equal_to_those_of_its_base(nb):
    nb("class A:\n    n = 1\n    __hash__ = None")
    cell = "%%cache_cell\nclass B(A):\n    n = 1\n    __hash__ = None\n    m = 2"
    nb(cell)
    assert "restored" in nb(cell).out
    nb("A.n = 5")
    assert nb.ns["B"].n == 1 and nb.ns["B"].m == 2 and vars(nb.ns["B"])["__hash__"] is None


def test_what_a_cached_function_remembers_is_what_it_would_be_where_a_cell_asks_for_it(nb):
    cells = (
        "from functools import lru_cache\n@lru_cache\ndef f(n): return n if n < 2 else f(n - 1) + f(n - 2)",
        "x = f(20)",
        "shown = f.cache_info().currsize",
    )
    nb("%cache_cells on --min-time 0s")
    for _ in range(3):
        nb("globals().update({name: None for name in ('f', 'x', 'shown')})")
        for cell in cells:
            nb(cell)
        assert nb.ns["x"] == 6765 and nb.ns["shown"] == 21
    assert "cache_info" in known_cells(nb.shell).rows()[-1][2].reason


def test_a_cell_that_calls_a_cached_function_is_restored_where_nobody_asks(nb):
    nb("from functools import lru_cache\n@lru_cache\ndef f(n): return n * 2")
    said = [nb("%%cache_cell\ny = f(4)").out for _ in range(2)]
    assert "restored" in said[1] and nb.ns["y"] == 8


SLOTS = {
    "a tuple": "class P:\n    __slots__ = ('v', 'w')",
    "a name alone": "class P:\n    __slots__ = 'v'",
    "a mangled name": "class P:\n    __slots__ = ('v', '__w')\n    def put(self): self.__w = 2",
    "none": "class P:\n    __slots__ = ()\nclass P(P):\n    __slots__ = ('v',)",
    "a dataclass": "import dataclasses\n@dataclasses.dataclass(slots=True)\nclass P:\n    v: int = 0",
    "made inside a function": "def make():\n    class P:\n        __slots__ = ('v', '__w')\n    return P\nP = make()",
}


@pytest.mark.parametrize("slots", SLOTS)
def test_a_restored_class_has_its_slots_and_no_room_for_more(nb, slots):
    cell = f"%%cache_cell\n{SLOTS[slots]}\np = P(); p.v = 1"
    nb(cell)
    assert "restored" in nb(cell).out
    for one in (nb.ns["p"], nb.ns["P"]()):
        one.v = 5
        with pytest.raises(AttributeError):
            one.other = 1
    assert type(nb.ns["p"]) is nb.ns["P"]


def test_a_class_without_a_module_is_no_obstacle(nb):
    nb("Made = type('Made', (), {'__module__': None, 'scale': 3})\nmade = Made(); made.v = [1]")
    cell = (
        "%%cache_cell\nmade.v.append(2)\ncopy = [one * made.scale for one in made.v]\nof_lists = issubclass(Made, list)"
    )
    first, second = nb(cell), nb("made.v = [1]") and nb(cell)
    assert not first.warned and "restored" in second.out
    assert nb.ns["copy"] == [3, 6] and nb.ns["made"].v == [1, 2]


def test_an_array_whose_attributes_a_pickle_leaves_out_is_not_kept(nb):
    nb(
        "import numpy as np\nclass Labelled(np.ndarray):\n    def __array_finalize__(self, other): pass\n"
        "def label(a, text):\n    a = np.asarray(a).view(Labelled); a.text = text\n    return a"
    )
    cell = "%%cache_cell\na = label([1, 2], 'm')"
    assert "attributes, which arrays leave out" in str(nb(cell).warned)
    assert "restored" not in nb(cell).out and nb.ns["a"].text == "m"


def test_an_array_whose_attributes_each_new_one_has_is_kept(nb):
    cell = "%%cache_cell\nimport numpy as np\nm, r = np.matrix([[1]]), np.rec.array([(1, 2.0)], names='a,b')"
    nb(cell)
    assert "restored" in nb(cell).out and (nb.ns["m"].shape, nb.ns["r"].a.tolist()) == ((1, 1), [1])


def test_no_value_is_asked_for_attributes_that_it_might_make_up(nb):
    nb("""
    class Growing(dict):
        def __getattr__(self, name):
            return self.setdefault(name, Growing())
    from unittest.mock import Mock
    grown, inside, mock, other = Growing(), [Growing()], Mock(), [1]
    """)
    nb("%cache_cells on --min-time 0s")

    nb("made = Growing(); total = len(grown) + len(inside) + len(other) + bool(mock)")
    nb("grown['a'] = 1; inside.append(1); other.append(mock)")

    assert nb.ns["grown"] == {"a": 1} and nb.ns["inside"] == [{}, 1] and nb.ns["made"] == {}
    assert not nb.ns["mock"]._mock_children


def _register(shell):
    shell.display_formatter.formatters["text/plain"].for_type(complex, lambda value, printer, cycle: printer.text("i"))


def test_what_ipython_registers_for_figures_is_no_printer_of_the_users(nb):
    pytest.importorskip("matplotlib")
    from IPython.core.pylabtools import select_figure_formats

    nb("%%cache_cell\n1 + 1")
    select_figure_formats(nb.shell, {"png"})
    try:
        assert "restored" in nb("%%cache_cell\n1 + 1").out
    finally:
        select_figure_formats(nb.shell, set())


def _forget(shell):
    shell.display_formatter.formatters["text/plain"].pop(complex)


@pytest.mark.parametrize(
    ("change", "undo"),
    [
        (_register, _forget),
        (lambda shell: shell.run_line_magic("precision", "3"), lambda shell: shell.run_line_magic("precision", "")),
    ],
    ids=["a printer", "%precision"],
)
@pytest.mark.parametrize(
    ("cell", "shows"),
    [
        ("1j + 2.5", True),
        ("from IPython.display import display\ndisplay(1j)\nx = 1", True),
        ("import json, fractions", False),
        ("x = 1j", False),
        ("1j;", False),
        ("print(1j)", False),
    ],
)
def test_only_a_value_that_would_be_shown_in_another_way_is_shown_by_a_run(nb, change, undo, cell, shows):
    cell = f"%%cache_cell\n{cell}"
    nb(cell)
    assert "restored" in nb(cell).out
    change(nb.shell)
    try:
        assert ("restored" not in nb(cell).out) is shows
        assert "restored" in nb(cell).out
    finally:
        undo(nb.shell)
    assert "restored" in nb(cell).out


def test_a_printer_that_writes_another_text_shows_in_another_way(nb):
    printers = nb.shell.display_formatter.formatters["text/plain"]
    cell = "%%cache_cell\n1j + 2.5"
    try:
        printers.for_type(complex, lambda value, printer, cycle: printer.text("i"))
        nb(cell)
        assert "restored" in nb(cell).out
        printers.for_type(complex, lambda value, printer, cycle: printer.text("j"))
        assert "restored" not in nb(cell).out
    finally:
        _forget(nb.shell)

"""What a cell binds and deletes: the same names after a plain run, a noted run and a hit, whatever was there before."""

from __future__ import annotations

import textwrap
import types

import pytest
from namespace_graph import differences, lines_of, names_of_user

# A cell, and what may stand in the namespace before it.
CELLS = {
    "a branch that may bind": ("if flag:\n    limit = 7", ["limit = 7; flag = True", "limit = 5; flag = True"]),
    "a branch that does not": ("if flag:\n    limit = 7", ["limit = 7; flag = False", "limit = 5; flag = False"]),
    "a loop": ("for i in xs:\n    pass", ["xs = [1]; i = 1", "xs = [1]; i = 2", "xs = []; i = 3", "xs = []"]),
    "a loop and a del": ("for i in range(3):\n    pass\ndel i", ["i = 9", "pass"]),
    "a try": ("try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    pass", ["e = 2.7", "pass"]),
    "a del in a try": ("try:\n    del tmp\nexcept NameError:\n    tmp = None", ["tmp = 9", "pass", "tmp = None"]),
    "a del or a binding": (
        "if flag:\n    del old\nelse:\n    old = 6",
        ["flag = True; old = 6", "flag = False; old = 6"],
    ),
    "a walrus": ("if any((y := x) > 1 for x in xs):\n    pass", ["xs = [1, 2]; y = 2", "xs = [1, 2]; y = 5"]),
    "a walrus never reached": ("flag and (y := 2)", ["flag = False; y = 2", "flag = False; y = 5"]),
    "a pattern": (
        "match p:\n    case (a, 2):\n        pass",
        ["p = (1, 2); a = 1", "p = (1, 2); a = 3", "p = 0; a = 3"],
    ),
    "a pattern with a guard": (
        "match p:\n    case (a, b) if b > 5:\n        pass\n    case _:\n        c = 0",
        ["p = (1, 2); a = 1", "p = (1, 2); a = 3; c = 0"],
    ),
    "a with": ("from contextlib import nullcontext\nwith nullcontext(5) as w:\n    pass", ["w = 5", "w = 6", "pass"]),
    "an import in a branch": (
        "if flag:\n    from math import pi",
        ["flag = 1; pi = 3", "flag = 0; pi = 3", "flag = 1"],
    ),
    "a function in a branch": ("if flag:\n    def f(): return 1", ["flag = 1; f = 2", "flag = 0; f = 2"]),
    "a global of a helper": (
        "put()",
        ["def put():\n    global lim\n    lim = 7\nlim = 7", "def put():\n    global lim\n    lim = 7\nlim = 5"],
    ),
    "a text": ("exec('if flag: z = 3')", ["flag = 1; z = 3", "flag = 1; z = 4", "flag = 0; z = 4"]),
    "a while": ("while n:\n    n -= 1\n    last = 0", ["n = 2; last = 0", "n = 2; last = 1", "n = 0; last = 1"]),
    "bound, then perhaps deleted": (
        "x = 1\nif flag:\n    del x",
        ["x = 1; flag = 0", "x = 2; flag = 0", "x = 2; flag = 1"],
    ),
}


def _plain(*sources):
    main = types.ModuleType("__main__")
    for source in sources:
        exec(compile(source, "plain", "exec", dont_inherit=True), vars(main))
    vars(main).pop("__builtins__")
    return vars(main)


@pytest.mark.parametrize("cell", CELLS)
def test_a_cell_leaves_the_names_that_a_plain_run_leaves(nb, cell):
    source, befores = CELLS[cell]
    for before in [*befores, *reversed(befores)]:
        for name in names_of_user(nb.ns):
            del nb.ns[name]
        nb(before)
        nb(f"%%cache_cell -q\n{source}")
        assert differences(lines_of(_plain(before, source)), lines_of(nb.ns)) == []


@pytest.mark.parametrize(
    ("before", "cell"),
    [
        (
            "limit = 5\nchecks = {'size': lambda x: x < limit}",
            "if not checks:\n    limit = 7\nseen = checks['size'](3)",
        ),
        (
            "limit = 5\nclass Check:\n    def size(self, x): return x < limit\ncheck = Check()",
            "if not check:\n    limit = 7\nseen = check.size(3)",
        ),
        ("limit = 5", "if 0 > 1:\n    limit = 7\nseen = globals()['limit'] == 5"),
        ("limit = 5", "if 0 > 1:\n    limit = 7\nseen = getattr(__import__('__main__'), 'limit') == 5"),
    ],
)
def test_a_name_that_a_cell_may_bind_is_there_while_it_runs(nb, before, cell):
    nb("%cache_cells on")
    nb(before)
    nb(textwrap.dedent(cell))
    assert nb.ns["seen"] is True


@pytest.mark.parametrize("shown", ["last_expr", "all", "none", "last_expr_or_assign"])
def test_notes_are_never_shown(nb, shown):
    nb.shell.ast_node_interactivity = shown
    try:
        ran = nb("%%cache_cell -q\nfor i in range(2):\n    j = i\nif i:\n    k = 0\nx = 1\ndel i")
    finally:
        nb.shell.ast_node_interactivity = "last_expr"
    assert "False" not in ran.out and "None" not in ran.out


class TestWhatAHelperChanges:
    def test_a_counter_goes_on(self, nb):
        nb("cnt = 0\ndef bump():\n    global cnt\n    cnt += 1")
        seen = []
        for _ in range(3):
            nb("%%cache_cell -q\nbump()")
            seen.append(nb.ns["cnt"])
        assert seen == [1, 2, 3]

    def test_a_counter_put_back_is_a_hit(self, nb):
        nb("cnt = 0\ndef bump():\n    global cnt\n    cnt += 1")
        nb("%%cache_cell\nbump()")
        nb("cnt = 0")
        assert "restored" in nb("%%cache_cell\nbump()").out and nb.ns["cnt"] == 1

    def test_a_list_grows(self, nb):
        nb("xs = []\ndef put(): xs.append(1)\ncalls = {'put': put}")
        for _ in range(2):
            nb("%%cache_cell -q\nput()")
            nb("%%cache_cell -q\ncalls['put']()")
        assert nb.ns["xs"] == [1, 1, 1, 1]

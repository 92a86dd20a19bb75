"""What is promised of cached cells, line by line, in a real kernel: as a front end sees it."""

from __future__ import annotations

import re

import pytest
from live import RESET, seen


@pytest.fixture
def nb(emptied_kernel):
    return emptied_kernel


def marked(body, options=""):
    """A cached cell that counts its runs, by a way that its key does not follow."""
    return f"%%cache_cell {options} \n__import__('builtins').ran.append(1)\n{body}"


def runs(nb):
    return int(nb.eval("len(__import__('builtins').ran)"))


def both(nb, body, options=""):
    """Run a cell twice, and assert that the second was a hit."""
    first, second = nb(marked(body, options)), nb(marked(body, options))
    assert second.hit and runs(nb) == 1, second.every
    return first, second


HIDDEN = {
    "%time y = a + 1": "y",
    "get_ipython().run_cell_magic('time', '', 'y = a + 1')": "y",
    "got = !echo {a} $a\ny = list(got)": "y",
    "y = eval('a + 1')": "y",
    "exec('y = a + 1')": "y",
    "import pandas as pd\ny = len(pd.DataFrame({'v': range(9)}).query('v > @a'))": "y",
    "import pandas as pd\ny = pd.eval('a + 1')": "y",
    "def f(): return eval('a + 1')\ny = f()": "y",
    "y = f'{a + 1}'": "y",
    "class Made:\n    b = a + 1\ny = Made.b": "y",
    "y = [a + n for n in range(2)]": "y",
    "y = (lambda n=a: n)()": "y",
}


@pytest.mark.parametrize("body", HIDDEN)
def test_a_name_is_read_wherever_it_stands(nb, body):
    nb("a = 1")
    both(nb, body)
    before = nb.eval("y")
    nb("a = 5")
    again = nb(marked(body))
    assert not again.hit and nb.eval("y") != before
    nb("a = 1")
    assert nb(marked(body)).hit and nb.eval("y") == before


@pytest.mark.parametrize(
    "body",
    [
        "total = 0\nfor n in range(3):\n    total += n\nsquares = [m * m for m in range(total)]",
        "try:\n    import json\nexcept ImportError:\n    json = None\nx = json.dumps([1])",
        "def f(n):\n    return 1 if n < 2 else n * f(n - 1)\nx = f(3)",
        "if (n := 3) > 2:\n    big = n\nelse:\n    big = 0",
        "import contextlib\nwith contextlib.nullcontext(2) as two:\n    twice = two * 2",
        "match [1, 2]:\n    case [first, *rest]:\n        x = first\n    case _:\n        x = rest = None",
        "class A:\n    size = 2\n    def double(self):\n        return self.size * 2\na = A()\nx = a.double()",
        "from os.path import *\nx = join('a', 'b')",
        "x = 1\ndel x",
        "%matplotlib inline\nx = 1",
        "lines = !echo one\nx = [line for line in lines]",
    ],
)
def test_a_cell_s_own_names_do_not_make_it_miss(nb, body):
    both(nb, body)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("x = len(globals())", "globals()"),
        ("x = sorted(vars())", "vars()"),
        ("x = 'a' in dir()", "dir()"),
        ("x = get_ipython().user_ns['a'.lower()]", "user_ns"),
        ("shell = get_ipython()\nx = shell.user_ns['a']\ndel shell", "get_ipython()"),
        ("x = eval('a' + '')", "eval()"),
        ("%who", "%who"),
        ("import __main__\nx = __main__.a", "__main__"),
    ],
)
def test_a_cell_that_reads_the_whole_namespace_runs_every_time_and_says_so(nb, body, why):
    nb("a = 1")
    first, second = nb(marked(body)), nb(marked(body))
    assert runs(nb) == 2 and not second.hit
    assert why in first.err and "not cached" in first.err
    nb(marked(body, "--inputs a"))
    assert nb(marked(body, "--inputs a")).hit


def test_code_files_and_helpers_are_followed_and_the_miss_says_which(nb):
    (nb.folder / "helping.py").write_text("RATE = 2\ndef twice(n):\n    return RATE * n\n")
    (nb.folder / "numbers.txt").write_text("1 2")
    nb("import sys; sys.path.insert(0, '.')\nimport helping\ndef local(n): return n + 1")
    body = "with open('numbers.txt') as file:\n    words = file.read()\nx = local(helping.twice(3))"
    both(nb, body, "followed")
    for change, what in (
        ("helping.RATE = 3", "RATE"),
        ("def local(n): return n + 2", "local"),
        ("_ = open('numbers.txt', 'a').write(' 3')", "numbers.txt"),
    ):
        nb(change)
        why = nb.eval("%cache_explain followed")
        again = nb(marked(body, "followed"))
        assert what in why and what in again.note and not again.hit
        assert nb(marked(body, "followed")).hit
    assert nb.eval("x, words") == "(11, '1 2 3')"


def test_a_name_s_entries_can_be_cleared_listed_and_explained(nb):
    nb("a = 1")
    both(nb, "x = a", "prices")
    assert "prices" in nb.eval("%cache_info") and "prices" in nb.eval("%cache_info prices")
    assert ": hit" in nb.eval("%cache_explain prices")
    nb("a = 2")
    assert "a 1 -> 2" in nb.eval("%cache_explain prices")
    assert "(1 entry)" in nb("%cache_clear prices").out
    nb("def prices(): pass\nprices = cache_data(prices)")
    assert "prices()" in nb("%cache_clear prices").out  # a function of that name wins


OPTIONS = ["--ttl", "--persist", "--max-entries", "--max-size", "--inputs", "--also", "--ignore", "--outputs"]
OPTIONS += ["--rng", "--force", "--no-replay", "--strict", "--quiet"]


def test_the_question_mark_documents_every_option(nb):
    asked = nb.eval("get_ipython().object_inspect_mime('%%cache_cell')['text/plain']")
    assert all(option in asked for option in (*OPTIONS, "name"))
    assert all(option in nb(marked("x = 1", "--help")).out for option in OPTIONS) and runs(nb) == 0


@pytest.mark.parametrize("options", ["--tll 1h", "--ttl soon", "--inputs nowhere", "--outputs nowhere", "one two"])
def test_a_mistake_in_the_line_is_a_clear_error_and_runs_nothing(nb, options):
    shown = nb(marked("x = 1", options), fails=True)
    assert shown.error.startswith("UsageError") and "Traceback" not in shown.err and runs(nb) == 0
    wrong = options.split()[-1]
    assert wrong in shown.error or options.split()[0] in shown.error
    assert nb("'x' in globals()").value == "False"


def test_every_option_does_what_it_says(nb):
    nb("import random, time\na = b = 1")
    for _ in range(2):
        nb("%%cache_cell forced --force\n__import__('builtins').ran.append(1)")
    assert runs(nb) == 2
    nb("%%cache_cell shown\nprint('hello')")
    assert nb("%%cache_cell shown --no-replay -q\nprint('hello')").every == []
    nb("%%cache_cell --inputs a\nx = a + b"), nb("b = 2")
    assert nb("%%cache_cell --inputs a\nx = a + b").hit
    nb("%%cache_cell --also b --ignore a\ny = a"), nb("a = 2")
    assert nb("%%cache_cell --also b --ignore a\ny = a").hit
    nb("b = 3")
    assert not nb("%%cache_cell --also b --ignore a\ny = a").hit
    nb("%%cache_cell --outputs x\nx, y = 1, 2"), nb("x = y = 0")
    nb("%%cache_cell --outputs x\nx, y = 1, 2")
    assert nb.eval("x, y") == "(1, 0)"
    nb("random.seed(1)"), nb("%%cache_cell --rng\nx = random.random()")
    following = nb("random.random()").value
    nb("random.seed(1)")
    assert nb("%%cache_cell --rng\nx = random.random()").hit and nb("random.random()").value == following
    for value in (1, 2, 1):
        nb(f"a = {value}")
        assert not nb("%%cache_cell few --max-entries 1\nx = a").hit
    nb("%%cache_cell brief --ttl 1ms\nx = 'brief'")
    again = nb("%%cache_cell brief --ttl 1ms\nx = 'brief'")
    assert not again.hit and "expired" in again.note
    strict = nb("%%cache_cell --strict\nx = len(globals())", fails=True)
    assert "UsageError" in strict.error and "globals()" in strict.error


SAVED = {
    "%run": ("%run made.py", "made, made_too", "([1], [1])"),
    "a star import": ("from starring import *", "shine", "'star'"),
    "global in a helper": ("assign()\nx = 1", "deep, x", "(2, 1)"),
    "in place": ("rows.append(2)\ntable['k'] = rows\ngrid += 1", "rows, table, other is rows, grid.tolist()",
                 "([1, 2], {'k': [1, 2]}, True, [1.0, 1.0])"),
    "in a helper": ("change()", "rows", "[1, 9]"),
    "an attribute": ("box.v += 1", "box.v, held[0].v", "(2, 2)"),
    "a frame": ("df['b'] = df.a * 2", "list(df), same is df", "(['a', 'b'], True)"),
    "deleted": ("del rows", "'rows' in globals()", "False"),
    "aliases": ("p = [rows]\nq = p\nr = {'p': p}", "q is p, r['p'] is p, p[0] is rows", "(True, True, True)"),
    "a class and its instance": ("class P:\n    def k(self): return K\nbound = P()", "isinstance(bound, P), bound.k()",
                                 "(True, 7)"),
    "an instance of an older class": ("late = Box()\nlate.v = 3", "type(late) is Box, late.v", "(True, 3)"),
    "a function": ("def live(): return K", "live()", "7"),
    "a closure": ("def make(n):\n    def up():\n        n[0] += 1\n        return n[0]\n    return up\nup = make([0])",
                  "up(), up()", "(1, 2)"),
    "modules": ("import json as j, os.path\nfrom collections import Counter", "j.dumps(1), Counter.__name__",
                "('1', 'Counter')"),
    "a view": ("top = grid[:1]\ntop[0] = 5", "grid.tolist()", "[5.0, 0.0]"),
}  # fmt: skip
NAMES = """import numpy as np, pandas as pd
rows, table, grid, K = [1], {}, np.zeros(2), 5
other = rows
class Box: pass
box = Box(); box.v = 1; held = [box]
df = pd.DataFrame({'a': [1]}); same = df
def assign():
    global deep
    deep = 2
def change(): rows.append(9)"""


@pytest.mark.parametrize("what", SAVED)
def test_what_a_run_did_to_the_namespace_a_hit_does_in_a_new_kernel(nb, what):
    (nb.folder / "made.py").write_text("made = [1]\nmade_too = made\n")
    (nb.folder / "starring.py").write_text("shine = 'star'\n")
    body, asked, expected = SAVED[what]
    for again in (False, True):
        nb(RESET)
        nb("from nbcache import registry; registry.replace_cache(None)")  # nothing is left but the disk
        nb("import sys; sys.path.insert(0, '.'); sys.modules.pop('starring', None)")
        nb(NAMES)
        assert nb(marked(body)).hit is again
        nb("K = 7")
        assert nb.eval(asked) == expected


def test_a_run_s_outputs_come_in_order_and_a_hit_says_so_in_one_line(nb):
    body = """import os, sys
print("one"); display("two"); print("three", file=sys.stderr, flush=True)
os.write(1, b"from C\\n"); os.system("echo from a shell")
!echo from a command
from IPython.display import clear_output
handle = display("first", display_id=True); handle.update("second")
from tqdm import tqdm
for n in tqdm(range(300), mininterval=0): pass
x = [1]
x"""
    first, second = both(nb, body)
    nb("del x")
    for shown in (first, second):
        assert [kind for kind, _ in seen(shown.every)][:3] == ["stdout", "display_data", "stderr"]
    assert seen(second.every) == seen(first.every)
    assert second.err.count("\r") < 3 < first.err.count("\r")  # the bar is folded to its last line
    assert "\n" not in second.note and "restored" in second.note
    assert re.search(r"computed (just now|\d+ s ago) · .* (saved|running .*)", second.note)
    again = nb(marked(body))
    assert again.hit and nb.eval("_ is x and Out[max(Out)] is x") == "True"


def test_magics_and_awaits_around_and_inside(nb):
    both(nb, "import asyncio\nawait asyncio.sleep(0)\nprint('awaited')\nx = 3\nx")
    nb(marked("import asyncio\nawait asyncio.sleep(0)\nprint('awaited')\nx = 3\nx"))
    assert nb.eval("x, _") == "(3, 3)"
    for line in ("%%time", "%%capture caught"):
        nb("__import__('builtins').ran.clear()")
        cell = f"{line}\n{marked('print(chr(105))', '-q')}\n{len(line)}"
        first, second = nb(cell), nb(cell)
        assert runs(nb) == 1
        assert [shown.out.count("i\n") for shown in (first, second)] == ([1, 1] if "time" in line else [0, 0])
    assert nb.eval("caught.stdout") == "'i\\n'"
    inner = "get_ipython().run_cell('%%cache_cell inner\\nprint(\"inside\")\\nx = 1')\ny = x"
    nb("__import__('builtins').ran.clear()")
    first, second = both(nb, inner)
    assert first.out == second.out == "inside\n" and nb.eval("y") == "1"
    awaiting = nb("%%time\n" + marked("await nothing"), fails=True)
    assert "cannot await" in awaiting.error


def test_what_cannot_be_stored_is_named_once_with_what_to_do_and_nothing_is_lost(nb):
    nb("import threading\nlock = threading.Lock()")
    for body, name, remedy in (
        ("x = 1\ng = (n for n in [])", "g", "--outputs"),
        ("x = 1\nf = open('/dev/null')", "f", "--outputs"),
        ("x = 1\nheld = [threading.Lock()]", "held", "--outputs"),
        ("x = lock.locked()", "lock", "--ignore lock"),
    ):
        first = nb(marked(body))
        assert first.err.count("CacheWarning") == 1 and f" {name} " in first.err and remedy in first.err
        assert not nb(marked(body)).hit and nb.eval("'x' in globals()") == "True"
    nb("f.close()")


def test_a_change_of_the_session_is_said_and_not_replayed(nb):
    cell = marked("%env CELL_PROMISE=1\nx = 1")
    assert "%env" in nb(cell).note
    nb("import os; os.environ['CELL_PROMISE'] = '2'")
    assert nb(cell).hit and nb.eval("os.environ['CELL_PROMISE']") == "'2'"


def test_equal_cells_share_an_entry_whatever_their_name_and_place(nb):
    nb("a = b = 1")
    nb(marked("x = a", "one --ttl 1h"))
    for options in ("", "two", "--ttl 2h", "--persist memory", "--max-entries 9"):
        assert nb(marked("# the same\nx  =  a", options)).hit, options
    for options in ("--inputs a,b", "--also b", "--ignore a", "--outputs x", "--rng"):
        assert not nb(marked("x = a", options)).hit, options
    assert not nb(marked("x = a", "one --force")).hit


def test_clearing_everything_clears_cells(nb):
    for clear in ("%cache_clear", "cache_data.clear()"):
        nb("__import__('builtins').ran.clear()")
        body = f"x = {clear!r}"
        both(nb, body)
        nb(clear)
        assert not nb(marked(body)).hit


def test_a_damaged_entry_is_computed_again_with_one_warning(nb):
    both(nb, "x = [1]", "damaged")
    damage = """for path in pathlib.Path(os.environ['NBCACHE_DIR']).rglob('*'):
    if path.is_file() and path.stat().st_size > 300 and '.note' not in path.name:
        text = bytearray(path.read_bytes()); text[-40] ^= 1; path.write_bytes(text)"""
    nb(f"import os, pathlib; from nbcache import registry; registry.the_cache().close()\n{damage}")
    nb("registry.replace_cache(None)")
    again = nb(marked("x = [1]", "damaged"))
    assert not again.hit and again.err.count("CacheWarning") == 1 and nb.eval("x") == "[1]"
    nb("registry.replace_cache(None)")
    assert nb(marked("x = [1]", "damaged")).hit


def test_a_hundred_thousand_prints_are_kept_whole(nb):
    first, second = both(nb, "for n in range(100_000): print(n)")
    assert first.out == second.out and second.out.count("\n") == 100_000


class TestWorthIt:
    @pytest.fixture
    def every_run_takes(self, nb):
        """Hand in how long runs take."""

        def take(seconds):
            nb(f"import itertools, nbcache.calls.run as run\nrun.perf_counter = itertools.count(0, {seconds}).__next__")

        yield take
        nb("import time, nbcache.calls.run as run\nrun.perf_counter = time.perf_counter")

    def test_tables_say_when_a_cell_costs_more_than_it_saves(self, nb, every_run_takes):
        every_run_takes(0)
        both(nb, "n = 1", "cheap")
        assert "restoring took" in nb(marked("n = 1", "cheap")).note
        assert "cell cheap" in nb.eval("%cache_info").partition("costs more than it saves")[2]
        assert re.search("cheap .*costs more than it saves", nb.eval("%cache_cells status"))

    def test_tables_do_not_say_so_of_a_cell_that_pays(self, nb, every_run_takes):
        every_run_takes(1000)
        both(nb, "x = 1", "dear")
        assert "cell dear" not in nb.eval("%cache_info").partition("costs more")[2]
        assert not re.search("dear .*costs more", nb.eval("%cache_cells status"))

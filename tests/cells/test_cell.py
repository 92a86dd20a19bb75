"""`%%cache_cell` in a real shell: what makes a hit, what comes back, and what is said."""

from __future__ import annotations

import inspect
import textwrap

import pytest

from nbcache.notebook.display.outputs import record


def marked(body, options="cell"):
    """A cached cell that counts its runs, by a way that its key does not follow."""
    return f"%%cache_cell {options}\n__import__('builtins').ran()\n{textwrap.dedent(body)}"


@pytest.fixture(autouse=True)
def counter(nb, monkeypatch):
    import builtins

    monkeypatch.setattr(builtins, "ran", lambda: nb.shell.nbcache_test_runs.append(1), raising=False)


def twice(nb, body, options="cell", between=""):
    first = nb(marked(body, options))
    if between:
        nb(between)
    return first, nb(marked(body, options))


class TestHits:
    def test_the_second_run_is_a_hit(self, nb):
        first, second = twice(nb, "x = 1 + 1\nx")
        assert (first.count, second.count) == (1, 0)
        assert first.value == second.value == 2

    def test_names_come_back(self, nb):
        _, second = twice(nb, "a = [1]\nb = {'k': a}", between="del a, b")
        assert second.count == 0 and nb.ns["b"]["k"] is nb.ns["a"]

    def test_layout_and_comments_do_not_count(self, nb):
        nb(marked("x = 1"))
        assert nb(marked("# a comment\n\nx   =   1")).count == 0

    def test_code_counts(self, nb):
        nb(marked("x = 1"))
        assert nb(marked("x = 2")).count == 1 and nb.ns["x"] == 2

    def test_a_changed_input_is_a_miss_and_its_return_a_hit(self, nb):
        nb("a = 1")
        nb(marked("x = a"))
        nb("a = 2")
        changed = nb(marked("x = a"))
        assert changed.count == 1 and "input a 1 -> 2" in changed.out
        nb("a = 1")
        assert nb(marked("x = a")).count == 0 and nb.ns["x"] == 1

    def test_a_name_that_appears_is_a_miss(self, nb):
        body = "try:\n    x = late\nexcept NameError:\n    x = 0"
        nb(marked(body))
        nb("late = 5")
        assert nb(marked(body)).count == 1 and nb.ns["x"] == 5

    def test_a_changed_helper_is_a_miss(self, nb):
        nb("def g(): return 1\ndef f(): return g()")
        nb(marked("x = f()"))
        nb("def g(): return 2")
        assert nb(marked("x = f()")).count == 1 and nb.ns["x"] == 2

    def test_a_global_of_a_helper_is_an_input(self, nb):
        nb("K = 1\ndef f(): return K")
        nb(marked("x = f()"))
        nb("K = 2")
        assert nb(marked("x = f()")).count == 1 and nb.ns["x"] == 2

    def test_a_changed_class_is_a_miss(self, nb):
        nb("class A:\n    def m(self): return 1")
        nb(marked("x = A().m()"))
        nb("class A:\n    def m(self): return 2")
        assert nb(marked("x = A().m()")).count == 1 and nb.ns["x"] == 2

    def test_a_query_put_together_in_the_cell_names_inputs(self, nb):
        nb("import pandas as pd\ndf = pd.DataFrame({'a': [1, 2, 3]})\nt = 1")
        body = "text = 'a > @t'\nn = len(df.query(text))"
        nb(marked(body))
        nb("t = 2")
        assert nb(marked(body)).count == 1 and nb.ns["n"] == 1

    def test_a_changed_file_read_by_a_command_is_a_miss(self, nb, tmp_path):
        (tmp_path / "words.txt").write_text("one")
        nb(marked("words = !cat words.txt"))
        (tmp_path / "words.txt").write_text("two")
        assert nb(marked("words = !cat words.txt")).count == 1 and nb.ns["words"] == ["two"]

    def test_a_star_import_follows_the_module(self, nb, tmp_path, monkeypatch):
        monkeypatch.syspath_prepend(str(tmp_path))
        (tmp_path / "starred_cell.py").write_text("def shine():\n    return 1\n")
        nb(marked("from starred_cell import *\nx = shine()"))
        nb("import starred_cell\nstarred_cell.shine = lambda: 2")
        assert nb(marked("from starred_cell import *\nx = shine()")).count == 1 and nb.ns["x"] == 2

    def test_a_changed_file_is_a_miss(self, nb, tmp_path):
        path = tmp_path / "data.txt"
        path.write_text("one")
        nb(f"path = {str(path)!r}")
        body = "with open(path) as file:\n    text = file.read()"
        assert [one.count for one in twice(nb, body)] == [1, 0]
        path.write_text("three")
        assert nb(marked(body)).count == 1 and nb.ns["text"] == "three"

    def test_a_changed_local_module_is_a_miss(self, nb, tmp_path, monkeypatch):
        monkeypatch.syspath_prepend(str(tmp_path))
        (tmp_path / "mymod_cell.py").write_text("def f():\n    return 1\n")
        body = "import mymod_cell\nx = mymod_cell.f()"
        assert [one.count for one in twice(nb, body)] == [1, 0]
        nb("import mymod_cell\nmymod_cell.f = lambda: 2")
        assert nb(marked(body)).count == 1

    def test_loops_do_not_make_the_second_run_miss(self, nb):
        _, second = twice(nb, "n = 0\nfor i in list('abc'):\n    n += 1\nif n > 100:\n    rare = 1")
        assert second.count == 0 and nb.ns["i"] == "c"

    def test_a_name_only_maybe_bound_is_left_alone_or_restored_as_it_was(self, nb):
        nb("c = False\nx = 5")
        nb(marked("if c:\n    x = 1\ny = 2"))
        nb("x = 7")
        assert nb(marked("if c:\n    x = 1\ny = 2")).count == 0
        assert nb.ns["x"] == 7
        nb("c = True\nx = 1")
        nb(marked("if c:\n    x = 1\ny = 2"))
        nb("x = 9")
        assert nb(marked("if c:\n    x = 1\ny = 2")).count == 0
        assert nb.ns["x"] == 1

    def test_equal_cells_share_an_entry_whatever_their_name(self, nb):
        nb(marked("x = 1", "one"))
        assert nb(marked("x = 1", "two")).count == 0
        assert nb(marked("x = 1", "")).count == 0

    def test_another_kernel_finds_it(self, nb, restart):
        nb(marked("x = [1]"))
        restart()
        assert nb(marked("x = [1]")).count == 0

    def test_memory_only_does_not(self, nb, restart):
        nb(marked("x = [1]", "cell --persist memory"))
        assert nb(marked("x = [1]", "cell --persist memory")).count == 0
        restart()
        assert nb(marked("x = [1]", "cell --persist memory")).count == 1

    def test_a_trailing_semicolon_counts(self, nb):
        assert nb("%%cache_cell\n5;").value is None
        assert nb("%%cache_cell\n5").value == 5
        assert nb("%%cache_cell\n5;").value is None

    def test_aliased_inputs_are_told_from_equal_ones(self, nb):
        body = "a.append(1)\nr = list(b)"
        nb("a = []\nb = a")
        nb(marked(body))
        nb("a = []\nb = []")
        assert nb(marked(body)).count == 1 and nb.ns["r"] == []


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
        assert second.out.startswith("restored x, y · computed 0 s ago")

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


class TestNotCached:
    def test_a_cell_that_raises(self, nb):
        body = "x = 1\n1 / 0"
        first = nb(marked(body), fails=True)
        assert isinstance(first.error, ZeroDivisionError)
        assert (first.out + first.err).count("division by zero") == 1
        assert nb(marked(body), fails=True).count == 1

    def test_an_interrupted_cell(self, nb):
        body = "raise KeyboardInterrupt"
        nb(marked(body), fails=True)
        assert nb(marked(body), fails=True).count == 1

    def test_an_output_that_cannot_be_stored_is_named_once(self, nb):
        first, second = twice(nb, "x = 1\ng = (i for i in [])")
        assert second.count == 1 and nb.ns["x"] == 1
        assert len(first.warned) == 1 and "g cannot be stored" in first.warned[0] and "generator" in first.warned[0]
        assert "--outputs" in first.warned[0]

    def test_outputs_leaves_it_out(self, nb):
        _, second = twice(nb, "x = 1\ng = (i for i in [])", "cell --outputs x")
        assert second.count == 0

    def test_an_open_file_is_refused(self, nb, tmp_path):
        first, _ = twice(nb, f"f = open({str(tmp_path / 'new')!r}, 'w')")
        assert "f cannot be stored" in first.warned[0]
        nb.ns["f"].close()

    def test_an_input_that_cannot_be_read(self, nb):
        nb("import threading\nlock = threading.Lock()")
        first, second = twice(nb, "x = lock")
        assert second.count == 1 and "input lock cannot be read" in first.warned[0]
        assert "--ignore lock" in first.warned[0]
        _, second = twice(nb, "x = lock.locked()", "cell --ignore lock")
        assert second.count == 0

    def test_reading_the_whole_namespace(self, nb):
        nb("a = 1")
        first, second = twice(nb, "x = len(globals())")
        assert second.count == 1 and "globals()" in first.warned[0]
        _, second = twice(nb, "x = len(globals())", "cell --inputs a")
        assert second.count == 0

    def test_strict_makes_it_an_error_before_the_run(self, nb):
        outcome = nb(marked("x = len(globals())", "cell --strict"), fails=True)
        assert outcome.count == 0 and "globals()" in str(outcome.error)

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ("--nope", "--nope"),
            ("--inputs nowhere", "nowhere"),
            ("--also nowhere", "nowhere"),
            ("--outputs nowhere", "nowhere"),
            ("--ignore nowhere", "nowhere"),
            ("--ttl 5", "unit"),
            ("--max-entries 0", "at least 1"),
            ("--persist maybe", "maybe"),
            ("--inputs 1x", "not a name"),
        ],
    )
    def test_a_mistake_in_the_options_runs_nothing(self, nb, options, said):
        outcome = nb(marked("x = 1", f"cell {options}"), fails=True)
        assert outcome.count == 0 and "x" not in nb.ns
        assert type(outcome.error).__name__ == "UsageError" and said in str(outcome.error)

    def test_off_runs_everything(self, nb):
        nb(marked("x = 1"))
        nb("%config NBCache.off = True")
        assert nb(marked("x = 1")).count == 1

    def test_safe_trust_loads_nothing(self, nb):
        nb(marked("x = 1"))
        nb("%config NBCache.trust = 'safe'")
        assert nb(marked("x = 1")).count == 1


class TestOptions:
    def test_ttl(self, nb, clock):
        nb(marked("x = 1", "cell --ttl 1h"))
        clock.move(3599)
        assert nb(marked("x = 1", "cell --ttl 1h")).count == 0
        clock.move(2)
        again = nb(marked("x = 1", "cell --ttl 1h"))
        assert again.count == 1 and "expired" in again.out

    def test_force(self, nb):
        nb(marked("x = 1"))
        assert nb(marked("x = 1", "cell --force")).count == 1
        assert nb(marked("x = 1")).count == 0

    def test_max_entries(self, nb):
        for value in (1, 2, 1):
            nb(f"a = {value}")
            assert nb(marked("x = a", "cell --max-entries 1")).count == 1

    def test_inputs_replace_what_was_found(self, nb):
        nb("a = 1\nb = 1")
        nb(marked("x = a + b", "cell --inputs a"))
        nb("b = 2")
        assert nb(marked("x = a + b", "cell --inputs a")).count == 0
        nb("a = 2")
        assert nb(marked("x = a + b", "cell --inputs a")).count == 1

    def test_also_and_ignore(self, nb):
        nb("a = 1\nday = 1")
        nb(marked("x = a", "cell --also day --ignore a"))
        nb("a = 2")
        assert nb(marked("x = a", "cell --also day --ignore a")).count == 0
        nb("day = 2")
        assert nb(marked("x = a", "cell --also day --ignore a")).count == 1

    def test_a_name_is_known_to_the_other_magics(self, nb):
        nb("a = 1")
        nb(marked("x = a", "prices"))
        assert "hit" in str(nb("%cache_explain prices").value)
        nb("a = 2")
        assert "input a 1 -> 2" in str(nb("%cache_explain prices").value)
        assert "prices" in str(nb("%cache_info").value)
        nb("%cache_clear prices")
        nb("a = 1")
        assert nb(marked("x = a", "prices")).count == 1

    @pytest.mark.parametrize("name", ["daily-prices", "2024", "prices.raw"])
    def test_any_word_is_a_name(self, nb, name):
        nb(marked("x = 1", name))
        assert ": hit" in str(nb(f"%cache_explain {name}").value)
        assert name in str(nb(f"%cache_info {name}").value)
        assert "Cleared 1 entry" in nb(f"%cache_clear {name}").out
        assert nb(marked("x = 1", name)).count == 1

    def test_help_runs_nothing(self, nb):
        outcome = nb(marked("x = 1", "--help"))
        assert "--max-entries" in outcome.out and outcome.count == 0

    def test_the_magic_is_documented(self, nb):
        text = nb.shell.object_inspect_text("%%cache_cell", detail_level=0)
        assert "Cache this cell" in text
        assert all(option in text for option in ("--ttl", "--inputs", "--outputs", "--rng", "--no-replay", "--strict"))


class TestSyntax:
    def test_await_at_the_top(self, nb):
        _, second = twice(nb, "import asyncio\nawait asyncio.sleep(0)\nx = 3\nx")
        assert second.count == 0 and second.value == 3

    def test_magics_inside(self, nb, tmp_path):
        nb("word = 'hello'")
        _, second = twice(nb, "files = !echo {word}\n%time y = 1")
        assert second.count == 0 and nb.ns["files"] == ["hello"] and nb.ns["y"] == 1
        nb("word = 'bye'")
        assert nb(marked("files = !echo {word}\n%time y = 1")).count == 1

    def test_under_time(self, nb):
        source = "%%time\n" + marked("x = 1\nx + 1")
        first, second = nb(source), nb(source)
        assert (first.count, second.count) == (1, 0) and first.value == second.value == 2
        assert second.out.count("Wall time") == 1

    def test_under_capture(self, nb):
        source = "%%capture caught\n" + marked("print('inside')\nx = 1", "cell -q")
        first, second = nb(source), nb(source)
        assert (first.count, second.count) == (1, 0)
        assert nb.ns["caught"].stdout == "inside\n"

    def test_above_time(self, nb):
        _, second = nb("%%cache_cell cell\n%%time\nran()\nx = 1"), nb("%%cache_cell cell\n%%time\nran()\nx = 1")
        assert second.count == 0 and nb.ns["x"] == 1 and "Wall time" in second.out

    def test_nested_cached_cells(self, nb):
        inner = "get_ipython().run_cell('%%cache_cell inner\\nx = 1\\nprint(\"in\")')\ny = x"
        first, _ = twice(nb, inner)
        assert nb.ns["y"] == 1 and first.out.count("in\n") == 1

    def test_an_error_points_at_the_users_line(self, nb):
        outcome = nb("%%cache_cell cell\nx = 1\n\nraise ValueError('mine')", fails=True)
        assert "line 4" in outcome.out + outcome.err
        assert "nbcache" not in outcome.out + outcome.err

    def test_a_syntax_error_is_shown_once(self, nb):
        outcome = nb("%%cache_cell cell\nx = = 1", fails=True)
        assert isinstance(outcome.error, SyntaxError) and (outcome.out + outcome.err).count("SyntaxError") == 1

    def test_called_by_name(self, nb):
        first = nb.shell.run_cell_magic("cache_cell", "byname", "z = 4\nz + 1")
        nb("del z")
        assert nb.shell.run_cell_magic("cache_cell", "byname", "z = 4\nz + 1") == first == 5
        assert nb.ns["z"] == 4

    def test_an_empty_body(self, nb):
        assert nb("%%cache_cell cell\n").error is None


class TestLoading:
    def test_unload_takes_everything_out(self, nb):
        shell = nb.shell
        nb("%unload_ext nbcache")
        assert "run_ast_nodes" not in vars(shell)
        assert not any("nbcache" in type(one).__module__ for one in shell.ast_transformers)
        assert not any("nbcache" in getattr(one, "__module__", "") for one in shell.input_transformers_cleanup)
        outcome = nb("%%cache_cell x\n1", fails=True)
        assert "cache_cell" in outcome.out + outcome.err

    def test_reload_leaves_one_of_each(self, nb):
        shell = nb.shell
        nb("%reload_ext nbcache")
        assert sum("nbcache" in type(one).__module__ for one in shell.ast_transformers) == 1
        assert [one.count for one in twice(nb, "x = 1")] == [1, 0]

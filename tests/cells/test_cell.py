"""`%%cache_cell` in a real shell: what makes a hit, and what is not cached."""

from __future__ import annotations

import pytest
from marked_cells import marked, twice

pytestmark = pytest.mark.usefixtures("counter")


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


class TestNotCached:
    def test_a_cell_that_raises(self, nb):
        body = "x = 1\n1 / 0"
        first = nb(marked(body), fails=True)
        assert isinstance(first.error, ZeroDivisionError)
        assert (first.out + first.err).count("division by zero") == 1
        assert nb(marked(body), fails=True).count == 1

    @pytest.mark.parametrize(
        "fails",
        [
            "get_ipython().run_cell('1 / 0')",
            "get_ipython().run_cell_magic('capture', 'taken', 'x ==')",
            "get_ipython().run_line_magic('run', 'fails.py')",
        ],
    )
    def test_a_cell_that_goes_on_after_an_error_was_shown(self, nb, fails, monkeypatch, tmp_path):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "fails.py").write_text("1 / 0")
        body = f"x = 1\n_ = {fails}"
        nb(marked(body, "cell -q"))
        assert nb(marked(body, "cell -q")).count == 1

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
            ("--max-entries 0", "1 or more"),
            ("--persist maybe", "maybe"),
            ("--inputs 1x", "cannot be the name"),
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

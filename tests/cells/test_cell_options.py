"""The options of `%%cache_cell`, the syntax that its cells may hold, and how the extension is loaded and unloaded."""

from __future__ import annotations

import pytest
from marked_cells import marked, twice

pytestmark = pytest.mark.usefixtures("counter")


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
        assert "a 1 -> 2" in str(nb("%cache_explain prices").value)
        assert "prices" in str(nb("%cache_info").value)
        nb("%cache_clear prices")
        nb("a = 1")
        assert nb(marked("x = a", "prices")).count == 1

    @pytest.mark.parametrize("cell", ["x = a + 1", "import os\nx = a + len(os.environ.get('HOME', ''))"])
    def test_a_name_is_known_where_the_cell_was_kept_before_it_had_one(self, nb, cell):
        nb("%cache_cells on --min-time 0s\na = 1")
        nb(cell)
        nb("%cache_cells off")
        assert "restored" in nb(f"%%cache_cell two\n{cell}").out
        assert ": hit" in str(nb("%cache_explain two").value)
        assert "1" in str(nb("%cache_info two").value)
        nb("a = 2")
        assert "a 1 -> 2" in str(nb("%cache_explain two").value)
        assert "(1 entry)" in nb("%cache_clear two").out
        nb("a = 1")
        assert "restored" not in nb(f"%%cache_cell two\n{cell}").out

    @pytest.mark.parametrize("library", ["polars", "pandas", "matplotlib", "sklearn", "numpy", "torch", "xarray"])
    def test_what_is_looked_up_about_a_library_is_no_observation_of_a_cell(self, nb, cache, library):
        pytest.importorskip(library)
        nb("%%cache_cell one\nx = 1")
        assert [row.meta.observations for row in cache.entries("cell one")] == [()]

    def test_the_code_of_a_cell_is_explained_as_one(self, nb):
        nb("%%cache_cell one\nx = 1\ny = x + 1\ny")
        text = str(nb("%cache_explain one").value)
        assert text.count("depends on its code: x = 1") == 1 and "code (2)" not in text
        nb("%%cache_cell last\nlen('a')")
        assert "depends on its code: len('a')" in str(nb("%cache_explain last").value)

    def test_an_edit_of_a_cell_is_explained_by_its_lines(self, nb):
        nb("%%cache_cell one\nx = 1\ny = x + 1\ny")
        again = nb("%%cache_cell one\nx = 1\ny = x + 1\ny + 1")
        assert "code changed: 1 line: y -> y + 1" in again.out

    def test_a_cell_without_a_name_is_listed_by_its_first_line(self, nb):
        nb("%%cache_cell\n# the first that is code\nnumber = 17\ntwice = number * 2")
        assert "number = 17" in str(nb("%cache_info").value)

    @pytest.mark.parametrize("name", ["daily-prices", "2024", "prices.raw"])
    def test_any_word_is_a_name(self, nb, name):
        nb(marked("x = 1", name))
        assert ": hit" in str(nb(f"%cache_explain {name}").value)
        assert name in str(nb(f"%cache_info {name}").value)
        assert "(1 entry)" in nb(f"%cache_clear {name}").out
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
        transforms = [getattr(one, "__module__", "") for one in shell.input_transformers_cleanup]
        assert sum("nbcache" in module for module in transforms) == 1
        assert [one.count for one in twice(nb, "x = 1")] == [1, 0]

    def test_the_trees_of_other_cells_are_not_walked_over(self, nb):
        before = list(nb.shell.ast_transformers)
        nb(marked("x = 1"))
        nb("y = 1")
        assert nb.shell.ast_transformers == before

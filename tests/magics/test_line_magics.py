"""The extension in a real shell: loading, unloading, and each line magic."""

from __future__ import annotations

import os
import sys

import pytest
from IPython.core.error import UsageError

MAGICS = {"cache_clear", "cache_info", "cache_explain", "cache_panel", "cache_trust", "cache_cells"}


@pytest.fixture
def notebook(shell, cache):
    """A shell with the extension loaded and one cached function."""
    shell.run_line_magic("load_ext", "nbcache")
    run(shell, "made = []")
    run(shell, "@cache_data(track=False)\ndef foo(bar, mode='fast'):\n    made.append(bar)\n    return bar")
    return shell


def run(shell, source):
    result = shell.run_cell(source)
    result.raise_error()
    return result.result


def made(shell):
    return shell.user_ns["made"]


def test_loading_brings_the_decorator_and_the_magics(shell, cache):
    shell.run_line_magic("load_ext", "nbcache")
    assert set(shell.magics_manager.magics["line"]) >= MAGICS
    assert "cache_cell" in shell.magics_manager.magics["cell"]
    assert run(shell, "cache_data") is sys.modules["nbcache"].cache_data
    assert "cache_data" not in run(shell, "%who_ls")


def test_load_load_unload_load_leaves_one_of_each(shell, cache):
    before = len(shell.Completer.custom_matchers), len(shell.configurables)
    for magic in ("load_ext", "load_ext", "reload_ext", "unload_ext", "load_ext"):
        shell.run_line_magic(magic, "nbcache")
    assert len(shell.Completer.custom_matchers) == before[0] + 1
    assert [type(one).__name__ for one in shell.configurables].count("NBCache") == 1


def test_unloading_leaves_nothing_behind(shell, cache):
    def everything():
        return (
            set(shell.magics_manager.magics["line"]),
            set(shell.magics_manager.magics["cell"]),
            len(shell.Completer.custom_matchers),
            len(shell.configurables),
            {event: list(handlers) for event, handlers in shell.events.callbacks.items()},
            list(shell.ast_transformers),
            list(shell.input_transformers_cleanup),
            "cache_data" in shell.user_ns,
        )

    for magic in ("load_ext", "unload_ext"):  # IPython itself loads some of its magics at their first use
        shell.run_line_magic(magic, "nbcache")
    before = everything()
    shell.run_line_magic("load_ext", "nbcache")
    shell.run_line_magic("unload_ext", "nbcache")
    assert everything() == before


def test_a_user_s_own_cache_data_is_neither_replaced_nor_removed(shell, cache):
    run(shell, "cache_data = 3")
    shell.run_line_magic("load_ext", "nbcache")
    assert shell.user_ns["cache_data"] == 3
    shell.run_line_magic("unload_ext", "nbcache")
    assert shell.user_ns["cache_data"] == 3


def test_functions_decorated_before_a_reload_or_an_unload_stay_hits_and_clearable(notebook):
    run(notebook, "foo(1)")
    run(notebook, "%reload_ext nbcache")
    run(notebook, "foo(1)")
    assert made(notebook) == [1]
    run(notebook, "%cache_clear foo")
    run(notebook, "%unload_ext nbcache")
    run(notebook, "foo(1); foo(1); foo.clear(1); foo(1)")
    assert made(notebook) == [1, 1, 1]


def test_cache_clear_forgets_everything_a_function_or_one_call(notebook, capsys):
    run(notebook, "foo(1); foo(2); n = 2")
    run(notebook, "%cache_clear foo n")
    assert capsys.readouterr().out == "Cleared foo(n).\n"
    run(notebook, "foo(2); options = {'bar': 2}; made.remove(2)")
    run(notebook, "%cache_clear foo **options  # forget this one")
    assert capsys.readouterr().out == "Cleared foo(**options).\n"
    run(notebook, "foo(1); foo(2)")
    assert made(notebook) == [1, 2, 2]
    run(notebook, "%cache_clear foo bar=1")
    run(notebook, "%cache_clear foo(2, mode='fast')")
    run(notebook, "%cache_clear foo(2, mode='fast')")
    assert "foo(2, mode='fast') was not cached." in capsys.readouterr().out
    run(notebook, "foo(1); foo(2)")
    assert made(notebook) == [1, 2, 2, 1, 2]
    run(notebook, "%cache_clear foo")
    assert "Cleared foo() (2 entries)." in capsys.readouterr().out
    run(notebook, "foo(1)")
    run(notebook, "%cache_clear")
    assert "Cleared the cache" in capsys.readouterr().out
    run(notebook, "foo(1)")
    assert made(notebook) == [1, 2, 2, 1, 2, 1, 1]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("%cache_clear ofo", ["Did you mean foo?"]),
        ("%cache_clear fo", ["fo is not a cached function or cell. Did you mean foo?"]),
        ("%cache_clear foo 1 2 3", ["foo()", "3 were given"]),
        ("%cache_clear foo missing_name", ["There is no variable missing_name"]),
        ("%cache_clear foo missing_name", ["If it is text, write 'missing_name'"]),
        ("%cache_clear foo 1/0", ["1 / 0", "ZeroDivisionError"]),
        ("%cache_explain foo [].pop()", ["IndexError"]),
        ("%cache_clear foo (", ["A bracket in foo ( is never closed."]),
        ("%cache_info nothing", ["nothing is not a cached function"]),
        ("%cache_info foo 1", ["the name alone, foo"]),
        ("%cache_panel foo 1", ["the name alone, foo"]),
        ("%cache_explain", ["Which call? For example %cache_explain foo 1."]),
        ("%cache_clear made", ["made is not a cached function"]),
    ],
)
def test_an_error_is_one_line_and_clears_nothing(line, words, notebook):
    run(notebook, "foo(1)")
    magic, _, rest = line[1:].partition(" ")
    with pytest.raises(UsageError) as caught:
        notebook.run_line_magic(magic, rest)
    assert all(word in str(caught.value) for word in words)
    assert "\n" not in str(caught.value)
    run(notebook, "foo(1)")
    assert made(notebook) == [1]


def test_the_object_now_bound_to_a_name_decides(notebook):
    run(notebook, "foo(1)\nalias = foo\nclass Box: pass\nbox = Box(); box.f = foo")
    run(notebook, "%cache_clear alias 1")
    run(notebook, "foo(1)")
    run(notebook, "%cache_clear box.f 1")
    run(notebook, "foo(1)")
    assert made(notebook) == [1, 1, 1]
    run(notebook, "foo = 3")
    with pytest.raises(UsageError):
        notebook.run_line_magic("cache_clear", "foo 1")
    run(notebook, "alias(1)")
    assert made(notebook) == [1, 1, 1]


def test_cache_info_is_a_table_of_functions_or_of_calls(notebook):
    run(notebook, "foo(1); foo(1); foo(2)")
    table = run(notebook, "%cache_info")
    text = str(table)
    assert "foo" in text and "hits" in text and "<table" in table._repr_html_()
    row = next(line for line in text.splitlines() if line.startswith("foo"))
    assert row.split()[1] == "2"
    calls = str(run(notebook, "%cache_info foo"))
    assert "foo(1)" in calls and "foo(2)" in calls


def test_cache_info_of_an_empty_cache_teaches(notebook):
    assert "@cache_data" in str(run(notebook, "%cache_info")) or "foo" in str(run(notebook, "%cache_info"))


def test_cache_explain_says_hit_or_miss_and_what_changed(notebook):
    run(notebook, "SCALE = 0.1\n@cache_data\ndef scaled(x): return x * SCALE")
    assert "no result is" in str(run(notebook, "%cache_explain scaled 1"))
    run(notebook, "scaled(1)")
    assert run(notebook, "%cache_explain scaled 1").hit
    run(notebook, "SCALE = 0.2")
    explanation = run(notebook, "%cache_explain scaled 1")
    assert not explanation.hit
    assert explanation.changed == ("global SCALE 0.1 -> 0.2",)


def test_names_of_cached_functions_are_completed(notebook):
    assert "foo" in completed(notebook, "%cache_clear f")
    assert "foo" in completed(notebook, "%cache_info ")


def completed(shell, text):
    from IPython.core.completer import provisionalcompleter

    with provisionalcompleter():
        return [completion.text for completion in shell.Completer.completions(text, len(text))]


def test_settings_are_changed_with_config(notebook, restart):
    run(notebook, "%config NBCache.persist = 'disk'")
    run(notebook, "foo(1)")
    restart()
    run(notebook, "foo(1)")
    assert made(notebook) == [1]


def test_a_refused_setting_does_not_break_the_next_reload(notebook):
    notebook.run_cell("%config NBCache.persist = 'bogus'")
    with pytest.warns(sys.modules["nbcache"].CacheWarning, match="not used"):
        run(notebook, "%reload_ext nbcache")
    assert run(notebook, "foo(5)") == 5


@pytest.mark.parametrize("magic", ["cache_clear", "cache_info", "cache_explain", "cache_panel", "cache_trust"])
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_every_magic_explains_itself(magic, option, notebook, capsys):
    notebook.run_line_magic(magic, option)
    assert f"%{magic}" in capsys.readouterr().out


PROPERTY = """
class Box:
    @property
    @cache_data
    def content(self):
        made.append("content")
        return 3
box = Box()
"""


def test_a_cached_property_of_an_object_is_cleared_and_explained_without_asking_it(notebook, capsys):
    run(notebook, PROPERTY)
    run(notebook, "%cache_explain box.content")
    run(notebook, "box.content; box.content")
    run(notebook, "%cache_clear box.content")
    assert "Cleared box.content() (1 entry)." in capsys.readouterr().out
    run(notebook, "%cache_clear Box.content")
    assert made(notebook) == ["content"]


@pytest.mark.parametrize(
    "line",
    [
        "%cache_info  # a table",
        "%cache_trust  # whose values",
        "%cache_cells status   # what it does",
        "%cache_info foo # x",
    ],
)
def test_a_comment_may_end_a_line(line, notebook):
    magic, _, rest = line[1:].partition(" ")
    notebook.run_line_magic(magic, rest)


def test_a_comment_may_end_the_line_of_a_cached_cell(notebook):
    notebook.run_cell_magic("cache_cell", "NAME --ttl 1h  # an hour", "kept = 1")
    assert notebook.user_ns["kept"] == 1


def test_a_private_button_shows_no_argument(notebook):
    run(notebook, "%config NBCache.private = True")
    run(notebook, "button = foo.clear_button('secret')")
    assert "secret" not in notebook.user_ns["button"].description + notebook.user_ns["button"].tooltip


def test_autoreload_renews_a_cached_function_that_was_imported_by_name(shell, cache, tmp_path, monkeypatch):
    source = "from nbcache import cache_data\n@cache_data(ttl=60)\ndef foo(x): return x + {}\n"
    path = tmp_path / "reloaded_module.py"
    path.write_text(source.format(1))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    for line in ("load_ext nbcache", "load_ext autoreload", "autoreload 2"):
        shell.run_line_magic(*line.split())
    assert run(shell, "from reloaded_module import foo\nfoo(1), foo(1)") == (2, 2)

    path.write_text(source.format("10  # another line"))
    os.utime(path, (path.stat().st_mtime + 5,) * 2)

    assert run(shell, "foo(1), foo(1)") == (11, 11)
    assert run(shell, "import reloaded_module\nfoo.owner, foo.info().hits") == ("reloaded_module.foo", 2)
    shell.run_line_magic("unload_ext", "nbcache")
    rules = sys.modules["IPython.extensions.autoreload"].UPDATE_RULES
    assert not any("nbcache" in rule[1].__module__ for rule in rules)
    del sys.modules["reloaded_module"]


def test_a_measurement_saves_the_time_of_each_result_once(shell, cache):
    shell.run_line_magic("load_ext", "nbcache")
    run(shell, "import time\n@cache_data\ndef slow(x):\n    time.sleep(0.05)\n    return x")
    run(shell, "slow(1)")
    run(shell, "slow(1)")
    run(shell, "%timeit -n 500 -r 2 slow(1)")
    info = shell.user_ns["slow"].info()
    assert info.hits > 1000
    took = shell.user_ns["slow"].entries()[0].seconds_to_compute
    assert took < info.seconds_saved < 3 * took  # one hit, and one for the measurement


def test_a_cell_of_an_earlier_session_is_listed_by_its_first_line(shell, cache, restart):
    shell.run_line_magic("load_ext", "nbcache")
    run(shell, "%%cache_cell\nvalue = sum([1, 2])")
    restart()
    shell.run_line_magic("reload_ext", "nbcache")
    table = str(shell.run_line_magic("cache_info", ""))
    assert "value = sum([1, 2])" in table and "cell " not in table

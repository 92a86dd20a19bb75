"""What the magics say: help, completion, and a word of advice for every mistake."""

from __future__ import annotations

from typing import Any

import pytest
from IPython.core.error import UsageError

from nbcache.notebook.cells.shown import skipped

LINE = ("cache_clear", "cache_info", "cache_explain", "cache_panel", "cache_trust", "cache_cells")


@pytest.fixture
def notebook(shell: Any, cache: Any) -> Any:
    shell.run_line_magic("load_ext", "nbcache")
    shell.run_cell("@cache_data(persist='disk')\ndef load(year, mode='fast'): return [year]")
    return shell


def said(shell: Any, capsys: pytest.CaptureFixture[str], source: str) -> str:
    """All that a cell shows as text."""
    capsys.readouterr()
    shell.run_cell(source)
    shown = capsys.readouterr()
    return (shown.out + shown.err).strip()


@pytest.mark.parametrize("typed", [*(f"%{name}" for name in LINE), "%%cache_cell"])
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_every_magic_has_help_that_begins_with_what_it_does(
    typed: str, option: str, notebook: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    text = said(notebook, capsys, f"{typed} {option}\nran = True" if "%%" in typed else f"{typed} {option}")
    assert typed in text and "::" not in text and "UsageError" not in text
    assert "ran" not in notebook.user_ns


WRONG = {
    "%cache_cells on --min-time banana": "--min-time banana is not a time: write it as 90s, 1h30m or 2d.",
    "%cache_cells on --min-time 5": "--min-time 5 needs a unit: write 5s, 5m or 5h.",
    "%cache_cells on --max-size 10": "--max-size 10 needs a unit: write 10MB or 10GB.",
    "%cache_cells onn": "%cache_cells onn is not on, off or status. Did you mean on?",
    "%cache_cells on --mintime 3s": "%cache_cells has no option --mintime. Did you mean --min-time?",
    "%cache_cells on --persist dsk": "--persist dsk is not disk or memory. Did you mean disk?",
    "%cache_cells on --min-time": "--min-time needs a value.",
    "%cache_cells on 'x": "A quote in on 'x is never closed.",
    "%%cache_cell --ttl 5\nx = 1": "--ttl 5 needs a unit: write 5s, 5m or 5h.",
    "%%cache_cell --tll 5s\nx = 1": "%%cache_cell has no option --tll. Did you mean --ttl?",
    "%%cache_cell --max-entries 0\nx = 1": "--max-entries 0 is not a number of results, 1 or more.",
    "%%cache_cell a b\nx = 1": "%%cache_cell does not take b. See %%cache_cell -h.",
    "%%cache_cell --outputs nosuch\nx = y = 1": "--outputs nosuch: this cell binds no nosuch; it binds x, y.",
    "%%cache_cell --also laod\nx = 1": "--also laod: there is no variable laod. Did you mean load?",
    "%cache_clear laod": "laod is not a cached function or cell. Did you mean load?",
    "%cache_clear xyzzy": "xyzzy is not a cached function or cell. Cached: load.",
    "%cache_clear load(1": "A bracket in load(1 is never closed.",
    "%cache_clear load nosuch": "There is no variable nosuch. If it is text, write 'nosuch'.",
    "%cache_explain": "Which call? For example %cache_explain load 1. Cached: load.",
    "%cache_info --all": "%cache_info has no option --all. See %cache_info -h.",
    "%cache_panel -x": "%cache_panel has no option -x. See %cache_panel -h.",
    "%cache_trust shaer x": "%cache_trust has no command shaer. Did you mean share?",
    "%cache_trust share": "Write it as %cache_trust share FILE",
}


@pytest.mark.parametrize("typed", WRONG)
def test_a_mistake_is_one_line_that_names_what_was_typed(
    typed: str, notebook: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said(notebook, capsys, typed) == f"UsageError: {WRONG[typed]}"


def test_automatic_caching_says_what_it_does_and_keeps_its_time(
    notebook: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    first = said(notebook, capsys, "%cache_cells on --min-time 5s")
    assert first == "Cells that take 5 s or more are now cached; %cache_cells status lists them."
    assert said(notebook, capsys, "%cache_cells on") == first
    assert "Automatic caching is on, for cells that take 5 s or more." in said(notebook, capsys, "%cache_cells")
    assert said(notebook, capsys, "%cache_cells off").startswith("Cells run as usual")
    assert "Automatic caching is off." in said(notebook, capsys, "%cache_cells status")


def test_clear_says_how_much_or_that_nothing_was_there(notebook: Any, capsys: pytest.CaptureFixture[str]) -> None:
    notebook.run_cell("load(1); load(2); load(3)")
    assert said(notebook, capsys, "%cache_clear load 1") == "Cleared load(1)."
    assert said(notebook, capsys, "%cache_clear load 1") == "load(1) was not cached."
    assert said(notebook, capsys, "%cache_clear load") == "Cleared load() (2 entries)."
    assert said(notebook, capsys, "%cache_clear load") == "load() has no cached results."
    notebook.run_cell("load(1)")
    assert said(notebook, capsys, "%cache_clear") == "Cleared the cache (1 entry)."
    assert said(notebook, capsys, "%cache_clear") == "The cache is already empty."


def test_a_long_table_shows_fifty_rows_and_where_the_rest_is(notebook: Any) -> None:
    notebook.run_cell("for i in range(300): load(i)")
    table = notebook.run_line_magic("cache_info", "load")
    assert len(table.rows) == 50 and table.caption == "and 250 more: %cache_panel load shows all."
    assert len(table._repr_html_()) < 200 * 50
    assert {row[-1] for row in table.rows} == {"memory, disk"}


COMPLETED = {
    "%cache_clear lo": ["load"],
    "%cache_cells o": ["on", "off"],
    "%cache_cells on --m": ["min-time", "max-size"],
    "%cache_cells on --persist ": ["disk", "memory"],
    "%%cache_cell --t": ["ttl"],
    "%%cache_cell prices --ttl 1h --ou": ["outputs"],
    "%cache_trust ro": ["rotate"],
}


@pytest.mark.parametrize("typed", COMPLETED)
def test_names_options_and_commands_are_completed(typed: str, notebook: Any) -> None:
    from IPython.core.completer import provisionalcompleter

    with provisionalcompleter():
        found = [one.text for one in notebook.Completer.completions(typed, len(typed))]
    assert [text.lstrip("-") for text in found] == COMPLETED[typed]


def test_an_unknown_magic_word_is_an_error_that_python_can_catch(notebook: Any) -> None:
    with pytest.raises(UsageError):
        notebook.run_line_magic("cache_cells", "sometimes")


def test_a_side_effect_is_told_once_in_the_words_of_the_cell() -> None:
    effects = "it runs git, it changes environment variables"
    assert skipped(effects, ["os.environ['A']", "os.environ['A']"], False) == ["runs git", "sets os.environ['A']"]
    assert skipped("", (), True) == ["draws unseeded random numbers (--rng restores them)"]


def test_a_cell_that_starts_a_program_says_what_a_hit_skips(notebook: Any, capsys: pytest.CaptureFixture[str]) -> None:
    shown = said(notebook, capsys, "%%cache_cell\nimport subprocess\ndone = subprocess.run(['true']).returncode")
    assert shown == "Cached. A hit skips these side effects: runs true."


def test_a_hit_names_data_before_functions_and_modules(notebook: Any, capsys: pytest.CaptureFixture[str]) -> None:
    cell = "%%cache_cell\nimport bisect\ndef area(x): return x\nimport heapq\nyears = [1]\nzones = {}\nbands = ()"
    notebook.run_cell(cell)
    assert said(notebook, capsys, cell).startswith("restored bands, years, zones, area and 2 more")

"""The panel without widgets: what it shows, in which order, and what its actions do."""

from __future__ import annotations

import pytest
from panel_source import NOW, FakeSource

from nbcache.notebook.display import quantities as say
from nbcache.notebook.display.tables import natural
from nbcache.notebook.panel.clicks import Clicks
from nbcache.notebook.panel.model import PanelModel
from nbcache.notebook.panel.rows import Totals


def panel(source: FakeSource, owner: str | None = None) -> PanelModel:
    model = PanelModel(source, owner, clock=lambda: NOW)
    model.refresh()
    return model


def texts(model: PanelModel) -> list[str]:
    """What stands in the first column, line by line."""
    return [
        line.entry.label if line.entry else "note" if line.kind == "note" else line.function.label
        for line in model.lines()
    ]


# --- what is shown ------------------------------------------------------------------------------------------


def test_functions_are_listed_by_name_and_closed() -> None:
    model = panel(FakeSource({"train": 1, "load10": 2, "load2": 0}))

    assert texts(model) == ["load2", "load10", "train"]


def test_an_opened_function_shows_its_entries_in_natural_order() -> None:
    model = panel(FakeSource({"load": 11, "train": 1}))

    model.open("load")

    assert texts(model)[:3] == ["load", "load(0)", "load(1)"]
    assert texts(model)[-3:] == ["load(9)", "load(10)", "train"]


def test_a_closed_function_hides_its_entries_again() -> None:
    model = panel(FakeSource({"load": 2}))
    model.open("load")

    model.close("load")

    assert texts(model) == ["load"]


def test_an_opened_function_without_entries_says_so() -> None:
    model = panel(FakeSource({"load": 0}))

    model.open("load")

    assert "next call of load" in model.lines()[1].note


def test_the_panel_of_one_function_is_opened_and_counts_only_it() -> None:
    model = panel(FakeSource({"load": 2, "train": 5}), owner="load")

    assert texts(model) == ["load", "load(0)", "load(1)"]
    assert model.totals.entries == 2


def test_the_panel_of_an_unknown_function_is_empty() -> None:
    assert panel(FakeSource({"load": 2}), owner="gone").lines() == []


def test_drawing_reads_no_entries_of_closed_functions() -> None:
    source = FakeSource({"load": 2, "train": 5})

    panel(source).lines()

    assert not any(asked.startswith("entries") for asked in source.asked)


# --- search, sort, pages ------------------------------------------------------------------------------------


def test_search_finds_functions_by_name_whatever_the_case() -> None:
    model = panel(FakeSource({"load_data": 2, "train": 1}))

    model.search("  LOAD ")

    assert texts(model) == ["load_data"]


def test_search_finds_calls_of_opened_functions() -> None:
    model = panel(FakeSource({"load": 12, "train": 1}))
    model.open("load")

    model.search("(11)")

    assert texts(model) == ["load", "load(11)"]


def test_search_finds_calls_of_closed_functions_and_reads_each_once() -> None:
    source = FakeSource({"load": 12, "train": 12, "idle": 0})
    model = panel(source)
    for text in ("1", "11", "(11)"):
        model.search(text)
        found = texts(model)

    assert found == ["load", "load(11)", "train", "train(11)"]
    assert [line.opened for line in model.lines()] == [True, False, True, False]
    assert model.opened == []
    assert [asked for asked in source.asked if "entries" in asked] == ["entries of load", "entries of train"]

    source.put("load", 110)
    model.refresh()
    model.search("11")
    assert texts(model)[:3] == ["load", "load(11)", "load(110)"]
    model.search("")
    assert texts(model) == ["idle", "load", "train"]


@pytest.mark.parametrize("column", ["size", "hits", "took", "saved"])
def test_numbers_sort_from_the_greatest_and_once_more_from_the_least(column: str) -> None:
    model = panel(FakeSource({"few": 3, "many": 9, "none": 0}))

    model.sort_by(column)
    down = texts(model)
    model.sort_by(column)

    assert down == ["many", "few", "none"]
    assert texts(model) == ["none", "few", "many"]


def test_entries_sort_by_the_same_column_inside_their_function() -> None:
    model = panel(FakeSource({"load": 3}))
    model.open("load")

    model.sort_by("size")

    assert texts(model) == ["load", "load(2)", "load(1)", "load(0)"]


def test_cells_come_after_functions_whatever_they_are_called() -> None:
    model = panel(FakeSource({"cell a": 1, "zeta": 1, "cell 10": 1, "alpha": 1}))

    assert texts(model) == ["alpha", "zeta", "cell 10", "cell a"]


def test_names_sort_both_ways() -> None:
    model = panel(FakeSource({"a": 1, "b": 1}))

    model.sort_by("name")

    assert texts(model) == ["b", "a"]


def test_what_was_never_used_comes_last_in_both_directions() -> None:
    model = panel(FakeSource({"idle": 0, "used": 1, "older": 1}))

    model.sort_by("used")
    down = texts(model)
    model.sort_by("used")

    assert down == ["used", "older", "idle"]
    assert texts(model) == ["older", "used", "idle"]


def test_pages_stop_at_both_ends() -> None:
    model = panel(FakeSource({"load": 50}))
    model.open("load")

    model.turn(99, 20)
    lines, first, total = model.shown(20)
    assert (len(lines), first, total) == (11, 40, 51)

    model.turn(-99, 20)
    assert model.shown(20)[1] == 0


def test_a_page_that_went_away_falls_back_to_the_last_one() -> None:
    model = panel(FakeSource({"load": 50}))
    model.open("load")
    model.turn(99, 20)

    Clicks(model).clear_function("load")

    assert [line.kind for line in model.shown(20)[0]] == ["function", "note"]


def test_numbers_in_names_sort_by_value_however_long() -> None:
    names = ["f(10)", "f(9)", "F(1)", "f(-2)", "f(" + "9" * 5000 + ")", "f", "f(1.5)"]

    ordered = sorted(names, key=natural)

    assert ordered == ["f", "F(1)", "f(1.5)", "f(9)", "f(10)", "f(" + "9" * 5000 + ")", "f(-2)"]


def test_a_failed_reading_is_shown_and_the_rows_stay() -> None:
    source = FakeSource({"load": 1})
    model = panel(source)
    source.put("load", 7)
    source.failure = OSError("no such device")

    model.refresh()

    assert model.notice.text == "The cache could not be read: no such device"
    assert texts(model) == ["load"]


def test_a_function_that_cannot_be_opened_says_why() -> None:
    source = FakeSource({"load": 1})
    model = panel(source)
    source.failure = OSError("no such device")

    model.open("load")

    assert model.notice.error
    assert model.entries("load") is None


# --- staying up to date -------------------------------------------------------------------------------------


def test_nothing_is_read_while_nothing_changed() -> None:
    source = FakeSource({"load": 1})
    model = panel(source)
    source.asked.clear()

    assert not model.refresh()
    assert source.asked == []


def test_a_hit_elsewhere_is_seen() -> None:
    source = FakeSource({"load": 1})
    model = panel(source)
    model.open("load")

    source.hit("load", "0")

    assert model.refresh()
    assert model.totals.hits == 1
    assert (model.entries("load") or [])[0].hits == 1


def test_only_opened_functions_that_changed_are_read_again() -> None:
    source = FakeSource({"load": 1, "train": 1, "closed": 1})
    model = panel(source)
    model.open("load")
    model.open("train")
    source.asked.clear()

    source.hit("train", "0")
    source.hit("closed", "0")
    model.refresh()

    assert [asked for asked in source.asked if asked.startswith("entries")] == ["entries of train"]


def test_a_slow_reading_does_not_undo_a_clear() -> None:
    source = FakeSource({"load": 1})
    model = panel(source)
    source.put("load", 1)
    read_functions = source.functions

    def interrupted() -> list[object]:
        rows = read_functions()
        source.functions = read_functions
        Clicks(model).clear_function("load")
        return rows

    source.functions = interrupted
    model.refresh()

    assert model.totals.entries == 0


def test_of_a_hundred_thousand_entries_only_those_of_the_opened_function_are_read_and_once() -> None:
    source = FakeSource({f"function_{i}": 10_000 for i in range(10)})

    model = panel(source)
    model.open("function_3")
    for text in ("function_3", "function_3(7", ""):
        model.search(text)
        model.shown(20)
    model.sort_by("size")
    model.turn(100, 20)
    shown, _, total = model.shown(20)

    assert (len(shown), total) == (20, 10_010)
    assert [asked for asked in source.asked if asked.startswith("entries of function_3")] == ["entries of function_3"]


# --- words --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (0.0001, "< 1 ms"), (0.25, "250 ms"), (1.25, "1.2 s"), (59.7, "1 min"), (3599, "59 min 59 s"),
     (3600, "1 h"), (7380, "2 h 3 min"), (90000, "1 d 1 h")],
)  # fmt: skip
def test_durations_read_like_speech(seconds: float, text: str) -> None:
    assert say.duration(seconds) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 KB"), (10_240, "10 KB"), (1023 * 1024, "1.0 MB"), (5 * 1024**4, "5.0 TB")],
)
def test_sizes_are_powers_of_1024(amount: int, text: str) -> None:
    assert say.size(amount) == text


def test_ages_and_expiries_are_relative() -> None:
    assert say.ago(NOW - 1, NOW) == "just now"
    assert say.ago(NOW - 90, NOW) == "1 min ago"
    assert say.ago(NOW - 86400 * 3, NOW) == "3 days ago"
    assert say.left(NOW + 59.6, NOW) == "in 1 min"
    assert say.left(NOW - 1, NOW) == "expired"


def test_only_all_hits_are_a_hundred_percent() -> None:
    assert [say.percent(*pair) for pair in ((0, 0), (9999, 10000), (5, 5), (0, 3))] == ["–", "99 %", "100 %", "0 %"]


def test_totals_start_at_nothing() -> None:
    assert Totals().entries == 0

"""The panel on ipywidgets alone, its buttons pressed without a browser."""

from __future__ import annotations

from ipywidgets.widgets.widget import _instances as widgets_alive
from panel_source import NOW, FakeSource

from nbcache.notebook.panel.clear_button import clear_button
from nbcache.notebook.panel.clicks import Clicks
from nbcache.notebook.panel.model import PanelModel
from nbcache.notebook.panel.pool import PoolView


def pool(source: FakeSource, owner: str | None = None) -> PoolView:
    model = PanelModel(source, owner, clock=lambda: NOW)
    model.refresh()
    return PoolView(model, Clicks(model))


def shown(view: PoolView) -> list[str]:
    """The HTML of the rows that are there."""
    return [text.value for _, text, _ in view.rows if text.layout.display != "none"]


def press_clear(view: PoolView, tooltip: str) -> None:
    button = next(clear for _, _, clear in view.rows if clear.tooltip == tooltip)
    assert button.layout.visibility is None
    button.click()


def test_a_row_per_function_and_nothing_else() -> None:
    view = pool(FakeSource({"load": 2, "train": 1}))

    assert [(">load<" in row, ">train<" in row) for row in shown(view)] == [(True, False), (False, True)]


def test_the_toggle_opens_and_closes() -> None:
    view = pool(FakeSource({"load": 2}))
    toggle = view.rows[0][0]

    toggle.click()
    assert [">1<" in row for row in shown(view)] == [False, False, True]
    assert toggle.tooltip == "Hide the entries of load"

    toggle.click()
    assert len(shown(view)) == 1


def test_clear_on_an_entry_clears_it_and_the_row_goes() -> None:
    source = FakeSource({"load": 2})
    view = pool(source)
    view.rows[0][0].click()

    press_clear(view, "Clear load(1)")

    assert list(source.held["load"]) == [("load", "0")]
    assert not any(">1<" in row for row in shown(view))
    assert "Cleared load(1) (1 entry)." in view._notice.value


def test_clear_on_a_function_clears_it() -> None:
    source = FakeSource({"load": 2, "train": 1})
    view = pool(source)

    press_clear(view, "Clear train")

    assert (len(source.held["load"]), len(source.held["train"])) == (2, 0)


def test_every_clear_button_has_a_name_of_its_own() -> None:
    view = pool(FakeSource({"load": 5, "train": 1}))
    view.rows[0][0].click()

    names = [
        clear.tooltip for _, _, clear in view.rows if clear.layout.visibility is None and clear.layout.display is None
    ]

    assert len(names) == len(set(names)) == 7


def test_rows_without_an_action_have_no_button() -> None:
    view = pool(FakeSource({"load": 0}))
    view.rows[0][0].click()

    assert [clear.layout.visibility for _, _, clear in view.rows[:2]] == ["hidden", "hidden"]


def test_clear_all_asks_once_more_in_place() -> None:
    source = FakeSource({"load": 2})
    view = pool(source)

    view.clear_all.click()
    assert view.clear_all not in view._tools.children
    assert "Clear all 2 entries?" in view._question.value
    assert len(source.held["load"]) == 2

    view.really.click()
    assert source.held["load"] == {}
    assert view.clear_all in view._tools.children


def test_cancel_brings_the_first_button_back() -> None:
    source = FakeSource({"load": 2})
    view = pool(source)
    view.clear_all.click()

    view.cancel.click()

    assert len(source.held["load"]) == 2
    assert view.clear_all in view._tools.children


def test_a_clear_can_be_undone_in_place() -> None:
    source = FakeSource({"load": 2})
    view = pool(source)
    assert view.undo.layout.display == "none"
    press_clear(view, "Clear load")
    assert view.undo.layout.display is None
    assert view.clear_all.disabled

    view.undo.click()

    assert len(source.held["load"]) == 2
    assert view.undo.layout.display == "none"
    assert not view.clear_all.disabled
    assert "Restored load (2 entries)." in view._notice.value


def test_what_took_long_is_asked_for_where_everything_is() -> None:
    source = FakeSource({"load": 1})
    source.put("load", 7, 3600.0)
    view = pool(source)

    press_clear(view, "Clear load")
    assert len(source.held["load"]) == 2
    assert 'Clear load? <span class="nbc-why">2 entries, 1 h to compute.</span>' in view._question.value

    view.really.click()
    assert source.held["load"] == {}


def test_search_filters_while_typing() -> None:
    view = pool(FakeSource({"load": 2, "train": 1}))

    view.search.value = "tra"

    assert len(shown(view)) == 1
    view.search.value = "1"
    assert [">1<" in row for row in shown(view)] == [False, True]


def test_a_search_without_result_says_so() -> None:
    view = pool(FakeSource({"load": 2}))

    view.search.value = "<b>nothing</b>"

    assert "&lt;b&gt;nothing&lt;/b&gt;" in view._empty.value


def test_titles_sort_and_show_the_order_without_colour() -> None:
    view = pool(FakeSource({"few": 1, "many": 9}))

    view.sorts["size"].click()

    assert ">many<" in shown(view)[0]
    assert view.sorts["size"].description == "Size ▼"
    assert view.sorts["name"].description == "Function or arguments"


def test_pages_turn() -> None:
    view = pool(FakeSource({"load": 100}))
    view.rows[0][0].click()

    view.turns["Next page"].click()
    assert view._place.value == "21–40 of 101 rows"

    view.turns["Last page"].click()
    assert view._place.value == "101–101 of 101 rows"

    view.turns["First page"].click()
    assert ">load<" in shown(view)[0]


def test_an_empty_cache_teaches() -> None:
    view = pool(FakeSource())

    assert "@cache_data" in view._empty.value
    assert view._grid.layout.display == "none"


def test_errors_are_shown_in_the_panel() -> None:
    source = FakeSource({"load": 1})
    view = pool(source)
    source.failure = PermissionError("read-only <folder>")

    press_clear(view, "Clear load")

    assert "Could not clear load: read-only &lt;folder&gt;" in view._notice.value
    assert 'role="alert"' in view._notice.value


def test_arguments_cannot_inject_html() -> None:
    source = FakeSource({"<img src=x onerror=alert(1)>": 1})
    view = pool(source)
    view.rows[0][0].click()

    assert not any("<img" in row for row in shown(view))


def test_the_number_of_widgets_does_not_grow_with_the_entries() -> None:
    before = len(widgets_alive)
    view = pool(FakeSource({"load": 10_000}))
    view.rows[0][0].click()

    assert len(widgets_alive) - before < 110


def test_a_row_that_did_not_change_sends_nothing() -> None:
    view = pool(FakeSource({"load": 5, "train": 5}))
    changes: list[object] = []
    for row in view.rows:
        for part in row:
            part.observe(changes.append)

    view.draw()

    assert changes == []


# --- a button of its own ------------------------------------------------------------------------------------


def test_a_clear_button_clears_and_says_so() -> None:
    cleared: list[int] = []
    button = clear_button("load(1)", lambda: cleared.append(1) or 3)

    button.click()

    assert cleared == [1]
    assert button.description == "Clear load(1)"
    assert button.icon == "check"
    assert "3 entries gone" in button.tooltip


def test_a_clear_button_that_fails_says_why() -> None:
    def fail() -> int:
        raise OSError("disk is gone")

    button = clear_button("load(1)", fail, "Forget it")

    button.click()

    assert button.description == "Forget it"
    assert "disk is gone" in button.tooltip
    assert button.button_style == "danger"

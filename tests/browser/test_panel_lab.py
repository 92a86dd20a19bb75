"""The panel in a real JupyterLab: every kind of button, and which calls are computed again afterwards."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
from browser.jupyter import Notebook
from browser.panel_page import CALLS, MANY, SETUP, PanelPage, runs
from panel_source import FakeSource
from playwright.sync_api import expect

from nbcache.notebook.panel.model import PanelModel
from nbcache.notebook.panel.rows import Column

pytestmark = pytest.mark.browser

Lab = Callable[..., Notebook]
VIEWS = {True: "nbc-table", False: "nbcache-pool"}


# --- clearing -----------------------------------------------------------------------------------------------


def test_clear_on_a_row_makes_exactly_that_call_compute_again(notebook: Notebook, panel: PanelPage) -> None:
    panel.open("load_data")
    panel.lists("▾load_data", "1", "2", "10, mode='full'", "▸train")

    panel.button("Clear load_data(2)").click()

    panel.says("Cleared load_data(2) (1 entry).")
    expect(panel.row("load_data(2)")).to_have_count(0)
    assert runs(notebook, "load_data(1), load_data(2), load_data(10, mode='full'), train(3)") == ["load_data(2)"]
    assert notebook.errors == []


def test_clear_on_a_function_makes_all_its_calls_compute_again(notebook: Notebook, panel: PanelPage) -> None:
    panel.button("Clear load_data").click()

    panel.says("Cleared load_data (3 entries).")
    assert runs(notebook, "load_data(1), load_data(2), train(3)") == ["load_data(1)", "load_data(2)"]


def test_clear_all_asks_once_more_and_then_clears_everything(notebook: Notebook, panel: PanelPage) -> None:
    panel.root.get_by_text("Clear all…").click()
    expect(panel.root.get_by_text("Clear all 4 entries?")).to_be_visible()
    expect(panel.button("Cancel: keep all 4 entries")).to_be_focused()
    panel.button("Cancel: keep all 4 entries").click()
    assert runs(notebook, "load_data(1), train(3)") == []

    panel.root.get_by_text("Clear all…").click()
    panel.button("Clear all 4 entries").click()

    panel.says("Cleared the cache (4 entries).")
    expect(panel.root.locator(".nbc-push button")).to_be_disabled()
    assert runs(notebook, "load_data(1), train(3)") == ["load_data(1)", "train(3)"]
    expect(panel.root.locator(".nbc-push button")).to_be_enabled()


def test_a_clear_is_undone_by_a_click_or_by_keys_and_the_message_goes_away(
    notebook: Notebook, panel: PanelPage
) -> None:
    panel.button("Clear load_data").click()
    panel.says("Cleared load_data (3 entries).")
    panel.root.get_by_text("Undo", exact=True).click()
    panel.says("Restored load_data (3 entries).")
    panel.button("Clear train").press("Enter")
    panel.says("Cleared train (1 entry).")
    notebook.page.keyboard.press("Control+z")
    panel.says("Restored train (1 entry).")
    assert runs(notebook, "load_data(1), load_data(2), train(3)") == []

    panel.button("Clear train").click()
    expect(panel.root.get_by_text("Undo", exact=True)).to_be_visible()
    expect(panel.root.get_by_text("Undo", exact=True)).to_be_hidden(timeout=15_000)
    expect(panel.root.locator(".nbc-notice:not(.nbc-gone)")).to_have_text("")
    assert runs(notebook, "load_data(1), train(3)") == ["train(3)"]


@pytest.mark.parametrize("anywidget", [True, False])
def test_a_panel_in_a_layout_renders_asks_and_clears(lab: Lab, anywidget: bool) -> None:
    notebook = lab(anywidget=anywidget)
    notebook.run(MANY.replace("10_000", "3"))
    notebook.run("source.put('function_1', 77, 7200.0)")
    notebook.run(
        "import ipywidgets as w; box = w.VBox([show(source), w.Label('the chart')]); w.Tab([box], titles=['cache'])"
    )
    panel = PanelPage(notebook, VIEWS[anywidget])
    expect(notebook.page.get_by_text("the chart", exact=True)).to_be_visible()
    expect(notebook.page.get_by_role("tab", name="cache")).to_be_visible()

    def press_clear(name: str) -> None:
        panel.button(f"Clear {name}").or_(panel.root.get_by_title(f"Clear {name}", exact=True)).last.click()

    press_clear("function_2")
    panel.says("Cleared function_2 (3 entries).")
    press_clear("function_1")
    expect(panel.root.locator(".nbc-question").last).to_contain_text("Clear function_1? 4 entries, 2 h to compute.")
    panel.root.get_by_text("Cancel", exact=True).click()
    assert notebook.value("[len(source.held[f'function_{i}']) for i in (1, 2)]") == [4, 0]
    press_clear("function_1")
    panel.root.locator(".nbc-danger").click()
    panel.says("Cleared function_1 (4 entries).")
    panel.root.get_by_text("Undo", exact=True).click()
    panel.says("Restored function_1 (4 entries).")


def test_entries_of_an_earlier_session_are_cleared_without_their_function(notebook: Notebook) -> None:
    notebook.restart_kernel()
    notebook.run("%load_ext nbcache")
    notebook.run("cache_data.panel()")
    panel = PanelPage(notebook)
    panel.open("load_data")

    panel.button("Clear load_data(1)").click()

    panel.says("Cleared load_data(1) (1 entry).")
    notebook.run(SETUP)
    assert runs(notebook, "load_data(1), load_data(2)") == ["load_data(1)"]


def test_the_panel_of_one_function_shows_and_clears_only_it(notebook: Notebook) -> None:
    notebook.run("%cache_panel load_data")
    panel = PanelPage(notebook)
    expect(panel.row("load_data(1)")).to_be_visible()
    expect(panel.row("train")).to_have_count(0)

    panel.button("Clear all of load_data…").click()
    panel.button("Clear all 3 entries of load_data").click()

    panel.says("Cleared load_data (3 entries).")
    assert runs(notebook, "load_data(1), train(3)") == ["load_data(1)"]


def test_a_clear_button_clears_its_call(notebook: Notebook) -> None:
    notebook.run("load_data.clear_button(1)")

    notebook.page.get_by_role("button", name="Clear load_data(1)").click()

    expect(notebook.page.locator("button .fa-check")).to_be_visible()
    assert runs(notebook, "load_data(1), load_data(2)") == ["load_data(1)"]


def test_on_click_with_clear_clears_the_function(notebook: Notebook) -> None:
    notebook.run("import ipywidgets; b = ipywidgets.Button(description='Forget'); b.on_click(load_data.clear); b")

    notebook.page.get_by_role("button", name="Forget").click()
    notebook.run("1")

    assert runs(notebook, "load_data(1), load_data(2), train(3)") == ["load_data(1)", "load_data(2)"]


def test_errors_are_shown_in_the_panel(lab: Lab) -> None:
    notebook = lab()
    notebook.run(MANY.replace("10_000", "3"))
    notebook.run("show(source)")
    panel = PanelPage(notebook)
    notebook.run("source.failure = PermissionError('the folder is read-only')")

    panel.button("Clear function_3").click()

    panel.says("Error: Could not clear function_3: the folder is read-only")
    expect(panel.row("function_3")).to_be_visible()


# --- looking ------------------------------------------------------------------------------------------------


def test_a_hundred_thousand_entries_open_with_few_bytes_and_stay_in_the_browser(lab: Lab) -> None:
    notebook = lab()
    notebook.run(MANY)
    notebook.run("show(FakeSource({'first': 1}))")
    PanelPage(notebook)
    before = notebook.received

    notebook.run("show(source)")
    panel = PanelPage(notebook, number=1)
    expect(panel.button("Clear function_9")).to_be_visible()
    assert notebook.received - before < 200_000

    panel.open("function_4")
    expect(panel.row("function_4(7)")).to_be_visible()
    assert notebook.asked.count("open") == 1
    before, asked = notebook.received, len(notebook.asked)
    panel.root.get_by_label("Search").fill("9999")
    expect(panel.row("function_4(9999)")).to_be_visible()
    panel.root.get_by_label("Search").fill("")
    panel.root.get_by_role("button", name="Hits").first.click()
    assert panel.root.locator(".nbc-body .nbc-row").count() < 60
    panel.root.locator(".nbc-grid").evaluate("grid => { grid.scrollTop = 200_000; }")
    expect(panel.root.locator(".nbc-entry-row").first).to_be_visible()
    # A search asks once, after the last key, for what the browser does not have; an update is answered now and then.
    assert set(notebook.asked[asked:]) <= {"search", "seen"}, "sorting and scrolling ask the kernel nothing"
    assert notebook.asked[asked:].count("search") <= 2 and notebook.received - before < 50_000


def test_titles_sort_and_say_so(panel: PanelPage) -> None:
    header = panel.root.get_by_role("columnheader", name="Size")

    header.get_by_role("button").click()

    panel.lists("▸load_data", "▸train")
    expect(header).to_have_attribute("aria-sort", "descending")
    header.get_by_role("button").click()
    panel.lists("▸train", "▸load_data")
    expect(header).to_have_attribute("aria-sort", "ascending")


def test_every_column_sorts_functions_and_entries_as_the_model_does(lab: Lab) -> None:
    notebook = lab()
    notebook.run(MANY.replace("10_000", "i + 3"))
    notebook.run("show(source)")
    panel = PanelPage(notebook)
    panel.open("function_2")
    model = PanelModel(FakeSource({f"function_{i}": i + 3 for i in range(10)}))
    model.refresh()
    model.open("function_2")

    for column in get_args(Column):
        title = panel.root.locator(f".nbc-head .nbc-{column}")
        for _ in range(2):
            title.get_by_role("button").click()
            model.sort_by(column)
            order = "descending" if model.sort[1] else "ascending"
            expect(title).to_have_attribute("aria-sort", order)
            expected = [line.entry.arguments if line.entry else line.function.label for line in model.lines()]
            expect(panel.root.locator(".nbc-function-row .nbc-label, .nbc-words")).to_have_text(expected)


def test_a_panel_out_of_sight_is_told_nothing(notebook: Notebook) -> None:
    notebook.run("shown = cache_data.panel(); shown")
    panel = PanelPage(notebook)
    assert notebook.value("shown._live.watched")

    notebook.run("from IPython.display import HTML; HTML('<div style=\"height: 4000px\">far down</div>')")
    notebook.page.get_by_text("far down", exact=True).evaluate("node => node.scrollIntoView({block: 'end'})")
    expect(panel.root).not_to_be_in_viewport()
    turns = 0
    while notebook.value("shown._live.watched"):
        turns += 1
        assert turns < 100, "the kernel goes on looking for a panel that nobody sees"

    notebook.run("train(3)")
    panel.root.scroll_into_view_if_needed()
    expect(panel.row("train").locator(".nbc-hits")).to_have_text("1 of 2")


def test_nothing_comes_from_the_network(notebook: Notebook) -> None:
    asked: list[str] = []
    notebook.page.on("request", lambda request: asked.append(request.url))
    notebook.run("cache_data.panel()")
    panel = PanelPage(notebook)
    panel.open("load_data")
    expect(panel.row("load_data(1)")).to_be_visible()
    notebook.run("load_data.clear_button()")

    own = (notebook.server.url, "data:", "blob:")
    assert [url for url in asked if not url.startswith(own)] == []


def test_search_finds_calls_of_closed_functions_and_clears_them(notebook: Notebook, panel: PanelPage) -> None:
    panel.root.get_by_label("Search").fill("FULL")
    expect(panel.row("load_data(10, mode='full')")).to_be_visible()
    panel.lists("▾load_data", "10, mode='full'")

    panel.button("Clear load_data(10, mode='full')").click()

    panel.says("Cleared load_data(10, mode='full') (1 entry).")
    expect(panel.root.get_by_text("Nothing matches “FULL”.")).to_be_visible()
    panel.root.get_by_label("Search").fill("")
    panel.lists("▸load_data", "▸train")


def test_an_empty_cache_teaches(lab: Lab) -> None:
    notebook = lab()
    notebook.run("%load_ext nbcache")
    notebook.run("cache_data.panel()")

    expect(PanelPage(notebook).root.get_by_text("Nothing is cached yet")).to_be_visible()


def test_numbers_follow_calls_in_other_cells(notebook: Notebook, panel: PanelPage) -> None:
    expect(panel.figure("Entries")).to_have_text("4")

    notebook.run("load_data(5); train(3); train(3)")

    expect(panel.figure("Entries")).to_have_text("5")
    expect(panel.row("train").locator(".nbc-hits")).to_have_text("2 of 3")


def test_two_panels_follow_each_other(notebook: Notebook, panel: PanelPage) -> None:
    notebook.run("load_data.panel()")
    second = PanelPage(notebook, number=1)

    panel.button("Clear load_data").click()

    expect(second.row("load_data(1)")).to_have_count(0)
    expect(second.figure("Entries")).to_have_text("0")
    expect(panel.figure("Entries")).to_have_text("1")


def test_hits_send_no_messages_of_their_own(notebook: Notebook, panel: PanelPage) -> None:
    expect(panel.row("train").locator(".nbc-hits")).to_have_text("0 of 1")
    before = notebook.received

    notebook.run("for _ in range(20_000): train(3)")

    expect(panel.row("train").locator(".nbc-hits")).to_have_text("20,000 of 20,001")
    assert notebook.received - before < 40_000, "at most a few updates, however many hits"


def test_a_click_while_a_cell_runs_is_done(notebook: Notebook, panel: PanelPage) -> None:
    place = notebook.start("time.sleep(2)")

    panel.button("Clear train").click()

    panel.says("Cleared train (1 entry).")
    notebook.finished(place)
    assert runs(notebook, "load_data(1), train(3)") == ["train(3)"]


def test_a_kernel_that_does_not_answer_is_waited_for_while_search_and_sort_go_on(
    notebook: Notebook, panel: PanelPage, pictures: Path
) -> None:
    panel.open("load_data")
    expect(panel.row("load_data(2)")).to_be_visible()
    kernel = notebook.value("__import__('os').getpid()")
    os.kill(kernel, signal.SIGSTOP)
    try:
        panel.button("Clear load_data(2)").click()

        expect(panel.button("Clearing load_data(2)")).to_have_text("Clearing")
        expect(panel.button("Clearing load_data(2)")).to_have_attribute("aria-disabled", "true")
        panel.says("The kernel is busy.")
        panel.root.screenshot(path=pictures / "panel-waiting.png", animations="disabled")
        panel.root.get_by_role("button", name="Size").click()
        expect(panel.root.get_by_role("columnheader", name="Size").first).to_have_attribute("aria-sort", "descending")
        panel.root.get_by_label("Search").fill("full")
        expect(panel.root.locator(".nbc-entry-row")).to_have_count(1)
        panel.root.get_by_label("Search").fill("")
    finally:
        os.kill(kernel, signal.SIGCONT)

    panel.says("Cleared load_data(2) (1 entry).")
    expect(panel.row("load_data(2)")).to_have_count(0)
    assert runs(notebook, "load_data(1), load_data(2)") == ["load_data(2)"]


# --- sessions -----------------------------------------------------------------------------------------------


def test_a_restarted_kernel_is_noticed(notebook: Notebook, panel: PanelPage) -> None:
    notebook.restart_kernel()

    panel.says("The kernel of this panel has stopped. Run the cell again.")
    expect(panel.button("Clear train")).to_have_attribute("aria-disabled", "true")

    notebook.run(SETUP)
    notebook.run("cache_data.panel()")
    PanelPage(notebook, number=1).open("load_data")


def test_a_reloaded_page_brings_the_panel_back(notebook: Notebook, panel: PanelPage) -> None:
    notebook.save()
    notebook.open()

    again = PanelPage(notebook)
    again.button("Clear train").click()

    again.says("Cleared train (1 entry).")


def test_a_notebook_reopened_with_a_new_kernel_shows_the_plain_table(notebook: Notebook, panel: PanelPage) -> None:
    expect(notebook.page.locator(".nbcache-saved table")).to_be_hidden()
    notebook.save()
    notebook.page.evaluate("() => window.jupyterapp.serviceManager.sessions.shutdownAll()")

    notebook.open()

    expect(notebook.page.locator(".nbcache-saved table")).to_be_visible()
    expect(notebook.page.locator(".nbcache-saved")).to_contain_text("load_data")
    for broken in notebook.page.get_by_text("model not found").all():
        expect(broken).to_be_hidden()


# --- without anywidget --------------------------------------------------------------------------------------


def test_a_server_without_anywidget_gets_the_pool(lab: Lab) -> None:
    notebook = lab(anywidget=False)
    notebook.run(SETUP)
    notebook.run(CALLS)
    notebook.run("cache_data.panel()")
    pool = PanelPage(notebook, "nbcache-pool")
    pool.root.get_by_title("Show the entries of load_data").click()

    pool.root.get_by_title("Clear load_data(2)", exact=True).click()

    pool.says("Cleared load_data(2) (1 entry).")
    assert runs(notebook, "load_data(1), load_data(2), train(3)") == ["load_data(2)"]

    pool.root.get_by_title("Sort by size").click()
    pool.root.get_by_label("Search").fill("train")
    expect(pool.root.locator(".nbc-pool-rows .nbc-function:visible")).to_have_count(1)
    pool.root.get_by_title("Clear all 4 entries", exact=True).click()
    pool.root.get_by_title("Clear all 4 entries", exact=True).last.click()
    pool.says("Cleared the cache (4 entries).")


def test_the_pool_turns_pages_and_follows_the_cache_and_the_kernel(lab: Lab) -> None:
    notebook = lab(anywidget=False)
    notebook.run(MANY)
    notebook.run("show(source)")
    pool = PanelPage(notebook, "nbcache-pool")
    expect(pool.figure("Entries")).to_have_text("100,000")
    notebook.run("source.put('function_3', 123456)")
    expect(pool.figure("Entries")).to_have_text("100,001")
    pool.root.get_by_title("Show the entries of function_0").click()

    pool.root.get_by_title("Next page").click()

    expect(pool.root.get_by_text("21–40 of 10,010 rows")).to_be_visible()

    expect(pool.root.locator(".nbc-gone")).to_be_hidden()
    notebook.restart_kernel()
    expect(pool.root.locator(".nbc-gone")).to_be_visible()

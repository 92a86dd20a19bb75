"""The panel in a real Notebook 7."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from browser.jupyter import Notebook
from browser.panel_page import CALLS, SETUP, PanelPage, runs
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


@pytest.fixture
def notebook(lab: Callable[..., Notebook]) -> Notebook:
    opened = lab("notebook")
    opened.run(SETUP)
    opened.run(CALLS)
    return opened


def test_every_kind_of_clear_works(notebook: Notebook, axe: Callable[[Page, str], list[str]]) -> None:
    notebook.run("cache_data.panel()")
    panel = PanelPage(notebook)
    panel.open("load_data")

    panel.button("Clear load_data(2)").click()
    panel.says("Cleared load_data(2) (1 entry).")
    assert runs(notebook, "load_data(1), load_data(2), train(3)") == ["load_data(2)"]
    expect(panel.button("Clear load_data(2)")).to_be_visible()  # the rows below have moved

    panel.button("Clear train").click()
    panel.says("Cleared train (1 entry).")
    assert runs(notebook, "load_data(1), train(3)") == ["train(3)"]

    expect(panel.figure("Entries")).to_have_text("4")
    panel.root.get_by_text("Clear all…").click()
    panel.button("Clear all 4 entries").click()
    panel.says("Cleared the cache (4 entries).")
    assert runs(notebook, "load_data(1), train(3)") == ["load_data(1)", "train(3)"]

    assert axe(notebook.page, ".nbcache-panel") == []
    assert notebook.errors == []


def test_a_saved_notebook_shows_the_plain_table_to_a_new_kernel(notebook: Notebook) -> None:
    notebook.run("cache_data.panel()")
    PanelPage(notebook)
    notebook.save()
    notebook.page.evaluate("() => window.jupyterapp.serviceManager.sessions.shutdownAll()")

    notebook.open()

    expect(notebook.page.locator(".nbcache-saved table")).to_be_visible()
    for broken in notebook.page.get_by_text("model not found").all():
        expect(broken).to_be_hidden()


def test_a_server_without_anywidget_gets_the_pool(lab: Callable[..., Notebook]) -> None:
    notebook = lab("notebook", anywidget=False)
    notebook.run(SETUP)
    notebook.run(CALLS)
    notebook.run("load_data.panel()")
    pool = PanelPage(notebook, "nbcache-pool")

    pool.root.get_by_title("Clear load_data(1)", exact=True).click()

    pool.says("Cleared load_data(1) (1 entry).")
    assert runs(notebook, "load_data(1), load_data(2)") == ["load_data(1)"]

"""The panel over everything a cache can hold: cells, a shared store, and what other processes do to the disk."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from browser.jupyter import Notebook
from browser.panel_page import PanelPage, runs
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

Lab = Callable[..., Notebook]

CELL = """%%cache_cell prepare
open("runs.txt", "a").write("prepare\\n")
table = [number * factor for number in range(5)]"""
MODULE = """
import sys
from nbcache import cache_data

@cache_data(persist="disk", show_spinner=False)
def fetch(number):
    with open("runs.txt", "a") as runs:
        runs.write(f"fetch({number})\\n")
    return bytes(2000 if "ipykernel" in sys.modules else 50_000)
"""
ELSEWHERE = """
import subprocess, sys
subprocess.run([sys.executable, "-c", {code!r}], check=True)
"""


def test_a_cached_cell_is_a_row_and_runs_again_after_clear(lab: Lab) -> None:
    notebook = lab()
    notebook.run("%load_ext nbcache\nfactor = 3")
    notebook.run(CELL)
    notebook.run(CELL)
    notebook.run("%cache_panel")
    panel = PanelPage(notebook)
    assert notebook.value("open('runs.txt').read().split()") == ["prepare"]
    expect(panel.row("prepare").locator(".nbc-hits")).to_have_text("1 of 2")
    panel.root.locator(".nbc-toggle", has_text="prepare").click()
    entry = panel.root.locator(".nbc-entry-row")
    expect(entry).to_have_count(1)
    expect(entry.locator(".nbc-state")).to_have_text("memory, disk")

    entry.get_by_role("button").click()

    panel.says("(1 entry).")
    expect(entry).to_have_count(0)
    notebook.run(CELL)
    assert notebook.value("open('runs.txt').read().split()") == ["prepare", "prepare"]
    expect(entry).to_have_count(1)

    panel.root.locator(".nbc-function-row", has_text="prepare").get_by_role("button", name="Clear").click()
    panel.says("(1 entry).")
    notebook.run(CELL)
    assert notebook.value("open('runs.txt').read().split()") == ["prepare"] * 3
    assert notebook.errors == []


def test_what_a_colleague_shared_is_shown_and_cleared(lab: Lab) -> None:
    notebook = lab()
    notebook.run(f"open('colleague.py', 'w').write({MODULE!r})")
    notebook.run("import os; os.environ['NBCACHE_STORE'] = 'file://' + os.path.abspath('shared')")
    code = "import os; os.environ['NBCACHE_DIR'] = 'theirs'; from colleague import fetch; fetch(1), fetch(2)"
    notebook.run(ELSEWHERE.format(code=code))
    notebook.run("%load_ext nbcache")
    notebook.run("%cache_panel")
    panel = PanelPage(notebook)
    expect(panel.figure("Shared")).to_have_text("file")
    expect(panel.row("fetch").locator(".nbc-state")).to_have_text("shared")
    panel.root.locator(".nbc-toggle", has_text="fetch").click()
    notebook.run("from colleague import fetch")
    assert runs(notebook, "fetch(2)") == [], "a hit of the shared store"
    first = panel.row("fetch(1)")
    second = panel.row("fetch(2)")
    expect(first.locator(".nbc-state")).to_have_text("shared")
    expect(second.locator(".nbc-state")).to_have_text("memory, disk, shared")

    first.get_by_role("button").click()

    panel.says("Cleared colleague.fetch(1) (1 entry).")
    expect(first).to_have_count(0)
    assert runs(notebook, "fetch(1), fetch(2)") == ["fetch(1)"]
    assert notebook.errors == []


def test_what_another_process_adds_replaces_and_clears_is_followed(lab: Lab) -> None:
    notebook = lab()
    notebook.run(f"open('colleague.py', 'w').write({MODULE!r})")
    notebook.run("%load_ext nbcache\nfrom colleague import fetch\nfetch(1)")
    notebook.run("fetch.panel()")
    panel = PanelPage(notebook)
    first = panel.row("fetch(1)")
    size = first.locator(".nbc-size")
    expect(size).to_have_text(re.compile(r"^2\.. KB$"))

    notebook.run(ELSEWHERE.format(code="from colleague import fetch; fetch(2)"))
    expect(panel.row("fetch(2)")).to_be_visible()

    notebook.run(ELSEWHERE.format(code="from colleague import fetch; fetch.refresh(1)"))
    expect(size).to_have_text("50 KB")

    notebook.run(ELSEWHERE.format(code="from colleague import fetch; fetch.clear(2)"))
    expect(panel.row("fetch(2)")).to_have_count(0)
    expect(first).to_be_visible()
    assert notebook.errors == []

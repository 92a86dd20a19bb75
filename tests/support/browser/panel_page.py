"""A panel in a notebook, by what a user sees and presses."""

from __future__ import annotations

from playwright.sync_api import Locator, expect

from browser.jupyter import Notebook

SETUP = """
%load_ext nbcache
import time

def note(text):
    with open("runs.txt", "a") as runs:
        runs.write(text + "\\n")

@cache_data(persist="disk", show_spinner=False)
def load_data(year, mode="fast"):
    note(f"load_data({year})")
    return list(range(year))

@cache_data(show_spinner=False)
def train(depth):
    note(f"train({depth})")
    return depth
"""
CALLS = "load_data(1); load_data(2); load_data(10, mode='full'); train(3)"
MANY = """
from panel_source import FakeSource
from nbcache.notebook.panel.front import show
source = FakeSource({f"function_{i}": 10_000 for i in range(10)})
"""


class PanelPage:
    """One panel: the table if the browser loaded it, else the pool."""

    def __init__(self, notebook: Notebook, kind: str = "nbc-table", number: int = 0) -> None:
        self.notebook = notebook
        self.page = notebook.page
        self.root = self.page.locator(f".{kind}").nth(number)
        expect(self.root).to_be_visible(timeout=15_000)
        expect(self.root.locator(".nbc-figure-value").first).to_be_visible()

    def button(self, name: str, *, exact: bool = True) -> Locator:
        return self.root.get_by_role("button", name=name, exact=exact)

    def lists(self, *names: str) -> None:
        """Check the first column, from top to bottom: functions with their arrows, and arguments."""
        expect(self.root.locator(".nbc-body .nbc-row :is(.nbc-toggle, .nbc-words)")).to_have_text(list(names))

    def row(self, name: str) -> Locator:
        """The row of a function or a cell, or of a call as it would be typed."""
        if "(" not in name:
            return self.root.locator(".nbc-function-row", has_text=name)
        return self.root.locator(".nbc-entry-row").filter(has=self.page.locator(f'.nbc-name[title$="{name}"]'))

    def open(self, name: str) -> None:
        self.root.locator(".nbc-toggle", has_text=name).click()

    def says(self, text: str) -> None:
        expect(self.root.locator(".nbc-notice:not(.nbc-gone)")).to_contain_text(text, timeout=15_000)

    def figure(self, title: str) -> Locator:
        return self.root.locator(".nbc-figure", has_text=title).locator(".nbc-figure-value")


def runs(notebook: Notebook, calls: str) -> list[str]:
    """Make calls; return those that were computed."""
    code = f"(open('runs.txt', 'w').close(), {calls}, open('runs.txt').read().split())[-1]"
    return list(notebook.value(code))

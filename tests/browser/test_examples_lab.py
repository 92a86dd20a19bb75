"""The notebook of Streamlit's examples in a real JupyterLab: its own buttons, and what runs again afterwards."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator

import nbformat
import pytest
from browser.jupyter import ROOT, Notebook, Server
from playwright.sync_api import BrowserContext, Locator, expect

pytestmark = pytest.mark.browser

SOURCE = ROOT / "notebooks" / "02_streamlit_examples.ipynb"
DONE = re.compile(r"^\[\d+\]:$")


class Examples:
    """The open copy, by what a user sees and presses."""

    def __init__(self, notebook: Notebook, places: dict[str, int]) -> None:
        self.notebook = notebook
        self.page = notebook.page
        self._places = places
        self.first: dict[str, list[str]] = {}

    def run_all(self) -> None:
        """Choose Run > Run All Cells, wait for every cell and keep what each showed first."""
        self.page.locator(".lm-MenuBar-itemLabel", has_text=re.compile(r"^Run$")).click()
        self.page.locator(".lm-Menu-itemLabel", has_text=re.compile(r"^Run All Cells$")).click()
        for name in self._places:
            expect(self._prompt(name)).to_have_text(DONE, timeout=40_000)
        self.first = {name: self.printed(name) + self.result(name) for name in self._places}

    def run(self, name: str) -> None:
        """Run one cell again by its prompt and the keyboard."""
        prompt = self._prompt(name)
        before = prompt.inner_text()
        prompt.click()
        self.page.keyboard.press("Control+Enter")
        expect(prompt).not_to_have_text(before)
        expect(prompt).to_have_text(DONE, timeout=20_000)

    def press(self, text: str) -> None:
        self.page.locator("button.jupyter-button").get_by_text(text, exact=True).click()

    def printed(self, name: str) -> list[str]:
        return self._shown(name, "application/vnd.jupyter.stdout")

    def result(self, name: str) -> list[str]:
        return self._shown(name, "text/plain")

    def rerun(self, name: str) -> list[str]:
        """Run a cell again; return the lines that it printed."""
        self.run(name)
        return self.printed(name)

    def misses(self) -> list[int]:
        """How often square and cube were computed."""
        return list(self.notebook.value("[square.info().misses, cube.info().misses]"))

    def _cell(self, name: str) -> Locator:
        return self.page.locator(".jp-Notebook .jp-Cell").nth(self._places[name])

    def _prompt(self, name: str) -> Locator:
        return self._cell(name).locator(".jp-InputPrompt")

    def _shown(self, name: str, kind: str) -> list[str]:
        texts = self._cell(name).locator(f".jp-OutputArea-output[data-mime-type='{kind}']").all_inner_texts()
        return [line for text in texts for line in text.splitlines() if line]


@pytest.fixture(scope="module")
def ran(server: Server, context: BrowserContext) -> Iterator[Examples]:
    """A copy without outputs, opened and run from its first cell to its last."""
    book = nbformat.read(SOURCE, as_version=4)
    places = {cell.id: place for place, cell in enumerate(book.cells) if cell.cell_type == "code"}
    for place in places.values():
        book.cells[place].update(outputs=[], execution_count=None)
    folder = f"examples-{secrets.token_hex(4)}"
    (server.root / folder).mkdir()
    nbformat.write(book, server.root / folder / "notebook.ipynb")
    notebook = Notebook(server, context, folder, "lab")
    notebook.page.set_viewport_size({"width": 1280, "height": 900})
    try:
        examples = Examples(notebook.open(), places)
        examples.run_all()
        yield examples
    finally:
        notebook.close()


@pytest.fixture
def examples(ran: Examples) -> Iterator[Examples]:
    """The copy with every call cached; afterwards the browser must have had nothing to complain about."""
    for name in ("use", "call"):
        ran.run(name)
    assert ran.rerun("call") == []
    yield ran
    assert ran.notebook.errors == []


def test_the_notebook_runs_and_shows_what_its_text_says(ran: Examples) -> None:
    assert ran.first["use"] == ["(9, 27)"]
    assert ran.first["is-cached"] == ["(True, True)"]
    assert ran.first["call"] == ["Executed foo(1).", "Executed foo(2).", "2"]
    assert ran.first["magic"] == ["Cleared foo(1)."]
    assert ran.first["call-again"] == ["Executed foo(1).", "2"]
    assert ran.notebook.errors == []


def test_the_button_of_foo_makes_all_its_calls_execute_again_and_no_other_function(examples: Examples) -> None:
    examples.press("Clear all cached values for `foo`")

    assert examples.rerun("call") == ["Executed foo(1).", "Executed foo(2)."]
    assert examples.rerun("call-again") == []
    examples.run("is-cached")
    assert examples.result("is-cached") == ["(True, True)"]


def test_the_button_of_one_call_makes_only_that_call_execute_again(examples: Examples) -> None:
    examples.press("Clear the cached value of `foo(1)`")

    assert examples.rerun("call") == ["Executed foo(1)."]
    assert examples.rerun("call-again") == []


def test_clear_all_makes_square_and_cube_compute_again(examples: Examples) -> None:
    examples.run("is-cached")
    assert examples.result("is-cached") == ["(True, True)"]

    examples.press("Clear All")

    examples.run("is-cached")
    assert examples.result("is-cached") == ["(False, False)"]
    before = examples.misses()
    examples.run("use")
    assert examples.result("use") == ["(9, 27)"]
    assert examples.misses() == [count + 1 for count in before]
    examples.run("is-cached")
    assert examples.result("is-cached") == ["(True, True)"]

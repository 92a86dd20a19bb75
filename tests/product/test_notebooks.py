"""The notebooks are run as a person would: top to bottom, buttons pressed, and once more after a restart."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from processes import without_settings

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


class Page:
    """A notebook in a kernel of its own, driven the way a browser drives it."""

    def __init__(self, client: NotebookClient) -> None:
        self.client = client
        self.cells = {cell["id"]: (index, cell) for index, cell in enumerate(client.nb.cells)}

    def run_all(self) -> None:
        for name, (_, cell) in self.cells.items():
            if cell["cell_type"] == "code":
                self.run(name)

    def run(self, name: str) -> str:
        """Run one cell; return all that it shows as text."""
        index, cell = self.cells[name]
        self.client.execute_cell(cell, index)
        return self.shown(name)

    def shown(self, name: str) -> str:
        return "".join(_text(output) for output in self.cells[name][1]["outputs"])

    def printed(self) -> str:
        return "".join(self.shown(name) for name, (_, cell) in self.cells.items() if cell["cell_type"] == "code")

    def evaluate(self, expression: str) -> str:
        cell = nbformat.v4.new_code_cell(f"print({expression})")
        self.client.nb.cells.append(cell)
        self.client.execute_cell(cell, len(self.client.nb.cells) - 1)
        return "".join(_text(output) for output in cell["outputs"]).strip()

    def click(self, button: str) -> None:
        """Send the message that a browser sends when the button is pressed."""
        model = self.evaluate(f"{button}.model_id")
        kernel = self.client.kc
        assert kernel is not None
        press = {"comm_id": model, "data": {"method": "custom", "content": {"event": "click"}}}
        kernel.shell_channel.send(kernel.session.msg("comm_msg", press))


def _text(output: dict[str, Any]) -> str:
    shown = output.get("text") or output.get("data", {}).get("text/plain", "")
    # A finished spinner leaves an empty output behind.
    return f"{shown.rstrip()}\n" if shown else ""


@contextmanager
def opened(name: str, folder: Path, **replacements: str) -> Iterator[Page]:
    """A notebook of the repository, copied to a folder, with a fresh kernel whose cache lies in that folder."""
    folder.mkdir(exist_ok=True)
    shutil.copy(NOTEBOOKS / name, folder)
    notebook = nbformat.read(folder / name, as_version=4)
    for cell in notebook.cells:
        for old, new in replacements.items():
            cell.source = cell.source.replace(old, new)
    environment = without_settings()
    environment |= {
        "IPYTHONDIR": str(folder / "ipython"),
        "NBCACHE_KEY_FILE": str(folder / "state" / "key"),
        "NBCACHE_PERSIST": "disk",
        "PYTHONPATH": str(NOTEBOOKS.parent),
    }
    client = NotebookClient(notebook, timeout=100, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
    with client.setup_kernel(env=environment):
        yield Page(client)


@pytest.fixture(scope="module")
def tour(tmp_path_factory: pytest.TempPathFactory) -> tuple[Page, Page]:
    """The tour, run twice: the second time in a new kernel."""
    pytest.importorskip("sklearn")
    pytest.importorskip("matplotlib")
    folder = tmp_path_factory.mktemp("tour")
    runs = []
    for _ in range(2):
        with opened("01_tour.ipynb", folder) as page:
            page.run_all()
        runs.append(page)
    return runs[0], runs[1]


def test_the_tour_computes_every_step_once(tour: tuple[Page, Page]) -> None:
    first, _ = tour

    assert first.shown("load-scans").split() == ["loading", "(1797,", "65)"]
    assert first.shown("clean") == "cleaning 1797 scans\n"
    assert first.shown("train").count("training") == 3
    assert "cleaning" not in first.shown("train")
    assert "Wall time" in first.shown("hit")
    assert "training" not in first.shown("hit")


def test_the_tour_lists_its_functions(tour: tuple[Page, Page]) -> None:
    first, _ = tour

    assert all(name in first.shown("info") for name in ("load_scans", "clean", "accuracy"))


def test_the_tour_clears_one_argument_and_computes_only_that(tour: tuple[Page, Page]) -> None:
    first, _ = tour

    assert "(False, True)" in first.shown("clear-one")
    assert first.shown("compute-again").startswith("training 60 trees")


def test_the_tour_explains_what_a_changed_function_costs(tour: tuple[Page, Page]) -> None:
    first, _ = tour

    assert "straighten" in first.shown("explain")
    assert "cleaning 1797 scans" in first.shown("changed")
    assert "training 60 trees" in first.shown("changed")
    assert "loading" not in first.shown("changed")


def test_after_a_restart_the_tour_computes_only_what_it_cleared_itself(tour: tuple[Page, Page]) -> None:
    _, second = tour

    assert "loading" not in second.printed()
    assert "cleaning" not in second.printed()
    assert second.printed().count("training") == 1
    assert second.shown("compute-again").startswith("training 60 trees")


def test_after_a_restart_the_results_are_the_same(tour: tuple[Page, Page]) -> None:
    first, second = tour

    assert second.shown("train").splitlines() == [
        line for line in first.shown("train").splitlines() if not line.startswith("training")
    ]
    assert second.shown("changed").splitlines()[-1] == first.shown("changed").splitlines()[-1]


def test_after_a_restart_the_cached_cell_shows_its_figure_again(tour: tuple[Page, Page]) -> None:
    def pictures(page: Page) -> list[str]:
        outputs = page.cells["cell"][1]["outputs"]
        return [output["data"]["image/png"] for output in outputs if "image/png" in output.get("data", {})]

    first, second = tour

    assert len(pictures(first)) == 1
    assert pictures(second) == pictures(first)


@pytest.fixture
def examples(tmp_path: Path) -> Iterator[Page]:
    with opened("02_streamlit_examples.ipynb", tmp_path, **{"time.sleep(2)": "time.sleep(0.01)"}) as page:
        page.run_all()
        yield page


BOTH = "Executed foo(1).\nExecuted foo(2).\n"


def test_a_first_call_executes_and_a_second_does_not(examples: Page) -> None:
    assert BOTH in examples.shown("call")
    assert "Executed foo(2)" not in examples.shown("call-again")

    assert "Executed" not in examples.run("call")


def test_the_magic_clears_the_value_of_foo_1_only(examples: Page) -> None:
    assert "Executed foo(1)." in examples.shown("call-again")
    assert "Executed foo(2)." not in examples.shown("call-again")


def test_the_button_for_foo_1_clears_that_value_only(examples: Page) -> None:
    examples.click("clear_foo_1")

    shown = examples.run("call")

    assert "Executed foo(1)." in shown
    assert "Executed foo(2)." not in shown


def test_the_button_for_foo_clears_all_its_values_and_no_others(examples: Page) -> None:
    examples.click("clear_foo")

    assert BOTH in examples.run("call")
    assert "(True, True)" in examples.run("is-cached")


def test_the_button_clear_all_clears_every_function(examples: Page) -> None:
    assert "(True, True)" in examples.shown("is-cached")

    examples.click("clear_all")

    assert "(False, False)" in examples.run("is-cached")
    assert BOTH in examples.run("call")


def test_the_buttons_say_what_streamlits_say(examples: Page) -> None:
    texts = [examples.evaluate(f"{name}.description") for name in ("clear_all", "clear_foo", "clear_foo_1")]

    assert texts == ["Clear All", "Clear all cached values for `foo`", "Clear the cached value of `foo(1)`"]


def test_the_examples_are_restored_from_disk_after_a_restart(tmp_path: Path) -> None:
    quick = {"time.sleep(2)": "time.sleep(0.01)"}
    with opened("02_streamlit_examples.ipynb", tmp_path, **quick) as page:
        page.run_all()
    with opened("02_streamlit_examples.ipynb", tmp_path, **quick) as page:
        page.run_all()

        assert "Executed" not in page.shown("call")
        assert "(True, True)" in page.shown("is-cached")

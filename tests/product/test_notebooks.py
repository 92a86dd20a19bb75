"""The notebooks are run as a person would: top to bottom, buttons pressed, and once more after a restart."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

import nbformat
import pytest
from live import started
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
        return "".join(_text(output) for output in _whole(self.cells[name][1]["outputs"]))

    def printed(self) -> str:
        return "".join(self.shown(name) for name, (_, cell) in self.cells.items() if cell["cell_type"] == "code")

    def evaluate(self, expression: str) -> str:
        cell = nbformat.v4.new_code_cell(f"print({expression})")
        self.client.nb.cells.append(cell)
        self.client.execute_cell(cell, len(self.client.nb.cells) - 1)
        return "".join(_text(output) for output in _whole(cell["outputs"])).strip()

    def click(self, button: str) -> None:
        """Send the message that a browser sends when the button is pressed."""
        model = self.evaluate(f"{button}.model_id")
        kernel = self.client.kc
        assert kernel is not None
        press = {"comm_id": model, "data": {"method": "custom", "content": {"event": "click"}}}
        kernel.shell_channel.send(kernel.session.msg("comm_msg", press))

    def pictures(self, name: str) -> list[str]:
        outputs = self.cells[name][1]["outputs"]
        return [output["data"]["image/png"] for output in outputs if "image/png" in output.get("data", {})]


def _whole(outputs: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The outputs, with what was written to one stream in one piece: a busy kernel sends a line in several."""
    for name, pieces in groupby(outputs, key=lambda output: output.get("name")):
        if name is None:
            yield from pieces
        else:
            yield {"name": name, "text": "".join(piece["text"] for piece in pieces)}


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
    where = {"metadata": {"path": str(folder)}}

    def make() -> NotebookClient:
        return NotebookClient(notebook, timeout=100, kernel_name="python3", resources=where)

    with started(make, environment) as client:
        yield Page(client)


@pytest.fixture(scope="module")
def tour(tmp_path_factory: pytest.TempPathFactory) -> tuple[Page, Page]:
    """The tour, run twice: the second time in a new kernel."""
    pytest.importorskip("sklearn")
    pytest.importorskip("matplotlib")
    folder = tmp_path_factory.mktemp("tour")
    runs = []
    for _ in range(2):
        with opened("01_tour.ipynb", folder, **{"cv=5": "cv=2"}) as page:
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
    first, second = tour

    assert len(first.pictures("cell")) == 1
    assert second.pictures("cell") == first.pictures("cell")


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


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for the notebooks below: they have no function in common."""
    for guest in ("sklearn", "matplotlib", "pandas"):
        pytest.importorskip(guest)
    return tmp_path_factory.mktemp("work")


def test_slow_cells_are_restored_after_a_restart(work: Path) -> None:
    quick = {"--min-time 0.3s": "--min-time 0.1s", "50, 250": "20, 50", "scores[250]": "scores[50]", "(400": "(100"}
    runs = []
    for _ in range(2):
        with opened("03_cells_and_restart.ipynb", work, **quick) as page:
            page.run_all()
        runs.append(page)
    first, second = runs

    assert "restored" not in first.shown("fit") + first.shown("importance")
    assert "restored" in second.shown("fit") and "restored" in second.shown("importance")
    assert first.shown("fit").strip() in second.shown("fit")
    assert second.pictures("importance") == first.pictures("importance") != []
    assert "hit" in second.shown("explain")


def test_each_change_is_a_miss_that_names_it_and_changed_back_a_hit(work: Path) -> None:
    with opened("04_staleness_and_explain.ipynb", work) as page:
        page.run_all()

        assert page.printed().count("computing") == 1
        assert "hit" in page.shown("hit") and "patients.csv" in page.shown("hit")
        for cell, named in (("helper", "grouped"), ("file", "patients.csv"), ("global", "heavy")):
            assert "miss" in page.shown(cell) and named in page.shown(cell)
        assert [page.shown(f"{cell}") for cell in ("back", "file-back", "global-back")] == ["True\n"] * 3
        assert "datetime.now" in page.shown("unfollowed")


def test_the_panel_shows_what_the_notebook_cached_and_its_buttons_clear_it(work: Path) -> None:
    with opened("05_panel.ipynb", work) as page:
        page.run_all()
        assert "accuracy" in page.shown("panel") and "tumors" in page.shown("panel")
        assert "(True, True)" in page.shown("is-cached")

        page.click("one")

        assert "(False, True)" in page.run("is-cached")


def test_a_sweep_computes_only_what_is_missing(work: Path) -> None:
    with opened("06_parallel_sweeps.ipynb", work, **{"n_jobs=2": "n_jobs=2, backend='threading'"}) as page:
        page.run_all()

        assert "[True, True, False, True, False, True]" in page.shown("extend")
        assert "['float', 'ValueError']" in page.shown("error")
        assert page.evaluate("all(accuracy.is_cached(gamma) for gamma in finer)") == "True"


def test_a_colleague_computes_only_what_nobody_has_computed(work: Path) -> None:
    with opened("07_shared_store.ipynb", work, **{"(learning_rate": "(n_estimators=5, learning_rate"}) as page:
        page.run_all()

        assert "training with rate 0.1" in page.shown("mine")
        assert page.shown("colleague").count("training") == 1
        assert "training" not in page.shown("back")


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_is_saved_with_what_it_shows_and_without_widgets_or_errors(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]

    assert len(outputs) > 3
    assert not [output for output in outputs if output.output_type == "error"]
    assert not [output for output in outputs if "application/vnd.jupyter.widget-view+json" in output.get("data", {})]
    assert not [output for output in outputs if "data" in output and not any(output["data"].values())]
    assert path.stat().st_size < 100_000


def test_the_tour_without_a_browser_prints_text_and_no_markup(tmp_path: Path, capfd: Any) -> None:
    book = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_markdown_cell("# A title\n\nSome text."),
            nbformat.v4.new_code_cell("%load_ext nbcache\n@cache_data\ndef foo(x):\n    return x\n\nfoo(1)"),
            nbformat.v4.new_code_cell("%cache_info"),
        ]
    )
    nbformat.write(book, tmp_path / "small.ipynb")
    command = [sys.executable, NOTEBOOKS.parent / "tests" / "support" / "printed_notebook.py", tmp_path / "small.ipynb"]

    subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": str(NOTEBOOKS.parent)}, timeout=90)

    printed = capfd.readouterr().out
    assert printed.startswith("A title\n-------\n")
    assert "foo" in printed and "entries" in printed
    assert "<table" not in printed and "\n\n\n" not in printed

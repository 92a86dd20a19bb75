"""Run the notebooks of this repository with an empty cache, and save their outputs: `python3 dev.py notebooks`.

A name or a part of one chooses among them: `python3 dev.py notebooks tour`.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
WIDGET = "application/vnd.jupyter.widget-view+json"


def main() -> None:
    chosen = sys.argv[1:] or [""]
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        if any(part in path.name for part in chosen):
            save(path)
            print(path.name, flush=True)


def save(path: Path) -> None:
    """Run one notebook in a folder of its own, and write it back as a code-hosting site can show it."""
    folder = Path(tempfile.mkdtemp())
    os.environ |= {
        "IPYTHONDIR": str(folder / "ipython"),
        "NBCACHE_KEY_FILE": str(folder / "state" / "key"),
        "PYTHONPATH": str(NOTEBOOKS.parent),
    }
    try:
        notebook = nbformat.read(path, as_version=4)
        (folder / "work").mkdir()
        place = {"metadata": {"path": str(folder / "work")}}
        client = NotebookClient(notebook, timeout=300, kernel_name="python3", store_widget_state=False,
                                record_timing=False, resources=place)  # fmt: skip
        client.execute()
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs = merged(filter(is_seen, map(without_widgets, cell.outputs)))
        notebook.metadata = {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
        nbformat.write(notebook, path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def without_widgets(output: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """An output without the widget, which lives in its kernel only; the table beside it stays."""
    if WIDGET in output.get("data", {}):
        del output["data"][WIDGET]
        output["metadata"] = {}
    return output


def is_seen(output: nbformat.NotebookNode) -> bool:
    """Whether anything is left to see; a finished spinner, or a widget without a table, is nothing."""
    shown = (re.sub(r"<!--.*?-->", "", str(text)) for text in output.get("data", {"": "text"}).values())
    return any(text.strip() for text in shown)


def merged(outputs: Iterable[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """Text that was printed in pieces as one output."""
    made: list[nbformat.NotebookNode] = []
    for output in outputs:
        if output.output_type == "stream" and made and made[-1].get("name") == output.name:
            made[-1].text += output.text
        else:
            made.append(output)
    return made


if __name__ == "__main__":
    main()

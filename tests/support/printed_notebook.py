"""Run a notebook here, and print what it says and shows as text, cell by cell as they end.

`python3 dev.py tour --headless` does this with the tour.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient


def main(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": path.parent}})
    with client.setup_kernel():
        for index, cell in enumerate(notebook.cells):
            if cell.cell_type == "markdown":
                print(paragraphs(cell.source), end="\n\n", flush=True)
            else:
                print(textwrap.indent(cell.source, "    "), end="\n\n", flush=True)
                client.execute_cell(cell, index)
                print(*shown(cell), sep="", end="\n" if cell.outputs else "", flush=True)


def paragraphs(text: str) -> str:
    """Prose as a terminal shows it: a title underlined, lines of at most 88 characters."""
    parts = []
    for part in text.split("\n\n"):
        title = part.lstrip("#").strip() if part.startswith("#") else ""
        parts.append(f"{title}\n{'-' * len(title)}" if title else "\n".join(map(_filled, part.splitlines())))
    return "\n\n".join(parts)


def _filled(line: str) -> str:
    return textwrap.fill(line, 88, break_long_words=False, break_on_hyphens=False)


def shown(cell: Any) -> Iterator[str]:
    """What a cell printed and displayed, as text; a finished spinner shows nothing."""
    for output in cell.outputs:
        text = output.get("text") or output.get("data", {}).get("text/plain", "")
        if text.strip():
            yield text.rstrip("\n") + "\n"


if __name__ == "__main__":
    main(Path(sys.argv[1]))

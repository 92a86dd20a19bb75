"""The cells of a notebook, its size, and one random edit of it.

A text file holds cells between lines that begin with `# %%`. A line that ends in `# full: VALUE` has another value for
its assignment where a run is to be long enough for measuring.
"""

from __future__ import annotations

import ast
import json
import random
import re
from pathlib import Path

_FULL = re.compile(r"^(?P<name>\s*\w+ = ).*?  # full: (?P<value>.+)$", re.MULTILINE)
_BETWEEN = re.compile(r"^# %%.*\n", re.MULTILINE)


def cells_of(path: Path, full: bool = False) -> list[str]:
    """The code cells of a notebook (`.ipynb`, or a text with `# %%` lines), `full` at their full size."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        found = ["".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    else:
        found = [cell.strip("\n") for cell in _BETWEEN.split(text)]
    if full:
        found = [_FULL.sub(r"\g<name>\g<value>", cell) for cell in found]
    return [cell for cell in found if cell.strip()]


def edited(cells: list[str], seed: int) -> tuple[list[str], int]:
    """The same cells with one literal changed, and which cell that is; -1 where there is none to change."""
    places = [
        (number, node)
        for number, cell in enumerate(cells)
        for node in ast.walk(_parsed(cell))
        if isinstance(node, ast.Constant) and type(node.value) in (int, float) and node.lineno == node.end_lineno
    ]
    if not places:
        return cells, -1
    number, node = random.Random(seed).choice(places)
    lines = cells[number].splitlines()
    line = lines[node.lineno - 1].encode()
    value = str(node.value + 1).encode()
    lines[node.lineno - 1] = (line[: node.col_offset] + value + line[node.end_col_offset :]).decode()
    return [*cells[:number], "\n".join(lines), *cells[number + 1 :]], number


def _parsed(cell: str) -> ast.AST:
    try:
        return ast.parse(cell)
    except (SyntaxError, ValueError):  # a cell with magics is left as it is
        return ast.Module([], [])

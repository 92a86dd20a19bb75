"""Cells with `%%cache_cell` that count their runs."""

from __future__ import annotations

import textwrap


def marked(body, options="cell"):
    """A cached cell that counts its runs, by a way that its key does not follow."""
    return f"%%cache_cell {options}\n__import__('builtins').ran()\n{textwrap.dedent(body)}"


def twice(nb, body, options="cell", between=""):
    """Run a cell twice; give what each run gave."""
    first = nb(marked(body, options))
    if between:
        nb(between)
    return first, nb(marked(body, options))

"""Tables of text: HTML in a notebook, aligned columns in a terminal."""

from __future__ import annotations

import html
import re
import shutil
import sys
from dataclasses import dataclass

# once a table, not once a cell: a notebook keeps all of it
_STYLE = (
    "<style>.nbcache-table :is(th,td){text-align:right;padding:2px 10px;white-space:nowrap;"
    "font-variant-numeric:tabular-nums;font-family:var(--jp-code-font-family,monospace)}"
    ".nbcache-table .words{text-align:left;white-space:normal;overflow-wrap:anywhere}</style>"
)
_NAMELESS = re.compile(r"cell [0-9a-f]{12}")
_LONGEST_LINE = 60
_LEAST_FIRST = 20


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under titles; a notebook shows its HTML, a terminal its text.

    Attributes
    ----------
    left : how many columns, from the first, are words and stand to the left; the others are numbers
    """

    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""
    left: int = 1

    def __str__(self) -> str:
        if not self.titles:
            return self.caption
        lines = self._fitting([self.titles, *self.rows])
        widths = [max(len(line[place]) for line in lines) for place in range(len(self.titles))]
        text = [
            "  ".join(
                cell.ljust(width) if place < self.left else cell.rjust(width)
                for place, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        ]
        return "\n".join([*text, *([self.caption] if self.caption else [])])

    __repr__ = __str__

    def _fitting(self, lines: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
        """Lines whose first column is cut where a terminal is too narrow: wrapped lines cannot be read as columns."""
        if sys.stdout is None or not sys.stdout.isatty():
            return lines
        others = sum(2 + max(len(line[place]) for line in lines) for place in range(1, len(self.titles)))
        most = max(_LEAST_FIRST, shutil.get_terminal_size().columns - others)
        return [(cut(line[0], most), *line[1:]) for line in lines]

    def _repr_html_(self) -> str:
        head = "".join(_cell("th", title, place < self.left) for place, title in enumerate(self.titles))
        body = "".join(
            f"<tr>{''.join(_cell('td', cell, place < self.left) for place, cell in enumerate(row))}</tr>"
            for row in self.rows
        )
        caption = f"<p>{html.escape(self.caption)}</p>" if self.caption else ""
        if not self.titles:
            return caption
        table = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
        return f'{_STYLE}<table class="nbcache-table">{table}</table>{caption}'


def _cell(tag: str, text: str, left: bool) -> str:
    scope = ' scope="col"' if tag == "th" else ""
    words = ' class="words"' if left else ""
    return f"<{tag}{scope}{words}>{html.escape(text)}</{tag}>"


def cut(text: str, most: int) -> str:
    """Cut a text that would push others out of sight."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def called(owner: str) -> str:
    """An owner in a sentence.

    Examples
    --------
    >>> called("__main__.load"), called("cell prices")
    ('load()', 'the cell prices')
    """
    return f"the {owner}" if owner.startswith("cell ") else f"{short_name(owner)}()"


def short_name(owner: str) -> str:
    """A name as the notebook knows it: without ``__main__``, and without the word in front of a cell's."""
    return owner.removeprefix("__main__.").replace(".<locals>", "")


def natural(text: str) -> list[tuple[int, int, str]]:
    """Return a key that sorts the numbers inside texts by their value: f(2) before f(10)."""
    pieces = [piece.lstrip("0") if piece.isdecimal() else piece for piece in re.split(r"([0-9]+)", text)]
    return [
        (1, 0, piece.casefold()) if place % 2 == 0 else (0, len(piece), piece) for place, piece in enumerate(pieces)
    ]


def is_nameless(owner: str) -> bool:
    """Whether an owner is a cell that nobody named: its name is a digest of its code."""
    return _NAMELESS.fullmatch(owner) is not None


def owner_label(owner: str, code: str = "") -> str:
    """A name as users know it: that of a cell that nobody named is the first line of its code.

    Examples
    --------
    >>> owner_label("cell 0123456789ab", "%%cache_cell\\n# the totals\\ntotal = sum(table)")
    'total = sum(table)'
    """
    return cut(first_line(code) or owner, _LONGEST_LINE) if is_nameless(owner) else short_name(owner)


def first_line(code: str) -> str:
    """The first line of a cell that says something: its magic says nothing, and a comment only where there is no code.

    Examples
    --------
    >>> first_line("%%cache_cell\\n# the totals\\ntotal = sum(table)")
    'total = sum(table)'
    """
    lines = [line.strip() for line in code.splitlines()]
    lines = [line for line in lines if line and not line.startswith(("%%", "'%%"))]
    return next((line for line in lines if not line.startswith("#")), lines[0] if lines else "")


def by_label(owner: str, label: str) -> tuple[bool, list[tuple[int, int, str]]]:
    """Return a key that sorts owners as every table does: functions, then cells, by their labels."""
    return owner.startswith("cell "), natural(label)

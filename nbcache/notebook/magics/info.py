"""Tables of numbers: `%cache_info` as rich HTML in a notebook, as aligned text in a terminal."""

from __future__ import annotations

import html
import time
from collections.abc import Sequence
from dataclasses import dataclass

from nbcache.inspection.rows import EntryInfo, FunctionInfo
from nbcache.notebook.display import quantities

_STYLE = (
    "text-align:{side};padding:2px 10px;white-space:nowrap;font-variant-numeric:tabular-nums;"
    "font-family:var(--jp-code-font-family,monospace)"
)


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
        lines = [self.titles, *self.rows]
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

    def _repr_html_(self) -> str:
        head = "".join(_cell("th", title, place < self.left) for place, title in enumerate(self.titles))
        body = "".join(
            f"<tr>{''.join(_cell('td', cell, place < self.left) for place, cell in enumerate(row))}</tr>"
            for row in self.rows
        )
        caption = f"<p>{html.escape(self.caption)}</p>" if self.caption else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{caption}"


def _cell(tag: str, text: str, left: bool) -> str:
    side = "left" if left else "right"
    scope = ' scope="col"' if tag == "th" else ""
    return f'<{tag}{scope} style="{_STYLE.format(side=side)}">{html.escape(text)}</{tag}>'


def functions_table(rows: Sequence[FunctionInfo], now: float | None = None) -> Table:
    """One row per function: entries, bytes, hits, misses, time saved, last use."""
    moment = time.time() if now is None else now
    if not rows:
        teach = "Nothing is cached yet: put @cache_data above a function, or %%cache_cell on a cell."
        return Table(("function",), (), teach)
    costly = [row.name for row in rows if row.hits and row.seconds_saved < 0]
    return Table(
        ("function", "entries", "size", "hits", "misses", "time saved", "last used"),
        tuple(
            (
                short_name(row.name),
                f"{row.entries:,}",
                quantities.size(row.bytes),
                f"{row.hits:,}",
                f"{row.misses:,}",
                quantities.duration(row.seconds_saved),
                quantities.ago(row.last_used, moment),
            )
            for row in rows
        ),
        f"Caching costs more than it saves: {', '.join(map(short_name, costly))}." if costly else "",
    )


def entries_table(name: str, rows: Sequence[EntryInfo], now: float | None = None) -> Table:
    """One row per argument set of a function, or per stored run of a cell."""
    moment = time.time() if now is None else now
    if not rows:
        return Table((short_name(name),), (), "Nothing of it is cached now.")
    called = not name.startswith("cell ")
    return Table(
        ("call" if called else "run", "size", "age", "expires", "hits", "computed in", "tier"),
        tuple(
            (
                f"{short_name(name)}({row.arguments})" if called else short_name(name),
                quantities.size(row.bytes),
                quantities.ago(row.created, moment),
                quantities.left(row.expires, moment),
                f"{row.hits:,}",
                quantities.duration(row.seconds_to_compute),
                row.tier,
            )
            for row in rows
        ),
    )


def short_name(owner: str) -> str:
    """A name as the notebook knows it: without ``__main__``, and without the word in front of a cell's."""
    return owner.removeprefix("__main__.").replace(".<locals>", "")

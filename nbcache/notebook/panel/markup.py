"""The rows of the panel as text and HTML: what a cell of the table says."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import get_args

from nbcache.notebook.display import quantities
from nbcache.notebook.panel.clicks import Question
from nbcache.notebook.panel.model import Line, PanelModel
from nbcache.notebook.panel.rows import COLUMNS, TIERS, Column, EntryRow, FunctionRow, Totals

ORDER: tuple[Column, ...] = get_args(Column)

EMPTY = (
    "Nothing is cached yet",
    "Put @cache_data above a function and call it. Its results appear here, with a row for each set of arguments.",
    "@cache_data\ndef load_data(year):\n    ...\n\nload_data(2024)",
)
"""What an empty panel teaches: a title, a sentence, an example."""


NOTHING = "–"
"""What a cell says in place of a zero."""


def cells_of_function(row: FunctionRow, now: float) -> dict[Column, str]:
    """Return what the row of a function says in each column."""
    calls = row.hits + row.misses
    return {
        "name": row.label,
        "size": _size(row.size),
        "hits": f"{row.hits:,} of {calls:,}" if calls else NOTHING,
        "took": _duration(row.seconds),
        "saved": _duration(row.seconds_saved),
        "used": quantities.ago(row.last_used, now),
        "expires": "",
        "state": ", ".join(row.states),
    }


def cells_of_entry(entry: EntryRow, now: float) -> dict[Column, str]:
    """Return what the row of an entry says in each column."""
    return {
        "name": entry.arguments,
        "size": _size(entry.size),
        "hits": quantities.count(entry.hits) if entry.hits else NOTHING,
        "took": _duration(entry.seconds),
        "saved": _duration(entry.hits * entry.seconds),
        "used": quantities.ago(entry.used, now),
        "expires": quantities.left(entry.expires, now),
        "state": ", ".join(entry.states),
    }


def _size(amount: int) -> str:
    return quantities.size(amount) if amount else NOTHING


def _duration(seconds: float) -> str:
    return quantities.duration(seconds) if seconds > 0 else NOTHING


def held(row: FunctionRow) -> str:
    """Return how many entries a function has, as it stands behind its name."""
    return quantities.count(row.entries, "entry", "entries") if row.entries else "no entries"


def figures(totals: Totals, *, one: bool = False) -> list[tuple[str, str, str]]:
    """Return the header: for each figure its title, its value, and a remark; `one` when it is of one function."""
    calls = totals.hits + totals.misses
    hits = f"{quantities.count(totals.hits, 'hit')}, {quantities.count(totals.misses, 'miss', 'misses')}"
    found = [("Entries", quantities.count(totals.entries), "")]
    if one:
        found.append(("Size", _size(totals.memory), ""))
    else:
        limit = f"of {quantities.size(totals.disk_limit)}" if totals.disk_limit else ""
        found.append(("Memory", _size(totals.memory), ""))
        found.append(("Disk", quantities.size(totals.disk) if limit else _size(totals.disk), limit))
    if totals.shared:
        found.append(("Shared", totals.shared, ""))
    found.append(("Hit rate", quantities.percent(totals.hits, calls), hits))
    found.append(("Time saved", _duration(totals.seconds_saved), ""))
    return found


def header(totals: Totals, *, one: bool = False) -> str:
    """Return the figures of the header as HTML."""
    tiles = "".join(
        f'<div class="nbc-figure"><span class="nbc-figure-title">{escape(title)}</span> '
        f'<span class="nbc-figure-value">{escape(value)}</span>'
        + (f' <span class="nbc-figure-remark">{escape(remark)}</span>' if remark else "")
        + "</div>"
        for title, value, remark in figures(totals, one=one)
    )
    return f'<div class="nbc-figures">{tiles}</div>'


def line(drawn: Line, now: float) -> str:
    """Return one line of the table as HTML."""
    if drawn.kind == "note":
        return f'<div class="nbc-note">{escape(drawn.note)}</div>'
    if drawn.entry is not None:
        texts, states, tooltip = cells_of_entry(drawn.entry, now), drawn.entry.states, drawn.entry.label
    else:
        texts, states, tooltip = cells_of_function(drawn.function, now), drawn.function.states, drawn.function.label
    spans = "".join(
        f'<span class="nbc-{column}{_quiet(column, texts)}" data-title="{COLUMNS[column]}">'
        f"{escape(texts[column])}</span>"
        for column in ORDER
        if column not in ("name", "state")
    )
    name = f'<span class="nbc-words">{escape(texts["name"])}</span>'
    if drawn.entry is None:
        name += f' <span class="nbc-count">{held(drawn.function)}</span>'
    return (
        f'<div class="nbc-cells nbc-{drawn.kind}">'
        f'<span class="nbc-name" title="{escape(drawn.function.code or tooltip)}">{name}</span>'
        f'{spans}<span class="nbc-state" data-title="State">{chips(states)}</span></div>'
    )


def _quiet(column: Column, texts: dict[Column, str]) -> str:
    """Return the class of a cell that says nothing: narrow cards leave it out."""
    return " nbc-zero" if texts[column] in ("", NOTHING) or (column, texts[column]) == ("expires", "never") else ""


def chips(states: tuple[str, ...]) -> str:
    """Return states as labelled chips, the tiers as one: the word says it, the look only repeats it."""
    tiers = ", ".join(state for state in states if state in TIERS)
    said = [*filter(None, [tiers]), *(state for state in states if state not in TIERS)]
    return "".join(f'<span class="nbc-chip" data-state="{escape(state)}">{escape(state)}</span>' for state in said)


def empty(model: PanelModel) -> str:
    """Return what stands in the place of the rows when there are none."""
    if model.query:
        return f'<div class="nbc-empty">Nothing matches “{escape(model.query)}”.</div>'
    if model.owner is not None:
        name = escape(model.label(model.owner))
        return f'<div class="nbc-empty">{name} has no entries yet. Its next call adds one.</div>'
    title, sentence, example = EMPTY
    return f'<div class="nbc-empty"><strong>{title}</strong><p>{sentence}</p><pre>{escape(example)}</pre></div>'


def notice(model: PanelModel) -> str:
    """Return the status line, which screen readers say when it changes."""
    notice = model.notice
    mark = '<span aria-hidden="true">⚠ </span>Error: ' if notice.error else ""
    role = "alert" if notice.error else "status"
    kind = "nbc-notice nbc-error" if notice.error else "nbc-notice"
    return f'<div class="{kind}" role="{role}" aria-live="polite">{mark}{escape(notice.text)}</div>'


def question(asked: Question) -> str:
    """Return what is asked before something is cleared; screen readers say it at once."""
    why = f' <span class="nbc-why">{escape(asked.why)}</span>' if asked.why else ""
    return f'<span role="alert" class="nbc-question">Clear {escape(asked.subject)}?{why}</span>'


def look() -> str:
    """Return the style of every view of the panel, as HTML."""
    return f"<style>{(Path(__file__).parent / 'browser' / 'panel.css').read_text(encoding='utf-8')}</style>"


def picture(model: PanelModel, rows: int = 12) -> str:
    """Return the first rows as HTML that looks like the panel and cannot be clicked, for the first moment."""
    lines, _, _ = model.shown(rows)
    drawn = "".join(f'<div class="nbc-row">{line(each, model.clock())}</div>' for each in lines)
    figures_html = header(model.totals, one=model.owner is not None)
    return f'<div class="nbcache-panel">{figures_html}{drawn or empty(model)}</div>'

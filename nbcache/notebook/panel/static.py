"""The panel without a front end: a table in plain HTML for saved notebooks, and one in text for terminals."""

from __future__ import annotations

from html import escape

from nbcache.notebook.panel.markup import EMPTY, ORDER, cells_of_entry, cells_of_function, figures, held
from nbcache.notebook.panel.model import Line, PanelModel
from nbcache.notebook.panel.rows import COLUMNS

_BORDER = "1px solid rgba(128,128,128,.35)"
_CELL = f"padding:3px 10px;border:0;border-bottom:{_BORDER};text-align:right;white-space:nowrap"
_NAME = f"padding:3px 10px;border:0;border-bottom:{_BORDER};text-align:left"
_TABLE = "border-collapse:collapse;border:0;margin:4px 0;font-size:13px"
_LONGEST_NAME = 60


def html_table(model: PanelModel, limit: int = 100) -> str:
    """Return the rows as one HTML table with nothing but inline style, `limit` lines at most.

    It is what nbconvert, code-hosting sites and a notebook without its kernel show, so it says nothing that
    needs a click, and times are ages at the moment it was made.
    """
    lines = model.lines()
    if not lines:
        title, sentence, example = EMPTY
        return f"<div><strong>{title}.</strong> {sentence}<pre>{escape(example)}</pre></div>"
    head = "".join(
        f'<th scope="col" style="{_NAME if column == "name" else _CELL}">{COLUMNS[column]}</th>' for column in ORDER
    )
    rows = "".join(_html_row(line, model.clock()) for line in lines[:limit])
    rest = f"<div>… and {len(lines) - limit:,} more rows.</div>" if len(lines) > limit else ""
    return (
        f'<div><div style="margin:4px 0">{escape(_summary(model))}</div>'
        f'<table style="{_TABLE}"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{rest}</div>'
    )


def saved_table(model: PanelModel) -> str:
    """Return the table for the output beside a living panel: seen only where no panel lives.

    In a notebook opened again without its kernel the widget's output says "model not found"; JupyterLab and
    Notebook then show this table instead, as the rules below look for a living panel in the same cell. Other
    front ends know none of these classes and keep it hidden, so that nothing is there twice.
    """
    return f'<style>{_SAVED_RULES}</style><div class="nbcache-saved" style="display:none">{html_table(model)}</div>'


_CELL_OUTPUT = ".jp-OutputArea:has(.nbcache-saved)"
_SAVED_RULES = (
    f"{_CELL_OUTPUT}:not(:has(.nbcache-live)) .nbcache-saved{{display:block!important}}"
    f"{_CELL_OUTPUT}:has(.nbcache-live) .jp-OutputArea-child:has(.nbcache-saved){{display:none}}"
    f"{_CELL_OUTPUT} .jupyter-widgets.jp-OutputArea-output:not(:has(*)){{display:none}}"
)


def text_table(model: PanelModel, limit: int = 40) -> str:
    """Return the rows as text in columns, `limit` lines at most."""
    lines = model.lines()
    if not lines:
        title, sentence, example = EMPTY
        return f"{title}. {sentence}\n\n{example}"
    table = [[COLUMNS[column] for column in ORDER]]
    table.extend(_texts(line, model.clock()) for line in lines[:limit])
    widths = [max(len(row[place]) for row in table if len(row) > 1) for place in range(len(ORDER))]
    text = [_summary(model), ""]
    for row in table:
        first = row[0].ljust(widths[0])
        rest = [cell.rjust(width) for cell, width in zip(row[1:-1], widths[1:-1], strict=False)]
        text.append("  ".join([first, *rest, *row[len(ORDER) - 1 :]]).rstrip())
    if len(lines) > limit:
        text.append(f"… and {len(lines) - limit:,} more rows")
    return "\n".join(text)


def _summary(model: PanelModel) -> str:
    shown = figures(model.totals, one=model.owner is not None)
    return " · ".join(
        f"{title} {value}" + (f" ({remark})" if title == "Hit rate" else f" {remark}" if remark else "")
        for title, value, remark in shown
    )


def _texts(line: Line, now: float) -> list[str]:
    if line.kind == "note":
        return [f"  {line.note}"]
    if line.entry is not None:
        texts = cells_of_entry(line.entry, now)
    else:
        texts = cells_of_function(line.function, now)
    name = f"{texts['name']} ({held(line.function)})" if line.kind == "function" else f"  {texts['name']}"
    if len(name) > _LONGEST_NAME:
        name = name[: _LONGEST_NAME - 1] + "…"
    return [name, *(texts[column] for column in ORDER[1:])]


def _html_row(line: Line, now: float) -> str:
    indent = "" if line.kind == "function" else ";padding-left:28px"
    if line.kind == "note":
        return f'<tr><td colspan="{len(ORDER)}" style="{_NAME}{indent}"><em>{escape(line.note)}</em></td></tr>'
    cells = cells_of_function(line.function, now) if line.entry is None else cells_of_entry(line.entry, now)
    count = f" {held(line.function)}" if line.entry is None else ""
    first = f'<td style="{_NAME}{indent}"><code>{escape(cells["name"])}</code>{count}</td>'
    rest = "".join(f'<td style="{_CELL}">{escape(cells[column])}</td>' for column in ORDER[1:])
    return f"<tr>{first}{rest}</tr>"

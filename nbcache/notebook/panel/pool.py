"""The panel on ipywidgets alone: a pool of rows that is filled anew for every page."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets

from nbcache.notebook.panel import markup as markup
from nbcache.notebook.panel.clicks import Clicks
from nbcache.notebook.panel.model import Line, PanelModel
from nbcache.notebook.panel.rows import COLUMNS, Column

ROWS = 20
_FOLDER = Path(__file__).parent / "browser"
_GONE = '<div class="nbc-gone nbc-notice nbc-error">The kernel is gone: run this cell again.</div>'
_FAR = 10**9
_Traits = tuple[dict[str, Any], dict[str, Any], dict[str, Any]]


class PoolView:
    """Draws a model with about ninety widgets, however many entries there are.

    Parameters
    ----------
    model, clicks : what is shown, and what its buttons do
    rows : on one page

    `widget` is what is displayed. Every widget that can share its layout and style does: each of those is a
    model of its own in the browser, and a thousand rows of widgets take half a minute to appear.

    Notes
    -----
    Clicks and live updates may come from different threads; one draws at a time.
    """

    def __init__(self, model: PanelModel, clicks: Clicks, rows: int = ROWS) -> None:
        self.model = model
        self.clicks = clicks
        self._lines: list[Line] = []
        self._lock = threading.RLock()
        self._seen = ipywidgets.Layout()
        self._unseen = ipywidgets.Layout(visibility="hidden")
        self._absent = ipywidgets.Layout(display="none")
        self._button_style = ipywidgets.ButtonStyle()
        self._gone = ipywidgets.HTML(_GONE, layout=self._seen)
        self._figures = self._html(value=markup.header(model.totals, one=model.owner is not None))
        self._notice = self._html(value=markup.notice(model))
        self._empty, self._place, self._question = (self._html() for _ in range(3))
        self.search = ipywidgets.Text(description="Search", tooltip="Search functions and arguments", layout=self._seen)
        self.search.observe(self._searched, "value")
        self.clear_all = self._button(clicks.clear_all_text, clicks.ask_clear_all, "nbc-push")
        self.really = self._button("Clear", clicks.confirm, "nbc-danger")
        self.cancel = self._button("Cancel", clicks.cancel)
        self.undo = self._button("Undo", clicks.undo)
        self._tools = self._box("nbc-tools")
        self.sorts = {column: self._sort_button(column) for column in markup.ORDER}
        self._titles = self._box("nbc-pool-sorts", *self.sorts.values())
        self.rows: list[tuple[ipywidgets.Button, ipywidgets.HTML, ipywidgets.Button]] = []
        self._per_page = rows
        self._grid = self._box("nbc-pool-rows")
        self.turns = {
            "First page": self._button("«", lambda: model.turn(-_FAR, rows), tooltip="First page"),
            "Previous page": self._button("‹", lambda: model.turn(-1, rows), tooltip="Previous page"),
            "Next page": self._button("›", lambda: model.turn(1, rows), tooltip="Next page"),
            "Last page": self._button("»", lambda: model.turn(_FAR, rows), tooltip="Last page"),
        }
        first, back, on, last = self.turns.values()
        self._pager = self._box("nbc-tools", first, back, self._place, on, last)
        self._foot = self._box("nbc-foot", self._notice, self.undo)
        self._parts = (
            self._gone, self._figures, self._tools, self._titles, self._grid, self._empty, self._pager,
            self._foot, self._shield(),
        )  # fmt: skip
        classes = ("nbcache-panel", "nbcache-pool", "nbcache-live")
        self.widget = ipywidgets.VBox(self._parts, layout=self._seen, _dom_classes=classes)
        self.draw()

    # --- drawing -------------------------------------------------------------------------------------------

    def draw(self) -> None:
        """Bring every widget up to date; only what differs is sent."""
        model = self.model
        with self._lock:
            self._lines, first, total = model.shown(self._per_page)
            now = model.clock()
            some = bool(self._lines)
            self._figures.value = markup.header(model.totals, one=model.owner is not None)
            self._notice.value = markup.notice(model)
            self.undo.layout = self._seen if model.notice.undo else self._absent
            self.undo.tooltip = f"Undo: {model.notice.text}" if model.notice.undo else "Undo"
            self._draw_tools()
            for column, button in self.sorts.items():
                button.description, button.tooltip = self._sort_text(column)
            self._grow(now)
            for parts, line in itertools.zip_longest(self.rows, self._lines):
                self._fill(parts, self._traits(line, now))
            self._grid.layout = self._titles.layout = self._seen if some else self._absent
            self._empty.value = "" if some else markup.empty(model)
            self._pager.layout = self._seen if total > self._per_page else self._absent
            self._place.value = f"{first + 1:,}–{first + len(self._lines):,} of {total:,} rows"

    def _grow(self, now: float) -> None:
        """Make the rows that are needed for the first time, filled: a change later would be a message more."""
        new = self._lines[len(self.rows) :]
        if new:
            for line in new:
                self.rows.append(self._row(len(self.rows), self._traits(line, now)))
            self._grid.children = [part for row in self.rows for part in row]

    def _draw_tools(self) -> None:
        model, clicks, question = self.model, self.clicks, self.clicks.question
        self.clear_all.description = clicks.clear_all_text
        self.clear_all.tooltip = f"Clear {clicks.scope}"
        self.clear_all.disabled = not model.totals.entries
        if question is None:
            self._tools.children = (self.search, self.clear_all)
            return
        self._question.value = markup.question(question)
        self.really.tooltip = f"Clear {question.subject}"
        self.cancel.tooltip = f"Cancel: keep {question.subject}"
        self._tools.children = (self.search, self._question, self.really, self.cancel)

    def _sort_text(self, column: Column) -> tuple[str, str]:
        """Return what a title says and what its button does; the arrow tells the order without colour."""
        current, descending = self.model.sort
        title = COLUMNS[column]
        if column != current:
            return title, f"Sort by {title.lower()}"
        order = "descending" if descending else "ascending"
        return f"{title} {'▼' if descending else '▲'}", f"Sorted by {title.lower()}, {order}: reverse the order"

    def _traits(self, line: Line | None, now: float) -> _Traits:
        """Return what the three widgets of a row are to be, to show a line, or nothing."""
        if line is None:
            absent = {"layout": self._absent}
            return absent, absent, absent
        label = line.function.label
        clearable = line.kind == "entry" or (line.kind == "function" and line.function.entries > 0)
        return (
            {
                "layout": self._seen if line.kind == "function" else self._unseen,
                "description": "▾" if line.opened else "▸",
                "tooltip": f"{'Hide' if line.opened else 'Show'} the entries of {label}",
            },
            {"layout": self._seen, "value": markup.line(line, now)},
            {
                "layout": self._seen if clearable else self._unseen,
                "tooltip": f"Clear {line.entry.label if line.entry else label}",
            },
        )

    @staticmethod
    def _fill(parts: tuple[ipywidgets.Widget, ...], traits: _Traits) -> None:
        """Make one row of widgets show one line, or nothing."""
        for part, values in zip(parts, traits, strict=True):
            with part.hold_sync():
                for name, value in values.items():
                    setattr(part, name, value)

    def close(self) -> None:
        """Remove every widget from the page."""
        parts = (part for row in self.rows for part in row)
        more = (self.search, self.clear_all, self.really, self.cancel, self._question, self._notice, self.undo)
        for widget in (*parts, *more, *self.sorts.values(), *self.turns.values(), *self._parts, self.widget):
            widget.close()

    # --- what a click does ---------------------------------------------------------------------------------

    def _toggle(self, place: int) -> None:
        line = self._lines[place]
        opened = self.model.entries(line.function.name) is not None
        (self.model.close if opened else self.model.open)(line.function.name)

    def _clear(self, place: int) -> None:
        line = self._lines[place]
        self.clicks.press_clear(line.function.name, None if line.entry is None else line.entry.address)

    def _searched(self, change: object) -> None:
        self.model.search(self.search.value)
        self.draw()

    # --- the parts -----------------------------------------------------------------------------------------

    def _html(self, **traits: object) -> ipywidgets.HTML:
        return ipywidgets.HTML(**{"layout": self._seen, "style": self._gone.style, **traits})

    def _box(self, name: str, *children: ipywidgets.Widget) -> ipywidgets.Box:
        return ipywidgets.Box(children, layout=self._seen, _dom_classes=(name,))

    def _button(self, text: str, act: Callable[[], object], *classes: str, **traits: object) -> ipywidgets.Button:
        def pressed(_: ipywidgets.Button) -> None:
            with self._lock:
                act()
                self.draw()

        given = {"description": text, "layout": self._seen, "style": self._button_style, **traits}
        button = ipywidgets.Button(_dom_classes=classes, **given)
        button.on_click(pressed)
        return button

    def _sort_button(self, column: Column) -> ipywidgets.Button:
        text, tooltip = self._sort_text(column)
        classes = ("nbc-plain", f"nbc-sort-{column}")
        return self._button(text, lambda: self.model.sort_by(column), *classes, tooltip=tooltip)

    def _row(self, place: int, traits: _Traits) -> tuple[ipywidgets.Button, ipywidgets.HTML, ipywidgets.Button]:
        toggle, text, clear = traits
        return (
            self._button("", lambda: self._toggle(place), "nbc-plain", **toggle),
            self._html(**text),
            self._button("Clear", lambda: self._clear(place), **clear),
        )

    def _shield(self) -> ipywidgets.Output:
        """Return an invisible output whose script keeps JupyterLab's shortcuts away from focused buttons.

        With the focus on a button, `d d` would delete the notebook's cell. ipywidgets has no trait for the
        attribute that prevents it; a front end that runs no scripts in outputs has no such shortcuts either.
        """
        script = (_FOLDER / "pool.js").read_text(encoding="utf-8")
        bundle = {"output_type": "display_data", "data": {"application/javascript": script}, "metadata": {}}
        return ipywidgets.Output(outputs=(bundle,), layout=self._seen, _dom_classes=("nbc-shield",))

"""The panel on anywidget: a virtual table that stays alive in the browser while the kernel works."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget

from nbcache.notebook.panel.clicks import Clicks
from nbcache.notebook.panel.live import Live
from nbcache.notebook.panel.model import PanelModel
from nbcache.notebook.panel.synchronisation import TableSync

_FOLDER = Path(__file__).parent / "browser"

# One module in several files, which are joined: a front end loads one text, and imports nothing beside it.
_MODULE = ("elements.js", "rows.js", "layout.js", "lines.js", "keys.js", "question.js", "notice.js", "panel.js")


class _Table(anywidget.AnyWidget):  # type: ignore[misc]
    """The widget: its module is made of files of the package, so it needs no build and no network."""

    _esm = "".join((_FOLDER / part).read_text(encoding="utf-8") for part in _MODULE)


class TableView:
    """Draws a model in the browser's own table.

    Parameters
    ----------
    model, clicks : what is shown, and what its buttons do
    ready : called once the browser has loaded the table's module, displayed or not
    live : looks for changes while the browser says that the table is visible
    """

    def __init__(self, model: PanelModel, clicks: Clicks, ready: Callable[[], None], live: Live) -> None:
        self._ready = ready
        self._live = live
        self.widget = _Table()
        self._table_sync = TableSync(model, clicks, self._send)
        self.widget.on_msg(self._receive)

    def draw(self) -> None:
        """Send what changed."""
        self._table_sync.draw()

    def close(self) -> None:
        """Remove the widget from the page."""
        self.widget.close()

    def _send(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        self.widget.send(content, buffers)

    def _receive(self, _: object, content: Any, buffers: object) -> None:
        kind = content.get("type") if isinstance(content, dict) else None
        if kind == "ready":
            self._ready()
        elif kind == "visible" and not content.get("on"):
            self._live.rest()
        elif kind == "visible":
            self._live.watch()
        elif kind == "seen":
            self._live.answered()
        elif kind is not None:
            self._table_sync.receive(content)

"""The front door of the panel: see the cache, clear the cache."""

from __future__ import annotations

import threading
from importlib.util import find_spec
from typing import Any

from IPython.core.getipython import get_ipython

from nbcache.notebook import panel_markup as markup
from nbcache.notebook.panel_live import Live
from nbcache.notebook.panel_model import PanelModel
from nbcache.notebook.panel_rows import Source
from nbcache.notebook.panel_static import html_table, saved_table, text_table

_HANDSHAKE_SECONDS = 1.5


def show(source: Source, owner: str | None = None) -> Panel:
    """Return the panel of a cache, or of one of its functions, ready to be displayed.

    Parameters
    ----------
    source : the cache
    owner : the name of the function or cell to show, as in `FunctionRow.name`; None shows all
    """
    return Panel(PanelModel(source, owner))


class Panel:
    """A panel: widgets where a kernel has a front end, a table of text or HTML everywhere else.

    Displayed in a notebook it is two outputs. One is a plain table, invisible beside a living panel: it is what
    a reader of the saved notebook sees. The other is the widget, which starts as a picture of the first rows
    and becomes the virtual table once the browser has shown that it can load it, or the pool of rows after a
    moment of silence.
    """

    def __init__(self, model: PanelModel) -> None:
        self.model = model
        self._stage: _Stage | None = None

    @property
    def widget(self) -> Any:
        """The ipywidgets container, for layouts of one's own."""
        if self._stage is None:
            self.model.refresh()
            self._stage = _Stage(self.model)
        return self._stage.container

    def close(self) -> None:
        """Remove the panel from the notebook and end what it does in the background."""
        if self._stage is not None:
            self._stage.close()
            self._stage = None

    def __repr__(self) -> str:
        self._settle()
        return text_table(self.model)

    def _repr_html_(self) -> str:
        self._settle()
        return html_table(self.model)

    def _settle(self) -> None:
        self.model.source.wait()
        self.model.refresh()

    def _ipython_display_(self) -> None:
        from IPython.display import display

        self.model.refresh()
        text = text_table(self.model)
        if getattr(get_ipython(), "kernel", None) is None:
            print(text)
            return
        widget = self.widget
        display({"text/plain": text, "text/html": saved_table(self.model)}, raw=True)  # type: ignore[no-untyped-call]
        view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
        bundle = {"text/plain": "", "text/html": "<!-- nbcache panel -->", _WIDGET: view}
        display(bundle, raw=True)  # type: ignore[no-untyped-call]


_WIDGET = "application/vnd.jupyter.widget-view+json"


class _Stage:
    """The container on display, and which view plays in it."""

    def __init__(self, model: PanelModel) -> None:
        import ipywidgets

        self._model = model
        self._view: Any = None
        self._lock = threading.RLock()
        self._live = Live(self._follow)
        self._layout = ipywidgets.Layout()
        self.container = ipywidgets.Box(layout=self._layout, _dom_classes=("nbcache-live",), _view_count=0)
        self.container.observe(self._watched, "_view_count")
        if find_spec("anywidget") is None or not self._audition():
            self.use_pool()

    def _audition(self) -> bool:
        """Offer the table to the browser, show a picture meanwhile; return whether an answer can be awaited."""
        import ipywidgets

        from nbcache.notebook.panel_table import TableView

        self._table = TableView(self._model, ready=self.use_table, live=self._live)
        wait = threading.Timer(_HANDSHAKE_SECONDS, self.use_pool)
        wait.daemon = True
        try:
            wait.start()
        except RuntimeError:
            return False  # Pyodide has no threads: nobody could end the wait
        picture = ipywidgets.HTML(markup.picture(self._model), layout=self._layout)
        self.container.children = (picture,)
        return True

    def use_pool(self) -> None:
        """Show the pool of rows, unless a view plays already."""
        from nbcache.notebook.panel_pool import PoolView

        with self._lock:
            if self._view is None:
                self._view = PoolView(self._model)
                self.container.children = (self._view.widget,)

    def use_table(self) -> None:
        """Show the virtual table: the browser has answered."""
        with self._lock:
            if self._view is not self._table:
                before, self._view = self._view, self._table
                self.container.children = (self._table.widget,)
                if before is not None:
                    before.close()

    def close(self) -> None:
        """Close every widget and stop looking for changes."""
        with self._lock:
            self._live.rest()
            if self._view is not None:
                self._view.close()
            self.container.close()

    def _follow(self) -> bool:
        changed = self._model.refresh()
        if changed and self._view is not None:
            self._view.draw()
        return changed

    def _watched(self, change: dict[str, Any]) -> None:
        if change["new"]:
            self._live.watch()
        else:
            self._live.rest()

"""The front door of the panel: see the cache, clear the cache."""

from __future__ import annotations

import threading
from importlib.util import find_spec
from typing import Any, Protocol

import ipywidgets
from IPython.core.getipython import get_ipython

from nbcache.notebook.panel import markup as markup
from nbcache.notebook.panel.clicks import Clicks
from nbcache.notebook.panel.live import Live
from nbcache.notebook.panel.model import PanelModel
from nbcache.notebook.panel.rows import PanelSource
from nbcache.notebook.panel.static import html_table, saved_table, text_table

_WIDGET = "application/vnd.jupyter.widget-view+json"


def show(source: PanelSource, owner: str | None = None) -> Panel:
    """Return the panel of a cache, or of one of its functions, ready to be displayed.

    Parameters
    ----------
    source : the cache
    owner : the name of the function or cell to show, as in `FunctionRow.name`; None shows all
    """
    return Panel(PanelModel(source, owner))


class View(Protocol):
    """What can play in the panel."""

    widget: Any

    def draw(self) -> None:
        """Show what changed."""

    def close(self) -> None:
        """Remove it from the page."""


class Panel(ipywidgets.VBox):  # type: ignore[misc]
    """A panel: widgets where a kernel has a front end, a table of text or HTML everywhere else.

    It is an ipywidgets box, for any layout. It begins with a picture of the first rows, which costs few widgets: a
    notebook that is run without a browser never gets more. The first browser to show it decides what comes next: the
    virtual table once it has loaded that, or the pool of rows after a moment of silence. A front end that neither
    loads the table nor says that it shows the box keeps the picture, with a button that brings the pool.

    Displayed by itself it is two outputs. One is a plain table, invisible beside a living panel: it is what a reader
    of the saved notebook sees. The other is the widget.

    Parameters
    ----------
    model : what is shown
    patience : seconds that a browser has to load the table, before it gets the pool
    """

    def __init__(self, model: PanelModel, patience: float = 0.35) -> None:
        model.refresh()
        self.model = model
        self.clicks = Clicks(model)
        self.view: View | None = None
        self._patience = patience
        self._lock = threading.RLock()
        self._live = Live(self._follow)
        self._wait: threading.Timer | None = None
        layout = ipywidgets.Layout()
        self._look = ipywidgets.HTML(markup.look(), layout=layout)
        picture = ipywidgets.HTML(markup.picture(model), layout=layout, style=self._look.style)
        show_buttons = ipywidgets.Button(
            description="Show the buttons",
            tooltip="Show the panel with its buttons",
            layout=layout,
            _dom_classes=("nbc-show-buttons",),
        )
        show_buttons.on_click(self._asked_for_buttons)
        super().__init__(
            (self._look, picture, show_buttons), layout=layout, _dom_classes=("nbcache-live",), _view_count=0
        )
        self._table = self._offer_table()
        self.observe(self._watched, "_view_count")

    def close(self) -> None:
        """Remove the panel from the notebook and end what it does in the background."""
        with self._lock:
            self._live.rest()
            if self._wait is not None:
                self._wait.cancel()
            for view in {self.view, self._table} - {None}:
                view.close()  # type: ignore[union-attr]
            super().close()

    # --- without a front end -----------------------------------------------------------------------------------

    def __str__(self) -> str:
        self._settle()
        return text_table(self.model)

    def __repr__(self) -> str:
        if _kernel() is None:
            return str(self)
        # A layout shows the texts of its children: they are not to wait for a disk.
        return f"<panel of {'the cache' if self.model.owner is None else self.model.label(self.model.owner)}>"

    def _repr_html_(self) -> str:
        self._settle()
        return html_table(self.model)

    def _settle(self) -> None:
        self.model.source.wait()
        self.model.refresh()

    def _ipython_display_(self) -> None:
        from IPython.display import display

        if _kernel() is None:
            print(str(self))
            return
        self.model.refresh()
        text = text_table(self.model)
        display({"text/plain": text, "text/html": saved_table(self.model)}, raw=True)  # type: ignore[no-untyped-call]
        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        bundle = {"text/plain": "", "text/html": "<!-- nbcache panel -->", _WIDGET: view}
        display(bundle, raw=True)  # type: ignore[no-untyped-call]

    # --- which view plays --------------------------------------------------------------------------------------

    def use_pool(self) -> None:
        """Show the pool of rows, unless a view plays already."""
        from nbcache.notebook.panel.pool import PoolView

        with self._lock:
            if self.view is None:
                self._use(PoolView(self.model, self.clicks))

    def use_table(self) -> None:
        """Show the virtual table: the browser has said that it can."""
        with self._lock:
            if self._wait is not None:
                self._wait.cancel()
            before = self.view
            if self._table is not None and before is not self._table:
                self._use(self._table)
                if before is not None:
                    before.close()

    def _offer_table(self) -> View | None:
        """Offer the table to the browser, where there is an anywidget to offer; nothing is displayed by it."""
        if find_spec("anywidget") is None:
            return None
        from nbcache.notebook.panel.table import TableView

        return TableView(self.model, self.clicks, ready=self.use_table, live=self._live)

    def _use(self, view: View) -> None:
        self.view = view
        self.children = (self._look, view.widget)

    def _follow(self) -> bool:
        changed = self.model.refresh()
        if changed and self.view is not None:
            self.view.draw()
        return changed

    def _asked_for_buttons(self, _: object) -> None:
        """Show the pool to somebody whose front end has told nothing until now."""
        self._live.watch()
        self.use_pool()

    def _watched(self, change: dict[str, Any]) -> None:
        if not change["new"]:
            self._live.rest()
            return
        self._live.watch()
        with self._lock:
            if self.view is not None or self._wait is not None:
                return
            self._wait = threading.Timer(self._patience if self._table else 0.0, self.use_pool)
            self._wait.daemon = True
            try:
                self._wait.start()
            except RuntimeError:  # Pyodide has no threads, and nobody to end the wait
                self.use_pool()


def _kernel() -> object:
    return getattr(get_ipython(), "kernel", None)

"""The front door of the panel: see the cache, clear the cache."""

from __future__ import annotations

import threading
from importlib.util import find_spec
from typing import Any, Protocol

from IPython.core.getipython import get_ipython

from nbcache.notebook.panel import markup as markup
from nbcache.notebook.panel.live import Live
from nbcache.notebook.panel.model import PanelModel
from nbcache.notebook.panel.rows import Source
from nbcache.notebook.panel.static import html_table, saved_table, text_table

_WIDGET = "application/vnd.jupyter.widget-view+json"


def show(source: Source, owner: str | None = None) -> Panel:
    """Return the panel of a cache, or of one of its functions, ready to be displayed.

    Parameters
    ----------
    source : the cache
    owner : the name of the function or cell to show, as in `FunctionRow.name`; None shows all
    """
    return Panel(PanelModel(source, owner))


class View(Protocol):
    """What can play on the chooser."""

    widget: Any

    def draw(self) -> None:
        """Show what changed."""

    def close(self) -> None:
        """Remove it from the page."""


class Panel:
    """A panel: widgets where a kernel has a front end, a table of text or HTML everywhere else.

    Displayed in a notebook it is two outputs. One is a plain table, invisible beside a living panel: it is what
    a reader of the saved notebook sees. The other is the widget, which starts as a picture of the first rows
    and becomes the virtual table once the browser has shown that it can load it, or the pool of rows after a
    moment of silence.
    """

    def __init__(self, model: PanelModel) -> None:
        self.model = model
        self._chooser: ViewChooser | None = None

    @property
    def widget(self) -> Any:
        """The ipywidgets container, for layouts of one's own."""
        if self._chooser is None:
            self.model.refresh()
            self._chooser = ViewChooser(self.model)
        return self._chooser.container

    def close(self) -> None:
        """Remove the panel from the notebook and end what it does in the background."""
        if self._chooser is not None:
            self._chooser.close()
            self._chooser = None

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

        if getattr(get_ipython(), "kernel", None) is None:
            print(repr(self))
            return
        if self._chooser is not None:
            self.model.refresh()
        widget = self.widget
        text = text_table(self.model)
        display({"text/plain": text, "text/html": saved_table(self.model)}, raw=True)  # type: ignore[no-untyped-call]
        view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
        bundle = {"text/plain": "", "text/html": "<!-- nbcache panel -->", _WIDGET: view}
        display(bundle, raw=True)  # type: ignore[no-untyped-call]


class ViewChooser:
    """The container on display, and which view plays in it.

    It begins with a picture of the first rows, which costs four widgets: a notebook that is run without a browser
    never gets more. The first browser to show it decides what comes next. A front end that neither loads the table nor
    says that it shows the container keeps the picture, with a button that brings the pool.

    Parameters
    ----------
    model : what is shown
    patience : seconds that a browser has to load the table, before it gets the pool
    """

    def __init__(self, model: PanelModel, patience: float = 0.35) -> None:
        import ipywidgets

        self._model = model
        self._patience = patience
        self._lock = threading.RLock()
        self._live = Live(self._follow)
        self._wait: threading.Timer | None = None
        self.view: View | None = None
        self._table = self._offer_table()
        self._layout = ipywidgets.Layout()
        self._look = ipywidgets.HTML(markup.look(), layout=self._layout)
        picture = ipywidgets.HTML(markup.picture(model), layout=self._layout, style=self._look.style)
        self._show_buttons = ipywidgets.Button(
            description="Show the buttons",
            tooltip="Show the panel with its buttons",
            layout=self._layout,
            _dom_classes=("nbc-show-buttons",),
        )
        self._show_buttons.on_click(self._asked_for_buttons)
        self.container = ipywidgets.VBox(
            (self._look, picture, self._show_buttons),
            layout=self._layout,
            _dom_classes=("nbcache-live",),
            _view_count=0,
        )
        self.container.observe(self._watched, "_view_count")

    def use_pool(self) -> None:
        """Show the pool of rows, unless a view plays already."""
        from nbcache.notebook.panel.pool import PoolView

        with self._lock:
            if self.view is None:
                self._use(PoolView(self._model))

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

    def close(self) -> None:
        """Close every widget and stop looking for changes."""
        with self._lock:
            self._live.rest()
            if self._wait is not None:
                self._wait.cancel()
            for view in {self.view, self._table} - {None}:
                view.close()  # type: ignore[union-attr]
            self.container.close()

    def _offer_table(self) -> View | None:
        """Offer the table to the browser, where there is an anywidget to offer; nothing is displayed by it."""
        if find_spec("anywidget") is None:
            return None
        from nbcache.notebook.panel.table import TableView

        return TableView(self._model, ready=self.use_table, live=self._live)

    def _use(self, view: View) -> None:
        self.view = view
        self.container.children = (self._look, view.widget)

    def _follow(self) -> bool:
        changed = self._model.refresh()
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

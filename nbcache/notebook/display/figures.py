"""Two guests that show things late: matplotlib's inline figures and widgets.

Neither is imported here: while they are not loaded, they can have shown nothing.
"""

from __future__ import annotations

import html
import sys
from typing import Any

__all__ = [
    "INLINE",
    "VIEW",
    "final_text",
    "flush_figures",
    "is_alive",
    "open_figures",
    "show_new_figures",
    "widget_of",
    "widgets",
]

VIEW = "application/vnd.jupyter.widget-view+json"


INLINE = "matplotlib_inline.backend_inline"
"""Its import tells the shell how figures are shown."""


def _inline() -> Any | None:
    return sys.modules.get(INLINE)


def open_figures() -> frozenset[int]:
    """Return the identities of the inline figures now waiting to be shown."""
    inline = _inline()
    if inline is None:
        return frozenset()
    return frozenset(id(manager) for manager in inline.Gcf.get_all_fig_managers())


def flush_figures() -> None:
    """Show every inline figure that waits for the end of its cell."""
    inline = _inline()
    if inline is not None:
        inline.flush_figures()


def show_new_figures(before: frozenset[int]) -> None:
    """Show, and close, the inline figures opened since `before`; the caller's own figures are left open.

    A function that draws would else show its figure after the recording of it has ended.
    """
    inline = _inline()
    if inline is None:
        return
    from IPython.display import display

    new = [manager for manager in inline.Gcf.get_all_fig_managers() if id(manager) not in before]
    for manager in new:
        figure = manager.canvas.figure
        display(figure, metadata=inline._fetch_figure_metadata(figure))  # type: ignore[no-untyped-call]
        inline.Gcf.destroy(manager)
        if figure in inline.show._to_draw:
            inline.show._to_draw.remove(figure)
    if new and not inline.Gcf.get_all_fig_managers():
        inline.show._draw_called = False


def widgets() -> dict[str, Any]:
    """The living widgets by the identities of their models; none while ipywidgets is not loaded."""
    module = sys.modules.get("ipywidgets.widgets.widget")
    return getattr(module, "_instances", None) or {}


def widget_of(data: dict[str, Any]) -> Any | None:
    """Return the widget that a display shows; `None` when it shows none, or one that is gone."""
    return widgets().get(data.get(VIEW, {}).get("model_id")) if VIEW in data else None


def is_alive(model_id: str) -> bool:
    """Tell whether this kernel still has the model of a widget."""
    return model_id in widgets()


def final_text(widget: Any, fallback: str) -> str:
    """Return the text of a widget as it stands now.

    A progress bar of `tqdm.notebook` has lost its bar by the time the loop is over; its parts still know
    the end.
    """
    if type(widget).__name__ == "TqdmHBox":
        left, bar, right = widget.children
        width = round(10 * bar.value / bar.max) if bar.max else 10
        text = f"{left.value}|{'█' * width}{' ' * (10 - width)}|{right.value}"
        return html.unescape(text).replace("\u2007", " ")
    try:
        text = repr(widget)
    except Exception:  # a closed widget's own repr may fail; the text it was displayed with remains
        return fallback
    return text if len(text) <= 110 else text[:110] + "…"

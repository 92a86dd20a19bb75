"""Output widgets: what is shown inside of one belongs to the widget, and not to the cell.

`with widgets.Output():` and `interact` tell the front end to move what the kernel shows into a widget. While somebody
records, the two methods that open and close such a widget are replaced, so that it is known which one is open.
ipywidgets is not imported here: while it is not loaded, nothing can be open.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

from nbcache.notebook.display.figures import is_alive, widgets

__all__ = ["MODULE", "Captured", "begin", "end", "is_open", "is_output", "open_widget", "remains", "reopened"]

MODULE = "ipywidgets.widgets.widget_output"
_METHODS = ("__enter__", "__exit__")

_lock = threading.Lock()
_open: list[Any] = []
_listeners = [0]
_replaced: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {}


def begin() -> None:
    """Somebody records from now on."""
    with _lock:
        _listeners[0] += 1


def end() -> None:
    """Somebody has stopped recording; after the last one, the class is as it was."""
    with _lock:
        _listeners[0] -= 1
        if _listeners[0]:
            return
        kind = _output_class()
        for name, (before, ours) in _replaced.items():
            if vars(kind).get(name) is ours:
                setattr(kind, name, before)
        _replaced.clear()
        _open.clear()


def open_widget() -> Any | None:
    """The widget that takes what is shown now; `None` where the cell itself does."""
    if MODULE not in sys.modules:
        return None
    if not _replaced:
        _watch()
    # A widget that was open before our methods were in place is closed by its own.
    while _open and not _open[-1].msg_id:
        _open.pop()
    return _open[-1] if _open else None


def is_open() -> bool:
    """Whether what is shown now goes into a widget, also where nobody records."""
    kind = _output_class()
    return kind is not None and any(isinstance(one, kind) and one.msg_id for one in list(widgets().values()))


def _output_class() -> Any:
    return getattr(sys.modules.get(MODULE), "Output", None)


def _watch() -> None:
    kind = _output_class()
    with _lock:
        if kind is None or _replaced or not _listeners[0]:
            return
        _open.extend(one for one in widgets().values() if isinstance(one, kind) and one.msg_id)
        for name, make in zip(_METHODS, (_entering, _leaving), strict=True):
            before = vars(kind)[name]
            ours = make(before)
            _replaced[name] = (before, ours)
            setattr(kind, name, ours)


def _entering(enter: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def entered(widget: Any) -> Any:
        result = enter(widget)
        if widget.msg_id:  # outside of a kernel nothing is moved
            _open.append(widget)
        return result

    return entered


def _leaving(leave: Callable[..., Any]) -> Callable[..., Any]:
    def left(widget: Any, *error: Any) -> Any:
        result = leave(widget, *error)
        for place in reversed(range(len(_open))):
            if _open[place] is widget:
                del _open[place]
                break
        return result

    return left


def _outputs_within(widget: Any) -> Iterator[str]:
    """The models of the Output widgets that a widget shows: itself, or its children at any depth."""
    waiting, seen = [widget], set()
    kind = _output_class()
    while waiting and kind is not None:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, kind):
            yield one.model_id
        waiting += getattr(one, "children", ())


class Captured:
    """The events inside of Output widgets during one recording, by widget."""

    def __init__(self) -> None:
        self._before = frozenset(widgets())
        self._events: dict[str, list[Any]] = {}
        self._places: dict[str, str] = {}

    def add(self, widget: Any, event: list[Any]) -> None:
        self._events.setdefault(widget.model_id, []).append(event)

    def __bool__(self) -> bool:
        return bool(self._events)

    def events(self) -> list[list[Any]]:
        """Every event kept so far."""
        return [event for events in self._events.values() for event in events]

    def shown(self, widget: Any) -> None:
        """Note that a widget was displayed, with those inside of it."""
        for model in _outputs_within(widget):
            self._places.setdefault(model, widget.model_id)

    def folded(self, coalesce: Callable[[list[Any]], list[Any]]) -> list[list[Any]]:
        """One event per widget: `["inside", model, where it is shown, whether it is new, events]`."""
        return [
            ["inside", model, self._places.get(model, ""), model not in self._before, coalesce(events)]
            for model, events in self._events.items()
        ]


def is_output(insides: list[list[Any]], model: str) -> bool:
    """Tell whether a widget that was displayed is an Output widget itself, with nothing else to show."""
    return any(inside[1] == model for inside in insides)


def remains(insides: list[list[Any]], place: str) -> list[list[Any]]:
    """What was shown inside of a widget that is gone, and inside of its children.

    Parameters
    ----------
    place : the model of the widget that was displayed
    """
    return [event for _, _, shown, _, events in insides if shown == place for event in events if event[0] != "clear"]


def reopened(inside: list[Any]) -> Any | None:
    """The widget in which events have to be shown again: one that was there before the run, and still is."""
    _, model, _, new, _ = inside
    return None if new or not is_alive(model) else widgets()[model]

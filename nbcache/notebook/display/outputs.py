"""Record what a run shows, and show it again in the same order.

``record("display")`` records rich displays and figures, ``"all"`` also both streams, and ``"cell"`` everything
a cell shows, the value of its last expression included. Outside IPython there is nothing but the streams.
"""

from __future__ import annotations

import base64
import itertools
import json
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Literal

from nbcache.config import settings
from nbcache.notebook.display import captures, figures
from nbcache.notebook.display.coalescing import Event, coalesce
from nbcache.notebook.display.harmless import harmless
from nbcache.notebook.display.listeners import Listening, current_shell, listen

__all__ = ["Recording", "record", "replay", "show_result"]

What = Literal["display", "all", "none", "cell"]
ShowResult = Callable[[int, dict[str, Any], dict[str, Any]], None]


class Recording:
    """The events of one run, from entering the context to leaving it.

    Attributes
    ----------
    values : of the last expressions that were shown
    live_widget : whether a widget was shown that can still be used, progress bars aside
    error_shown : whether a traceback was shown, if only by a magic that goes on after it
    drawing : the seconds that figures took which wait for the end of their cell

    Notes
    -----
    Events may arrive from several threads; each is one append. A closed recording takes nothing, even if a
    thread it started goes on printing. What is printed is kept as the text itself: a cell may print a million times,
    and the garbage collector would look through as many lists.
    """

    def __init__(self, what: What) -> None:
        self.what = what
        self.values: list[object] = []
        self.live_widget = False
        self.error_shown = False
        self.drawing = 0.0
        self._kept: list[Event | str] = []
        self._widgets: dict[int, Any] = {}
        self._closed = False
        self._listening: Listening | None = None
        self._lock = threading.Lock()
        self._figures: frozenset[int] = frozenset()
        self._captured = captures.Captured()

    def __enter__(self) -> Recording:
        self._figures = figures.open_figures()
        what = self.what
        listening = listen(self, streams=what in ("all", "cell"), displays=what != "none", results=what == "cell")
        captures.begin()
        try:
            listening.__enter__()
        except BaseException:
            captures.end()
            raise
        self._listening = listening
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if kind is None and self.what == "cell":
                began = time.perf_counter()
                figures.flush_figures()
                self.drawing = time.perf_counter() - began
            elif kind is None and self.what != "none":
                figures.show_new_figures(self._figures)
        finally:
            listening, self._listening = self._listening, None  # it leads back to here
            try:
                if listening is not None:
                    listening.__exit__()
            finally:
                captures.end()
            self._closed = True
            self._settle_widgets()

    def stream(self, name: str, text: str) -> None:
        if self._closed:
            return
        if captures.MODULE in sys.modules and captures.open_widget() is not None:
            self._keep([name, text])
        else:
            self._kept.append(text if name == "stdout" else [name, text])

    def display(self, kind: str, data: dict[str, Any], metadata: dict[str, Any], display_id: str | None) -> None:
        if not self._closed:
            self._remember_widget(data)
            self._keep([kind, data, metadata, display_id])

    def clear(self, wait: bool) -> None:
        if not self._closed:
            self._keep(["clear", wait])

    def error(self) -> None:
        self.error_shown = True

    def result(self, data: dict[str, Any], metadata: dict[str, Any], value: object) -> None:
        if not self._closed:
            self._remember_widget(data)
            with self._lock:
                self._kept.append(["result", data, metadata, len(self.values)])
                self.values.append(value)

    def _keep(self, event: Event) -> None:
        widget = captures.open_widget()
        if widget is None:
            self._kept.append(event)
        else:
            self._captured.add(widget, event)

    def _events(self) -> list[Event]:
        events: list[Event] = []
        for printed, run in itertools.groupby(self._kept, key=lambda event: isinstance(event, str)):
            these: list[Any] = list(run)
            events += [["stdout", "".join(these)]] if printed else these
        return events

    def _remember_widget(self, data: dict[str, Any]) -> None:
        widget = figures.widget_of(data)
        if widget is not None:
            self._widgets[id(data)] = widget

    def _settle_widgets(self) -> None:
        """Give every widget shown the text that it ended with."""
        if not self._widgets:
            return
        shown = self._widgets.values()
        self.live_widget = any(type(one).__name__ != "TqdmHBox" and figures.is_alive(one.model_id) for one in shown)
        for widget in shown:
            self._captured.shown(widget)
        for event in (*self._kept, *self._captured.events()):
            if isinstance(event, str) or event[0] not in ("display", "update", "result"):
                continue
            widget = self._widgets.get(id(event[1]))
            if widget is not None:
                text = figures.final_text(widget, event[1].get("text/plain", ""))
                event[1] = {**event[1], "text/plain": text}
        self._widgets.clear()

    def to_bytes(self) -> bytes:
        """Return the recording folded to what a reader finally sees; ``b""`` when nothing was shown."""
        if not self._kept and not self._captured:
            return b""
        events = coalesce(self._events()) + self._captured.folded(coalesce)
        return json.dumps([_packed(event) for event in events], default=_plain).encode() if events else b""


def record(what: What = "display") -> Recording:
    """Make a recording, to be entered with `with`."""
    return Recording(what)


def _packed(event: Event) -> Event:
    """Make an event fit for JSON: images as bytes become text, and are named in a last item."""
    if event[0] == "inside":
        return [*event[:-1], [_packed(inner) for inner in event[-1]]]
    if event[0] not in ("display", "update", "result"):
        return event
    raw = [mime for mime, part in event[1].items() if isinstance(part, bytes)]
    if not raw:
        return event
    encoded = {mime: base64.b64encode(event[1][mime]).decode() for mime in raw}
    return [event[0], {**event[1], **encoded}, *event[2:], raw]


def _unpacked(event: Event) -> Event:
    if event[0] == "inside":
        return [*event[:-1], [_unpacked(inner) for inner in event[-1]]]
    width = 4 if event[0] in ("display", "update", "result") else len(event)
    if len(event) == width:
        return event
    decoded = {mime: base64.b64decode(event[1][mime]) for mime in event[width]}
    return [event[0], {**event[1], **decoded}, *event[2:width]]


def _plain(part: object) -> object:
    """Turn numbers and arrays of guests, which libraries put into metadata, into plain ones."""
    for way in ("tolist", "item"):
        if hasattr(part, way):
            return getattr(part, way)()
    return str(part)


def replay(data: bytes, what: What, result: ShowResult | None = None) -> None:
    """Show a recording again: `what` of it, in order.

    Parameters
    ----------
    data : what `Recording.to_bytes` returned
    what : as for `record`; ``"none"`` shows nothing
    result : shows the value of the n-th last expression; by default the text is shown and no name is bound
    """
    if not data or what == "none":
        return
    events = [_unpacked(event) for event in json.loads(data)]
    insides = [event for event in events if event[0] == "inside"]
    _show([event for event in events if event[0] != "inside"], what, result, insides)
    for inside in insides:
        widget = captures.reopened(inside)
        if widget is not None:
            with widget:
                _show(inside[-1], what, result, [])


def _show(events: list[Event], what: What, result: ShowResult | None, insides: list[Event]) -> None:
    shell = current_shell()
    written: Any = None
    for event in events:
        kind = event[0]
        if kind in ("stdout", "stderr"):
            stream = getattr(sys, kind)
            if what != "display" and stream is not None:
                if written is not None and written is not stream:
                    written.flush()  # a kernel's streams are buffered apart, and would arrive in any order
                stream.write(event[1])
                written = stream
        elif shell is None:
            continue
        elif kind == "clear":
            shell.display_pub.clear_output(event[1])
        elif kind == "result" and what != "cell":
            continue
        else:
            data, inner = _alive(event[1], insides)
            if settings().trust == "safe":
                data = harmless(data)
            if kind == "result":
                (result or _show_unbound)(event[3], data, event[2])
            elif data:
                _display(shell, kind, data, event[2], event[3])
            _show(inner, what, result, [])


def _display(shell: Any, kind: str, data: dict[str, Any], metadata: dict[str, Any], identity: str | None) -> None:
    options: dict[str, Any] = {"update": True} if kind == "update" else {}
    if identity is not None:
        options["transient"] = {"display_id": identity}
    shell.display_pub.publish(data, metadata, **options)


def _alive(data: dict[str, Any], insides: list[Event]) -> tuple[dict[str, Any], list[Event]]:
    """Leave out the view of a widget whose model is gone; what was shown inside of the widget comes beside it."""
    model = data.get(figures.VIEW, {}).get("model_id", "")
    if figures.VIEW not in data or figures.is_alive(model):
        return data, []
    inner = captures.remains(insides, model)
    left = {mime: part for mime, part in data.items() if mime != figures.VIEW}
    return {} if inner and captures.is_output(insides, model) else left, inner


def _show_unbound(_: int, data: dict[str, Any], metadata: dict[str, Any]) -> None:
    shell = current_shell()
    if shell is not None:
        hook = shell.displayhook
        hook.start_displayhook()
        hook.write_output_prompt()
        hook.write_format_data(data, metadata)
        hook.finish_displayhook()


def show_result(value: object, data: dict[str, Any], metadata: dict[str, Any]) -> None:
    """Show `data` as the value of a last expression, and bind `Out[n]` and `_` to the very `value`.

    The display hook's own steps, without asking the value for its representations again.
    """
    shell = current_shell()
    if shell is not None:
        hook = shell.displayhook
        hook.check_for_underscore()
        hook.start_displayhook()
        hook.write_output_prompt()
        hook.update_user_ns(value)
        hook.fill_exec_result(value)
        hook.write_format_data(data, metadata)
        hook.log_output(data)
        hook.finish_displayhook()

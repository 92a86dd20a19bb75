"""Fold a stream of output events to what a reader finally sees.

An event is a list that survives JSON: ``["stdout"|"stderr", text]``, ``["display"|"update", data, metadata,
display_id]``, ``["clear", wait]``, ``["result", data, metadata, number]``.
"""

from __future__ import annotations

import itertools
import re
from typing import Any

__all__ = ["Event", "coalesce", "coalesce_text"]

Event = list[Any]

_STREAMS = ("stdout", "stderr")
# Bars drawn one above the other move the cursor between lines; such text is kept as it is.
_MOVES = re.compile("\x1b\\[[0-9;]*[ABFHJf]")
_ESCAPE = re.compile("\x1b\\[[0-9;]*[A-Za-z]")


def coalesce(events: list[Event]) -> list[Event]:
    """Apply updates, cleared output and carriage returns, keeping the order of what is left."""
    return [_coalesced_stream(event) for event in _joined(_settled(events))]


def _settled(events: list[Event]) -> list[Event]:
    """Apply `update_display` and `clear_output`."""
    kept: list[Event] = []
    shown: dict[str, list[Event]] = {}
    gone: set[str] = set()
    waiting: Event | None = None
    for event in events:
        kind = event[0]
        if kind == "clear":
            if event[1]:
                waiting = event
                continue
            gone.update(shown)
            kept, shown, waiting = [event], {}, None
            continue
        if kind == "update":
            identity = event[3]
            if identity in shown:
                for earlier in shown[identity]:
                    earlier[1:3] = event[1:3]
            elif identity not in gone:
                kept[:] = [other for other in kept if other[0] != "update" or other[3] != identity]
                kept.append(event)
            continue
        if waiting is not None:  # `clear_output(wait=True)` acts when the next output arrives
            gone.update(shown)
            kept, shown, waiting = [waiting], {}, None
        event = list(event)
        kept.append(event)
        if kind == "display" and event[3] is not None:
            gone.discard(event[3])
            shown.setdefault(event[3], []).append(event)
            for earlier in shown[event[3]]:
                earlier[1:3] = event[1:3]
    return kept if waiting is None else [*kept, waiting]


def _joined(events: list[Event]) -> list[Event]:
    joined: list[Event] = []
    for kind, run in itertools.groupby(events, key=lambda event: event[0]):
        if kind in _STREAMS:
            joined.append([kind, "".join(event[1] for event in run)])
        else:
            joined.extend(run)
    return joined


def _coalesced_stream(event: Event) -> Event:
    return [event[0], coalesce_text(event[1])] if event[0] in _STREAMS and "\r" in event[1] else event


def coalesce_text(text: str) -> str:
    """Overwrite each line as its carriage returns do.

    Examples
    --------
    >>> coalesce_text("\\r 10%\\r100%\\ndone\\n")
    '\\r100%\\ndone\\n'
    """
    if _MOVES.search(text):
        return text
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join(_coalesced_line(line) if "\r" in line else line for line in lines)


def _coalesced_line(line: str) -> str:
    """Fold one line; a leading return stays, as it may overwrite what stood there before the text began."""
    start = "\r" if line.startswith("\r") else ""
    # A cursor left at the start of the line shows when more text follows.
    end = "\r" if line.endswith("\r") and line.strip("\r") else ""
    parts = [part for part in line.split("\r") if part]
    if not parts:
        return start
    if any(_ESCAPE.search(part) for part in parts):
        return start + parts[-1] + end
    shown = parts[0]
    for part in parts[1:]:
        shown = part + shown[len(part) :]
    return start + shown + end

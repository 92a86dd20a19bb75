"""What the browser's table and the model say to each other: everything once, then only differences."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Hashable, Mapping
from dataclasses import astuple
from typing import Any

from nbcache.notebook.panel.clicks import Clicks
from nbcache.notebook.panel.model import Notice, PanelModel
from nbcache.notebook.panel.rows import ASK_SECONDS, UNDO_SECONDS, EntryRow

_MOST_FOUND = 1000
"""So many of one closed function's entries are sent for a search: nobody reads more."""

Send = Callable[[dict[str, Any], list[bytes]], None]


class TableSync:
    """The kernel's end of one table.

    Parameters
    ----------
    model : what the table shows
    clicks : what its buttons do
    send : sends a message and its buffers to the browser

    Notes
    -----
    Sort and scrolling happen in the browser, and so does search in what it has; opening, clearing, and search in
    closed functions come here. Entries travel by columns, as JSON in one buffer, about 50 bytes each, and are named
    by small numbers instead of their addresses.
    """

    def __init__(self, model: PanelModel, clicks: Clicks, send: Send) -> None:
        self._model = model
        self._clicks = clicks
        self._send = send
        self._lock = threading.RLock()
        self._overview: dict[str, Any] = {}
        self._sent: dict[str, dict[int, EntryRow]] = {}
        self._found: dict[str, dict[int, EntryRow]] = {}
        self._numbers: dict[Hashable, int] = {}
        self._addresses: list[Hashable] = []

    def receive(self, message: Mapping[str, Any]) -> None:
        """Do what the browser asks for, and answer."""
        match message.get("type"):
            case "hello":
                with self._lock:
                    self._overview = {}
                    self._sent = {}
                    self._found = {}
            case "search":
                self._model.search(str(message["text"]))
                with self._lock:
                    self._draw_found(always=True)
                return
            case "open":
                self._model.open(str(message["name"]))
            case "close":
                self._model.close(str(message["name"]))
            case "clear":
                self._done(message, self._clear(message))
                return
            case "undo":
                self._done(message, self._clicks.undo())
                return
            case _:
                return
        self.draw()

    def _done(self, message: Mapping[str, Any], notice: Notice) -> None:
        self.draw()
        done = {"type": "done", "request": message.get("request"), "text": notice.text, "error": notice.error}
        self._send({**done, "undo": notice.undo is not None, "seconds": UNDO_SECONDS}, [])

    def draw(self) -> None:
        """Send what differs from what was sent."""
        model = self._model
        with self._lock:
            overview = {
                "type": "overview",
                "owner": model.owner,
                "totals": astuple(model.totals),
                "functions": [astuple(row) for row in model.functions],
                "text": model.notice.text,
                "error": model.notice.error,
                "ask": ASK_SECONDS,
            }
            if overview != self._overview:
                self._overview = overview
                self._send({**overview, "now": model.clock()}, [])
            for name in list(self._sent):
                if model.entries(name) is None:
                    del self._sent[name]
            for name in model.opened:
                self._draw_entries(name, model.entries(name) or [])
            if model.query or self._found:
                self._draw_found()

    def _clear(self, message: Mapping[str, Any]) -> Notice:
        name, number = message.get("name"), message.get("id")
        if name is None:
            return self._clicks.clear_all()
        if number is None:
            return self._clicks.clear_function(str(name))
        return self._clicks.clear_entry(str(name), self._addresses[int(number)])

    def _draw_entries(self, name: str, held: list[EntryRow]) -> None:
        before = self._sent.get(name)
        now = {self._number(entry.address): entry for entry in held}
        if now == before:
            return
        self._sent[name] = now
        if before is None:
            self._send({"type": "entries", "name": name, "whole": True, "gone": []}, [columns(now)])
            return
        gone = [number for number in before if number not in now]
        changed = {number: entry for number, entry in now.items() if before.get(number) != entry}
        self._send({"type": "entries", "name": name, "whole": False, "gone": gone}, [columns(changed)])

    def _draw_found(self, *, always: bool = False) -> None:
        """Send what the search finds in closed functions; of many, the first."""
        model, found = self._model, {}
        for row in model.functions:
            if model.entries(row.name) is None and (held := model.found_in(row)):
                found[row.name] = {self._number(entry.address): entry for entry in held[:_MOST_FOUND]}
        if not always and found == self._found:
            return
        self._found = found
        message = {"type": "found", "query": model.query, "names": list(found)}
        self._send(message, [columns(held) for held in found.values()])

    def _number(self, address: Hashable) -> int:
        number = self._numbers.get(address)
        if number is None:
            number = self._numbers[address] = len(self._addresses)
            self._addresses.append(address)
        return number


def columns(entries: Mapping[int, EntryRow]) -> bytes:
    """Return entries as JSON by columns, times in seconds after the first of them."""
    rows = list(entries.values())
    base = int(min((entry.created for entry in rows), default=0))
    states = list(dict.fromkeys(entry.states for entry in rows))
    labels = {at: entry.label for at, entry in enumerate(rows) if not entry.label.endswith(f"({entry.arguments})")}
    places = {state: place for place, state in enumerate(states)}
    packed = {
        "base": base,
        "states": states,
        "id": list(entries),
        "arguments": [entry.arguments for entry in rows],
        "labels": labels,
        "size": [entry.size for entry in rows],
        "created": [round(entry.created - base) for entry in rows],
        "expires": [None if entry.expires is None else round(entry.expires - base) for entry in rows],
        "used": [round(entry.used - base) for entry in rows],
        "hits": [entry.hits for entry in rows],
        "seconds": [float(f"{entry.seconds:.3g}") for entry in rows],
        "state": [places[entry.states] for entry in rows],
    }
    return json.dumps(packed, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")

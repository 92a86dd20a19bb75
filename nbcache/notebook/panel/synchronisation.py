"""What the browser's table and the model say to each other: everything once, then only differences."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Hashable, Mapping
from dataclasses import astuple
from typing import Any

from nbcache.notebook.panel.model import Notice, PanelModel
from nbcache.notebook.panel.rows import EntryRow

Send = Callable[[dict[str, Any], list[bytes]], None]


class TableSync:
    """The kernel's end of one table.

    Parameters
    ----------
    model : what the table shows
    send : sends a message and its buffers to the browser

    Notes
    -----
    Search, sort and scrolling happen in the browser; only opening and clearing come here. Entries travel by
    columns, as JSON in one buffer, about 50 bytes each, and are named by small numbers instead of their
    addresses.
    """

    def __init__(self, model: PanelModel, send: Send) -> None:
        self._model = model
        self._send = send
        self._lock = threading.RLock()
        self._overview: dict[str, Any] = {}
        self._sent: dict[str, dict[int, EntryRow]] = {}
        self._numbers: dict[Hashable, int] = {}
        self._addresses: list[Hashable] = []

    def receive(self, message: Mapping[str, Any]) -> None:
        """Do what the browser asks for, and answer."""
        match message.get("type"):
            case "hello":
                with self._lock:
                    self._overview = {}
                    self._sent = {}
            case "open":
                self._model.open(str(message["name"]))
            case "close":
                self._model.close(str(message["name"]))
            case "clear":
                notice = self._clear(message)
                self.draw()
                done = {"type": "done", "request": message.get("request")}
                self._send({**done, "text": notice.text, "error": notice.error}, [])
                return
            case _:
                return
        self.draw()

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
            }
            if overview != self._overview:
                self._overview = overview
                self._send({**overview, "now": model.clock()}, [])
            for name in list(self._sent):
                if model.entries(name) is None:
                    del self._sent[name]
            for name in model.opened:
                self._draw_entries(name, model.entries(name) or [])

    def _clear(self, message: Mapping[str, Any]) -> Notice:
        name, number = message.get("name"), message.get("id")
        if name is None:
            self._model.ask_clear_all()
            return self._model.clear_all()
        if number is None:
            return self._model.clear_function(str(name))
        return self._model.clear_entry(str(name), self._addresses[int(number)])

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
    places = {state: place for place, state in enumerate(states)}
    packed = {
        "base": base,
        "states": states,
        "id": list(entries),
        "label": [entry.label for entry in rows],
        "size": [entry.size for entry in rows],
        "created": [round(entry.created - base) for entry in rows],
        "expires": [None if entry.expires is None else round(entry.expires - base) for entry in rows],
        "hits": [entry.hits for entry in rows],
        "seconds": [float(f"{entry.seconds:.3g}") for entry in rows],
        "state": [places[entry.states] for entry in rows],
    }
    return json.dumps(packed, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")

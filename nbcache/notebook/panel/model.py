"""What the panel shows and does, without a widget: search, sort, pages, clearing, errors."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from nbcache.notebook.display import quantities
from nbcache.notebook.panel.rows import (
    ENTRY_KEYS,
    FUNCTION_KEYS,
    Column,
    EntryRow,
    FunctionRow,
    Source,
    Totals,
    natural,
)

Row = TypeVar("Row", FunctionRow, EntryRow)


@dataclass(frozen=True, slots=True)
class Line:
    """One line as drawn: a function, the titles of its entries, an entry, or a note in their place."""

    kind: Literal["function", "titles", "entry", "note"]
    function: FunctionRow
    entry: EntryRow | None = None
    opened: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """What the panel says about the last action; `error` marks a failure."""

    text: str = ""
    error: bool = False


class PanelModel:
    """The state of one panel.

    Parameters
    ----------
    source : the cache looked at
    owner : the name of the only function to show, opened; None shows all
    clock : the current time in epoch seconds

    Notes
    -----
    Safe to use from several threads: clicks may be handled while a cell runs, and live updates come from a
    thread of their own. Nothing here waits for anything but the source.
    """

    def __init__(self, source: Source, owner: str | None = None, *, clock: Callable[[], float] = time.time) -> None:
        self.source = source
        self.owner = owner
        self.clock = clock
        self.totals = Totals()
        self.functions: list[FunctionRow] = []
        self.notice = Notice()
        self.asking = False
        self.query = ""
        self.sort: tuple[Column, bool] = ("name", False)
        self.page = 0
        self._entries: dict[str, list[EntryRow]] = {} if owner is None else {owner: []}
        self._lines: list[Line] | None = None
        self._version: int | None = None
        self._readings = itertools.count(1)
        self._last_reading = 0
        self._lock = threading.RLock()

    # --- reading -------------------------------------------------------------------------------------------

    def refresh(self) -> bool:
        """Read the source again if it changed; return whether anything was read.

        Entries are read again only for opened functions whose own row changed.
        """
        try:
            version = self.source.version()
            if version == self._version:
                return False
            before = {row.name: row for row in self.functions}
            reading, rows, totals = self._read()
            entries = {
                row.name: self.source.entries(row.name)
                for row in rows
                if row.name in self._entries and row != before.get(row.name)
            }
        except Exception as error:
            self._notify(Notice(f"The cache could not be read: {_reason(error)}", error=True))
            return True
        with self._lock:
            if self._show(reading, rows, totals):
                self._entries.update({name: held for name, held in entries.items() if name in self._entries})
                self._version = version
        return True

    def _read(self) -> tuple[int, list[FunctionRow], Totals]:
        """Read functions and totals; the lock is not held meanwhile, so that no click waits for a disk."""
        reading = next(self._readings)
        rows = self.source.functions()
        if self.owner is None:
            return reading, rows, self.source.totals()
        rows = [row for row in rows if row.name == self.owner]
        return reading, rows, _totals_of(rows)

    def _show(self, reading: int, rows: list[FunctionRow], totals: Totals) -> bool:
        """Take over what was read, unless a reading that began later came first."""
        if reading < self._last_reading:
            return False
        self._last_reading = reading
        self.functions, self.totals = rows, totals
        self._lines = None
        return True

    def entries(self, name: str) -> list[EntryRow] | None:
        """Return the rows of an opened function, None when it is closed."""
        return self._entries.get(name)

    @property
    def opened(self) -> list[str]:
        """The functions whose entries are shown."""
        return list(self._entries)

    def label(self, name: str) -> str:
        """Return how users write the function called `name`."""
        return next((row.label for row in self.functions if row.name == name), name)

    @property
    def scope(self) -> str:
        """What "Clear all" would clear, in words."""
        what = quantities.count(self.totals.entries, "entry", "entries")
        return f"all {what}" if self.owner is None else f"all {what} of {self.label(self.owner)}"

    @property
    def closed(self) -> list[str]:
        """The functions with entries that no search can look into, as they are closed."""
        return [row.name for row in self.functions if row.entries and row.name not in self._entries]

    # --- choosing what is shown ----------------------------------------------------------------------------

    def open(self, name: str) -> None:
        """Show the entries of a function."""
        try:
            held = self.source.entries(name)
        except Exception as error:
            self._notify(Notice(f"{self.label(name)} could not be read: {_reason(error)}", error=True))
            return
        with self._lock:
            self._entries[name] = held
            self._lines = None

    def close(self, name: str) -> None:
        """Hide the entries of a function."""
        with self._lock:
            self._entries.pop(name, None)
            self._lines = None

    def open_all(self) -> None:
        """Show the entries of every function, so that a search finds them."""
        for name in self.closed:
            self.open(name)

    def search(self, text: str) -> None:
        """Show only what contains `text`, whatever its case; empty text shows everything."""
        with self._lock:
            self.query, self.page, self._lines = text.strip().casefold(), 0, None

    def sort_by(self, column: Column) -> None:
        """Sort by a column, numbers from the greatest, names from the first; once more turns it round."""
        with self._lock:
            current, descending = self.sort
            self.sort = (column, not descending if column == current else column not in ("name", "state"))
            self.page, self._lines = 0, None

    def turn(self, pages: int, per_page: int) -> None:
        """Go some pages on, or back; stops at both ends."""
        with self._lock:
            last = max(0, (len(self.lines()) - 1) // per_page)
            self.page = min(max(0, self.page + pages), last)

    # --- what is drawn -------------------------------------------------------------------------------------

    def lines(self) -> list[Line]:
        """Return every line to draw, in order: filtered, sorted, opened functions with their entries."""
        with self._lock:
            if self._lines is None:
                rows = self._sorted(self.functions, FUNCTION_KEYS)
                self._lines = [line for row in rows for line in self._lines_of(row)]
            return self._lines

    def _lines_of(self, row: FunctionRow) -> list[Line]:
        held = self._entries.get(row.name)
        found = held or []
        if self.query and self.query not in row.label.casefold():
            found = [entry for entry in found if self.query in entry.label.casefold()]
            if not found:
                return []
        drawn = [Line("function", row, opened=held is not None)]
        if held is None:
            return drawn
        if not found:
            note = f"Nothing kept yet: the next call of {row.label} adds an entry."
            return [*drawn, Line("note", row, note=note)]
        entries = self._sorted(found, ENTRY_KEYS)
        return [*drawn, Line("titles", row), *(Line("entry", row, entry) for entry in entries)]

    def shown(self, per_page: int) -> tuple[list[Line], int, int]:
        """Return the lines of the current page, the number of the first (from 0), and how many there are."""
        with self._lock:
            lines = self.lines()
            self.page = min(self.page, max(0, (len(lines) - 1) // per_page))
            first = self.page * per_page
            return lines[first : first + per_page], first, len(lines)

    def _sorted(self, rows: list[Row], keys: Mapping[Column, Callable[[Row], Any]]) -> list[Row]:
        """Sort rows by the chosen column, then by name; what has no value comes last either way."""
        column, descending = self.sort
        ordered = sorted(rows, key=lambda row: natural(row.label))
        if column == "name":
            return ordered[::-1] if descending else ordered
        key = keys[column]
        known = [row for row in ordered if key(row) is not None]
        unknown = [row for row in ordered if key(row) is None]
        return sorted(known, key=key, reverse=descending) + unknown

    # --- clearing ------------------------------------------------------------------------------------------

    def clear_entry(self, name: str, address: Hashable) -> Notice:
        """Clear one entry of the function called `name`, as `function.clear(arguments)` does."""
        held = self._entries.get(name) or []
        label = next((entry.label for entry in held if entry.address == address), self.label(name))
        return self._clear(label, lambda: self.source.clear_entry(address), name, address)

    def clear_function(self, name: str) -> Notice:
        """Clear every entry of one function or cell, as `function.clear()` does."""
        return self._clear(self.label(name), lambda: self.source.clear_function(name), name)

    def ask_clear_all(self) -> None:
        """Ask once more before everything goes."""
        with self._lock:
            self.asking = True
            self.notice = Notice()

    def keep_all(self) -> None:
        """Take the question back."""
        with self._lock:
            self.asking = False

    def clear_all(self) -> Notice:
        """Clear what the question named; without the question having been asked, ask it instead."""
        with self._lock:
            if not self.asking:
                self.ask_clear_all()
                return self.notice
            self.asking = False
        if self.owner is not None:
            return self.clear_function(self.owner)
        return self._clear("The cache", self.source.clear_all)

    def _clear(self, label: str, act: Callable[[], int], name: str | None = None, address: Hashable = None) -> Notice:
        """Clear, take the rows away, and say what happened: nobody would see the traceback of a click."""
        try:
            removed = act()
            with self._lock:
                self._drop(name, address)
            reading, rows, totals = self._read()
        except Exception as error:
            return self._notify(Notice(f"{label} was not cleared: {_reason(error)}", error=True))
        with self._lock:
            self._show(reading, rows, totals)
        if not removed:
            return self._notify(Notice(f"{label} had no entry left to clear."))
        return self._notify(Notice(f"{label} cleared: {quantities.count(removed, 'entry', 'entries')} gone."))

    def _drop(self, name: str | None, address: Hashable) -> None:
        """Forget rows whose entries were cleared: one, those of one function, or all."""
        for held_name in self._entries if name is None else self._entries.keys() & {name}:
            held = self._entries[held_name]
            kept = [] if address is None else [entry for entry in held if entry.address != address]
            self._entries[held_name] = kept
        self._lines = None

    def _notify(self, notice: Notice) -> Notice:
        with self._lock:
            self.notice = notice
        return notice


def _reason(error: BaseException) -> str:
    return str(error) or type(error).__name__


def _totals_of(rows: list[FunctionRow]) -> Totals:
    """Add up the numbers of functions, for a panel that shows only some."""
    return Totals(
        entries=sum(row.entries for row in rows),
        memory=sum(row.size for row in rows),
        hits=sum(row.hits for row in rows),
        misses=sum(row.misses for row in rows),
        seconds_saved=sum(row.seconds_saved for row in rows),
    )

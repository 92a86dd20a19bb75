"""What the panel shows, without a widget: rows that follow the cache, search, sort, pages."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from nbcache.errors import text_of
from nbcache.notebook.panel.rows import (
    ENTRY_KEYS,
    FUNCTION_KEYS,
    Column,
    EntryRow,
    FunctionRow,
    PanelSource,
    Totals,
    by_name,
)

Row = TypeVar("Row", FunctionRow, EntryRow)


@dataclass(frozen=True, slots=True)
class Line:
    """One line as drawn: a function, an entry, or a note in the place of entries."""

    kind: Literal["function", "entry", "note"]
    function: FunctionRow
    entry: EntryRow | None = None
    opened: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """What the panel says about the last action.

    Attributes
    ----------
    error : whether it failed
    until : when it goes away, in epoch seconds; None for when something else is said
    undo : takes the action back, as long as there is time
    """

    text: str = ""
    error: bool = False
    until: float | None = None
    undo: Callable[[], bool] | None = None


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

    def __init__(
        self, source: PanelSource, owner: str | None = None, *, clock: Callable[[], float] = time.time
    ) -> None:
        self.source = source
        self.owner = owner
        self.clock = clock
        self.totals = Totals()
        self.functions: list[FunctionRow] = []
        self.notice = Notice()
        self.query = ""
        self.sort: tuple[Column, bool] = ("name", False)
        self.page = 0
        self._entries: dict[str, list[EntryRow]] = {} if owner is None else {owner: []}
        self._searched: dict[str, tuple[FunctionRow, list[EntryRow]]] = {}
        self._lines: list[Line] | None = None
        self._version: int | None = None
        self._readings = itertools.count(1)
        self._last_reading = 0
        self._lock = threading.RLock()

    # --- reading -------------------------------------------------------------------------------------------

    def refresh(self) -> bool:
        """Read the source again if it changed; return whether there is anything new to draw.

        Entries are read again only for opened functions whose own row changed.
        """
        faded = self._fade()
        try:
            version = self.source.version()
            if version == self._version:
                return faded
            before = {row.name: row for row in self.functions}
            reading, rows, totals = self._read()
            entries = {
                row.name: self.source.entries(row.name)
                for row in rows
                if row.name in self._entries and row != before.get(row.name)
            }
        except Exception as error:
            self.notice = Notice(f"The cache could not be read: {reason(error)}", error=True)
            return True
        with self._lock:
            if self._show(reading, rows, totals):
                self._entries.update({name: held for name, held in entries.items() if name in self._entries})
                self._version = version
        return True

    def read_again(self) -> None:
        """Read the source, changed or not."""
        self._version = None
        self.refresh()

    def read_now(self) -> None:
        """Read functions and totals.

        Raises
        ------
        Whatever the source raises.
        """
        reading, rows, totals = self._read()
        with self._lock:
            self._show(reading, rows, totals)

    def _fade(self) -> bool:
        """Take a message away whose time is over."""
        until = self.notice.until
        if until is None or self.clock() < until:
            return False
        self.notice = Notice()
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

    def function(self, name: str) -> FunctionRow | None:
        """Return the row of the function called `name`."""
        return next((row for row in self.functions if row.name == name), None)

    def entry(self, name: str, address: Hashable) -> EntryRow | None:
        """Return a row of an opened function, or one that the search found."""
        _, searched = self._searched.get(name, (None, []))
        held = (*self._entries.get(name, ()), *searched)
        return next((entry for entry in held if entry.address == address), None)

    def drop(self, name: str | None, address: Hashable = None) -> None:
        """Forget rows whose entries were cleared: one, those of one function, or all."""
        with self._lock:
            for held_name in self._entries if name is None else self._entries.keys() & {name}:
                held = self._entries[held_name]
                kept = [] if address is None else [entry for entry in held if entry.address != address]
                self._entries[held_name] = kept
            self._searched.clear()
            self._lines = None

    # --- choosing what is shown ----------------------------------------------------------------------------

    def open(self, name: str) -> None:
        """Show the entries of a function."""
        try:
            held = self.source.entries(name)
        except Exception as error:
            self.notice = Notice(f"{self.label(name)} could not be read: {reason(error)}", error=True)
            return
        with self._lock:
            self._entries[name] = held
            self._lines = None

    def close(self, name: str) -> None:
        """Hide the entries of a function."""
        with self._lock:
            self._entries.pop(name, None)
            self._lines = None

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
        named = self.query in row.label.casefold()
        if held is None:
            found = [] if named else self.found_in(row)
        else:
            found = held if named else self._matching(held)
        if not named and not found:
            return []
        drawn = [Line("function", row, opened=held is not None or bool(found))]
        if held is not None and not found:
            note = f"No entries yet. The next call of {row.label} adds an entry."
            return [*drawn, Line("note", row, note=note)]
        return [*drawn, *(Line("entry", row, entry) for entry in self._sorted(found, ENTRY_KEYS))]

    def found_in(self, row: FunctionRow) -> list[EntryRow]:
        """Return what the search finds in a closed function, which is read once until its own row changes."""
        if not self.query or not row.entries:
            return []
        before = self._searched.get(row.name)
        if before is None or before[0] != row:
            try:
                before = row, self.source.entries(row.name)
            except Exception as error:
                self.notice = Notice(f"{row.label} could not be read: {reason(error)}", error=True)
                return []
            self._searched[row.name] = before
        return self._matching(before[1])

    def _matching(self, entries: list[EntryRow]) -> list[EntryRow]:
        return [entry for entry in entries if self.query in entry.label.casefold()]

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
        ordered = sorted(rows, key=by_name)
        if column == "name":
            return ordered[::-1] if descending else ordered
        key = keys[column]
        known = [row for row in ordered if key(row) is not None]
        unknown = [row for row in ordered if key(row) is None]
        return sorted(known, key=key, reverse=descending) + unknown


def reason(error: BaseException) -> str:
    """Return what an error says, or at least what it is."""
    return text_of(error) or type(error).__name__


def _totals_of(rows: list[FunctionRow]) -> Totals:
    """Add up the numbers of functions, for a panel that shows only some."""
    return Totals(
        entries=sum(row.entries for row in rows),
        memory=sum(row.size for row in rows),
        hits=sum(row.hits for row in rows),
        misses=sum(row.misses for row in rows),
        seconds_saved=sum(row.seconds_saved for row in rows),
    )

"""What the panel asks of a cache, and the rows it is given."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from nbcache.notebook.display.tables import by_label, natural

Column = Literal["name", "size", "hits", "took", "saved", "used", "expires", "state"]

COLUMNS: dict[Column, str] = {
    "name": "Function or arguments",
    "size": "Size",
    "hits": "Hits",
    "took": "Took",
    "saved": "Time saved",
    "used": "Last used",
    "expires": "Expires",
    "state": "State",
}
"""The title of each column: it means the same for a function and for each of its entries."""

TIERS = ("memory", "disk", "shared")
"""Where an entry may be, as its state says it."""

ASK_SECONDS = 60.0
"""What took longer than this to compute is cleared only after a question."""

UNDO_SECONDS = 8.0
"""For so long a clear can be taken back, and a message stays."""


@dataclass(frozen=True, slots=True)
class Totals:
    """The numbers of the whole cache; sizes in bytes, `disk_limit` None where nothing bounds it."""

    entries: int = 0
    memory: int = 0
    disk: int = 0
    disk_limit: int | None = None
    hits: int = 0
    misses: int = 0
    seconds_saved: float = 0.0
    shared: str = ""


@dataclass(frozen=True, slots=True)
class FunctionRow:
    """A cached function or cell.

    Attributes
    ----------
    name, label : what identifies it, and how users know it
    seconds : what its entries took to compute, in all
    last_used : when a result was last computed or handed out
    code : the source of a cell, as far as it is known
    """

    name: str
    label: str
    entries: int = 0
    size: int = 0
    hits: int = 0
    misses: int = 0
    seconds_saved: float = 0.0
    last_used: float | None = None
    states: tuple[str, ...] = ()
    seconds: float = 0.0
    code: str = ""

    @property
    def is_cell(self) -> bool:
        """Whether it is a cell, not a function."""
        return self.name.startswith("cell ")


@dataclass(frozen=True, slots=True)
class EntryRow:
    """One argument set.

    Attributes
    ----------
    address : identifies it to the source
    label : the call as it would be typed
    arguments : what its row says, below the row of its function
    created, used : when it was computed, and when it was last handed out
    """

    address: Hashable
    label: str
    arguments: str = ""
    size: int = 0
    created: float = 0.0
    used: float = 0.0
    expires: float | None = None
    hits: int = 0
    seconds: float = 0.0
    states: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cleared:
    """What a clear did: the number of entries, and what takes it back while there is time; that says whether it did."""

    count: int
    undo: Callable[[], bool] | None = None


class PanelSource(Protocol):
    """What the panel asks of a cache. Every method may be called from any thread."""

    def version(self) -> int:
        """Return a number that differs whenever something shown may have changed; costs next to nothing."""

    def totals(self) -> Totals:
        """Return the numbers of the header."""

    def functions(self) -> list[FunctionRow]:
        """Return a row per cached function and cell, those without entries included."""

    def entries(self, name: str) -> list[EntryRow]:
        """Return a row per entry of a function, without loading a value."""

    def wait(self) -> None:
        """Return once everything is known, for a table that is made only once; may take seconds."""

    def clear_all(self) -> Cleared:
        """Clear everything."""

    def clear_function(self, name: str) -> Cleared:
        """Clear the entries of one function or cell."""

    def clear_entry(self, address: Hashable) -> Cleared:
        """Clear one entry."""


def by_name(row: FunctionRow | EntryRow) -> tuple[bool, list[tuple[int, int, str]]]:
    """Return a key that sorts rows by name: functions, then cells; numbers inside names by value."""
    if isinstance(row, FunctionRow):
        return by_label(row.name, row.label)
    return False, natural(row.label)


FUNCTION_KEYS: dict[Column, Callable[[FunctionRow], Any]] = {
    "size": lambda row: row.size,
    "hits": lambda row: row.hits,
    "took": lambda row: row.seconds,
    "saved": lambda row: row.seconds_saved,
    "used": lambda row: row.last_used,
    "expires": lambda row: None,
    "state": lambda row: row.states,
}
ENTRY_KEYS: dict[Column, Callable[[EntryRow], Any]] = {
    "size": lambda entry: entry.size,
    "hits": lambda entry: entry.hits,
    "took": lambda entry: entry.seconds,
    "saved": lambda entry: entry.hits * entry.seconds,
    "used": lambda entry: entry.used,
    "expires": lambda entry: entry.expires,
    "state": lambda entry: entry.states,
}

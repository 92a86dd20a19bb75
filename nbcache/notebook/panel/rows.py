"""What the panel asks of a cache, and the rows it is given."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Column = Literal["name", "entries", "size", "hits", "misses", "saved", "used", "state"]

COLUMNS: dict[Column, tuple[str, str]] = {
    "name": ("Function", "Call"),
    "entries": ("Entries", "Expires"),
    "size": ("Size", "Size"),
    "hits": ("Hits", "Hits"),
    "misses": ("Misses", "Took"),
    "saved": ("Time saved", "Time saved"),
    "used": ("Last used", "Age"),
    "state": ("State", "State"),
}
"""The titles of each column: above the rows of functions, and above the entries of an opened one."""


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
    """A cached function or cell: `name` identifies it, `label` is how users write it."""

    name: str
    label: str
    entries: int = 0
    size: int = 0
    hits: int = 0
    misses: int = 0
    seconds_saved: float = 0.0
    last_used: float | None = None
    states: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EntryRow:
    """One argument set. `address` identifies it to the source, `label` is the call as it would be typed."""

    address: Hashable
    label: str
    size: int = 0
    created: float = 0.0
    expires: float | None = None
    hits: int = 0
    seconds: float = 0.0
    states: tuple[str, ...] = ()


class Source(Protocol):
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

    def clear_all(self) -> int:
        """Clear everything; return the number of entries removed."""

    def clear_function(self, name: str) -> int:
        """Clear the entries of one function or cell; return their number."""

    def clear_entry(self, address: Hashable) -> int:
        """Clear one entry; return 1, or 0 when it had gone."""


def natural(text: str) -> list[tuple[int, int, str]]:
    """Return a key that sorts the numbers inside texts by their value: f(2) before f(10)."""
    pieces = [piece.lstrip("0") if piece.isdecimal() else piece for piece in re.split(r"([0-9]+)", text)]
    return [
        (1, 0, piece.casefold()) if place % 2 == 0 else (0, len(piece), piece) for place, piece in enumerate(pieces)
    ]


FUNCTION_KEYS: dict[Column, Callable[[FunctionRow], Any]] = {
    "entries": lambda row: row.entries,
    "size": lambda row: row.size,
    "hits": lambda row: row.hits,
    "misses": lambda row: row.misses,
    "saved": lambda row: row.seconds_saved,
    "used": lambda row: row.last_used,
    "state": lambda row: row.states,
}
ENTRY_KEYS: dict[Column, Callable[[EntryRow], Any]] = {
    "entries": lambda entry: entry.expires,
    "size": lambda entry: entry.size,
    "hits": lambda entry: entry.hits,
    "misses": lambda entry: entry.seconds,
    "saved": lambda entry: entry.hits * entry.seconds,
    "used": lambda entry: entry.created,
    "state": lambda entry: entry.states,
}

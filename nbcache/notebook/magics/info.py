"""The tables of `%cache_info`: a row per function, or per entry."""

from __future__ import annotations

import time
from collections.abc import Sequence

from nbcache.inspection.rows import EntryInfo, FunctionInfo
from nbcache.notebook.display import quantities
from nbcache.notebook.display.tables import Table, short_name


def functions_table(rows: Sequence[FunctionInfo], now: float | None = None) -> Table:
    """One row per function: entries, bytes, hits, misses, time saved, last use."""
    moment = time.time() if now is None else now
    if not rows:
        teach = "Nothing is cached yet: put @cache_data above a function, or %%cache_cell on a cell."
        return Table(("function",), (), teach)
    costly = [row.name for row in rows if row.hits and row.seconds_saved < 0]
    return Table(
        ("function", "entries", "size", "hits", "misses", "time saved", "last used"),
        tuple(
            (
                short_name(row.name),
                f"{row.entries:,}",
                quantities.size(row.bytes),
                f"{row.hits:,}",
                f"{row.misses:,}",
                quantities.duration(row.seconds_saved),
                quantities.ago(row.last_used, moment),
            )
            for row in rows
        ),
        f"Caching costs more than it saves: {', '.join(map(short_name, costly))}." if costly else "",
    )


def entries_table(name: str, rows: Sequence[EntryInfo], now: float | None = None) -> Table:
    """One row per argument set of a function, or per stored run of a cell."""
    moment = time.time() if now is None else now
    if not rows:
        return Table((short_name(name),), (), "Nothing of it is cached now.")
    called = not name.startswith("cell ")
    return Table(
        ("call" if called else "run", "size", "age", "expires", "hits", "computed in", "tier"),
        tuple(
            (
                f"{short_name(name)}({row.arguments})" if called else short_name(name),
                quantities.size(row.bytes),
                quantities.ago(row.created, moment),
                quantities.left(row.expires, moment),
                f"{row.hits:,}",
                quantities.duration(row.seconds_to_compute),
                row.tier,
            )
            for row in rows
        ),
    )

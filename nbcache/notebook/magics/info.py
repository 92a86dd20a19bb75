"""The tables of `%cache_info`: a row per function, or per entry."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from nbcache.inspection.rows import EntryInfo, FunctionInfo
from nbcache.notebook.display import quantities
from nbcache.notebook.display.tables import Table, by_label, called, cut, owner_label, short_name

#: So many entries are listed; a notebook keeps what a table shows.
MOST_ROWS = 50
#: The panel shows a call whole.
LONGEST_CALL = 120


def functions_table(
    rows: Sequence[FunctionInfo],
    now: float | None = None,
    codes: Mapping[str, str] | None = None,
    *,
    counted: bool = True,
) -> Table:
    """One row per function: entries, bytes, hits, misses, time saved, last use.

    Parameters
    ----------
    codes : the source of cells, by their owners, as far as it is known
    counted : whether this process has counted hits and misses; a terminal has not
    """
    moment = time.time() if now is None else now
    if not rows:
        teach = "Nothing is cached yet: put @cache_data above a function, or %%cache_cell on a cell."
        return Table((), (), teach)
    labels = {row.name: owner_label(row.name, (codes or {}).get(row.name, "")) for row in rows}
    rows = sorted(rows, key=lambda row: by_label(row.name, labels[row.name]))
    if not counted:
        kept = [(labels[row.name], f"{row.entries:,}", quantities.size(row.bytes),
                 quantities.ago(row.last_used, moment)) for row in rows]  # fmt: skip
        return Table(("function", "entries", "size", "last used"), tuple(kept))
    costly = [labels[row.name] for row in rows if row.hits and row.seconds_saved < 0]
    return Table(
        ("function", "entries", "size", "hits", "misses", "time saved", "last used"),
        tuple(
            (
                labels[row.name],
                f"{row.entries:,}",
                quantities.size(row.bytes),
                f"{row.hits:,}",
                f"{row.misses:,}",
                quantities.duration(row.seconds_saved),
                quantities.ago(row.last_used, moment),
            )
            for row in rows
        ),
        f"Caching costs more than it saves: {', '.join(costly)}." if costly else "",
    )


def entries_table(
    name: str,
    rows: Sequence[EntryInfo],
    now: float | None = None,
    *,
    most: int | None = MOST_ROWS,
    rest: str = "",
    on_disk: Callable[[EntryInfo], bool] = lambda row: False,
    counted: bool = True,
) -> Table:
    """One row per argument set of a function, or per stored run of a cell.

    Parameters
    ----------
    most : how many rows; None for all
    rest : what shows the rest
    on_disk : tells whether an entry in memory is on disk too
    counted : whether this process has counted hits; a terminal has not
    """
    moment = time.time() if now is None else now
    if not rows:
        named = called(name)
        return Table((), (), f"{named[0].upper() if ' ' in named else named[0]}{named[1:]} has no cached results.")
    more = 0 if most is None else max(0, len(rows) - most)
    where = rest or f"%cache_panel {_shortest(name)}"
    call = not name.startswith("cell ")
    hits = ("hits",) if counted else ()
    return Table(
        ("call" if call else "run", "size", "age", "expires", *hits, "computed in", "kept in"),
        tuple(
            (
                cut(f"{short_name(name)}({row.arguments})" if call else short_name(name), LONGEST_CALL),
                quantities.size(row.bytes),
                quantities.ago(row.created, moment),
                quantities.left(row.expires, moment),
                *([f"{row.hits:,}"] if counted else []),
                quantities.duration(row.seconds_to_compute),
                "memory, disk" if row.tier == "memory" and on_disk(row) else row.tier,
            )
            for row in rows[: len(rows) - more]
        ),
        f"and {more:,} more: {where} shows all." if more else "",
    )


def _shortest(owner: str) -> str:
    return short_name(owner).removeprefix("cell ")

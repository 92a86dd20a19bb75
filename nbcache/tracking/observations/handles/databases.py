"""What does an open connection to a data base lead to: what is in it now, committed or not.

sqlite and duckdb tell; servers are asked by nobody. The files behind a connection to sqlite are followed as files, so
only what is in none of them is read through it. Those of duckdb are not: they belong to it while it runs.
"""

from __future__ import annotations

import sys
from typing import Any

from nbcache.tracking.code.bytecode import short_digest
from nbcache.tracking.observations.observation import Observer

__all__ = ["DEFAULT_TABLES", "TABLES", "of_duckdb", "of_sqlite"]

_MOST_ROWS = 100_000_000


def of_sqlite(connection: Any) -> Any:
    """What a connection to sqlite sees, beyond what is in its files: data bases in memory, and what is not committed.

    Raises
    ------
    sqlite3.Error
        It is closed, or belongs to another thread.
    """
    cursor = sys.modules["sqlite3"].Cursor(connection)
    cursor.row_factory = None
    names = [(name, path) for _, name, path in cursor.execute("PRAGMA database_list")]
    held = [(name, path or _pages(connection, cursor, name)) for name, path in names if path or name != "temp"]
    changes = connection.total_changes if connection.in_transaction or "temp" in dict(names) else 0
    ways = connection.row_factory, connection.text_factory, connection.isolation_level
    return held, changes, ways


def _pages(connection: Any, cursor: Any, name: str) -> bytes:
    """The pages of a data base in memory; one that holds nothing yet has none, and cannot be told."""
    quoted = name.replace('"', '""')
    ((count,),) = cursor.execute(f'PRAGMA "{quoted}".page_count').fetchall()
    pages: bytes = connection.serialize(name=name) if count else b""
    return pages


def of_duckdb(connection: Any) -> Any:
    """The tables, views and macros that a connection to duckdb sees, with the rows of the tables in their order.

    Raises
    ------
    duckdb.Error, ValueError
        It is closed, or holds more rows than are worth reading.
    """
    cursor = connection.cursor()  # a result of the user's that waits to be fetched stays where it is
    try:
        tables = cursor.execute(
            "SELECT database_name, schema_name, table_name, sql, estimated_size"
            " FROM duckdb_tables() WHERE NOT internal ORDER BY ALL"
        ).fetchall()
        if sum(table[4] or 0 for table in tables) > _MOST_ROWS:
            raise ValueError("too many rows")
        rows = []
        for *place, sql, _ in tables:
            name = ".".join('"{}"'.format(part.replace('"', '""')) for part in place)
            rows.append((place, sql, cursor.execute(f"SELECT count(*), sum(hash(t, rowid)) FROM {name} t").fetchall()))
        views = cursor.execute(
            "SELECT database_name, schema_name, view_name, sql FROM duckdb_views() WHERE NOT internal ORDER BY ALL"
        ).fetchall()
        macros = cursor.execute(
            "SELECT schema_name, function_name, parameters, macro_definition"
            " FROM duckdb_functions() WHERE NOT internal ORDER BY ALL"
        ).fetchall()
    finally:
        cursor.close()
    return rows, views, macros


class _DefaultTables:
    """What is in the data base that duckdb's own functions ask, such as `duckdb.sql`."""

    def digest(self, name: str) -> bytes:
        duckdb: Any = sys.modules.get("duckdb")
        if duckdb is None:
            return b""
        default = duckdb.default_connection
        rows, views, macros = of_duckdb(default() if callable(default) else default)
        return short_digest(b"tables", repr((rows, views, macros)).encode()) if rows or views or macros else b""

    def stamp(self, name: str) -> object:
        return None

    def label(self, name: str) -> str:
        return "tables of duckdb's default connection"

    def outline(self, name: str) -> str:
        return ""


DEFAULT_TABLES = _DefaultTables()


class _Tables:
    """Notes what was there before a run that uses duckdb."""

    def begin(self, observer: Observer) -> bytes:
        if "duckdb" not in observer.uses or "duckdb" not in sys.modules:
            return b""
        try:
            return DEFAULT_TABLES.digest("")
        except Exception:  # closed, or another version with another catalog
            return b""

    def end(self, observer: Observer, began: bytes) -> None:
        if began:
            observer.observe("tables", "", began)


TABLES = _Tables()

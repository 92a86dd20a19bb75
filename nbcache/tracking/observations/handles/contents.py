"""What stands for an open handle, whose files are followed and which tells nothing itself, or for a place of values.

A table of types, by name. What a reader here gives stands for the handle; `planned_files` names the files behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nbcache.tracking.observations.handles.databases import of_duckdb, of_sqlite

__all__ = ["reader_of"]


def _in_hdf(value: Any) -> Any:
    file = value.file
    if file.mode != "r":
        file.flush()  # what was written last may wait in memory
    return file.filename, file.mode, value.name


def _in_netcdf(group: Any) -> Any:
    top = group
    while top.parent is not None:
        top = top.parent
    top.sync()
    return group.filepath(), group.path


def _in_variable(value: Any) -> Any:
    try:
        return value.name, (value.get(),)
    except LookupError:
        return value.name, ()


def _in_lmdb(value: Any) -> Any:
    return value.path(), value.info()["last_txnid"]


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "sqlite3.Connection": of_sqlite,
    "_duckdb.DuckDBPyConnection": of_duckdb,
    "duckdb.duckdb.DuckDBPyConnection": of_duckdb,
    "h5py._hl.base.HLObject": _in_hdf,
    "netCDF4._netCDF4.Dataset": _in_netcdf,
    "netCDF4._netCDF4.Variable": lambda value: (_in_netcdf(value.group()), value.name),
    "rasterio.io.DatasetReader": lambda value: (value.name, value.mode),
    "builtins.Environment": _in_lmdb,
    "_contextvars.ContextVar": _in_variable,  # in the context that asks
    "_thread._local": lambda value: dict(value.__dict__),  # of the thread that asks
}


def reader_of(kind: type) -> Callable[[Any], Any] | None:
    """Find what reads a handle of a type; None for a type that is not in the table."""
    for base in kind.__mro__:
        reader = _READERS.get(f"{base.__module__}.{base.__qualname__}")
        if reader is not None:
            return reader
    return None

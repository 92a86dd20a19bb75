"""Which files does a lazy value stand for: a plan over scans, a data set, an open handle; read when it is asked.

A table of types, by name: nothing is imported, and what a value does not tell is not guessed at.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

__all__ = ["planned_files", "planned_files_of_argument"]

_MOST_FILES = 10_000
#: The content of these is in the key of each call that they are given to. joblib hands large arrays to its workers as
#: views of files that are gone afterwards.
_IN_THE_KEY = frozenset({"numpy.memmap"})


def planned_files(value: object) -> list[str]:
    """List the files that a value will read, or has open."""
    return _named_by(value, _planned(value))


def planned_files_of_argument(value: object) -> list[str]:
    """Like `planned_files`, for a value that a key is made of: none where the key holds the content."""
    kind = _planned(value)
    return [] if kind in _IN_THE_KEY else _named_by(value, kind)


def _planned(value: object) -> str:
    """The type in the table that a value is of; empty for none."""
    names = (f"{base.__module__}.{base.__qualname__}" for base in type(value).__mro__)
    return next((name for name in names if name in _PLANS), "")


def _named_by(value: object, kind: str) -> list[str]:
    try:
        found = _PLANS[kind](value) if kind else ()
        return [os.fsdecode(name) for name in found if isinstance(name, str | bytes | os.PathLike)][:_MOST_FILES]
    except Exception:  # closed, moved, or another version of the library: its own reads are seen by others
        return []


def _of_lazy_frame(frame: Any) -> Iterator[Any]:
    plan = frame._ldf.visit()
    waiting = [plan.get_node()]
    while waiting:
        plan.set_node(waiting.pop())
        yield from getattr(plan.view_current_node(), "paths", None) or ()
        waiting.extend(plan.get_inputs())


def _of_data_set(value: Any) -> Iterable[Any]:
    if not hasattr(value, "files"):
        return [name for child in getattr(value, "children", ()) for name in _of_data_set(child)]
    system = value.filesystem
    base = getattr(system, "base_path", "")
    if type(getattr(system, "base_fs", system)).__name__ != "LocalFileSystem":
        return []
    return [os.path.join(base, name) for name in value.files]


def _of_arrays(value: Any) -> Iterable[Any]:
    variables = value.variables.values() if hasattr(value, "variables") else value._to_temp_dataset().variables.values()
    sources = [value.encoding.get("source"), *(variable.encoding.get("source") for variable in variables)]
    return list(dict.fromkeys(source for source in sources if source is not None))


def _of_connection(connection: Any) -> Iterable[Any]:
    cursor = sys.modules["sqlite3"].Cursor(connection)
    cursor.row_factory = None
    return _with_log([name for _, _, name in cursor.execute("PRAGMA database_list") if name])


def _of_engine(engine: Any) -> Iterable[Any]:
    name = engine.url.database if engine.dialect.name in ("sqlite", "duckdb") else None
    return _with_log([name]) if name and name != ":memory:" else []


def _of_sessions(sessions: Any) -> Iterable[Any]:
    bound: Any = getattr(sessions, "bind", None) or getattr(sessions, "kw", {}).get("bind")
    return _of_engine(bound.engine)


def _with_log(names: list[str]) -> list[str]:
    """Data bases, and the logs that hold what was written to them last."""
    return [name + ending for name in names for ending in ("", "-wal")]


_PLANS: Mapping[str, Callable[[Any], Iterable[Any]]] = {
    "polars.lazyframe.frame.LazyFrame": _of_lazy_frame,
    "pyarrow._dataset.Dataset": _of_data_set,
    "xarray.core.dataset.Dataset": _of_arrays,
    "xarray.core.dataarray.DataArray": _of_arrays,
    "xarray.core.variable.Variable": lambda value: [value.encoding.get("source")],
    "h5py._hl.base.HLObject": lambda value: [value.file.filename],
    "netCDF4._netCDF4.Dataset": lambda value: [value.filepath()],
    "netCDF4._netCDF4.Variable": lambda value: [value.group().filepath()],
    "zipfile.ZipFile": lambda value: [value.filename],
    "zipfile.Path": lambda value: [value.root.filename],
    "zipfile._path.Path": lambda value: [value.root.filename],
    "tarfile.TarFile": lambda value: [value.name],
    "numpy.memmap": lambda value: [value.filename],
    "sqlite3.Connection": _of_connection,
    "sqlalchemy.engine.base.Engine": _of_engine,
    "sqlalchemy.engine.base.Connection": lambda value: _of_engine(value.engine),
    "sqlalchemy.orm.session.Session": _of_sessions,
    "sqlalchemy.orm.session.sessionmaker": _of_sessions,
    "builtins.Environment": lambda value: [os.path.join(value.path(), "data.mdb")],  # of lmdb
    "rasterio.io.DatasetReader": lambda value: value.files,
}

"""The cheapest correct way to hand out a value again and again, chosen by what the value is."""

from __future__ import annotations

import datetime
import decimal
import fractions
import pathlib
import sys
import uuid
import weakref
import zoneinfo
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from typing import Any

__all__ = [
    "ATOMS",
    "CLONE",
    "COPY",
    "KEEP",
    "LOAD",
    "MASTERED",
    "RECIPES",
    "SHALLOW",
    "SHARE",
    "ZONED",
    "occupied",
    "recipe_for",
]

KEEP = "keep"
"""Nothing can change it: the object itself."""
COPY = "copy"
"""A list, dict, set or bytearray of such: its own `copy`."""
LOAD = "load"
"""Anything: made anew from its stream."""
SHALLOW = "shallow"
"""A pandas 3 object over unwritable memory: a shallow copy, which copies what is changed."""
CLONE = "clone"
"""A polars object: a clone, which copies what is changed."""
SHARE = "share"
"""An Arrow object: itself, made over memory of our own."""

MASTERED = frozenset((SHALLOW, CLONE, SHARE))
RECIPES = MASTERED | {KEEP, COPY, LOAD}

# Exact types only: a subclass can have anything in it.
ATOMS: frozenset[type] = frozenset(
    (
        type(None), bool, int, float, complex, str, bytes, type(...), type(NotImplemented), range,
        decimal.Decimal, fractions.Fraction, uuid.UUID,
        datetime.date, datetime.timedelta, datetime.timezone, zoneinfo.ZoneInfo,
        pathlib.PurePosixPath, pathlib.PureWindowsPath, pathlib.PosixPath, pathlib.WindowsPath,
    )
)  # fmt: skip
_NUMPY_ATOMS = frozenset(
    (
        "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "longlong", "ulonglong",
        "float16", "float32", "float64", "longdouble", "complex64", "complex128", "clongdouble",
        "datetime64", "timedelta64",
    )
)  # fmt: skip
ZONED = (datetime.datetime, datetime.time)
_FLAT = (dict, list, set, bytearray)


def recipe_for(value: object) -> str:
    """Choose how copies of `value` are made."""
    kind = type(value)
    if kind in ATOMS or is_immutable(value):
        return KEEP
    if kind in _FLAT:
        return COPY if is_flat(value) else LOAD
    home = str(kind.__module__).partition(".")[0]
    if home == "pandas":
        return SHALLOW if _copies_on_write(value) else LOAD
    if home == "polars":
        return CLONE if _is_frozen_polars(value) else LOAD
    if home == "pyarrow":
        return SHARE if _is_arrow(value) else LOAD
    return LOAD


def is_immutable(value: object) -> bool:
    """Tell whether nothing in `value` can ever change."""
    kind = type(value)
    if kind in ATOMS:
        return True
    if kind is tuple or kind is frozenset:
        try:
            return _all_immutable(value)  # type: ignore[arg-type]
        except RecursionError:
            return False
    if kind in ZONED:
        return type(value.tzinfo) in _ZONES  # type: ignore[attr-defined]
    return kind.__module__ == "numpy" and kind.__name__.rstrip("_") in _NUMPY_ATOMS


_ZONES = (type(None), datetime.timezone, zoneinfo.ZoneInfo)


def _all_immutable(items: Iterable[object]) -> bool:
    kinds = set(map(type, items))
    if kinds <= ATOMS:
        return True
    return all(kind in ATOMS or is_immutable(item) for item in items for kind in (type(item),))


def is_flat(value: Any) -> bool:
    """Tell whether a list, dict, set or bytearray holds nothing that can change."""
    if type(value) is bytearray:
        return True
    try:
        return _all_immutable(value) and (type(value) is not dict or _all_immutable(value.values()))
    except RecursionError:
        return False


def occupied(value: Any) -> int:
    """Estimate the bytes of a live value: its containers, and every leaf once for each place it is in."""
    total = sys.getsizeof(value)
    kind = type(value)
    try:
        if kind is dict:
            return total + sum(map(occupied, value)) + sum(map(occupied, value.values()))
        if kind in (list, set, frozenset, tuple):
            sizes = sys.getsizeof if ATOMS.issuperset(map(type, value)) else occupied
            return total + sum(map(sizes, value))
    except RecursionError:
        return total
    return total


# --- guests; all of them are loaded when a value of theirs is met


def _copies_on_write(value: Any) -> bool:
    """Tell whether shallow copies of a pandas object over unwritable memory never affect each other.

    Left out is whatever keeps mutable state outside of the buffers: `attrs`, objects, categories, index types with a
    `freq` or levels. The test is a list of what is known to be safe.
    """
    pandas = sys.modules["pandas"]
    kind = type(value)
    if kind not in (pandas.DataFrame, pandas.Series) or value.attrs:
        return False
    if int(pandas.__version__.partition(".")[0]) < 3 or not _isolates(pandas):
        return False
    if kind is pandas.Series:
        return _plain_index(pandas, value.index) and _plain_dtype(value.dtype) and is_immutable(value.name)
    labelled = _plain_index(pandas, value.index) and _plain_index(pandas, value.columns)
    return labelled and all(map(_plain_dtype, set(value.dtypes)))


def _plain_index(pandas: Any, index: Any) -> bool:
    if not is_immutable(index.name):
        return False
    return type(index) is pandas.RangeIndex or (type(index) is pandas.Index and _plain_dtype(index.dtype))


def _plain_dtype(dtype: Any) -> bool:
    if type(dtype).__name__ == "StringDtype":
        return bool(dtype.storage == "pyarrow")
    return str(type(dtype).__module__).startswith("numpy") and dtype.kind in "biufcmM"


def _is_frozen_polars(value: Any) -> bool:
    polars = sys.modules["polars"]
    if type(value) is polars.DataFrame:
        return polars.Object not in value.dtypes
    return type(value) is polars.Series and value.dtype != polars.Object


def _is_arrow(value: Any) -> bool:
    pyarrow = sys.modules["pyarrow"]
    return isinstance(value, (pyarrow.Table, pyarrow.RecordBatch, pyarrow.ChunkedArray, pyarrow.Array))


def shallow_copies(master: Any) -> Callable[[], Any]:
    """Return a function giving shallow copies of a pandas object, which nothing done to one leads back to.

    pandas gives a copy index objects of its own, but these share what they have computed and the array objects below:
    `index.values` of a range is memory that can be made writable, and text can be replaced through `index._data`. So
    each copy gets labels of its own, laid over the same unwritable memory. They are put where pandas keeps them: its
    setters check, for more than the rest of a hit costs, that labels equal to the old ones fit.
    """
    _count_as_shared(master)
    # The columns of a frame come first there.
    labels = [_fresh_index(index) for index in master._mgr.axes]
    if len(labels) == 1:
        (only,) = labels

        def series() -> Any:
            made = master.copy(deep=False)
            made._mgr.axes[:] = (only(),)
            return made

        return series
    columns, rows = labels

    def frame() -> Any:
        made = master.copy(deep=False)
        made._mgr.axes[:] = (columns(), rows())
        return made

    return frame


def _count_as_shared(master: Any) -> None:
    """Have pandas copy before every write to the memory of a master, even when the master is gone.

    pandas finds who shares memory by weak references. Once an entry has left memory, the last copy handed out would
    pass for the only owner, and a write to it would go to memory that cannot be written: an error for the user.
    """
    for block in master._mgr.blocks:
        block.refs.referenced_blocks.append(weakref.ref(_Everybody))


class _Everybody:
    """Owns a share of all masters, and lives as long as the process."""


def _fresh_index(index: Any) -> Callable[[], Any]:
    """Return a function making index objects equal to this one, which share memory and nothing else."""
    pandas = sys.modules["pandas"]
    if type(index).__name__ == "RangeIndex":
        return partial(pandas.RangeIndex.from_range, range(index.start, index.stop, index.step), name=index.name)
    # The constructor would look at every label to find out what we know: their type.
    new, name = pandas.Index._simple_new, index.name
    # Text is a small object around Arrow memory, of which each index gets its own; a view is that for numbers.
    array = index.array.copy if type(index.dtype).__name__ == "StringDtype" else index.to_numpy().view
    return lambda: new(array(), name)


@lru_cache(maxsize=4)
def _isolates(pandas: Any) -> bool:
    """Try whether this pandas keeps shallow copies apart where unwritable memory does not: Arrow text and names."""
    master = pandas.DataFrame({"text": pandas.Series(["a", "b"], dtype="str"), "number": [1, 2]})
    if not _plain_dtype(master.dtypes["text"]):
        return True  # without Arrow no object with text comes this way
    try:
        changed = shallow_copies(master)()
        shared = all(block.refs.has_reference() for block in master._mgr.blocks)
    except AttributeError:
        return False  # a pandas that counts in another way
    for write in (changed["text"].array.__setitem__, changed.columns.array.__setitem__):
        try:
            write(0, "changed")
        except (ValueError, TypeError):
            pass  # refused, which is as good
    changed.index.name = changed.columns.name = "changed"
    kept = master["text"].iloc[0] == "a" and master.columns[0] == "text"
    return bool(kept and shared and master.index.name is None and master.columns.name is None)

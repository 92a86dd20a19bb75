"""How the array libraries' values are taken apart without copying their memory, and put together again.

numpy and polars are recognised when they are loaded and never imported for a value of somebody else. The
functions that put values together are named in stored streams: renaming one makes stored values misses.
"""

from __future__ import annotations

import copyreg
import sys
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from pickle import PickleBuffer
from typing import Any

from nbcache.entries import lossless
from nbcache.entries.tensors import Tensors, reduced_generator, storage, tensor

__all__ = [
    "INLINE_BELOW",
    "array",
    "masked",
    "polars_frame",
    "polars_series",
    "reducers",
    "scalar",
    "storage",
    "tensor",
    "view_as",
]

INLINE_BELOW = 1024
"""Bytes below which an array travels inside the stream, where a copy costs less than a buffer of its own."""

Reduction = tuple[Any, ...]
Reducer = Callable[[Any], Any]

_PLAIN_KINDS = frozenset("?biufcSU")


def reducers(inline_below: int = INLINE_BELOW) -> Mapping[type, Reducer]:
    """Return what a pickler shall do with exact types of the guests loaded now.

    Parameters
    ----------
    inline_below : bytes from which an array becomes a buffer of its own; 0 leaves nothing in the stream
    """
    loaded = sys.modules.get
    numpy = loaded("numpy")
    own = tuple(lossless.reducers())
    registered = tuple(copyreg.dispatch_table.items())
    table = _table(inline_below, numpy, loaded("numpy.ma"), loaded("polars"), registered, own)
    if "matplotlib.cm" in sys.modules:
        table = {**table, **lossless.Mappables().reducers()}
    torch: Any = loaded("torch")
    if not hasattr(torch, "Tensor") or not hasattr(torch, "nn"):
        return table
    tensors = Tensors()
    return {
        **table,
        torch.Tensor: tensors.reduce,
        torch.nn.Parameter: tensors.reduce_parameter,
        torch.Generator: reduced_generator,
    }


@lru_cache(maxsize=16)
def _table(
    inline_below: int,
    numpy: Any,
    ma: Any,
    polars: Any,
    registered: tuple[tuple[type, Reducer], ...],
    own: tuple[tuple[type, Reducer], ...],
) -> Mapping[type, Reducer]:
    """Build the table once for each set of guests; a module may still be in the middle of its import."""
    table: dict[type, Reducer] = {**dict(registered), **dict(own)}
    reduce_array = partial(_reduce_array, inline_below)
    named: list[tuple[Any, str, Reducer]] = [(numpy, "ndarray", reduce_array)]
    named += [(numpy, name, _reduce_subclass) for name in ("recarray", "matrix", "memmap")]
    named += [(numpy, name, _reduce_scalar) for name in _SCALARS]
    named += [(ma, "MaskedArray", _reduce_masked)]
    named += [(polars, "DataFrame", _reduce_polars_frame), (polars, "Series", _reduce_polars_series)]
    for module, name, reduce in named:
        kind = getattr(module, name, None)
        if kind is not None:
            table[kind] = reduce
    return table


# --- numpy

_SCALARS = (
    "bool_", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "longlong", "ulonglong",
    "float16", "float32", "float64", "longdouble", "complex64", "complex128", "clongdouble",
    "datetime64", "timedelta64",
)  # fmt: skip


def _reduce_scalar(value: Any) -> Reduction:
    dtype = value.dtype
    # Of two types of one size and kind, such as long and longlong, only one has the text of the dtype for a name.
    return scalar, (dtype.char if dtype.char in "qQ" else dtype.str, value.tobytes())


def scalar(spec: str, content: bytes) -> Any:
    """Put a numpy scalar together."""
    import numpy

    return numpy.frombuffer(content, numpy.dtype(spec))[0]


def _reduce_array(inline_below: int, value: Any) -> Reduction:
    dtype = value.dtype
    kind = dtype.kind
    if dtype.hasobject or kind == "T" or not dtype.itemsize or dtype.metadata:
        return value.__reduce_ex__(5)  # type: ignore[no-any-return]
    shape, writable, axes = value.shape, value.flags.writeable, None
    stretched = not writable and 0 in value.strides and value.size > 1
    laid = value[tuple(slice(1) if s == 0 else slice(None) for s in value.strides)] if stretched else value
    if laid.flags.c_contiguous:
        order = "C"
    elif laid.flags.f_contiguous:
        order = "F"
    else:
        # The axes from the longest stride to the shortest: memory order is kept, and a permuted array is not copied.
        axes = tuple(sorted(range(laid.ndim), key=lambda axis: -abs(laid.strides[axis])))
        laid = laid.transpose(axes)
        if not laid.flags.c_contiguous:
            laid = laid.copy(order="C")
            laid.flags.writeable = writable
        order = "C"
    if kind in _PLAIN_KINDS:
        spec = dtype.str
    else:
        spec = dtype.str if kind in "mM" else dtype
        flat = laid.T if order == "F" else laid
        flat = flat.reshape(-1).view("u1")
        return array, (
            _content(flat, inline_below),
            spec,
            laid.shape,
            order,
            axes,
            shape if stretched else None,
            writable,
        )
    return array, (_content(laid, inline_below), spec, laid.shape, order, axes, shape if stretched else None, writable)


def _content(value: Any, inline_below: int) -> PickleBuffer | bytearray:
    if value.nbytes < inline_below:
        return bytearray(PickleBuffer(value).raw())
    return PickleBuffer(value)


def array(
    content: Any,
    spec: Any,
    shape: tuple[int, ...],
    order: Any,
    axes: tuple[int, ...] | None,
    stretched: tuple[int, ...] | None,
    writable: bool,
) -> Any:
    """Put an array together over `content`, without a copy.

    Parameters
    ----------
    content : bytes of the elements, writable if the array is
    spec : the dtype, as text where text says all
    shape, order : of the elements in memory
    axes : the order of axes that `shape` stands for; `None` is their own
    stretched : the shape of a broadcast array
    """
    import numpy

    made = numpy.frombuffer(content, numpy.dtype(spec)).reshape(shape, order=order)
    if axes is not None:
        made = made.transpose(sorted(range(len(axes)), key=axes.__getitem__))
    if stretched is not None:
        made = numpy.broadcast_to(made, stretched)
    if not writable and made.flags.writeable:
        made.flags.writeable = False
    return made


def _reduce_subclass(value: Any) -> Reduction:
    import numpy

    if value.dtype.hasobject:
        return value.__reduce_ex__(5)  # type: ignore[no-any-return]
    return view_as, (value.view(numpy.ndarray), type(value))


def view_as(plain: Any, kind: type) -> Any:
    """Give an array its subclass back."""
    return plain.view(kind)


def _reduce_masked(value: Any) -> Reduction:
    import numpy

    if value.dtype.hasobject or value._optinfo:
        return value.__reduce_ex__(5)  # type: ignore[no-any-return]
    mask = None if value.mask is numpy.ma.nomask else numpy.asarray(value.mask)
    filling = None if value._fill_value is None else numpy.asarray(value._fill_value)
    return masked, (numpy.asarray(value.data), mask, filling, bool(value.hardmask))


def masked(content: Any, mask: Any, filling: Any, hard: bool) -> Any:
    """Put a masked array together."""
    import numpy

    known = numpy.ma.nomask if mask is None else mask
    made = numpy.ma.MaskedArray(content, mask=known, hard_mask=hard, copy=False)
    if filling is not None:
        made.fill_value = filling[()]
    return made


# --- polars


def _reduce_polars_frame(value: Any) -> Reduction:
    table = _arrow_table(value)
    if table is None:
        return value.__reduce_ex__(5)  # type: ignore[no-any-return]
    return polars_frame, (table,)


def _reduce_polars_series(value: Any) -> Reduction:
    table = _arrow_table(value.to_frame())
    if table is None:
        return value.__reduce_ex__(5)  # type: ignore[no-any-return]
    return polars_series, (table,)


def _arrow_table(frame: Any) -> Any:
    """Turn a polars frame into an Arrow table over the same memory; `None` where that would lose something."""
    polars = sys.modules["polars"]
    if not frame.width or not frame.height:
        return None
    try:
        table = frame.to_arrow(compat_level=polars.CompatLevel.newest())
        same = polars.from_arrow(table, rechunk=False)
    except Exception:
        # No pyarrow, an old polars, a column of Python objects: polars' own way knows them all, only slower.
        return None
    return table if same.schema == frame.schema else None


def polars_frame(table: Any) -> Any:
    """Put a polars frame together over the memory of an Arrow table."""
    import polars

    return polars.from_arrow(table, rechunk=False)


def polars_series(table: Any) -> Any:
    """Put a polars series together over the memory of an Arrow table."""
    return polars_frame(table).to_series(0)

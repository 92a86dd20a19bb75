"""pyarrow and polars: columns by content, whatever their chunks, offsets and what lies under a null."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from nbcache.errors import told
from nbcache.hashing import attributes
from nbcache.hashing.containers import texts, write_attributes
from nbcache.hashing.objects import tag_of
from nbcache.hashing.walk import Column, Family, Walk, unreadable


def _compute() -> Any:
    return importlib.import_module("pyarrow.compute")  # pyarrow itself is here: a value of it is in our hands


def write_chunks(walk: Walk, kind: Any, chunks: list[Any]) -> None:
    """Write the elements of arrow arrays of one type, as if they were one array."""
    chunks = [chunk for chunk in chunks if len(chunk)]
    nulls = sum(chunk.null_count for chunk in chunks)
    walk.facts(str(kind), sum(map(len, chunks)), nulls)
    if not chunks:
        return
    types: Any = sys.modules["pyarrow"].types
    if nulls:
        for chunk in chunks:
            _write_fixed(walk, chunk.is_valid().cast("uint8"), 1)
    if types.is_null(kind):
        return
    if types.is_boolean(kind):
        for chunk in chunks:
            _write_fixed(walk, _without_nulls(chunk.cast("uint8"), 0), 1)
    elif types.is_integer(kind) or types.is_floating(kind) or types.is_temporal(kind):
        if kind.bit_width % 8 or (nulls and str(kind).startswith("month_day")):
            _write_items(walk, chunks)
            return
        for chunk in chunks:
            _write_fixed(walk, _zeroed(chunk), kind.bit_width // 8)
    elif types.is_string(kind) or types.is_large_string(kind) or types.is_binary(kind) or types.is_large_binary(kind):
        _write_texts(walk, kind, chunks)
    elif types.is_dictionary(kind):
        for chunk in chunks:
            write_chunks(walk, chunk.indices.type, [chunk.indices])
            write_chunks(walk, chunk.dictionary.type, [chunk.dictionary])
    elif types.is_list(kind) or types.is_large_list(kind):
        for chunk in chunks:
            lengths = _without_nulls(_compute().list_value_length(chunk), 0).cast("int64")
            _write_fixed(walk, lengths, 8)
        write_chunks(walk, kind.value_type, [chunk.flatten() for chunk in chunks])
    elif types.is_struct(kind):
        columns = zip(*[chunk.flatten() for chunk in chunks], strict=True)
        for field, parts in zip(kind, columns, strict=True):
            walk.facts(field.name, field.nullable)
            write_chunks(walk, field.type, list(parts))
    else:
        _write_items(walk, chunks)


def _write_items(walk: Walk, chunks: list[Any]) -> None:
    for chunk in chunks:
        walk.below.extend(chunk.to_pylist())


def _without_nulls(values: Any, instead: object) -> Any:
    return values.fill_null(instead) if values.null_count else values


def _zeroed(values: Any) -> Any:
    """Put zeros where there are nulls: what lies there is left over from anything."""
    if not values.null_count:
        return values
    zero = sys.modules["pyarrow"].scalar(0, "int64").cast(f"int{values.type.bit_width}")
    if str(values.type).startswith(("float", "halffloat", "double")):
        return values.fill_null(zero.cast(values.type))
    return values.view(f"int{values.type.bit_width}").fill_null(zero)


def _write_fixed(walk: Walk, values: Any, width: int) -> None:
    content = memoryview(values.buffers()[1]).cast("B")
    start = values.offset * width
    walk.update(content[start : start + len(values) * width])


def _write_texts(walk: Walk, kind: Any, chunks: list[Any]) -> None:
    wide = str(kind).startswith("large")
    empty = b"" if "binary" in str(kind) else ""
    chunks = [_without_nulls(chunk, empty) for chunk in chunks]
    for chunk in chunks:
        _write_fixed(walk, _compute().binary_length(chunk), 8 if wide else 4)
    for chunk in chunks:
        _, offsets, content = chunk.buffers()
        if content is None:
            continue
        places = memoryview(offsets).cast("q" if wide else "i")
        walk.update(memoryview(content).cast("B")[places[chunk.offset] : places[chunk.offset + len(chunk)]])


def _arrays(walk: Walk, values: list[Any]) -> None:
    for value in values:
        if hasattr(value, "storage"):
            walk.facts(str(value.type), repr(value.type))
            walk.below.append(value.storage)
        else:
            write_chunks(walk, value.type, [value])


def _chunked_arrays(walk: Walk, values: list[Any]) -> None:
    for value in values:
        write_chunked(walk, value)


def write_chunked(walk: Walk, value: Any) -> None:
    """Write a chunked array like the one array it stands for."""
    types: Any = sys.modules["pyarrow"].types
    if types.is_dictionary(value.type) and value.num_chunks > 1:
        value = value.combine_chunks()
        write_chunks(walk, value.type, getattr(value, "chunks", [value]))
    elif hasattr(value.type, "storage_type"):
        walk.facts(str(value.type), repr(value.type))
        write_chunks(walk, value.type.storage_type, [chunk.storage for chunk in value.chunks])
    else:
        write_chunks(walk, value.type, value.chunks)


def _tables(walk: Walk, values: list[Any]) -> None:
    for value in values:
        _write_schema(walk, value.schema)
        walk.facts(value.num_rows)
        for column in value.columns:
            if hasattr(column, "chunks"):
                write_chunked(walk, column)
            else:
                _arrays(walk, [column])


def _write_schema(walk: Walk, schema: Any) -> None:
    walk.below.append(dict(schema.metadata or {}))
    for field in schema:
        walk.facts(field.name, str(field.type), field.nullable)
        walk.below.append(dict(field.metadata or {}))
    walk.facts(len(schema))


def _schemas(walk: Walk, values: list[Any]) -> None:
    for value in values:
        _write_schema(walk, value)


def _fields(walk: Walk, values: list[Any]) -> None:
    for value in values:
        walk.facts(value.name, str(value.type), value.nullable)
        walk.below.append(dict(value.metadata or {}))


def _arrow_scalars(walk: Walk, values: list[Any]) -> None:
    for value in values:
        walk.facts(str(value.type))
        walk.below.append(value.as_py())


def _series(walk: Walk, values: list[Any]) -> None:
    for value in values:
        _write_series(walk, value)


def _write_series(walk: Walk, series: Any) -> None:
    polars: Any = sys.modules["polars"]
    dtype = series.dtype
    walk.facts(series.name, str(dtype), len(series))
    if isinstance(dtype, polars.Object):
        walk.below.extend(series.to_list())
        return
    if isinstance(dtype, polars.Enum):
        _write_series(walk, dtype.categories)
        series = series.to_physical()
    elif isinstance(dtype, polars.Categorical):
        series = series.cast(polars.String)
    if _holds_categories(polars, dtype):
        walk.below.extend(series.to_list())
        return
    try:
        arrow = series.to_arrow()
    except ModuleNotFoundError:  # polars without pyarrow
        walk.below.extend(series.to_list())
        return
    write_chunked(walk, arrow) if hasattr(arrow, "chunks") else _arrays(walk, [arrow])


def _holds_categories(polars: Any, dtype: Any) -> bool:
    parts = [getattr(dtype, "inner", None), *[field.dtype for field in getattr(dtype, "fields", None) or ()]]
    named = (polars.Enum, polars.Categorical, polars.Object)
    return any(isinstance(part, named) or _holds_categories(polars, part) for part in parts if part is not None)


def _polars_frames(walk: Walk, values: list[Any]) -> None:
    for value in values:
        walk.facts(value.height, value.width)
        for series in value.get_columns():
            _write_series(walk, series)
        write_attributes(walk, [attributes.public(value)])


def _lazy_frames(walk: Walk, values: list[Any]) -> None:
    for value in values:
        try:
            walk.buffer(value.serialize())
        except Exception as error:
            unreadable(value, f"its plan cannot be serialized ({told(error)})")


def _expressions(walk: Walk, values: list[Any]) -> None:
    for value in values:
        try:
            walk.buffer(value.meta.serialize())
        except Exception as error:
            unreadable(value, f"it cannot be serialized ({told(error)})")


_RULES: dict[str, tuple[Column, bool]] = {
    "pyarrow.lib.Array": (_arrays, False),
    "pyarrow.lib.ChunkedArray": (_chunked_arrays, False),
    "pyarrow.lib.Table": (_tables, False),
    "pyarrow.lib.RecordBatch": (_tables, False),
    "pyarrow.lib.Schema": (_schemas, False),
    "pyarrow.lib.Field": (_fields, False),
    "pyarrow.lib.DataType": (texts, False),
    "pyarrow.lib.Scalar": (_arrow_scalars, False),
    "polars.series.series.Series": (_series, True),
    "polars.dataframe.frame.DataFrame": (_polars_frames, True),
    "polars.lazyframe.frame.LazyFrame": (_lazy_frames, False),
    "polars.expr.expr.Expr": (_expressions, False),
}


def family_of(walk: Walk, kind: type) -> Family | None:
    """Find the rule for a value of pyarrow or polars, if `kind` is one of those."""
    for base in kind.__mro__:
        rule = _RULES.get(f"{base.__module__}.{base.__qualname__}")
        if rule is not None:
            return Family(tag_of(walk, kind, "arrow"), *rule)
    return None

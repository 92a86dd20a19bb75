"""Arrays, frames and tensors through bytes and back: equal, as they lay in memory, and outside of the stream."""

from __future__ import annotations

import pathlib
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from roundtrip import LARGE, outside, returned

from nbcache.entries.serialize import dumps, loads
from nbcache.errors import UnstorableResultError

# --- arrays

ARRAYS = {
    "floats": np.arange(LARGE, dtype="f8"),
    "shaped": np.arange(LARGE).reshape(100, 3000),
    "fortran": np.asfortranarray(np.arange(LARGE).reshape(100, 3000)),
    "permuted": np.arange(LARGE).reshape(100, 30, 100).transpose(1, 0, 2),
    "strided": np.arange(2 * LARGE)[::2],
    "columns": np.arange(2 * LARGE).reshape(-1, 4)[:, 1:3],
    "backwards": np.arange(LARGE)[::-1],
    "broadcast": np.broadcast_to(np.arange(100.0), (3000, 100)),
    "times": np.arange(LARGE).astype("M8[ns]"),
    "coarse times": np.arange(LARGE).astype("M8[D]"),
    "spans": np.arange(LARGE).astype("m8[us]").reshape(3, -1),
    "strided times": np.arange(2 * LARGE).astype("M8[s]")[::2],
    "text": np.full(LARGE, "text"),
    "raw text": np.full(LARGE, b"text"),
    "void": np.zeros(LARGE, "V8"),
    "halves": np.ones(LARGE * 2, "f2"),
    "long": np.ones(LARGE, "g"),
    "complex": np.ones(LARGE, "c16"),
    "other order": np.arange(LARGE).astype(">i4"),
    "bools": np.zeros(LARGE * 4, bool),
    "fields": np.zeros(LARGE, [("a", "f8"), ("t", "M8[s]")]),
    "records": np.zeros(LARGE, [("a", "f8")]).view(np.recarray),
    "matrix": np.asmatrix(np.arange(LARGE).reshape(3, -1)),
}


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("writable", [True, False])
def test_large_arrays_come_back_as_they_were(name: str, writable: bool) -> None:
    array = ARRAYS[name].view()
    if name != "broadcast":
        array.flags.writeable = writable
    back = returned(array)
    assert type(back) is type(array) and back.dtype == array.dtype and back.shape == array.shape
    assert back.tobytes() == array.tobytes()
    assert back.flags.writeable == array.flags.writeable
    assert back.flags.f_contiguous == array.flags.f_contiguous or "strided" in name or name in ("columns", "backwards")


@pytest.mark.parametrize("name", ARRAYS)
def test_large_arrays_are_not_copied_into_the_stream(name: str) -> None:
    found = outside(ARRAYS[name])
    assert sum(b.nbytes for b in found.buffers) <= max(ARRAYS[name].nbytes, 4096)


@pytest.mark.parametrize("name", ["floats", "fortran", "permuted", "times", "fields", "records", "matrix"])
def test_contiguous_arrays_are_not_copied_at_all(name: str) -> None:
    array = ARRAYS[name]
    buffer = np.frombuffer(outside(array).buffers[0], "u1")
    assert np.shares_memory(buffer, array)


def test_a_broadcast_array_takes_the_room_of_what_was_broadcast() -> None:
    found = dumps(ARRAYS["broadcast"], inline_below=0)
    assert sum(b.nbytes for b in found.buffers) == 800


SMALL = [
    np.array(5), np.array([]), np.zeros((0, 3)), np.zeros((3, 0), "M8[s]"), np.array("x"), np.array([""]),
    np.arange(6).reshape(2, 3).T, np.arange(10)[::3], np.array([1], ">i2"), np.zeros(2, "V0"),
    np.array([None, [1]], dtype=object), np.array([{}, "x"], dtype=object)[::-1], np.broadcast_to(3.0, (4, 5)),
    np.zeros(3, [("a", object)]), np.array(["NaT"], "M8[s]"), np.zeros((2, 2), order="F"),
]  # fmt: skip


@pytest.mark.parametrize("array", SMALL, ids=lambda a: f"{a.dtype}{a.shape}")
@pytest.mark.parametrize("inline_below", [0, 1024])
def test_small_and_odd_arrays_come_back(array: Any, inline_below: int) -> None:
    back = returned(array, inline_below)
    assert back.dtype == array.dtype and back.shape == array.shape
    assert repr(back) == repr(array)
    assert back.flags.writeable == array.flags.writeable


def test_small_arrays_travel_in_the_stream_and_are_writable() -> None:
    found = dumps([np.arange(3), np.arange(3)])
    assert found.buffers == []
    first, second = loads(*found)
    first[0] = 9
    assert second[0] == 0


def test_an_unwritable_array_over_a_cached_byte_is_not_that_byte() -> None:
    array = np.array([5], "u1")
    array.flags.writeable = False
    back = returned(array)
    back.flags.writeable = True
    back[0] = 77
    assert bytes([5])[0] == 5


SCALARS = [
    np.float64(1.5), np.int8(-3), np.bool_(True), np.datetime64("2020-01-01T01"), np.timedelta64(5, "ms"),
    np.complex64(1j), np.str_("x"), np.longdouble(2),
]  # fmt: skip


@pytest.mark.parametrize("scalar", SCALARS)
def test_scalars_of_numpy_come_back(scalar: Any) -> None:
    back = returned(scalar)
    assert type(back) is type(scalar) and back.dtype == scalar.dtype and back == scalar


def test_masked_arrays_keep_mask_filling_and_hardness() -> None:
    array = np.ma.masked_array(np.arange(LARGE * 1.0), mask=np.arange(LARGE) % 2 == 0, fill_value=-1, hard_mask=True)
    outside(array)
    back = returned(array)
    assert type(back) is np.ma.MaskedArray and back.fill_value == -1 and back.hardmask
    assert (back.mask == array.mask).all() and back.sum() == array.sum()


@pytest.mark.parametrize(
    "array", [np.ma.array([1, 2]), np.ma.masked_all(3), np.ma.masked], ids=["none", "all", "constant"]
)
def test_masked_corner_cases(array: Any) -> None:
    back = returned(array)
    assert repr(back) == repr(array)
    assert (back is np.ma.masked) == (array is np.ma.masked)


def test_a_subclass_of_the_users_keeps_its_own_pickling() -> None:
    class Named(np.ndarray):
        def __reduce__(self) -> Any:
            return (bytes, (b"its own",))

    assert returned(np.zeros(3).view(Named)) == b"its own"


# --- frames


@cache
def frames() -> dict[str, Any]:
    """Frames, series and indexes of many kinds."""
    count = 50_000
    times = pd.date_range("2020", periods=count, freq="s")
    found: dict[str, Any] = {
        "numbers": pd.DataFrame(np.random.default_rng(0).random((count, 4)), columns=list("abcd")),
        "times": pd.DataFrame({"t": times, "z": times.tz_localize("UTC"), "d": times - times[0]}),
        "text": pd.DataFrame({"s": [f"row {i}" for i in range(count)]}),
        "objects": pd.DataFrame({"o": pd.Series([[i] for i in range(100)], dtype=object)}),
        "categories": pd.DataFrame({"c": pd.Categorical(["a", "b"] * 500)}),
        "nullable": pd.DataFrame({"i": pd.array([1, None] * 5000, dtype="Int64")}),
        "levels": pd.DataFrame(
            {"v": range(4)}, index=pd.MultiIndex.from_product([[1, 2], ["a", "b"]], names=["n", "m"])
        ),
        "indexed": pd.DataFrame({"v": range(count)}, index=times),
        "series": pd.Series(np.arange(count), name="s"),
        "index": pd.Index(np.arange(count), name="i"),
        "empty": pd.DataFrame(),
        "labelled": pd.DataFrame({("a", 1): [1], "b": [2]}),
    }
    found["attributed"] = found["numbers"].copy()
    found["attributed"].attrs["unit"] = ["m"]
    found["sliced"] = found["numbers"].iloc[::2, 1:3]
    return found


@pytest.mark.parametrize("name", frames())
@pytest.mark.parametrize("inline_below", [0, 1024])
def test_frames_come_back_equal(name: str, inline_below: int) -> None:
    value = frames()[name]
    back = returned(value, inline_below)
    compare = getattr(
        pd.testing, f"assert_{ {'DataFrame': 'frame', 'Series': 'series'}.get(type(value).__name__, 'index') }_equal"
    )
    compare(back, value)
    assert getattr(back, "attrs", None) == getattr(value, "attrs", None)


@pytest.mark.parametrize("name", ["numbers", "times", "indexed", "series"])
def test_frames_are_not_copied_into_the_stream(name: str) -> None:
    outside(frames()[name])


# --- guests that may be missing on a light installation


@cache
def arrow_values() -> dict[str, Any]:
    pa = pytest.importorskip("pyarrow")

    table = pa.table({"a": np.arange(LARGE), "s": ["x"] * LARGE}, metadata={"k": "v"})
    return {
        "table": table,
        "slice": table.slice(5, 10),
        "array": pa.array(range(LARGE)),
        "chunked": table["a"],
        "batch": table.to_batches()[0],
    }


POLARS = ["frame", "slice", "series", "nameless", "empty", "no rows", "objects", "lazy"]


@cache
def polars_values() -> dict[str, Any]:
    pl = pytest.importorskip("polars")

    frame = pl.DataFrame(
        {
            "f": np.arange(LARGE) * 1.0,
            "s": ["text"] * LARGE,
            "c": pl.Series(np.resize(["a", "b"], LARGE)).cast(pl.Categorical),
            "e": pl.Series(np.resize(["a", "b"], LARGE)).cast(pl.Enum(["a", "b"])),
            "t": pl.Series(np.arange(LARGE)).cast(pl.Datetime("us", "UTC")),
            "l": pl.Series([[1, 2]]).extend_constant([3], LARGE - 1),
        }
    )
    return {
        "frame": frame,
        "slice": frame.slice(3, 9),
        "series": frame["s"],
        "nameless": pl.Series([1, 2]),
        "empty": pl.DataFrame(),
        "no rows": frame.clear(),
        "objects": pl.DataFrame({"o": pl.Series([pathlib.PurePosixPath("a")], dtype=pl.Object)}),
        "lazy": frame.lazy(),
    }


@pytest.mark.parametrize("name", ["table", "slice", "array", "chunked", "batch"])
def test_arrow_values_come_back_from_outside_the_stream(name: str) -> None:
    value = arrow_values()[name]
    outside(value)
    back = returned(value)
    back.validate(full=True)
    assert back.equals(value) and type(back) is type(value)


@pytest.mark.parametrize("name", POLARS)
def test_polars_values_come_back(name: str) -> None:
    value = polars_values()[name]
    try:
        dumps(value)
    except UnstorableResultError:
        assert name == "objects"  # polars itself cannot write Python objects
        return
    back = returned(value)
    assert type(back) is type(value)
    if name == "lazy":
        back, value = back.collect(), value.collect()
    assert back.equals(value)
    assert getattr(back, "schema", None) == getattr(value, "schema", None)


@pytest.mark.parametrize("name", ["frame", "series", "slice"])
def test_polars_values_are_outside_of_the_stream(name: str) -> None:
    outside(polars_values()[name])


def test_sparse_matrices_are_outside_of_the_stream() -> None:
    sparse = pytest.importorskip("scipy.sparse")

    for form in ("csr", "csc", "coo"):
        matrix = sparse.random(1000, 1000, 0.1, format=form, random_state=0)
        outside(matrix)
        assert (returned(matrix) != matrix).nnz == 0


# --- torch


TENSORS = [
    "floats", "shaped", "strided", "scalar", "bools", "halves", "complex", "leaf", "parameter", "empty", "conjugate",
    "sparse", "grown",
]  # fmt: skip


@cache
def tensors() -> dict[str, Any]:
    torch = pytest.importorskip("torch")

    base = torch.arange(float(LARGE))
    return {
        "floats": base,
        "shaped": base.reshape(3, -1).T,
        "strided": base[5::3],
        "scalar": torch.tensor(5),
        "bools": base > 3,
        "halves": base.to(torch.bfloat16),
        "complex": torch.complex(base, base),
        "leaf": base.clone().requires_grad_(),
        "parameter": torch.nn.Parameter(base.clone()),
        "empty": torch.empty(0, 3),
        "conjugate": torch.complex(base, base).conj(),
        "sparse": torch.eye(3).to_sparse(),
        "grown": base.expand(2, LARGE),
    }


@pytest.mark.parametrize("name", TENSORS)
def test_tensors_come_back(name: str) -> None:
    value = tensors()[name]
    back = returned(value)
    assert type(back) is type(value) and back.dtype == value.dtype and back.shape == value.shape
    assert back.requires_grad == value.requires_grad and back.layout == value.layout
    assert (
        (back == value).all()
        if value.layout != tensors()["sparse"].layout
        else (back.to_dense() == value.to_dense()).all()
    )
    assert value.layout == tensors()["sparse"].layout or back.stride() == value.stride()


@pytest.mark.parametrize("name", ["floats", "strided", "leaf", "parameter", "grown"])
def test_tensors_are_outside_of_the_stream(name: str) -> None:
    outside(tensors()[name])


def test_views_of_one_tensor_stay_views_of_one_tensor() -> None:
    value = tensors()["floats"].clone()
    found = outside([value, value[10:20], value.reshape(3, -1)])
    assert sum(b.nbytes for b in found.buffers) == LARGE * 4
    whole, part, rows = returned([value, value[10:20], value.reshape(3, -1)])
    whole[12] = -1
    assert part[2] == rows[0, 12] == -1


def test_a_model_comes_back() -> None:
    torch = pytest.importorskip("torch")
    model = torch.nn.Linear(500, 500)
    back = returned(model)
    assert torch.equal(back(torch.ones(500)), model(torch.ones(500)))

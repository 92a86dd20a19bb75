"""Values that only stand for files count by what these hold: lazy frames, data sets, handles, views of files."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from nbcache import cache_data
from nbcache.engine.cache import Cache
from nbcache.tracking.observations.handles.planned_files import planned_files


class Lazy(NamedTuple):
    """How a file is written with a number, what is made of it, and how that is read."""

    guest: str
    write: Callable[[Any, int], object]
    make: Callable[[Any], Any]
    read: Callable[[Any], object]
    names: tuple[str, ...]


def _write_table(polars: Any, number: int) -> None:
    Path("parts").mkdir(exist_ok=True)
    frame = polars.DataFrame({"a": [number]})
    frame.write_csv("t.csv")
    for name in ("t.parquet", "parts/0.parquet", "parts/1.parquet"):
        frame.write_parquet(name)


def _write_data_set(guest: Any, number: int) -> None:
    import polars

    _write_table(polars, number)


def _write_arrays(xarray: Any, number: int) -> None:
    pytest.importorskip("netCDF4")
    Path("x.nc").unlink(missing_ok=True)
    xarray.Dataset({"t": ("x", np.arange(3.0) + number)}).to_netcdf("x.nc")


def _write_archive(guest: Any, number: int) -> None:
    with zipfile.ZipFile("z.zip", "w") as archive:
        archive.writestr("a", str(number))


def _collected(frame: Any) -> object:
    return frame.collect()["a"].sum()


def _mean(arrays: Any) -> object:
    return float(arrays.t.mean())


LAZY = {
    "a scan of a csv": Lazy("polars", _write_table, lambda pl: pl.scan_csv("t.csv"), _collected, ("t.csv",)),
    "a scan of parquet, filtered": Lazy(
        "polars",
        _write_table,
        lambda pl: pl.scan_parquet("t.parquet").filter(pl.col("a") > 0),
        _collected,
        ("t.parquet",),
    ),
    "a scan of many": Lazy(
        "polars",
        _write_table,
        lambda pl: pl.scan_parquet("parts/*.parquet"),
        _collected,
        ("parts/0.parquet", "parts/1.parquet"),
    ),
    "a join of scans": Lazy(
        "polars",
        _write_table,
        lambda pl: pl.scan_parquet("t.parquet").join(pl.scan_csv("t.csv"), on="a"),
        _collected,
        ("t.csv", "t.parquet"),
    ),
    "a scan in a list": Lazy(
        "polars", _write_table, lambda pl: [pl.scan_csv("t.csv")], lambda frames: _collected(frames[0]), ()
    ),
    "a data set": Lazy(
        "pyarrow.dataset",
        _write_data_set,
        lambda ds: ds.dataset("t.parquet"),
        lambda found: found.to_table()["a"].to_pylist(),
        ("t.parquet",),
    ),
    "a data set of a folder": Lazy(
        "pyarrow.dataset",
        _write_data_set,
        lambda ds: ds.dataset("parts"),
        lambda found: found.to_table()["a"].to_pylist(),
        ("parts/0.parquet", "parts/1.parquet"),
    ),
    "a union of data sets": Lazy(
        "pyarrow.dataset",
        _write_data_set,
        lambda ds: ds.dataset([ds.dataset("t.parquet"), ds.dataset("parts")]),
        lambda found: found.to_table()["a"].to_pylist(),
        ("parts/0.parquet", "parts/1.parquet", "t.parquet"),
    ),
    "arrays opened lazily": Lazy("xarray", _write_arrays, lambda xr: xr.open_dataset("x.nc"), _mean, ("x.nc",)),
    "an array opened lazily": Lazy(
        "xarray", _write_arrays, lambda xr: xr.open_dataset("x.nc").t, lambda found: float(found.mean()), ("x.nc",)
    ),
    "a view of a file": Lazy(
        "numpy",
        lambda np, number: np.array([number] * 3).tofile("v.bin"),
        lambda np: np.memmap("v.bin", dtype="int64", mode="r"),
        lambda found: int(found.sum()),
        ("v.bin",),
    ),
    "an archive": Lazy(
        "zipfile", _write_archive, lambda _: zipfile.ZipFile("z.zip"), lambda found: found.read("a"), ("z.zip",)
    ),
    "a member of an archive": Lazy(
        "zipfile", _write_archive, lambda _: zipfile.Path("z.zip", "a"), lambda found: found.read_text(), ("z.zip",)
    ),
}


@pytest.fixture
def lazy(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lazy:
    found = LAZY[request.param]
    guest = pytest.importorskip(found.guest)
    if found.guest == "pyarrow.dataset":
        pytest.importorskip("polars")
    monkeypatch.chdir(tmp_path)
    return found._replace(
        write=lambda _, number: found.write(guest, number),
        make=lambda _: found.make(guest),
    )


@pytest.mark.parametrize("lazy", LAZY, indirect=True)
def test_the_files_of_a_lazy_value_are_named(lazy: Lazy) -> None:
    lazy.write(None, 1)
    value = lazy.make(None)

    assert sorted({Path(name).as_posix().removeprefix(f"{Path.cwd()}/") for name in planned_files(value)}) == list(
        lazy.names
    )


@pytest.mark.parametrize("lazy", LAZY, indirect=True)
def test_a_changed_file_of_an_argument_is_a_miss_and_changed_back_no_wrong_answer(lazy: Lazy, cache: Cache) -> None:
    runs = []

    @cache_data(show_spinner=False)
    def read(value: Any) -> object:
        runs.append(1)
        return lazy.read(value)

    answers = []
    for number in (1, 1, 2, 2, 1):
        lazy.write(None, number)
        value = lazy.make(None)
        answers.append((read(value), lazy.read(lazy.make(None))))

    assert all(cached == right for cached, right in answers), answers
    assert answers[0] != answers[2]


@pytest.mark.parametrize("lazy", LAZY, indirect=True)
def test_an_unchanged_file_is_a_hit(lazy: Lazy, cache: Cache) -> None:
    @cache_data(show_spinner=False)
    def read(value: Any) -> object:
        return lazy.read(value)

    lazy.write(None, 1)
    for _ in range(3):
        read(lazy.make(None))

    assert read.info().misses == 1


@pytest.mark.parametrize("lazy", LAZY, indirect=True)
def test_a_changed_file_of_a_global_is_a_miss(lazy: Lazy, cache: Cache) -> None:
    space: dict[str, Any] = {"__name__": "__main__", "cache_data": cache_data, "get": lazy.read}
    lazy.write(None, 1)
    space["value"] = lazy.make(None)
    exec("@cache_data(show_spinner=False)\ndef read():\n    return get(value)\n", space)
    before = space["read"]()

    lazy.write(None, 2)
    space["value"] = lazy.make(None)

    assert space["read"]() == lazy.read(lazy.make(None))
    assert space["read"]() != before


def test_a_view_of_a_file_counts_by_its_content_alone_where_it_is_an_argument(
    cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As joblib hands it to a worker, and takes the file away."""
    monkeypatch.chdir(tmp_path)
    np.arange(5.0).tofile("v.bin")

    @cache_data(show_spinner=False)
    def total(values: Any) -> float:
        return float(values["a"].sum())

    view: Any = np.memmap("v.bin", dtype="f8", mode="r")
    assert total({"a": view}) == 10
    Path("v.bin").unlink()

    assert total({"a": np.arange(5.0)}) == 10 and total.info().misses == 1
    assert total({"a": np.arange(6.0)}) == 15


def test_a_value_without_files_names_none() -> None:
    assert list(planned_files([1, "x"])) == []
    assert list(planned_files(np.zeros(3))) == []


def test_a_handle_that_is_closed_names_none(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "h.h5", "w") as file:
        file["t"] = [1]
        data = file["t"]
        assert list(planned_files(data)) == [str(tmp_path / "h.h5")]

    assert list(planned_files(data)) == []

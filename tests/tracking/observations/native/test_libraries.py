"""Files that native code opens by itself are followed, whatever library reads them and however they are named."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nbcache import cache_data

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells of opened files")


def _pandas(value: int) -> Any:
    return pytest.importorskip("pandas").DataFrame({"a": [value]})


def _parquet(value: int) -> None:
    pytest.importorskip("pyarrow")
    _pandas(value).to_parquet("f-1.parquet")


def _csv(value: int) -> None:
    _pandas(value).to_csv("f-1.csv", index=False)


def _feather(value: int) -> None:
    pytest.importorskip("pyarrow")
    _pandas(value).to_feather("f-1.feather")


def _parts(value: int) -> None:
    pytest.importorskip("pyarrow")
    os.makedirs("parts-1", exist_ok=True)
    _pandas(value).to_parquet("parts-1/0.parquet")


def _lines(value: int) -> None:
    Path("f-1.ndjson").write_text(f'{{"a": {value}}}\n')


def _hdf(value: int) -> None:
    with pytest.importorskip("h5py").File("f-1.h5", "w") as file:
        file["a"] = [value]


def _netcdf(value: int) -> None:
    Path("f-1.nc").unlink(missing_ok=True)  # the one that a run has left open
    with pytest.importorskip("netCDF4").Dataset("f-1.nc", "w") as file:
        file.createDimension("t", 1)
        file.createVariable("a", "f8", ("t",))[:] = value


def _image(value: int) -> None:
    numpy = pytest.importorskip("numpy")
    pytest.importorskip("cv2").imwrite("f-1.png", numpy.zeros((value, 2, 3), "u1"))


def _raster(value: int) -> None:
    numpy, rasterio = pytest.importorskip("numpy"), pytest.importorskip("rasterio")
    with rasterio.open("f-1.tif", "w", driver="GTiff", width=2, height=2, count=1, dtype="uint8") as file:
        file.write(numpy.full((1, 2, 2), value, "uint8"))


def _shapes(value: int) -> None:
    geopandas = pytest.importorskip("geopandas")
    points = geopandas.points_from_xy([value], [0])
    geopandas.GeoDataFrame({"a": [value]}, geometry=points, crs=4326).to_file("f-1.gpkg")


def _tensors(value: int) -> None:
    numpy = pytest.importorskip("numpy")
    pytest.importorskip("safetensors.numpy").save_file({"a": numpy.array([value])}, "f-1.safetensors")


def _lmdb(value: int) -> None:
    with pytest.importorskip("lmdb").open("f-1.lmdb") as base, base.begin(write=True) as change:
        change.put(b"a", str(value).encode())


def _stata(value: int) -> None:
    pytest.importorskip("pyreadstat").write_sav(_pandas(value), "f-1.sav")


def _booster(value: int) -> None:
    lightgbm, numpy = pytest.importorskip("lightgbm"), pytest.importorskip("numpy")
    data = lightgbm.Dataset(numpy.arange(40.0).reshape(20, 2), numpy.full(20, float(value)) + numpy.arange(20) % 2)
    lightgbm.train({"verbose": -1, "min_data_in_leaf": 1}, data, 1).save_model("f-1.lgb")


def _trees(value: int) -> None:
    xgboost, numpy = pytest.importorskip("xgboost"), pytest.importorskip("numpy")
    data = xgboost.DMatrix(numpy.arange(20.0).reshape(10, 2), numpy.full(10, float(value)))
    xgboost.train({}, data, 1).save_model("f-1.ubj")


def _read_lmdb(n: int) -> int:
    import lmdb

    with lmdb.open(f"f-{n}.lmdb", readonly=True) as base, base.begin() as view:
        return int(view.get(b"a"))


def _read_boosted(n: int) -> float:
    import lightgbm

    return float(lightgbm.Booster(model_file=f"f-{n}.lgb").predict([[0.0, 1.0]])[0])


def _read_trees(n: int) -> float:
    import numpy
    import xgboost

    return float(xgboost.Booster(model_file=f"f-{n}.ubj").predict(xgboost.DMatrix(numpy.zeros((1, 2))))[0])


def _read_tensors(n: int) -> int:
    import safetensors

    with safetensors.safe_open(f"f-{n}.safetensors", "numpy") as file:
        return int(file.get_tensor("a")[0])


def module(name: str) -> Any:
    return pytest.importorskip(name)


# What writes a file that stands for a number, and what reads it, by a name that nobody has at hand.
READERS: dict[str, tuple[Callable[[int], None], Callable[[int], float]]] = {
    "pandas parquet": (_parquet, lambda n: int(module("pandas").read_parquet(f"f-{n}.parquet").a.sum())),
    "pandas feather": (_feather, lambda n: int(module("pandas").read_feather(f"f-{n}.feather").a.sum())),
    "pandas folder": (_parts, lambda n: int(module("pandas").read_parquet(f"parts-{n}").a.sum())),
    "pyarrow parquet": (_parquet, lambda n: module("pyarrow.parquet").read_table(f"f-{n}.parquet")["a"][0].as_py()),
    "pyarrow csv": (_csv, lambda n: module("pyarrow.csv").read_csv(f"f-{n}.csv")["a"][0].as_py()),
    "pyarrow json": (_lines, lambda n: module("pyarrow.json").read_json(f"f-{n}.ndjson")["a"][0].as_py()),
    "pyarrow dataset": (_parts, lambda n: module("pyarrow.dataset").dataset(f"parts-{n}").to_table()["a"][0].as_py()),
    "pyarrow map": (_csv, lambda n: int(module("pyarrow").memory_map(f"f-{n}.csv").read()[2:])),
    "polars csv": (_csv, lambda n: module("polars").read_csv(f"f-{n}.csv")["a"].sum()),
    "polars parquet": (_parquet, lambda n: module("polars").read_parquet(f"f-{n}.parquet")["a"].sum()),
    "polars lines": (_lines, lambda n: module("polars").read_ndjson(f"f-{n}.ndjson")["a"].sum()),
    "polars folder": (_parts, lambda n: module("polars").read_parquet(f"parts-{n}")["a"].sum()),
    "polars pattern": (_csv, lambda n: module("polars").scan_csv(f"f-{n}*.csv").collect()["a"].sum()),
    "polars lazily": (_parquet, lambda n: module("polars").scan_parquet(f"f-{n}.parquet").collect()["a"].sum()),
    "duckdb": (_csv, lambda n: int(module("duckdb").sql(f"select sum(a) from 'f-{n}.csv'").fetchall()[0][0])),
    "duckdb constant": (_csv, lambda n: int(module("duckdb").sql("select sum(a) from 'f-1.csv'").fetchall()[0][0])),
    "h5py": (_hdf, lambda n: int(module("h5py").File(f"f-{n}.h5")["a"][0])),
    "netCDF4": (_netcdf, lambda n: float(module("netCDF4").Dataset(f"f-{n}.nc")["a"][0])),
    "xarray": (_netcdf, lambda n: float(module("xarray").open_dataset(f"f-{n}.nc", engine="netcdf4").a.sum())),
    "cv2": (_image, lambda n: module("cv2").imread(f"f-{n}.png").shape[0]),
    "rasterio": (_raster, lambda n: int(module("rasterio").open(f"f-{n}.tif").read().max())),
    "geopandas": (_shapes, lambda n: int(module("geopandas").read_file(f"f-{n}.gpkg").a.sum())),
    "safetensors": (_tensors, _read_tensors),
    "lmdb": (_lmdb, _read_lmdb),
    "pyreadstat": (_stata, lambda n: int(module("pyreadstat").read_sav(f"f-{n}.sav")[0].a.sum())),
    "lightgbm": (_booster, _read_boosted),
    "xgboost": (_trees, _read_trees),
}


@linux
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("reader", READERS)
def test_a_replaced_file_is_a_miss_and_then_a_hit(reader: str) -> None:
    write, read = READERS[reader]
    runs = []

    @cache_data
    def load(number: int) -> float:
        runs.append(number)
        return read(number)

    write(3)
    first = load(1)
    again = load(1)
    write(70)
    other = load(1)
    load(1)

    assert len(runs) == 2
    assert first == again != other
    assert "f-1." in str(load.explain(1)) or "parts-1" in str(load.explain(1))


@linux
def test_the_first_example_of_the_readme_follows_its_file() -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")

    @cache_data(ttl="1 day", persist="disk")
    def load(year: int) -> Any:
        return pandas.read_parquet(f"flights-{year}.parquet")

    pandas.DataFrame({"delay": [1, 2, 3]}).to_parquet("flights-2024.parquet")
    before = load(2024)
    pandas.DataFrame({"delay": [100]}).to_parquet("flights-2024.parquet")
    after = load(2024)

    assert (before.delay.sum(), after.delay.sum()) == (6, 100)


@linux
@pytest.mark.filterwarnings("ignore")
def test_what_lies_beside_a_raster_counts_only_if_it_belongs_to_it() -> None:
    rasterio = pytest.importorskip("rasterio")
    _raster(1)
    runs = []

    @cache_data
    def load(number: int) -> int:
        runs.append(number)
        with rasterio.open(f"f-{number}.tif") as file:
            return int(file.read().max())

    load(1)
    Path("unrelated.txt").touch()
    load(1)
    assert len(runs) == 1
    Path("f-1.tfw").write_text("1\n0\n0\n-1\n0\n0\n")
    load(1)
    assert len(runs) == 2


@linux
def test_a_file_that_a_reader_asks_the_time_of_may_be_touched(work_folder: Path) -> None:
    xarray = pytest.importorskip("xarray")
    _netcdf(1)
    runs = []

    @cache_data
    def load(number: int) -> float:
        runs.append(number)
        with xarray.open_dataset(f"f-{number}.nc", engine="netcdf4") as data:
            return float(data.a.sum())

    load(1)
    os.utime("f-1.nc", (1, 1))
    load(1)

    assert len(runs) == 1

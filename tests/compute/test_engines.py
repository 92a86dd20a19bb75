"""Cached functions on engines of others: the same keys, one computation, nothing left behind."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import joblib
import pytest
from processes import python_path

from nbcache import MissingExtraError, cache_data
from nbcache.compute import parallel
from nbcache.engine.cache import Cache

EXTRAS = os.environ.get("NBCACHE_TEST_EXTRAS", "").split(",")


@cache_data(persist="disk", show_spinner=False)
def squared(x: int, folder: str) -> tuple[int, int]:
    Path(folder, f"{x} {os.getpid()} {threading.get_ident()}").touch()
    return x * x, os.getpid()


def through(x: int, folder: str) -> tuple[int, int]:
    """A function of the user's that calls a cached one."""
    return squared(x, folder)


def pool(kind: str) -> Executor:
    if kind == "threads":
        return ThreadPoolExecutor(2)
    if kind not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {kind} here")
    return ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(kind))


@pytest.mark.parametrize("kind", ["threads", "fork", "forkserver", "spawn"])
def test_pools_of_futures_compute_each_call_once_under_the_keys_of_the_notebook(
    kind: str, cache: Cache, tmp_path: Path
) -> None:
    folder = tmp_path / "seen"
    folder.mkdir()
    with pool(kind) as workers:
        calls = [workers.submit(function, x, str(folder)) for x in (1, 2, 1, 2) for function in (squared, through)]
        computed = [call.result(60) for call in calls]

    assert [value for value, _ in computed] == [1, 1, 4, 4] * 2
    assert len(list(folder.iterdir())) == 2
    assert [squared(1, str(folder)), squared(2, str(folder))] == [computed[0], computed[2]]


@pytest.mark.server
def test_dask_computes_each_call_once_under_the_keys_of_the_notebook(cache: Cache, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    dask = pytest.importorskip("dask")
    folder = str(tmp_path)
    squared(1, folder)
    options = {"n_workers": 1, "threads_per_worker": 2, "host": "127.0.0.1", "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        mapped = client.gather(client.map(squared, [1, 2, 3], [folder] * 3))
        submitted = client.submit(squared, 2, folder).result()
        lazy = dask.delayed(squared, pure=True)
        assert lazy(3, folder).key == dask.delayed(squared, pure=True)(3, folder).key
        delayed = lazy(3, folder).compute()
        with joblib.parallel_config(backend="dask"):
            by_joblib = squared.map([1, 4], [folder] * 2, progress=False)

    assert mapped == [squared(x, folder) for x in (1, 2, 3)]
    assert (submitted, delayed) == (mapped[1], mapped[2]) and by_joblib == [squared(1, folder), squared(4, folder)]
    assert len([path for path in tmp_path.iterdir() if path.name[0].isdigit()]) == 4


@pytest.mark.server
def test_what_a_killed_worker_of_dask_has_computed_is_not_computed_again(cache: Cache, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    folder = str(tmp_path)

    @cache_data(persist="disk", show_spinner=False, track=False)
    def load(x: int) -> int:
        with open(Path(folder, "computed"), "a") as file:
            file.write(f"{x}\n")
        if x == 5 and Path(folder, "computed").read_text().split().count("5") == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return x * x

    options = {"n_workers": 1, "threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        assert client.gather(client.map(load, range(10))) == [x * x for x in range(10)]

    computed = Path(folder, "computed").read_text().split()
    assert sorted(computed) == sorted([*map(str, range(10)), "5"])
    assert [load(x) for x in range(10)] == [x * x for x in range(10)]
    assert len(Path(folder, "computed").read_text().split()) == 11


@pytest.mark.skipif("ray" not in EXTRAS, reason="asked for by NBCACHE_TEST_EXTRAS=ray")
def test_ray_computes_each_call_once_under_the_keys_of_the_notebook(
    cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray: Any = pytest.importorskip("ray")
    monkeypatch.setenv("PYTHONPATH", python_path())  # workers import this module
    folder = str(tmp_path)
    ray.init(num_cpus=2, object_store_memory=80 << 20, include_dashboard=False, log_to_driver=False)
    try:
        task = ray.remote(through)
        computed = ray.get([task.remote(x, folder) for x in (1, 2, 1)])
        mapped = squared.map([2, 3], [folder] * 2, n_jobs=2, backend="ray", progress=False)
        with joblib.parallel_config("ray", n_jobs=2):
            assert squared.map([2, 3], [folder] * 2, progress=False) == mapped
    finally:
        ray.shutdown()

    assert computed == [squared(x, folder) for x in (1, 2, 1)] and mapped == [squared(2, folder), squared(3, folder)]
    assert len([path for path in tmp_path.iterdir() if path.name[0].isdigit()]) == 3


@pytest.mark.skipif("spark" not in EXTRAS, reason="asked for by NBCACHE_TEST_EXTRAS=spark")
def test_a_function_for_spark_has_the_keys_of_the_notebook(
    cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    monkeypatch.setenv("PYTHONPATH", python_path())
    sql: Any = pytest.importorskip("pyspark.sql")
    folder = str(tmp_path)

    @cache_data(persist="disk", show_spinner=False)
    def cubed(x: int) -> int:
        Path(folder, f"{x} {os.getpid()}").touch()
        return int(x**3)

    session = sql.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    try:
        cube = sql.functions.udf(lambda x: cubed(x), "long")
        rows = session.createDataFrame([(1,), (2,), (3,)], ["x"]).select(cube("x").alias("y")).collect()
    finally:
        session.stop()

    assert sorted(row.y for row in rows) == [1, 8, 27]
    assert [cubed.is_cached(x) for x in (1, 2, 3)] == [True] * 3
    assert sorted(path.name.split()[0] for path in tmp_path.iterdir() if path.name[0].isdigit()) == ["1", "2", "3"]


@pytest.mark.parametrize("backend", ["dask", "ray"])
def test_a_backend_that_is_not_installed_says_what_to_install(
    backend: str, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parallel, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=rf"nbcache\[{backend}\]"):
        squared.map([1], ["nowhere"], backend=backend)

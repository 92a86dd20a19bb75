"""What worker processes read for a run counts for the run."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.pool import Pool, ThreadPool
from pathlib import Path
from typing import Any

import pytest

from nbcache import cache_data
from nbcache.tracking.observations.after_import import when_imported
from nbcache.tracking.observations.processes import workers
from nbcache.tracking.observations.recorder import recording

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    workers.install()
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    for number in range(4):
        (work / f"{number}.txt").write_text(str(number))
    return work


def read(folder: Path, number: int) -> str:
    return Path(folder, f"{number}.txt").read_text()


def write(folder: Path, number: int) -> str:
    Path(folder, f"out-{number}.txt").write_text("made")
    return Path(folder, f"out-{number}.txt").read_text()


def fail(folder: Path, number: int) -> str:
    raise ValueError(number)


Read = Callable[[Path, int], str]
NUMBERS = range(4)
_fork = multiprocessing.get_context("fork" if sys.platform != "win32" else "spawn")


def _executor(one: Read, folder: Path) -> list[str]:
    with ProcessPoolExecutor(2, mp_context=_fork) as pool:
        return [task.result() for task in [pool.submit(one, folder, number) for number in NUMBERS]]


def _executor_map(one: Read, folder: Path) -> list[str]:
    with ProcessPoolExecutor(2, mp_context=_fork) as pool:
        return list(pool.map(one, [folder] * 4, NUMBERS, chunksize=2))


def _spawned(one: Read, folder: Path) -> list[str]:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return list(pool.map(one, [folder] * 4, NUMBERS, chunksize=2))


def _pool(how: str) -> Callable[[Read, Path], list[str]]:
    def run(one: Read, folder: Path) -> list[str]:
        with _fork.Pool(2) as pool:
            return _with_pool(pool, how, one, folder)

    return run


def _with_pool(pool: Pool, how: str, one: Read, folder: Path) -> list[str]:
    given = [(folder, number) for number in NUMBERS]
    if how == "starmap":
        return pool.starmap(one, given)
    if how == "apply":
        return [pool.apply(one, pair) for pair in given]
    return list(getattr(pool, how)(_Pair(one), given))


class _Pair:
    def __init__(self, one: Read) -> None:
        self.one = one

    def __call__(self, pair: tuple[Path, int]) -> str:
        return self.one(*pair)


def _joblib(backend: str) -> Callable[[Read, Path], list[str]]:
    def run(one: Read, folder: Path) -> list[str]:
        joblib = pytest.importorskip("joblib")
        with joblib.parallel_config(backend=backend):
            found: list[str] = joblib.Parallel(n_jobs=2)(joblib.delayed(one)(folder, number) for number in NUMBERS)
        return found

    return run


def _put(one: Read, folder: Path, number: int, queue: Any) -> None:
    queue.put(one(folder, number))


def _processes(method: str, count: int = 4) -> Callable[[Read, Path], list[str]]:
    def run(one: Read, folder: Path) -> list[str]:
        context = multiprocessing.get_context(method)
        queue = context.Queue()
        started = [context.Process(target=_put, args=(one, folder, number, queue)) for number in range(count)]
        for process in started:
            process.start()
        found = [queue.get(timeout=60) for _ in started]
        for process in started:
            process.join(60)
        return found

    return run


POOLS: dict[str, Callable[[Read, Path], list[str]]] = {
    "submit": _executor,
    "executor map": _executor_map,
    "spawned": _spawned,
    **{how: _pool(how) for how in ("map", "starmap", "apply", "imap", "imap_unordered")},
    "processes": _processes("fork" if sys.platform != "win32" else "spawn"),
    "loky": _joblib("loky"),
    "joblib multiprocessing": _joblib("multiprocessing"),
    "joblib threading": _joblib("threading"),
}


@pytest.mark.parametrize("pool", POOLS)
def test_a_file_that_a_worker_reads_is_followed(pool: str, folder: Path) -> None:
    run = POOLS[pool]
    runs = []

    @cache_data
    def texts(folder: Path) -> list[str]:
        runs.append(1)
        return sorted(run(read, folder))

    before = texts(folder)
    again = texts(folder)
    Path("2.txt").write_text("changed")
    after = texts(folder)

    assert before == again == ["0", "1", "2", "3"]
    assert after == ["0", "1", "3", "changed"]
    assert len(runs) == 2


@pytest.mark.parametrize("pool", ["submit", "map", "processes", "loky"])
def test_what_a_worker_writes_is_no_input(pool: str, folder: Path) -> None:
    with recording() as seen:
        POOLS[pool](write, folder)

    assert not [one for one in seen.observations if "out-" in one.name]
    assert {Path(path).name for path in seen.written} >= {f"out-{number}.txt" for number in NUMBERS}


@pytest.mark.parametrize("pool", ["submit", "map", "loky"])
def test_an_error_in_a_worker_is_raised_as_usual(pool: str, folder: Path) -> None:
    with recording(), pytest.raises(ValueError, match=r"\d"):
        POOLS[pool](fail, folder)


def test_pools_of_threads_take_functions_as_they_are(folder: Path) -> None:
    with recording() as seen, ThreadPool(2) as pool:
        assert pool.map(_Pair(read), [(folder, 1)]) == ["1"]

    assert [Path(one.name).name for one in seen.observations] == ["1.txt"]


def test_pools_outside_of_a_recording_are_what_they_were(folder: Path) -> None:
    with recording():
        pass

    assert sorted(_executor(read, folder)) == ["0", "1", "2", "3"]


# -- after an import ---------------------------------------------------------------------------------------------------


def test_an_action_waits_for_its_module(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "awaited_module.py").write_text("value = 1")
    monkeypatch.syspath_prepend(str(folder))
    done: list[Any] = []

    when_imported("awaited_module", lambda module: done.append(module.value))
    assert not done
    module = importlib.import_module("awaited_module")

    assert done == [1]
    assert type(module.__loader__).__module__ == type(module.__spec__.loader).__module__ == "_frozen_importlib_external"
    when_imported("awaited_module", lambda module: done.append(2))
    assert done == [1, 2]


def test_an_action_that_fails_breaks_no_import(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "odd_module.py").write_text("value = 1")
    (folder / "broken_module.py").write_text("raise KeyError")
    monkeypatch.syspath_prepend(str(folder))

    when_imported("odd_module", lambda module: module.nothing)
    when_imported("broken_module", lambda module: module.nothing)
    when_imported("no_such_module", lambda module: module.nothing)

    assert importlib.import_module("odd_module").value == 1
    with pytest.raises(KeyError):
        importlib.import_module("broken_module")
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("no_such_module")


class _Reader(multiprocessing.Process):
    def __init__(self, folder: Path, queue: Any) -> None:
        super().__init__()
        self._folder = folder
        self._queue = queue

    def run(self) -> None:
        self._queue.put(read(self._folder, 2))


def test_a_file_that_a_process_of_the_users_own_class_reads_is_followed(folder: Path) -> None:
    with recording() as seen:
        queue = multiprocessing.Queue()
        process = _Reader(folder, queue)
        process.start()
        assert queue.get(timeout=60) == "2"
        process.join(60)

    assert [Path(one.name).name for one in seen.observations if one.kind == "file"] == ["2.txt"]


def test_a_spawned_process_hands_back_what_it_saw(folder: Path) -> None:
    with recording() as seen:
        _processes("spawn", count=1)(read, folder)

    assert [Path(one.name).name for one in seen.observations if one.kind == "file"] == ["0.txt"]


def test_a_process_that_fails_hands_back_what_it_saw_and_leaves_no_note(folder: Path, tmp_path: Path) -> None:
    with recording() as seen:
        process = _fork.Process(target=_read_and_fail, args=(folder,))
        process.start()
        process.join(60)

    assert process.exitcode == 1
    assert [Path(one.name).name for one in seen.observations if one.kind == "file"] == ["1.txt"]
    assert not list(workers._notes)


def _read_and_fail(folder: Path) -> None:
    read(folder, 1)
    sys.stderr = open(os.devnull, "w")
    raise ValueError


def test_a_process_that_nobody_waits_for_keeps_nobody_waiting_and_leaves_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    with recording():
        process = _fork.Process(target=time.sleep, args=(60,))
        process.start()
    process.terminate()
    process.join(60)

    assert not list(workers._notes)
    assert not [name for name in os.listdir(tmp_path / "temporary") if name.startswith("nbcache-")]

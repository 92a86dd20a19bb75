"""A notebook's function that reads much: workers of this machine read it from a file, once; others get all of it."""

from __future__ import annotations

import os
import pickle
import random
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cloudpickle
import pytest
from joblib.externals.loky.backend import reduction

from nbcache import cache_data
from nbcache.calls import pickling
from nbcache.compute import spool
from nbcache.engine.cache import Cache

LARGE = 1 << 20


@pytest.fixture(autouse=True)
def own_folder(cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files, and nothing sent or arrived before."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(spool, "_folder", spool._Folder())
    for name in ("_small", "_large"):
        monkeypatch.setattr(pickling, name, type(pickling._large)())
    return tmp_path


def reading(**options: Any) -> tuple[Any, dict[str, Any]]:
    """A cached function that reads a large value, and that value's namespace."""
    space: dict[str, Any] = {"TABLE": bytearray(os.urandom(LARGE)), "history": [], "__name__": "__main__"}
    exec("def at(i):\n    return TABLE[i]\ndef noted(i):\n    history.append(i)\n    return TABLE[i]", space)
    return cache_data(show_spinner=False, **options)(space["at"]), space


def to_worker(function: Any) -> bytes:
    return bytes(reduction.dumps(function))


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.parent.name.startswith("nbcache-")]


def called_in(module: str) -> Callable[..., Any]:
    """A function of a module that pickles something for another process, as multiprocessing does."""
    space: dict[str, Any] = {"__name__": module, "ForkingPickler": ForkingPickler}
    exec("def send(thing):\n    return ForkingPickler.dumps(thing)", space)
    send: Callable[..., Any] = space["send"]
    return send


@pytest.mark.parametrize(
    "dumps",
    [reduction.dumps, *[called_in(f"multiprocessing.{name}") for name in ("pool", "queues", "popen_spawn_posix")]],
    ids=["loky", "pool", "queue", "process"],
)
def test_to_a_worker_of_this_machine_goes_the_name_of_a_file(dumps: Callable[..., Any], own_folder: Path) -> None:
    function, space = reading()

    sent = [bytes(dumps(thing)) for thing in (function, [function, 1], function)]

    assert max(map(len, sent)) < 2000
    (path,) = files(own_folder)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert pickle.loads(sent[0])(7) == space["TABLE"][7]


@pytest.mark.parametrize(
    "dumps",
    [pickle.dumps, cloudpickle.dumps, called_in("multiprocessing.connection"), called_in("multiprocessing.managers")],
    ids=["pickle", "cloudpickle", "connection", "manager"],
)
def test_a_pickle_for_anybody_else_holds_the_function_itself(dumps: Callable[..., bytes], own_folder: Path) -> None:
    function, space = reading()
    to_worker(function)

    content = bytes(dumps(function))

    assert len(content) > LARGE
    for path in files(own_folder):
        path.unlink()
    assert pickle.loads(content)(7) == space["TABLE"][7]


class LocalCluster:
    """Stands for a cluster of dask."""

    def __init__(self, scheduler_address: str) -> None:
        self.scheduler_address = scheduler_address


@pytest.mark.parametrize(
    ("clusters", "by_file"),
    [
        ([LocalCluster("tcp://127.0.0.1:8786")], True),
        ([LocalCluster("inproc://10.0.0.7/1/1")], True),
        ([LocalCluster("tcp://0.0.0.0:8786")], False),
        ([LocalCluster("tcp://10.0.0.7:8786")], False),
        ([LocalCluster("tcp://127.0.0.1:8786"), None], False),
        ([None], False),
        ([], False),
    ],
    ids=["here", "in this process", "anybody may join", "by name", "another client", "an address alone", "nobody"],
)
def test_dask_gets_the_name_of_a_file_where_all_its_workers_are_here(
    clusters: list[Any], by_file: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    distributed = pytest.importorskip("distributed")
    clients = [SimpleNamespace(status="running", cluster=cluster) for cluster in clusters]
    clients.append(SimpleNamespace(status="closed", cluster=None))
    monkeypatch.setattr(distributed.Client, "_instances", clients)
    function, space = reading()

    content = distributed.protocol.pickle.dumps(function)

    assert (len(content) < 2000) == by_file
    assert pickle.loads(content)(7) == space["TABLE"][7]


def test_a_small_function_travels_by_value(own_folder: Path) -> None:
    @cache_data
    def small(x: int) -> int:
        return x + 1

    assert pickle.loads(to_worker(small))(1) == 2
    assert files(own_folder) == []


def test_a_worker_has_one_function_for_all_batches(own_folder: Path) -> None:
    function, _ = reading()
    first = pickle.loads(to_worker(function))
    for path in files(own_folder):
        path.write_bytes(b"never read again")

    assert pickle.loads(to_worker(function)) is pickle.loads(to_worker([function]))[0] is first


def test_a_worker_keeps_a_small_function_that_its_parent_sends_again(monkeypatch: pytest.MonkeyPatch) -> None:
    factor = 2

    @cache_data
    def small(x: int) -> int:
        return x * factor

    monkeypatch.setattr(pickling, "take_over", lambda token: True)  # as in a process that works for this one
    first, second = (pickle.loads(to_worker(small)) for _ in range(2))
    factor = 3
    third = pickle.loads(to_worker(small))

    assert first is second and (first(5), third(5)) == (10, 15)


def test_what_has_changed_in_the_notebook_is_sent_anew() -> None:
    function, space = reading()
    before = pickle.loads(to_worker(function))
    space["TABLE"][7] ^= 255  # in place
    after = pickle.loads(to_worker(function))
    space["TABLE"] = bytearray(LARGE)
    last = pickle.loads(to_worker(function))

    assert (after(7), last(7)) == (before(7) ^ 255, 0)


def test_what_a_run_has_changed_in_a_worker_is_not_there_in_the_next_batch() -> None:
    _, space = reading()
    function = cache_data(show_spinner=False)(space["noted"])

    first = pickle.loads(to_worker(function))
    first(1)
    second = pickle.loads(to_worker(function))

    assert second is not first
    assert second.__wrapped__.__globals__["history"] == []
    assert space["history"] == []


def test_each_batch_begins_with_the_generator_of_the_notebook() -> None:
    space: dict[str, Any] = {"TABLE": bytes(LARGE), "rng": random.Random(7), "__name__": "__main__"}
    exec("def draw(x):\n    return TABLE[x] + rng.random()", space)
    function = cache_data(show_spinner=False)(space["draw"])

    drawn = [pickle.loads(to_worker(function)).__wrapped__(1) for _ in range(2)]
    space["rng"].random()
    later = pickle.loads(to_worker(function)).__wrapped__(1)

    expected = random.Random(7)
    assert [*drawn, later] == [*[expected.random()] * 2, expected.random()]


def test_where_nobody_follows_what_a_function_reads_each_batch_has_its_own(own_folder: Path) -> None:
    function, space = reading(track=False)
    first, second = (pickle.loads(to_worker(function)) for _ in range(2))
    assert first is not second
    space["TABLE"][7] ^= 255
    assert pickle.loads(to_worker(function))(7) == space["TABLE"][7]


def test_a_function_that_is_decorated_anew_arrives_with_its_new_parameters() -> None:
    function, space = reading()
    first = pickle.loads(to_worker(function))
    second = pickle.loads(to_worker(cache_data(ttl=5, show_spinner=False)(space["at"])))
    assert (first._slow.parameters.ttl, second._slow.parameters.ttl) == (None, 5)


def test_a_function_that_calls_itself_finds_itself() -> None:
    table = bytes(LARGE)

    @cache_data(show_spinner=False)
    def factorial(n: int) -> int:
        return 1 + table[n] if n == 0 else n * factorial(n - 1)

    arrived = pickle.loads(to_worker(factorial))
    assert arrived(4) == 24 and arrived.is_cached(3)


def test_a_file_that_was_altered_is_not_loaded(own_folder: Path) -> None:
    function, _ = reading()
    content = to_worker(function)
    (path,) = files(own_folder)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(ValueError, match="not what was sent"):
        pickle.loads(content)


def test_a_file_that_somebody_removed_is_written_again(own_folder: Path) -> None:
    function, space = reading()
    to_worker(function)
    for path in files(own_folder):
        path.unlink()
    assert pickle.loads(to_worker(function))(7) == space["TABLE"][7]


def test_where_no_file_can_be_written_the_function_travels_itself(
    own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(own_folder / "nowhere"))
    function, space = reading()
    content = to_worker(function)
    assert len(content) > LARGE and pickle.loads(content)(7) == space["TABLE"][7]


def test_files_that_were_not_sent_for_a_week_are_removed(own_folder: Path) -> None:
    old, new = (reading()[0] for _ in range(2))
    to_worker(old)
    spool._folder.sent = dict.fromkeys(spool._folder.sent, -1e6)
    to_worker(new)
    assert len(files(own_folder)) == 1


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no owners of folders here")
def test_what_a_killed_process_left_is_removed_after_a_day(own_folder: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    folders = {}
    cases = (("left", gone.pid, 1e5), ("nobody", 10**30, 1e5), ("recent", gone.pid, 10.0), ("alive", os.getpid(), 1e5))
    for name, process, age in cases:
        folders[name] = own_folder / f"nbcache-{process}-{name}"
        folders[name].mkdir()
        (folders[name] / "file").touch()
        os.utime(folders[name], (time.time() - age,) * 2)

    to_worker(reading()[0])

    assert [name for name, folder in folders.items() if folder.exists()] == ["recent", "alive"]


def test_pools_of_every_kind_compute_once_and_leave_notebook_and_disk_as_they_were(
    python: Callable[..., str], tmp_path: Path
) -> None:
    printed = python(
        """
        import os, tempfile
        from concurrent.futures import ProcessPoolExecutor
        from joblib import Parallel, delayed
        from nbcache import cache_data

        TABLE = bytearray(os.urandom(1 << 20))

        class Point:
            def __init__(self, i):
                self.i = i
            def value(self):
                return TABLE[self.i]

        @cache_data(persist="disk", show_spinner=False)
        def at(i):
            with open(os.path.join(tempfile.gettempdir(), "computed"), "a") as file:
                file.write(f"{i}\\n")
            return Point(i).value()

        def through(i):
            return at(i)

        if __name__ == "__main__":
            names = dict(globals())
            xs = range(6)
            for number in range(2):
                seen = [Parallel(n_jobs=2)(delayed(function)(i) for i in xs) for function in (at, through)]
                if not number:
                    seen.append(Parallel(n_jobs=2, backend="multiprocessing")(delayed(at)(i) for i in xs))
                    with ProcessPoolExecutor(2) as pool:
                        seen.append(list(pool.map(at, xs)))
                seen.append([at(i) for i in xs])
                print([one == [TABLE[i] for i in xs] for one in seen])
                TABLE[0] ^= 255
                print([name for name in ("TABLE", "Point", "at", "through") if globals()[name] is not names[name]])
        """,
        TMPDIR=str(tmp_path),
    )
    said = printed.splitlines()
    assert said == [str([True] * 5), "[]", str([True] * 3), "[]"]
    assert (tmp_path / "computed").read_text().split().count("3") == 2
    assert [path for path in tmp_path.iterdir() if path.name.startswith("nbcache-")] == []

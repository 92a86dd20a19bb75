"""The files that a run reads are seen, and compared by content."""

from __future__ import annotations

import asyncio
import builtins
import contextlib
import glob
import importlib
import importlib.util
import json
import linecache
import os
import pickle
import runpy
import sqlite3
import subprocess
import sys
import tempfile
import threading
import timeit
import tokenize
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from observed import state_now

from nbcache import cache_data
from nbcache.tracking.observations.context import active, unrecorded
from nbcache.tracking.observations.named_files import candidates
from nbcache.tracking.observations.observation import Observation
from nbcache.tracking.observations.paths import ignore_folder
from nbcache.tracking.observations.recorder import note, recording


def kinds(run: Callable[[], object]) -> dict[str, str]:
    """Run something under a recording; give the files and folders it looked at, by path."""
    with recording() as seen:
        run()
    return {dep.name: dep.kind for dep in seen.observations if dep.kind not in ("variable", "variables")}


def _pickle(path: str) -> object:
    with open(path, "rb") as file:
        return pickle.load(file)


def _json(path: str) -> object:
    with open(path) as file:
        return json.load(file)


def _dump_json(path: str) -> None:
    with open(path, "w") as file:
        json.dump([1], file)


def _image(path: str) -> object:
    with guest("PIL.Image").open(path) as image:
        return image.load()


def guest(name: str) -> Any:
    return importlib.import_module(name)


def frame() -> Any:
    return guest("pandas").DataFrame({"a": [1, 2]})


Access = Callable[[str], object]
# What must be installed, a file name, what writes it, what reads it.
READERS: dict[str, tuple[str, str, Access, Access]] = {
    "json": ("json", "t.json", _dump_json, _json),
    "read_csv": ("pandas", "t.csv", lambda p: frame().to_csv(p), lambda p: guest("pandas").read_csv(p)),
    "read_pickle": ("pandas", "t.pkl", lambda p: frame().to_pickle(p), lambda p: guest("pandas").read_pickle(p)),
    "pickle": ("pandas", "t.pkl", lambda p: frame().to_pickle(p), _pickle),
    "read_excel": ("openpyxl", "t.xlsx", lambda p: frame().to_excel(p), lambda p: guest("pandas").read_excel(p)),
    "load": ("numpy", "t.npy", lambda p: guest("numpy").save(p, [1]), lambda p: guest("numpy").load(p)),
    "loadtxt": ("numpy", "t.txt", lambda p: guest("numpy").savetxt(p, [1]), lambda p: guest("numpy").loadtxt(p)),
    "joblib": ("joblib", "t.joblib", lambda p: guest("joblib").dump([1], p), lambda p: guest("joblib").load(p)),
    "PIL": ("PIL", "t.png", lambda p: guest("PIL.Image").new("RGB", (2, 2)).save(p), _image),
}
# These open files in native code, unseen by Python.
NATIVE: dict[str, tuple[str, str, Access, Access]] = {
    "parquet": ("pyarrow", "t.parquet", lambda p: frame().to_parquet(p), lambda p: guest("pandas").read_parquet(p)),
    "feather": ("pyarrow", "t.feather", lambda p: frame().to_feather(p), lambda p: guest("pandas").read_feather(p)),
    "pyarrow": (
        "pyarrow",
        "t.parquet",
        lambda p: frame().to_parquet(p),
        lambda p: guest("pyarrow.parquet").read_table(p),
    ),
    "polars": ("polars", "t.csv", lambda p: frame().to_csv(p), lambda p: guest("polars").read_csv(p)),
    "lazy": ("polars", "t.csv", lambda p: frame().to_csv(p), lambda p: guest("polars").scan_csv(p).collect()),
}


def installed(readers: dict[str, tuple[str, str, Access, Access]]) -> list[str]:
    return [name for name, (needed, *_) in readers.items() if importlib.util.find_spec(needed)]


@pytest.mark.parametrize("reader", installed(READERS))
def test_common_readers_are_seen(folder: Path, reader: str) -> None:
    _, path, write, read = READERS[reader]
    write(path)
    read(path)

    assert kinds(lambda: read(path)) == {path: "file"}


def test_a_script_that_is_run_is_read(folder: Path) -> None:
    Path("t.py").write_text("a = 1")

    found = kinds(lambda: runpy.run_path("t.py"))

    assert {(os.path.abspath(name), kind) for name, kind in found.items()} == {(os.path.abspath("t.py"), "file")}


@pytest.mark.parametrize("reader", installed(NATIVE))
def test_native_readers_are_covered_by_what_names_the_file(folder: Path, reader: str) -> None:
    _, path, write, read = NATIVE[reader]
    write(path)
    read(path)

    found = kinds(lambda: read(path)) | {dep.name: dep.kind for dep in candidates([path], ())}

    assert found == {path: "file"}
    assert candidates((), [path]) == (Observation(path, "file"),)


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        (lambda: open("a.txt").close(), {"a.txt": "file"}),
        (lambda: open(b"a.txt", "rb").close(), {"a.txt": "file"}),
        (lambda: open("a.txt").close(), {"a.txt": "file"}),
        (lambda: Path("a.txt").read_bytes(), {"a.txt": "file"}),
        (lambda: os.close(os.open("a.txt", os.O_RDONLY)), {"a.txt": "file"}),
        (lambda: open("a.txt", "r+").close(), {"a.txt": "file"}),
        (lambda: os.listdir("sub"), {"sub": "folder"}),
        (lambda: os.listdir(), {".": "folder"}),
        (lambda: list(os.scandir("sub")), {"sub": "folder"}),
        (lambda: list(Path("sub").iterdir()), {"sub": "folder"}),
        (lambda: glob.glob("sub/*.txt"), {"sub/*.txt": "matches"}),
        (lambda: list(os.walk("sub")), {"sub": "folder"}),
        (lambda: open("a.txt", "w").close(), {}),
        (lambda: open("a.txt", "a").close(), {}),
        (lambda: open("new.txt", "x").close(), {}),
        (lambda: open(os.devnull).close(), {}),
        (lambda: os.stat("a.txt"), {"a.txt": "status"}),
        (lambda: sqlite3.connect(":memory:").close(), {}),
    ],
)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_what_counts_as_reading(folder: Path, read: Callable[[], object], expected: dict[str, str]) -> None:
    assert kinds(read) == expected


def test_a_file_that_cannot_be_opened_is_followed_as_missing(folder: Path) -> None:
    def run() -> None:
        with pytest.raises(FileNotFoundError):
            open("absent.csv")

    with recording() as seen:
        run()
    before = state_now(seen.observations)
    (folder / "absent.csv").write_text("now")

    assert seen.observations == (Observation("absent.csv", "missing"),)
    assert state_now(seen.observations) != before


def test_what_the_run_writes_first_is_no_input(folder: Path) -> None:
    def run() -> None:
        Path("out.txt").write_text("1")
        Path("out.txt").read_text()
        with tempfile.TemporaryDirectory() as temporary:
            Path(temporary, "x").write_text("2")
            Path(temporary, "x").read_text()
            os.listdir(temporary)
        Path("b.tmp").write_text("3")
        os.replace("b.tmp", "b.txt")
        Path("b.txt").read_text()

    assert kinds(run) == {}


def _make() -> Path:
    made = Path("made")
    made.mkdir(exist_ok=True)
    return made


def _write_there() -> bool:
    (_make() / "x").write_text("1")
    return os.path.exists("made/x")


def _list_kept_folder() -> list[str]:
    made = tempfile.mkdtemp(dir=".")
    return [*os.listdir(made), str(os.path.exists(os.path.join(made, "x")))]


def _try_to_read() -> None:
    with contextlib.suppress(OSError):
        (_make() / "x").read_text()


@pytest.mark.parametrize(
    ("look", "expected"),
    [
        (lambda: os.makedirs("made", exist_ok=True) or os.listdir("made"), {"made": "folder"}),
        (lambda: list(_make().iterdir()), {"made": "folder"}),
        (lambda: list(os.scandir(_make())), {"made": "folder"}),
        (lambda: list(os.walk(_make())), {"made": "folder"}),
        (lambda: glob.glob(f"{_make()}/*.txt"), {"made/*.txt": "matches"}),
        (lambda: os.makedirs("made/in") or os.listdir("made"), {"made": "folder"}),
        (lambda: (_make() / "x").exists(), {"made/x": "existence"}),
        (_try_to_read, {"made/x": "missing"}),
        (lambda: _make().is_dir(), {}),
        (_write_there, {}),
        (_list_kept_folder, {}),
    ],
    ids=[
        *("listdir", "iterdir", "scandir", "walk", "glob", "makedirs", "exists", "missing"),
        *("the folder itself", "its own file", "a temporary folder"),
    ],
)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_what_else_lies_in_a_folder_that_the_run_made_is_an_input(
    folder: Path, look: Callable[[], object], expected: dict[str, str]
) -> None:
    assert kinds(look) == expected


def test_a_listing_of_a_folder_that_the_run_made_is_what_the_run_left(folder: Path, cache: object) -> None:
    @cache_data
    def look() -> list[str]:
        _make().joinpath("own.txt").write_text("1")
        return sorted(os.listdir("made"))

    assert look() == look() == ["own.txt"] and look.info().hits == 1
    Path("made", "new.txt").touch()
    assert look() == look() == ["new.txt", "own.txt"] and look.info().hits == 2


def test_a_memo_file_that_was_missing_and_is_written_is_no_input(folder: Path) -> None:
    def run() -> None:
        try:
            Path("memo.txt").read_text()
        except FileNotFoundError:
            Path("memo.txt").write_text("1")

    assert kinds(run) == {}


def test_a_file_that_is_read_and_then_overwritten_is_not_steady(folder: Path) -> None:
    with recording() as seen:
        Path("a.txt").read_text()
        Path("a.txt").write_text("changed")

    assert seen.observations == (Observation("a.txt", "file"),)
    assert not seen.steady()
    assert seen.wrote("a.txt")


def test_a_file_that_somebody_changes_during_the_run_is_not_steady(folder: Path) -> None:
    with recording() as seen:
        Path("a.txt").read_text()
        assert seen.steady()
        with unrecorded():
            Path("a.txt").write_text("changed")

    assert not seen.steady()


def test_imports_do_not_count(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "imported_mod.py").write_text("import wave\nx = 1")
    monkeypatch.syspath_prepend(str(folder))

    try:
        assert kinds(lambda: __import__("imported_mod")) == {}
    finally:
        sys.modules.pop("imported_mod", None)


def test_source_read_as_data_counts_and_source_read_for_a_traceback_does_not(folder: Path) -> None:
    (folder / "code.py").write_text("x = 1")

    assert kinds(lambda: traceback.FrameSummary("code.py", 1, "code").line) == {}
    linecache.clearcache()
    assert kinds(lambda: linecache.getlines("code.py")) == {"code.py": "file"}
    assert kinds(lambda: tokenize.open("code.py").close()) == {"code.py": "file"}
    assert kinds(lambda: Path("code.py").read_text()) == {"code.py": "file"}


def test_code_that_the_user_has_a_loader_load_counts_as_a_file(folder: Path) -> None:
    (folder / "code.py").write_text("x = 1")
    spec = importlib.util.spec_from_file_location("nbx_code", "code.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)

    assert kinds(lambda: spec.loader.exec_module(module)) == {str(folder / "code.py"): "file"}


def test_a_hard_link_that_the_run_makes_is_what_it_leads_to(folder: Path) -> None:
    def run() -> None:
        os.link("a.txt", "new.txt")
        Path("new.txt").read_text()

    assert set(kinds(run)) == {"a.txt"}


def test_relative_names_stay_relative_until_the_working_folder_changes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run() -> None:
        open("a.txt").close()
        os.chdir("sub")
        open("b.txt").close()

    monkeypatch.chdir(folder)

    assert set(kinds(run)) == {"a.txt", str(folder / "sub" / "b.txt")}


def test_our_own_folder_does_not_count(folder: Path) -> None:
    ignore_folder(folder / "sub")

    assert kinds(lambda: Path("sub/b.txt").read_text()) == {}


def test_a_database_counts_with_what_was_committed_last(folder: Path) -> None:
    def insert(value: int) -> None:
        connection.execute("insert into t values (?)", (value,))
        connection.commit()

    def run() -> object:
        reader = sqlite3.connect("t.db")
        try:
            return reader.execute("select * from t").fetchall()
        finally:
            reader.close()

    connection = sqlite3.connect("t.db")
    connection.execute("pragma journal_mode=wal")
    connection.execute("create table t (a)")
    insert(1)
    with recording() as seen:
        run()
    before = state_now(seen.observations)
    assert state_now(seen.observations) == before
    insert(2)

    assert state_now(seen.observations) != before
    connection.close()


def test_a_database_that_is_only_read_is_steady(folder: Path) -> None:
    connection = sqlite3.connect("t.db")
    connection.execute("create table t (a)")
    connection.commit()
    connection.close()

    with recording() as seen:
        reader = sqlite3.connect("file:t.db?mode=ro", uri=True)
        reader.execute("select * from t").fetchall()
        reader.close()

    assert Observation("t.db", "file") in seen.observations
    assert seen.steady()


# -- whose reads ---------------------------------------------------------------------------------------------------


def test_nested_recordings_share_what_the_inner_one_sees(folder: Path) -> None:
    with recording() as outer:
        with recording() as inner:
            open("a.txt").close()
        open("sub/b.txt").close()

    assert [dep.name for dep in inner.observations] == ["a.txt"]
    assert [dep.name for dep in outer.observations] == ["a.txt", "sub/b.txt"]


def test_files_of_an_inner_hit_are_noted_for_the_outer_run(folder: Path) -> None:
    dep = Observation("a.txt", "file")
    note([dep])

    with recording() as seen:
        note([dep])

    assert seen.observations == (dep,)
    assert seen.steady()


def test_threads_of_the_run_count_and_others_do_not(folder: Path) -> None:
    go, done = threading.Event(), threading.Event()

    def unrelated() -> None:
        go.wait()
        Path("sub/b.txt").read_text()
        done.set()

    def inside() -> None:
        inner = threading.Thread(target=Path("a.txt").read_text)
        inner.start()
        inner.join()

    stranger = threading.Thread(target=unrelated)
    stranger.start()

    def run() -> None:
        own = threading.Thread(target=inside)
        own.start()
        own.join()
        with ThreadPoolExecutor(1) as pool:
            pool.submit(os.listdir, "sub").result()
        go.set()
        done.wait()

    assert kinds(run) == {"a.txt": "file", "sub": "folder"}
    stranger.join()


def test_a_thread_that_outlives_its_run_is_heard_no_longer(folder: Path) -> None:
    go = threading.Event()

    def late() -> None:
        go.wait()
        Path("a.txt").read_text()

    with recording() as seen:
        thread = threading.Thread(target=late)
        thread.start()
    with recording() as next_run:
        go.set()
        thread.join()

    assert seen.observations == next_run.observations == ()


def test_tasks_are_told_apart(folder: Path) -> None:
    async def read(path: str) -> tuple[Observation, ...]:
        with recording() as seen:
            await asyncio.sleep(0)
            open(path).close()
            await asyncio.to_thread(lambda: open("sub/b.txt").close())
            await asyncio.sleep(0)
        return seen.observations

    async def both() -> list[tuple[Observation, ...]]:
        (folder / "c.txt").write_text("c")
        return await asyncio.gather(read("a.txt"), read("c.txt"))

    one, other = asyncio.run(both())

    assert [dep.name for dep in one] == ["a.txt", "sub/b.txt"]
    assert [dep.name for dep in other] == ["c.txt", "sub/b.txt"]


def test_a_recording_is_active_only_inside(folder: Path) -> None:
    assert not active()
    with recording():
        assert active()
        with unrecorded():
            assert not active()
            open("a.txt").close()
    assert not active()


def test_network_and_subprocesses_are_told(folder: Path) -> None:
    with recording() as seen:
        subprocess.run([sys.executable, "-c", ""], check=True)

    assert "subprocess" in seen.outside


def test_strange_arguments_of_open_still_raise_what_they_raise(folder: Path) -> None:
    class Odd(os.PathLike[str]):
        def __fspath__(self) -> str:
            raise ZeroDivisionError

    with recording() as seen:
        for odd, error in ((Odd(), ZeroDivisionError), ("a\0b", ValueError), (-5, ValueError), (None, TypeError)):
            with pytest.raises(error):
                builtins.open(odd)  # type: ignore[arg-type]

    assert seen.observations == ()


def test_without_a_recording_the_hook_costs_next_to_nothing(folder: Path) -> None:
    with recording():
        pass

    seconds = min(timeit.repeat(lambda: sys.audit("nbcache.nothing"), number=2000, repeat=10)) / 2000

    assert seconds < 2e-6

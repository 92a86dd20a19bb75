"""With `outputs="files"` what a function writes belongs to its result: a hit leaves the files as the run left them."""

from __future__ import annotations

import asyncio
import functools
import os
import pickle
import shutil
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nbcache import CacheWarning, InvalidParameterError, cache_data
from nbcache.config import settings

pytestmark = pytest.mark.usefixtures("cache")

saving = cache_data(outputs="files", persist="disk")


def _text(name: str, _calls: Any) -> list[str]:
    _calls(name)
    with open(name, "w") as file:
        file.write(f"text of {name}")
    return [name]


def _renamed(name: str, _calls: Any) -> list[str]:
    _calls(name)
    Path("part").write_text("whole")
    os.replace("part", name)
    return [name]


def _copied(name: str, _calls: Any) -> list[str]:
    _calls(name)
    Path("one").write_bytes(b"1")
    shutil.copy("one", name)
    return [name]


def _in_folders(name: str, _calls: Any) -> list[str]:
    _calls(name)
    os.makedirs("a/b", exist_ok=True)
    Path("a", "b", "c").write_text("deep")
    os.chmod("a/b/c", 0o700)
    Path(name).write_text("beside")
    return [name]


def _in_a_thread(name: str, _calls: Any) -> list[str]:
    _calls(name)
    thread = threading.Thread(target=Path(name).write_text, args=("threaded",))
    thread.start()
    thread.join()
    return [name]


def _big(name: str, _calls: Any) -> list[str]:
    _calls(name)
    Path(name).write_bytes(bytes(range(256)) * 10_000)
    return [name]


def _pickled(name: str, _calls: Any) -> list[str]:
    _calls(name)
    with open(name, "wb") as file:
        pickle.dump([1], file)
    return [name]


def _with_numpy(name: str, _calls: Any) -> list[str]:
    _calls(name)
    import numpy as np

    np.save(name, np.arange(3))
    return [name]


def _read_again(name: str, _calls: Any) -> list[str]:
    _calls(name)
    Path(name).write_text("read")
    return [Path(name).read_text()]


WRITERS: dict[str, Callable[[str, Any], list[str]]] = {
    "text": _text,
    "renamed": _renamed,
    "copied": _copied,
    "in folders": _in_folders,
    "in a thread": _in_a_thread,
    "big": _big,
    "pickled": _pickled,
    "numpy": _with_numpy,
    "read again": _read_again,
}


@pytest.mark.parametrize("persist", [None, "disk"])
@pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS)
def test_a_missing_file_is_put_back_and_an_equal_one_left_alone(writer: Any, persist: Any, calls: Any) -> None:
    write = cache_data(writer, outputs="files", persist=persist)
    first = write("out.npy", calls)
    wrote = Path("out.npy").read_bytes()
    os.remove("out.npy")
    shutil.rmtree("a", ignore_errors=True)

    assert write("out.npy", calls) == first and Path("out.npy").read_bytes() == wrote
    assert not os.path.isdir("a") or os.stat("a/b/c").st_mode & 0o777 == 0o700
    os.utime("out.npy", (1, 1))
    for _ in range(3):  # by the fast path too
        assert write("out.npy", calls) == first
    assert os.stat("out.npy").st_mtime == 1
    assert len(calls) == 1


def test_a_file_that_is_different_is_written_again_by_every_hit(calls: Any, restart: Any) -> None:
    write = saving(_text)
    write("a", calls)
    for text in ("other", "text of b", ""):
        Path("a").write_text(text)
        write("a", calls)
        assert Path("a").read_text() == "text of a"
    restart()
    Path("a").write_text("after a restart")
    write("a", calls)
    assert Path("a").read_text() == "text of a" and len(calls) == 1


def test_without_the_option_a_hit_writes_nothing(calls: Any) -> None:
    write = cache_data(_text)
    write("a", calls)
    os.remove("a")
    write("a", calls)
    assert not os.path.exists("a") and len(calls) == 1


def test_entries_with_and_without_files_are_not_taken_for_one_another(calls: Any) -> None:
    plain, with_files = cache_data(_text), cache_data(_text, outputs="files")
    plain("a", calls)
    os.remove("a")
    with_files("a", calls)
    assert os.path.exists("a") and len(calls) == 2
    os.remove("a")
    plain("a", calls)
    assert not os.path.exists("a") and len(calls) == 2


def test_what_is_returned_is_independent_and_as_the_run_returned_it(calls: Any) -> None:
    write = saving(_text)
    write("a", calls).append("changed")
    write("a", calls).append("changed")
    assert write("a", calls) == ["a"]


@pytest.mark.parametrize(
    "value", [None, 3, "text", (1, "a"), [1], {"a": [1]}, b"x" * 2_000_000], ids=lambda v: str(v)[:5]
)
def test_any_result_comes_back(value: Any, restart: Any) -> None:
    @saving
    def write(_value: Any) -> Any:
        Path("a").write_text("1")
        return _value

    assert write(value) == value
    os.remove("a")
    assert write(object()) == value and type(write(object())) is type(value)
    restart()
    os.remove("a")
    assert write(object()) == value and os.path.exists("a")


def test_a_result_that_cannot_be_stored_is_said_by_its_own_type() -> None:
    @saving
    def write() -> Any:
        Path("a").write_text("1")
        return threading.Lock()

    with pytest.warns(CacheWarning, match="type _thread.lock"):
        write()


# -- forms of functions


class Model:
    def __init__(self, folder: str) -> None:
        self.folder = folder

    @cache_data(outputs="files")
    def save(self, name: str, _calls: Any) -> list[str]:
        return _text(f"{self.folder}{name}", _calls)

    @classmethod
    @cache_data(outputs="files")
    def save_class(cls, name: str, _calls: Any) -> list[str]:
        return _text(name, _calls)

    @staticmethod
    @cache_data(outputs="files")
    def save_static(name: str, _calls: Any) -> list[str]:
        return _text(name, _calls)


@cache_data(outputs="files")
async def _save_async(name: str, _calls: Any) -> list[str]:
    await asyncio.sleep(0)
    _text(name, _calls)
    await asyncio.sleep(0)
    return [name]


FORMS: dict[str, Callable[[str, Any], Any]] = {
    "method": lambda name, calls: Model("./").save(name, calls),
    "class method": lambda name, calls: Model.save_class(name, calls),
    "static method": lambda name, calls: Model.save_static(name, calls),
    "coroutine": lambda name, calls: asyncio.run(_save_async(name, calls)),
    "partial": lambda name, calls: cache_data(functools.partial(_text, name), outputs="files")(calls),
    "map": lambda name, calls: saving(_text).map([name], [calls], n_jobs=1, progress=False),
    "map in threads": lambda name, calls: saving(_text).map(
        [name], [calls], n_jobs=2, backend="threading", progress=False
    ),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_every_form_of_function_writes_again(form: Any, calls: Any) -> None:
    first = form("a", calls)
    os.remove("a")
    assert form("a", calls) == first
    assert os.path.exists("a") and len(calls) == 1


@pytest.mark.parametrize("persist", [None, "disk"])
def test_a_map_in_processes_brings_the_files_along(persist: Any) -> None:
    @cache_data(outputs="files", persist=persist)
    def write(name: str) -> int:
        with open(name, "w") as file:
            file.write(name)
        return os.getpid()

    names = ["a", "b", "c"]
    first = write.map(names, n_jobs=2, progress=False)
    for name in names:
        os.remove(name)
    assert write.map(names, n_jobs=2, progress=False) == first
    assert [Path(name).read_text() for name in names] == names
    os.remove("b")
    assert write("b") == first[1] and Path("b").read_text() == "b"


@pytest.mark.parametrize("again", ["computed", "hit"])
def test_the_files_of_an_outer_function_include_those_of_an_inner_one(again: str, calls: Any) -> None:
    inner = saving(_text)

    @saving
    def outer(_calls: Any) -> int:
        inner("inner", _calls)
        Path("outer").write_text("1")
        return len(Path("inner").read_text())

    if again == "hit":
        inner("inner", calls)
        os.remove("inner")
    assert outer(calls) == 13
    inner.clear()
    os.remove("inner"), os.remove("outer")
    assert outer(calls) == 13
    assert Path("inner").read_text() == "text of inner" and os.path.exists("outer") and len(calls) == 1


def test_what_an_inner_hit_has_written_is_no_input_of_the_outer_function(calls: Any) -> None:
    inner = saving(_text)
    inner("inner", calls)
    os.remove("inner")

    @cache_data
    def outer(_calls: Any) -> str:
        inner("inner", _calls)
        return Path("inner").read_text()

    outer(calls)
    os.remove("inner")
    assert outer.is_cached(calls)


def test_a_folder_that_was_there_keeps_its_other_files_inputs(calls: Any) -> None:
    @saving
    def inner() -> None:
        os.makedirs("d", exist_ok=True)
        Path("d", "made").write_text("1")

    @cache_data
    def outer(_calls: Any) -> str:
        inner()
        return Path("d", "other").read_text()

    inner()
    Path("d", "other").write_text("one")
    outer(calls)
    Path("d", "other").write_text("two")
    assert outer(calls) == "two"


@pytest.mark.parametrize("trust", ["safe", "strict"])
def test_files_need_no_code_to_be_loaded(trust: str, calls: Any, restart: Any) -> None:
    settings().trust = trust
    restart()
    write = saving(_big)
    write("big", calls)
    restart()
    os.remove("big")
    assert write("big", calls) == ["big"] and os.path.exists("big") and len(calls) == 1


# -- life of an entry


def test_refresh_writes_by_running_and_clear_forgets_the_files_and_leaves_them(calls: Any) -> None:
    write = saving(_text)
    write("a", calls)
    os.remove("a")
    write.refresh("a", calls)
    assert os.path.exists("a") and len(calls) == 2
    write.clear()
    assert os.path.exists("a") and write.info().entries == 0
    write("a", calls)
    assert len(calls) == 3


def test_an_expired_result_is_refreshed_behind_its_files(calls: Any, cache: Any, clock: Any) -> None:
    write = cache_data(_text, outputs="files", ttl=10, refresh_mode="background")
    write("a", calls)
    os.remove("a")
    waiting: list[Callable[[], None]] = []
    cache.background.refresher._start = waiting.append
    clock.move(15)
    assert write("a", calls) == ["a"] and os.path.exists("a") and len(calls) == 1
    waiting.pop()()
    assert len(calls) == 2
    os.remove("a")
    write("a", calls)
    assert os.path.exists("a") and len(calls) == 2


def test_explain_says_what_a_hit_writes_and_rows_count_its_bytes(calls: Any) -> None:
    write = saving(_big)
    write("big.bin", calls)
    explanation = write.explain("big.bin", calls)
    assert explanation.hit and explanation.files == ("big.bin",) and "writes big.bin" in str(explanation)
    assert write.entries()[0].bytes > 2_560_000


def test_another_machine_gets_the_files_from_a_shared_store(calls: Any, tmp_path: Path, restart: Any) -> None:
    pytest.importorskip("fsspec")
    settings().store = f"file://{tmp_path / 'shared'}"
    cache = restart()
    write = saving(_text)
    write("a", calls)
    cache.tiers.close()
    settings().dir = str(tmp_path / "other")
    restart()
    os.remove("a")
    assert write("a", calls) == ["a"] and Path("a").read_text() == "text of a" and len(calls) == 1


# -- what cannot be done again


def _appends(_calls: Any) -> None:
    _calls()
    with open("there", "a") as file:
        file.write("x")


def _appends_to_a_new_one(_calls: Any) -> None:
    _calls()
    with open("new", "a") as file:
        file.write("x")


def _reads_and_writes(_calls: Any) -> None:
    _calls()
    Path("there").write_text(Path("there").read_text() + "x")


def _removes(_calls: Any) -> None:
    _calls()
    Path("gone").write_text("")
    os.remove("there")
    os.rename("gone", "somewhere")


def _writes_elsewhere(_calls: Any) -> None:
    _calls()
    path = Path("/var/tmp/nbcache-test-elsewhere")
    path.write_text("x")


def _links(_calls: Any) -> None:
    _calls()
    if os.path.lexists("link"):
        os.remove("link")
    os.symlink("there", "link")


REFUSED = {
    "appends": (_appends, "changes there in place"),
    "appends to a new file": (_appends_to_a_new_one, "changes new in place"),
    "reads and writes": (_reads_and_writes, "both reads and writes there"),
    "removes": (_removes, "removes there"),
    "elsewhere": (_writes_elsewhere, "outside the project"),
    "links": (_links, "link"),
}


@pytest.mark.parametrize(("function", "why"), REFUSED.values(), ids=REFUSED)
def test_what_a_hit_could_not_do_again_runs_every_time_and_is_said_once(function: Any, why: str, calls: Any) -> None:
    write = cache_data(function, outputs="files")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(2):
            Path("there").write_text("1")
            write(calls)
    Path("/var/tmp/nbcache-test-elsewhere").unlink(missing_ok=True)
    assert len(calls) == 2
    assert [why in str(one.message) for one in caught] == [True]


def test_what_was_too_big_to_keep_runs_when_it_is_gone_and_is_followed_by_its_digest(calls: Any) -> None:
    settings().max_written_size = "1KB"
    write = saving(_big)
    write("big", calls), write("big", calls)
    assert len(calls) == 1 and write.is_cached("big", calls)
    os.remove("big")
    assert not write.is_cached("big", calls)
    assert "too large to be kept" in write.explain("big", calls).reason
    write("big", calls)
    assert len(calls) == 2 and os.path.getsize("big") == 2_560_000


# -- hostile places


def _make_folder() -> None:
    os.remove("a")
    os.mkdir("a")


def _make_link() -> None:
    os.remove("a")
    Path("elsewhere").write_text("old")
    os.symlink("elsewhere", "a")


def _make_second_name() -> None:
    Path("a").write_text("old")
    os.link("a", "second")


def test_a_folder_in_the_place_of_a_file_lets_the_function_say_so(calls: Any) -> None:
    write = saving(_text)
    write("a", calls)
    _make_folder()
    with pytest.raises(IsADirectoryError):
        write("a", calls)
    assert os.listdir() and os.path.isdir("a")


@pytest.mark.filterwarnings("ignore::nbcache.CacheWarning")
@pytest.mark.parametrize(("place", "other"), [(_make_link, "elsewhere"), (_make_second_name, "second")])
def test_a_link_is_written_through_by_the_function_itself(place: Any, other: str, calls: Any) -> None:
    write = saving(_text)
    write("a", calls)
    place()
    write("a", calls)
    assert Path(other).read_text() == "text of a" and len(calls) == 2


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_lets_the_function_say_so(calls: Any) -> None:
    os.mkdir("d")
    write = saving(_text)
    write("d/a", calls)
    os.remove("d/a")
    os.chmod("d", 0o500)
    try:
        with pytest.raises(PermissionError):
            write("d/a", calls)
    finally:
        os.chmod("d", 0o700)


def test_a_file_in_the_place_of_a_folder_restores_nothing_of_the_rest(calls: Any) -> None:
    @saving
    def write(_calls: Any) -> None:
        _calls()
        Path("a").write_text("1")
        os.makedirs("d", exist_ok=True)
        Path("d", "f").write_text("2")

    write(calls)
    os.remove("a")
    shutil.rmtree("d")
    Path("d").write_text("a file")

    with pytest.raises(FileExistsError):
        write(calls)
    assert len(calls) == 2  # the run itself has made `a` before it failed
    os.remove("a")
    assert not write.is_cached(calls) or sorted(os.listdir()).count("a") == 0


def test_a_failure_half_way_restores_nothing(calls: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    @saving
    def write(_calls: Any) -> None:
        _calls()
        if len(_calls) == 1:
            for number in range(5):
                Path(f"f{number}").write_text("new")

    write(calls)
    for number in range(5):
        Path(f"f{number}").write_text("old")
    replace = os.replace

    def fails_at_one(source: Any, target: Any) -> None:
        if target == "f3":
            raise OSError("no room")
        replace(source, target)

    monkeypatch.setattr(os, "replace", fails_at_one)
    write(calls)

    assert len(calls) == 2
    assert [Path(f"f{number}").read_text() for number in range(5)] == ["old"] * 5
    assert not [name for name in os.listdir() if name.endswith("~")]


def test_a_thousand_files_come_back(calls: Any) -> None:
    @saving
    def write(_calls: Any) -> None:
        _calls()
        os.makedirs("many", exist_ok=True)
        for number in range(1000):
            Path("many", str(number)).write_text(str(number))

    write(calls)
    shutil.rmtree("many")
    write(calls)
    assert sorted(map(int, os.listdir("many"))) == list(range(1000)) and len(calls) == 1
    assert Path("many/999").read_text() == "999"


# -- several at one time


def test_runs_at_one_time_own_what_each_has_written() -> None:
    barrier = threading.Barrier(2)

    @saving
    def write(name: str, _barrier: Any) -> str:
        _barrier.wait()
        Path(name).write_text(name)
        _barrier.wait()
        return name

    threads = [threading.Thread(target=write, args=(name, barrier)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert write.explain("a", barrier).files == ("a",) and write.explain("b", barrier).files == ("b",)


def test_what_native_code_writes_is_found_by_its_name_and_told_apart_while_runs_overlap(calls: Any) -> None:
    pl = pytest.importorskip("polars")
    barrier = threading.Barrier(2)

    @saving
    def write(path: str, _barrier: Any, _calls: Any) -> None:
        _calls()
        _barrier.wait()
        pl.DataFrame({"a": [path]}).write_parquet(path)
        _barrier.wait()

    threads = [threading.Thread(target=write, args=(name, barrier, calls)) for name in ("a.parquet", "b.parquet")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    os.remove("a.parquet"), os.remove("b.parquet")
    write("a.parquet", barrier, calls)

    assert len(calls) == 2 and os.path.exists("a.parquet") and not os.path.exists("b.parquet")


@pytest.mark.parametrize("backend", ["threading", "sequential"])
def test_what_native_code_writes_under_a_computed_name_is_kept_after_a_map(backend: str, calls: Any) -> None:
    pl = pytest.importorskip("polars")

    @cache_data
    def double(x: int) -> int:
        return 2 * x

    @saving
    def write(year: int, _calls: Any) -> None:
        _calls()
        pl.DataFrame({"a": [year]}).write_parquet(f"flights-{year}.parquet")

    assert double.map([1, 2, 3], backend=backend, n_jobs=2) == [2, 4, 6]
    write(2024, calls)
    os.remove("flights-2024.parquet")
    write(2024, calls)

    assert len(calls) == 1 and os.path.exists("flights-2024.parquet")


def test_what_a_program_writes_is_found_by_its_name(calls: Any) -> None:
    @saving
    def write(path: str, _calls: Any) -> None:
        import subprocess

        _calls()
        subprocess.run(["cp", "source", path], check=True)

    Path("source").write_text("content")
    write("made.txt", calls)
    os.remove("made.txt")
    write("made.txt", calls)
    assert Path("made.txt").read_text() == "content" and len(calls) == 1


@pytest.mark.parametrize("value", ["file", "Files", True, ["files"], ""])
def test_only_files_are_outputs(value: Any) -> None:
    with pytest.raises(InvalidParameterError, match='write outputs="files"'):
        cache_data(outputs=value)

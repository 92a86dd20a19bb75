"""What the system tells of native code that opens files: in which folders, by whom, and for what."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from nbcache import cache_data
from nbcache.tracking.observations.native.folders import mention
from nbcache.tracking.observations.native.notices import MODIFIED, OPENED, FolderWatcher
from nbcache.tracking.observations.native.opens import NATIVE_OPENS
from nbcache.tracking.observations.observation import Observation
from nbcache.tracking.observations.recorder import Recorder, recording

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells of opened files")


class File:
    """A file of the C library: it stands for any native reader."""

    def __init__(self) -> None:
        self._system = ctypes.CDLL(None, use_errno=True)

    def read(self, name: str) -> None:
        descriptor = self._system.open(os.fsencode(name), os.O_RDONLY)
        assert descriptor >= 0
        self._system.close(descriptor)

    def write(self, name: str) -> None:
        descriptor = self._system.open(os.fsencode(name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        assert self._system.write(descriptor, b"xy", 2) == 2
        self._system.close(descriptor)


def seen_by(run: Callable[[], object]) -> Recorder:
    with recording() as seen:
        run()
    return seen


@pytest.fixture
def native() -> File:
    return File()


@linux
def test_an_unknown_reader_is_seen(native: File) -> None:
    Path("a.bin").write_text("a")

    assert seen_by(lambda: native.read("a.bin")).observations == (Observation("a.bin", "file"),)


@linux
def test_folders_below_and_new_ones_are_seen(native: File) -> None:
    os.makedirs("one/two")
    Path("one/two/a.bin").write_text("a")
    seen_by(lambda: None)
    os.makedirs("three/four")
    Path("three/four/b.bin").write_text("b")

    def run() -> None:
        native.read("one/two/a.bin")
        native.read("three/four/b.bin")

    assert {seen.name for seen in seen_by(run).observations} == {"one/two/a.bin", "three/four/b.bin"}


@linux
def test_a_folder_elsewhere_is_seen_once_something_names_it(native: File, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "a.bin").write_text("a")
    mention(f"{other}/")

    assert seen_by(lambda: native.read(f"{other}/a.bin")).observations == (Observation(f"{other}/a.bin", "file"),)


class Store:
    """Holds the name of a folder, as classes of the user's do."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    @cache_data
    def load(self, name: str) -> None:
        _runs.append(name)
        File().read(f"{self.folder}/{name}.bin")


HOW: dict[str, Callable[[str], Callable[[], object]]] = {
    "argument": lambda place: lambda: _by_argument(place, "a"),
    "attribute": lambda place: lambda: Store(place).load("a"),
    "closure": lambda place: partial(_by_closure(place), "a"),
    "Path": lambda place: lambda: _by_argument(Path(place), "a"),  # type: ignore[arg-type]
    "dict": lambda place: lambda: _by_dict({"place": place}, "a"),
    "text": lambda place: lambda: _by_text(f"select * from '{place}/a.bin'"),
    "variable": lambda place: _by_variable,
    "a look": lambda place: lambda: _by_a_look(place[::-1]),
}
_runs: list[str] = []


@cache_data
def _by_argument(place: str, name: str) -> None:
    _runs.append(name)
    File().read(f"{place}/{name}.bin")


@cache_data
def _by_dict(where: dict[str, str], name: str) -> None:
    _runs.append(name)
    File().read(f"{where['place']}/{name}.bin")


@cache_data
def _by_text(text: str) -> None:
    _runs.append(text)
    File().read(text.split("'")[1])


@cache_data
def _by_variable() -> None:
    _runs.append("a")
    File().read(f"{os.environ['NBX_PLACE']}/a.bin")


@cache_data
def _by_a_look(hidden: str) -> None:
    _runs.append(hidden)
    place = hidden[::-1]
    if os.path.exists(f"{place}/a.bin"):
        File().read(f"{place}/a.bin")


def _by_closure(place: str) -> Callable[[str], None]:
    @cache_data
    def load(name: str) -> None:
        _runs.append(name)
        File().read(f"{place}/{name}.bin")

    return load


@linux
@pytest.mark.parametrize("how", HOW)
def test_a_folder_elsewhere_is_watched_however_it_is_named(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "elsewhere"
    place.mkdir()
    monkeypatch.setenv("NBX_PLACE", str(place))
    (place / "a.bin").write_text("a")
    load = HOW[how](str(place))
    _runs.clear()

    load()
    load()
    (place / "a.bin").write_text("other")
    load()

    assert len(_runs) == 2


@linux
def test_a_folder_elsewhere_that_is_made_anew_is_watched_anew(native: File, tmp_path: Path) -> None:
    place = tmp_path / "elsewhere" / "below"

    def run() -> None:
        NATIVE_OPENS.watch(str(place))
        native.read(f"{place}/a.bin")

    for _ in range(3):
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        (place / "a.bin").write_text("a")

        assert seen_by(run).observations == (Observation(f"{place}/a.bin", "file"),)


@linux
def test_in_threads_of_the_run_too(native: File) -> None:
    Path("a.bin").write_text("a")

    def run() -> None:
        thread = threading.Thread(target=native.read, args=("a.bin",))
        thread.start()
        thread.join()

    assert seen_by(run).observations == (Observation("a.bin", "file"),)


@linux
def test_what_python_opens_is_noted_once(native: File) -> None:
    Path("a.txt").write_text("a")
    os.symlink("a.txt", "link.txt")

    def run() -> None:
        Path("link.txt").read_text()
        native.read("a.txt")

    assert seen_by(run).observations == (Observation("link.txt", "file"),)


@linux
def test_what_another_process_reads_is_not_the_runs(native: File) -> None:
    Path("a.txt").write_text("a")

    assert seen_by(lambda: subprocess.run(["cat", "a.txt"], stdout=subprocess.DEVNULL)).observations in (
        (),
        (Observation("a.txt", "file"),),  # named to a program
    )


@linux
def test_what_native_code_writes_is_no_input(native: File) -> None:
    Path("old.bin").write_text("a")

    def run() -> None:
        native.write("new.bin")
        native.read("new.bin")
        native.write("old.bin")

    seen = seen_by(run)

    assert seen.observations == ()
    assert {os.path.basename(path) for path in seen.written} == {"new.bin", "old.bin"}


@linux
def test_a_file_that_another_process_changes_meanwhile_is_not_kept(native: File) -> None:
    Path("a.bin").write_text("a")

    def run() -> None:
        native.read("a.bin")
        subprocess.run([sys.executable, "-c", "open('a.bin', 'a').write('b')"], check=True)

    assert not seen_by(run).steady()


@linux
def test_more_opens_than_the_system_tells_of_are_said(native: File) -> None:
    for number in range(20_000):
        Path(f"{number}.bin").touch()

    def run() -> None:
        for number in range(20_000):
            native.read(f"{number}.bin")

    seen = seen_by(run)

    assert "more files" in seen.failed
    assert not seen.steady()


@linux
def test_ten_thousand_files_that_python_opens_are_all_followed() -> None:
    for number in range(10_000):
        Path(f"{number}.txt").touch()

    seen = seen_by(lambda: [open(f"{number}.txt").close() for number in range(10_000)])

    assert len(seen.observations) == 10_000
    assert seen.steady()


@linux
def test_a_child_process_leaves_the_notices_to_its_parent(native: File) -> None:
    Path("a.bin").write_text("a")

    def run() -> None:
        native.read("a.bin")
        child = os.fork()
        if not child:
            with recording():
                pass
            os._exit(0)
        os.waitpid(child, 0)

    files = [seen for seen in seen_by(run).observations if seen.kind == "file"]  # from 3.12 on a fork gives a warning
    assert files == [Observation("a.bin", "file")]


@linux
def test_notices_tell_names_and_what_was_done(folder: Path) -> None:
    source = FolderWatcher()
    assert source.follow(str(folder))

    Path("a.txt").write_text("a")
    told = source.read()
    source.close()

    what = {**told.ours, **told.anybodys}.get(str(folder), {}).get("a.txt", 0)
    assert what & OPENED and what & MODIFIED
    assert not told.others

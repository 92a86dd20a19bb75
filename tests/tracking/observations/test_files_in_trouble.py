"""Files that vanish, change, block or are many: nothing hangs, nothing is raised, and nothing wrong is kept."""

from __future__ import annotations

import ctypes
import errno
import itertools
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nbcache import CacheWarning, cache_data
from nbcache.tracking.observations import files
from nbcache.tracking.observations.files import file_digest, tree_digest
from nbcache.tracking.observations.native import notices
from nbcache.tracking.observations.native.folders import WatchedFolders
from nbcache.tracking.observations.native.opens import NATIVE_OPENS
from nbcache.tracking.observations.observation import Observation
from nbcache.tracking.observations.recorder import recording

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells of opened files")
posix = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    (work / "a.txt").write_text("a")
    return work


@pytest.fixture
def inotify(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A system that does not permit fanotify."""

    def refused(system: object) -> None:
        raise PermissionError

    monkeypatch.setattr(notices, "_Fanotify", refused)
    NATIVE_OPENS._renew()
    yield
    NATIVE_OPENS._renew()


def natively(name: str) -> None:
    system = ctypes.CDLL(None)
    os.close(system.open(os.fsencode(name), os.O_RDONLY))


@cache_data
def text(name: str) -> str:
    _runs.append(name)
    return Path(f"{name}.txt").read_text()


_runs: list[str] = []


@pytest.fixture(autouse=True)
def _no_runs() -> None:
    _runs.clear()


@posix
@pytest.mark.timeout(20)
def test_a_pipe_in_the_place_of_a_file_is_a_miss_and_blocks_nothing() -> None:
    text("a")
    os.remove("a.txt")
    os.mkfifo("a.txt")
    writer = threading.Thread(target=lambda: Path("a.txt").write_text("from the pipe"))
    writer.start()

    assert text("a") == "from the pipe"
    writer.join()
    assert file_digest("a.txt") == tree_digest("a.txt") == ""


def test_a_file_that_vanishes_is_a_miss_with_the_error_of_the_run() -> None:
    text("a")
    os.remove("a.txt")

    with pytest.raises(FileNotFoundError):
        text("a")

    Path("a.txt").write_text("a")
    assert text("a") == "a"
    assert len(_runs) == 2


STANDS: dict[str, Callable[[str], object]] = {
    "nothing": lambda name: None,
    "a file": lambda name: Path(name).write_text("a"),
    "another file": lambda name: Path(name).write_text("b"),
    "a folder": os.mkdir,
    "a folder that holds something": lambda name: Path(name, "b").mkdir(parents=True),
    "a link to a file": lambda name: os.symlink(os.path.abspath("a.txt"), name),
    "a link to another file": lambda name: os.symlink(os.path.abspath("b.txt"), name),
    "a hard link": lambda name: os.link("b.txt", name),
    "a link to a folder": lambda name: os.symlink(os.path.abspath("held"), name),
    "a link to nothing": lambda name: os.symlink("nowhere", name),
}


def _read_natively(name: str) -> bytes:
    content = ctypes.create_string_buffer(8)
    system = ctypes.CDLL(None, use_errno=True)
    descriptor = system.open(os.fsencode(name), os.O_RDONLY)
    if descriptor < 0 or system.read(descriptor, content, 8) < 0:
        raise OSError(ctypes.get_errno(), name)
    os.close(descriptor)
    return content.value


ASKS: dict[str, Callable[[str], object]] = {
    "opens it": lambda name: Path(name).read_text(),
    "opens a descriptor": lambda name: os.close(os.open(name, os.O_RDONLY)),
    "lists it": lambda name: sorted(os.listdir(name)),
    "walks through it": lambda name: list(os.walk(name)),
    "looks at it": lambda name: (os.path.isdir(name), os.path.islink(name)),
    "makes a folder": lambda name: (os.mkdir(name), os.rmdir(name)),
}
if sys.platform.startswith("linux"):
    ASKS["reads it in native code"] = _read_natively


# What the run makes itself is no input; the system does not tell of files that native code did not find.
TELLS_NOTHING_OF_WHAT_IS_MISSING = ("makes a folder", "reads it in native code")


def _answer(ask: Callable[[str], object], name: str) -> object:
    try:
        return ask(name)
    except OSError as error:
        return type(error).__name__


@pytest.mark.parametrize("asks", ASKS)
def test_what_becomes_something_else_is_looked_at_again(asks: str, folder: Path) -> None:
    Path("b.txt").write_text("b")
    os.mkdir("held")
    Path("held", "c").write_text("c")
    ask = ASKS[asks]

    @cache_data
    def asked(number: int) -> object:
        return _answer(ask, f"{chr(120)}{number}")

    def put(name: str, what: str) -> None:
        if os.path.isdir(name) and not os.path.islink(name):
            shutil.rmtree(name)
        elif os.path.lexists(name):
            os.remove(name)
        STANDS[what](name)

    for number, (first, second) in enumerate(itertools.permutations(STANDS, 2)):
        if asks in TELLS_NOTHING_OF_WHAT_IS_MISSING and "nothing" in first + second:
            continue
        for stands in (first, second, first):
            put(f"x{number}", stands)
            found = asked(number)
            assert found == _answer(ask, f"x{number}"), f"{first} -> {second}: {stands}"


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_any_more_is_a_miss_with_the_error_of_the_run() -> None:
    text("a")
    os.chmod("a.txt", 0)

    with pytest.raises(PermissionError):
        text("a")


def test_a_file_that_changes_while_the_run_reads_it_is_not_kept() -> None:
    runs = []

    @cache_data
    def read(name: str) -> str:
        runs.append(name)
        found = Path(f"{name}.txt").read_text()
        subprocess.run([sys.executable, "-c", "open('a.txt', 'w').write('changed')"], check=True)
        return found

    assert read("a") == "a"
    assert read("a") == "changed"
    assert len(runs) == 2


def test_ten_threads_of_a_run_read_a_thousand_files(folder: Path) -> None:
    for number in range(1000):
        (folder / f"{number}.bin").write_text(str(number))
    runs = []

    @cache_data
    def total(count: int) -> int:
        runs.append(count)
        found: list[int] = []

        def read(first: int) -> None:
            found.extend(int(Path(f"{number}.bin").read_text()) for number in range(first, count, 10))

        threads = [threading.Thread(target=read, args=(first,)) for first in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sum(found)

    assert total(1000) == total(1000) == 499500
    (folder / "777.bin").write_text("0")
    assert total(1000) == 499500 - 777
    assert len(runs) == 2


@linux
def test_runs_side_by_side_in_threads_have_each_their_own(folder: Path) -> None:
    for number in range(10):
        (folder / f"{number}.bin").touch()
    seen: dict[int, tuple[Observation, ...]] = {}
    together = threading.Barrier(10)

    def run(number: int) -> None:
        with recording() as one:
            together.wait()
            open(f"{number}.bin").close()
            together.wait()
        seen[number] = one.observations

    threads = [threading.Thread(target=run, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert seen == {number: (Observation(f"{number}.bin", "file"),) for number in range(10)}


@linux
def test_a_working_folder_that_is_gone_breaks_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    with recording() as seen:
        (tmp_path / "work" / "a.txt").read_text()

    assert [one.kind for one in seen.observations] == ["file"]


@linux
def test_a_folder_that_is_replaced_is_watched_anew(folder: Path) -> None:
    for _ in range(2):
        (folder / "data").mkdir()
        (folder / "data" / "b.txt").touch()
        with recording() as seen:
            natively("data/b.txt")
        (folder / "data" / "b.txt").unlink()
        (folder / "data").rmdir()

        assert seen.observations == (Observation("data/b.txt", "file"),)


Act = Callable[[], object]


@linux
@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (lambda: natively("a.txt"), (Observation("a.txt", "file"),)),
        (lambda: Path("a.txt").read_text(), (Observation("a.txt", "file"),)),
        (lambda: natively("book.ipynb"), ()),
        (lambda: None, ()),
    ],
)
def test_where_it_is_not_known_who_opens_a_file(
    act: Act, expected: tuple[Observation, ...], inotify: None, folder: Path
) -> None:
    (folder / "book.ipynb").touch()

    with recording() as seen:
        act()

    assert seen.observations == expected
    assert not seen.written


@linux
def test_nothing_is_told_where_neither_is_permitted(inotify: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "_Inotify", notices._Fanotify)

    with recording() as seen:
        natively("a.txt")
        Path("a.txt").read_text()

    assert seen.observations == (Observation("a.txt", "file"),)
    assert not seen.failed


@linux
def test_a_descriptor_that_was_closed_is_not_read_as_another_file() -> None:
    with recording():
        pass
    (descriptor,) = [
        int(one)
        for one in os.listdir("/proc/self/fd")
        if os.path.lexists(f"/proc/self/fd/{one}") and "notify" in os.readlink(f"/proc/self/fd/{one}")
    ][:1]
    os.close(descriptor)
    other, end = os.pipe()
    os.dup2(other, descriptor)
    os.write(end, b"for another")

    with recording() as first:
        natively("a.txt")
    with recording() as second:
        natively("a.txt")

    assert os.read(descriptor, 100) == b"for another"
    assert not first.steady() or first.observations == second.observations
    assert second.observations == (Observation("a.txt", "file"),)
    for one in {other, end, descriptor}:
        os.close(one)


@linux
def test_a_result_that_may_rest_on_overlooked_files_is_not_kept_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = WatchedFolders.read

    def overflown(self: WatchedFolders, *, opens: bool = True) -> notices.Notices:
        told = read(self, opens=opens)
        told.overflown = True
        return told

    monkeypatch.setattr(WatchedFolders, "read", overflown)

    with pytest.warns(CacheWarning, match="not kept"):
        assert text("a") == "a"
    with pytest.warns(CacheWarning, match="more files were opened"):
        assert text("a") == "a"
    assert len(_runs) == 2


@pytest.mark.parametrize("error", ["EIO", "ESTALE"])
def test_a_file_of_which_the_disk_tells_nothing_equals_nothing(error: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> os.stat_result:
        raise OSError(getattr(errno, error), "")

    monkeypatch.setattr(files, "_stat", refuse)

    assert files.FILES.digest("a.txt") != files.FILES.digest("a.txt")
    assert file_digest("a.txt") == ""


def test_a_file_that_cannot_be_read_is_not_a_missing_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "content_digest", lambda path: "")
    before = files.FILES.digest("a.txt")

    os.chmod("a.txt", 0o600)
    assert files.FILES.digest("a.txt") == before
    os.remove("a.txt")
    assert files.FILES.digest("a.txt") == b"" != before


def test_a_file_that_only_the_run_can_read_counts_by_its_size_and_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "content_digest", lambda path: "")
    Path("a.txt").write_text("new")

    before, again = text("a"), text("a")
    Path("a.txt").write_text("newer")

    assert (before, again, text("a"), len(_runs)) == ("new", "new", "newer", 2)
    assert file_digest("a.txt") == ""

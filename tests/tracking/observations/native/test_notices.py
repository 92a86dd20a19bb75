"""What the system tells is read in bulk where it is alike, and stands for a second look at files where it tells all."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from threads import in_thread

from nbcache.tracking.observations import files
from nbcache.tracking.observations.native import notices
from nbcache.tracking.observations.native.folders import WatchedFolders
from nbcache.tracking.observations.native.notices import GONE, IS_FOLDER, MADE, MODIFIED, OPENED, FolderWatcher, Notices
from nbcache.tracking.observations.native.opens import NATIVE_OPENS
from nbcache.tracking.observations.observation import Observation
from nbcache.tracking.observations.recorder import Recorder, recording

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells of opened files")
Event = tuple[int, int, bytes, bytes]

ME = os.getpid()
HERE, THERE = b"here....", b"there..."


@pytest.fixture(scope="module")
def tells_all() -> None:
    """A system that says who opened what, on a file system of its own."""
    folders = WatchedFolders()
    folders.top(".")
    try:
        if (
            not folders.told_all(os.path.realpath("."), folders.count)
            or notices._Fanotify not in folders._source._sources
        ):
            pytest.skip("the system does not tell all that happens here")
    finally:
        folders.close()


def event(what: int, process: int, handle: bytes, name: bytes) -> bytes:
    """One event as the kernel writes it down."""
    text = name + b"\0" * (4 - len(name) % 4)
    about = struct.pack("=QII", 7, len(handle), 1) + handle + text
    length = 24 + 4 + len(about)
    return (
        struct.pack("=IBBHQii", length, 3, 0, 24, what, -1, process) + struct.pack("=BBH", 2, 0, 4 + len(about)) + about
    )


def reader() -> Any:
    made = object.__new__(notices._Fanotify)
    made._folders = {(7, HERE): "/here", (7, THERE): "/there"}
    made._places, made._patterns = {}, {}
    return made


LONG = b"n" * 180  # so that the length of an event is 256, whose first byte is none
CONTENTS: dict[str, tuple[list[Event], bool]] = {
    "opens in one folder": ([(OPENED, ME, HERE, b"%d.txt" % number) for number in range(50)], True),
    "opens in two folders": ([(OPENED, ME, (HERE, THERE)[number % 2], b"x%d" % number) for number in range(9)], True),
    "opens by another process": ([(OPENED, ME + 1, HERE, b"a"), (OPENED, ME + 1, HERE, b"b")], True),
    "the same name again": ([(OPENED, ME, HERE, b"a")] * 3, True),
    "a folder that is not followed": ([(OPENED, ME, b"nowhere.", b"a"), (OPENED, ME, HERE, b"a")], True),
    "names that are no text": ([(OPENED, ME, HERE, b"\xff\xfe"), (OPENED, ME, HERE, "ä".encode())], True),
    "names of all lengths": ([(OPENED, ME, HERE, b"n" * length) for length in range(1, 255)], True),
    "a long name": ([(OPENED, ME, HERE, LONG), (OPENED, ME, HERE, b"a")], True),
    "two processes": ([(OPENED, ME, HERE, b"a"), (OPENED, ME + 1, HERE, b"a")], False),
    "a change": ([(OPENED, ME, HERE, b"a"), (OPENED | MODIFIED, ME, HERE, b"b")], False),
    "the folder itself": ([(OPENED, ME, HERE, b"a"), (OPENED, ME, HERE, b".")], False),
}


@pytest.mark.parametrize(("events", "alike"), CONTENTS.values(), ids=CONTENTS)
def test_events_that_are_alike_tell_what_each_tells(events: list[Event], alike: bool) -> None:
    content, source, bulk, each = b"".join(event(*one) for one in events), reader(), Notices(), Notices()

    source._parse_each(content, each)

    if source._parse_alike(content, bulk):
        assert (bulk.ours, bulk.others) == (each.ours, each.others)
    else:
        assert not bulk
        assert not alike or LONG in {name[:180] for *_, name in events}  # these are read one by one


def test_events_are_added_to_what_was_told_before() -> None:
    source, told = reader(), Notices()
    told.ours["/here"] = {"a": MODIFIED}

    source.parse(event(OPENED, ME, HERE, b"a") + event(OPENED, ME, HERE, b"b"), told)

    assert told.ours == {"/here": {"a": MODIFIED | OPENED, "b": OPENED}}


def test_events_that_are_cut_short_are_taken_for_lost_ones() -> None:
    told = Notices()

    reader().parse(event(OPENED, ME, HERE, b"a") + event(OPENED, ME, HERE, b"b")[:-50], told)

    assert told.overflown


@pytest.mark.parametrize(
    ("what", "only_opens"),
    [(OPENED, True), (MODIFIED, True), (MADE | IS_FOLDER, False), (GONE | IS_FOLDER, False), (notices.OVERFLOW, False)],
)
def test_opens_are_passed_over_unless_something_is_told_of_folders(what: int, only_opens: bool) -> None:
    content = b"".join([event(OPENED, ME, HERE, b"a"), event(what, ME, HERE, b"b"), event(OPENED, ME, HERE, b"c")])

    assert reader().says_only_opens(content) <= only_opens


# -- folders ----------------------------------------------------------------------------------------------------------


@linux
def test_a_folder_that_is_moved_away_and_made_again_is_followed_with_all_below() -> None:
    folders = WatchedFolders()
    os.makedirs("top/below")
    folders.top(".")

    os.rename("top", "away")
    os.makedirs("top/below")
    folders.read()
    Path("top/below/a.txt").write_text("a")
    told = folders.read()
    folders.close()

    assert "a.txt" in {**told.ours, **told.anybodys}.get(os.path.realpath("top/below"), {})


@linux
def test_after_lost_notices_the_folders_are_looked_for_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    folders, read = WatchedFolders(), FolderWatcher.read
    folders.top(".")

    def losing(self: FolderWatcher, *, opens: bool = True) -> Notices:
        read(self)
        told = Notices()
        told.overflown = True
        return told

    os.makedirs("new")
    with monkeypatch.context() as patched:
        patched.setattr(FolderWatcher, "read", losing)
        folders.read()
    folders.prepare(os.getcwd())
    followed = folders.covers(os.path.realpath("new"))
    folders.close()

    assert followed


# -- files that nobody changed ----------------------------------------------------------------------------------------


@pytest.fixture
def states_asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of files whose state is asked for after the run."""
    asked: list[str] = []
    found_in = files.found_in

    def noted(path: str) -> Any:
        asked.append(path)
        return found_in(path)

    monkeypatch.setattr("nbcache.tracking.observations.recorder.found_in", noted)
    return asked


def write(name: str, content: str) -> None:
    """Write a file that looks as if it had been there for an hour."""
    Path(name).write_text(content)
    hour_ago = os.stat(name).st_mtime - 3600
    os.utime(name, (hour_ago, hour_ago))


def known(*names: str) -> None:
    """Have the content of files digested, as if an earlier run had read them long ago."""
    for name in names:
        found = files.signature(name)
        assert found is not None
        files._digests[found] = files.content_digest(name).encode()


def settled(run: Callable[[], object]) -> Recorder:
    with recording() as seen:
        run()
    seen.digests(seen.observations)
    return seen


def elsewhere(code: str) -> None:
    subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True)


def test_files_that_the_system_saw_nobody_change_are_not_asked_for_again(
    tells_all: None, states_asked: list[str]
) -> None:
    os.mkdir("sub")
    names = ["a.txt", "sub/b.txt", os.path.abspath("c.txt")]
    for name in names:
        write(name, "a")
    known(*names)

    seen = settled(lambda: [Path(name).read_text() for name in names * 2])

    assert {one.name for one in seen.observations} == set(names)
    assert seen.steady()
    assert states_asked == []


def replace(name: str) -> None:
    Path("new").write_text("b")
    os.replace("new", name)


def in_place(name: str) -> None:
    with open(name, "r+") as file:
        file.write("b")


def swap_folders(name: str) -> None:
    os.makedirs("other")
    Path("other", os.path.basename(name)).write_text("b")
    os.rename("sub", "away")
    os.rename("other", "sub")


CHANGES: dict[str, Callable[[], object]] = {
    "in place, by another process": lambda: elsewhere("open('sub/a.txt', 'r+').write('b')"),
    "replaced, by another process": lambda: elsewhere(
        "import os; open('new', 'w').write('b'); os.replace('new', 'sub/a.txt')"
    ),
    "cut, by another process": lambda: elsewhere("import os; os.truncate('sub/a.txt', 0)"),
    "in place, by a thread": lambda: in_thread(lambda: in_place("sub/a.txt")),
    "replaced": lambda: replace("sub/a.txt"),
    "another folder under its name": lambda: swap_folders("sub/a.txt"),
    "under another name": lambda: in_place("hard"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("way", ["sub/a.txt", "link", "linked/a.txt"])
def test_a_file_that_was_changed_while_the_run_read_it_is_never_taken_for_the_old_one(
    change: Callable[[], object], way: str
) -> None:
    os.mkdir("sub")
    write("sub/a.txt", "a")
    if change is CHANGES["under another name"]:
        os.link("sub/a.txt", "hard")
    os.symlink("sub/a.txt", "link")
    os.symlink("sub", "linked")
    known("sub/a.txt")
    NATIVE_OPENS._renew()

    def run() -> None:
        Path(way).read_text()
        change()
        Path(way).read_text()

    seen = settled(run)

    assert Observation(way, "file") in seen.observations
    assert not seen.steady()


def test_a_link_that_leads_elsewhere_by_the_end_makes_the_result_unsteady() -> None:
    write("old.txt", "a")
    write("new.txt", "b")
    os.symlink("old.txt", "link")
    known("old.txt", "new.txt")

    def run() -> None:
        Path("link").read_text()
        os.remove("link")
        os.symlink("new.txt", "link")

    assert not settled(run).steady()


def test_a_file_that_is_not_known_yet_is_read_after_the_run(tells_all: None, states_asked: list[str]) -> None:
    write("a.txt", "a")

    seen = settled(lambda: Path("a.txt").read_text())

    assert states_asked == ["a.txt"]
    assert seen.steady()


# -- file systems that others write to ---------------------------------------------------------------------------------

KINDS_OF_SYSTEMS = {
    "ext4": (0xEF53, True), "xfs": (0x58465342, True), "btrfs": (0x9123683E, True), "tmpfs": (0x01021994, True),
    "overlay": (0x794C7630, True), "nfs": (0x6969, False), "cifs": (0xFF534D42, False), "smb2": (0xFE534D42, False),
    "fuse": (0x65735546, False), "9p": (0x01021997, False), "ceph": (0x00C36400, False), "fat": (0x4D44, False),
}  # fmt: skip


@pytest.mark.parametrize(("magic", "local"), KINDS_OF_SYSTEMS.values(), ids=KINDS_OF_SYSTEMS)
def test_a_file_system_is_local_if_no_other_machine_can_write_to_it(
    magic: int, local: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    class System:
        def __init__(self, name: object) -> None:
            assert name is None

        def statfs(self, path: bytes, about: Any) -> int:
            about[:4] = magic.to_bytes(4, sys.byteorder)
            return 0

    monkeypatch.setattr(notices.ctypes, "CDLL", System)

    assert FolderWatcher().is_local(".") is local


def test_a_file_that_another_machine_changes_without_a_notice_is_looked_at_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write("a.txt", "a")
    known("a.txt")
    monkeypatch.setattr(FolderWatcher, "is_local", lambda self, folder: False)
    NATIVE_OPENS._renew()

    def run() -> None:
        Path("a.txt").read_text()
        with monkeypatch.context() as silent:
            silent.setattr(NATIVE_OPENS, "_fetch", lambda: None)
            Path("a.txt").write_text("b")
        for watcher in NATIVE_OPENS._folders._source._sources.values():
            if watcher is not None:
                with suppress(BlockingIOError):
                    os.read(watcher.descriptor, 1 << 16)  # nobody tells of what happens on a server

    seen = settled(run)
    NATIVE_OPENS._renew()

    assert not seen.steady()

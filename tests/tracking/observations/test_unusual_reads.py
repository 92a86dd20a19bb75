"""However the system is asked for a file, and whatever becomes of it: the next call gives what a run would give."""

from __future__ import annotations

import asyncio
import glob
import mmap
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from nbcache import cache_data
from nbcache.tracking.observations.reading import content_digest

pytestmark = pytest.mark.usefixtures("work_folder")

Read = Callable[[], object]
Change = Callable[[], object]

PIECE = 1 << 20
LONG_AGO = 1_500_000_000


def writes(name: str, text: str, when: float | None = None) -> Change:
    """Write a file, in place; with a time of its own where it is given."""

    def change() -> None:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)
        if when is not None:
            os.utime(name, (when, when))

    return change


def gone(name: str) -> Change:
    return lambda: os.remove(name)


@contextmanager
def folder_open(name: str, flags: int = os.O_RDONLY) -> Iterator[int]:
    descriptor = os.open(name, flags)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def content(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 9)
    finally:
        os.close(descriptor)


def tried(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except (OSError, ValueError) as error:
        return type(error).__name__


def below(name: str = "s/a.txt", flags: int = os.O_RDONLY) -> object:
    """Open a file by its name in a folder that is a descriptor."""
    folder, _, last = name.rpartition("/")
    with folder_open(folder, flags) as top:
        return tried(lambda: content(os.open(last, os.O_RDONLY, dir_fd=top)))


def opened_below() -> str:
    with folder_open("s") as top, open("a.txt", opener=lambda path, flags: os.open(path, flags, dir_fd=top)) as file:
        return file.read()


def sizes_below() -> object:
    with folder_open("s") as top, os.scandir(top) as entries:
        return sorted((entry.name, entry.stat().st_size) for entry in entries)


def status_below() -> object:
    with folder_open("s") as top:
        return tried(lambda: os.stat("a.txt", dir_fd=top).st_size)


def pattern_below(root: str | None) -> object:
    with folder_open("s") as top:
        return sorted(glob.glob("*.txt", root_dir=root, dir_fd=top))


def walked_below() -> object:
    return [
        (name, content(os.open(name, os.O_RDONLY, dir_fd=top)))
        for _, _, names, top in os.fwalk("s")
        for name in sorted(names)
    ]


def by_number() -> str:
    with folder_open("a.txt") as descriptor, open(f"/dev/fd/{descriptor}") as file:
        return file.read()


def at_a_place() -> bytes:
    with folder_open("a.txt") as descriptor:
        return os.pread(descriptor, 9, 0)


def sent() -> bytes:
    source, sink = os.pipe()
    try:
        with folder_open("a.txt") as descriptor:
            os.sendfile(sink, descriptor, 0, 9)
        return os.read(source, 9)
    finally:
        os.close(source)
        os.close(sink)


def mapped() -> bytes:
    with open("a.txt", "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
        return view[:]


def through(make: Callable[[], Any]) -> Read:
    """Read what a file without a lasting name holds, once the content of `a.txt` has been written there."""

    def read() -> object:
        with make() as file:
            file.write(Path("a.txt").read_bytes())
            file.seek(0)
            return file.read()

    return read


def without_its_name() -> Any:
    file = open("short-lived", "w+b")
    os.remove("short-lived")
    return file


def in_memory() -> Any:
    return open(os.memfd_create("memory"), "w+b")


def copied() -> str:
    shutil.copy("a.txt", "copy.txt")
    return Path("copy.txt").read_text()


def as_input() -> bytes:
    with open("a.txt") as file:
        return subprocess.run(["cat"], stdin=file, stdout=subprocess.PIPE, check=True).stdout


def in_a_thread() -> str:
    return asyncio.run(asyncio.to_thread(Path("a.txt").read_text))


def from_elsewhere() -> str:
    here = os.getcwd()
    os.chdir("s/t")
    try:
        return Path("../a.txt").read_text()
    finally:
        os.chdir(here)


def becomes_a_folder() -> None:
    os.remove("a.txt")
    os.mkdir("a.txt")


def becomes_a_file_again(text: str) -> Change:
    def change() -> None:
        os.rmdir("a.txt")
        Path("a.txt").write_text(text)

    return change


def loops() -> None:
    for name, target in (("l", "k"), ("k", "l")):
        os.symlink(target, name)


def leads(link: str, target: str) -> Change:
    def change() -> None:
        if os.path.lexists(link):
            os.remove(link)
        os.symlink(target, link)

    return change


def with_holes(content: bytes) -> Change:
    def change() -> None:
        with open("a.bin", "wb") as file:
            file.truncate(4 << 30)
            file.seek(2 << 30)
            file.write(content)

    return change


def in_the_middle() -> bytes:
    with open("a.bin", "rb") as file:
        file.seek(2 << 30)
        return file.read(3)


NOT_TEXT = os.fsdecode(b"caf\xe9.txt")
A = writes("a.txt", "one")
B = writes("a.txt", "two")
IN_S, IN_S_CHANGED = writes("s/a.txt", "one"), writes("s/a.txt", "longer")
ANOTHER_IN_S = writes("s/b.txt", "one")
TOMORROW = time.time() + 86_400

# What is there, how it is read, and what happens to it, one after the other.
READS: dict[str, tuple[Change, Read, tuple[Change, ...]]] = {
    "in a folder by number": (IN_S, below, (IN_S_CHANGED, gone("s/a.txt"), IN_S)),
    "in a folder by number, missing": (ANOTHER_IN_S, below, (IN_S, gone("s/a.txt"))),
    "in a folder by number, opened by an opener": (IN_S, opened_below, (A, IN_S_CHANGED)),
    "in a folder by number, through a link": (
        lambda: (IN_S(), writes("r/a.txt", "other")(), leads("l", "s")()),
        lambda: below("l/a.txt"),
        (leads("l", "r"), leads("l", "s")),
    ),
    "looked at in a folder by number": (IN_S, status_below, (IN_S_CHANGED, gone("s/a.txt"), IN_S)),
    "entries of a folder by number": (IN_S, sizes_below, (IN_S_CHANGED, ANOTHER_IN_S)),
    "pattern in a folder by number": (IN_S, lambda: pattern_below(None), (ANOTHER_IN_S, gone("s/a.txt"))),
    "pattern below a folder by number": (
        writes("s/t/a.txt", "one"),
        lambda: pattern_below("t"),
        (writes("s/t/b.txt", "one"), gone("s/t/a.txt")),
    ),
    "walk by numbers": (IN_S, walked_below, (IN_S_CHANGED, ANOTHER_IN_S)),
    "by its number": (A, by_number, (B,)),
    "at a place": (A, at_a_place, (B,)),
    "mapped": (A, mapped, (B,)),
    "beside a file without a name": (A, through(without_its_name), (B,)),
    "beside a file that is deleted": (A, through(lambda: tempfile.TemporaryFile(dir=".")), (B,)),
    "beside a temporary file": (A, through(lambda: tempfile.NamedTemporaryFile(dir=".")), (B,)),
    "copied": (A, copied, (B,)),
    "as the input of a program": (A, as_input, (B,)),
    "in a thread of a loop": (A, in_a_thread, (B,)),
    "from another folder": (lambda: (IN_S(), writes("s/t/c.txt", "one")()), from_elsewhere, (IN_S_CHANGED,)),
    "a file, then a folder": (
        A,
        lambda: tried(lambda: Path("a.txt").read_text()),
        (becomes_a_folder, becomes_a_file_again("one"), becomes_a_folder, becomes_a_file_again("two")),
    ),
    "a loop of links": (loops, lambda: tried(lambda: Path("l").read_text()), (leads("k", "a.txt"), A, B)),
    "times of tomorrow": (
        writes("a.txt", "one", TOMORROW),
        lambda: Path("a.txt").read_text(),
        (writes("a.txt", "two", TOMORROW), writes("a.txt", "six", TOMORROW)),
    ),
    "times that never change": (
        writes("a.txt", "one", LONG_AGO),
        lambda: Path("a.txt").read_text(),
        (writes("a.txt", "two", LONG_AGO), writes("a.txt", "six", LONG_AGO)),
    ),
    "a name of two lines": (writes("a\nb", "one"), lambda: Path("a\nb").read_text(), (writes("a\nb", "two"),)),
    "a name that is too long": (A, lambda: tried(lambda: Path("a" * 5000).read_text()), ()),
    "no name": (A, lambda: tried(lambda: Path("a\0").read_text()), ()),
    "random numbers of the system": (A, lambda: len(open("/dev/urandom", "rb").read(4)), ()),
}
if hasattr(os, "SEEK_DATA"):
    READS["a file that is mostly holes"] = (with_holes(b"one"), in_the_middle, (with_holes(b"two"),))
if sys.platform.startswith("linux"):
    READS["a name that is no text"] = (
        writes(NOT_TEXT, "one"),
        lambda: Path(NOT_TEXT).read_text() + open(os.fsencode(NOT_TEXT)).read(),
        (writes(NOT_TEXT, "two"),),
    )
    READS["beside a file in memory"] = (A, through(in_memory), (B,))
    READS["in a folder that is only named"] = (IN_S, lambda: below(flags=os.O_PATH), (IN_S_CHANGED,))
    READS["sent through a pipe"] = (A, sent, (B,))


@pytest.mark.timeout(60)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize(("prepare", "read", "changes"), READS.values(), ids=READS)
def test_the_answer_is_that_of_a_run(prepare: Change, read: Read, changes: tuple[Change, ...]) -> None:
    prepare()
    cached = cache_data(show_spinner=False)(read)
    answers = [(cached(), cached.is_cached(), read())]

    for change in changes:
        change()
        answers.append((cached(), cached.is_cached(), read()))

    assert answers == [(right, True, right) for _, _, right in answers]


@pytest.mark.parametrize("size", [0, 5, PIECE - 1, PIECE, 3 * PIECE, 3 * PIECE + 5])
def test_a_hole_is_what_it_reads_as(size: int) -> None:
    digests = set()
    written = [(), *((place,) for place in (0, PIECE - 1, PIECE, size // 2, size - 1) if 0 <= place < size)]
    for places in written:
        whole = bytearray(size)
        with open("holes", "wb") as file:
            file.truncate(size)
            for place in places:
                whole[place] = 1
                file.seek(place)
                file.write(b"\1")
        Path("whole").write_bytes(whole)

        assert content_digest("holes") == content_digest("whole")
        digests.add(content_digest("whole"))

    assert len(digests) == len(set(written))

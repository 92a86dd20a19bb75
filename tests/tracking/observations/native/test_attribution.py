"""What the system tells of is Python code's where Python code named it, however it did, and else native code's."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from nbcache.tracking.observations.native.attribution import attribute
from nbcache.tracking.observations.native.notices import IS_FOLDER, MODIFIED, OPENED, Notices
from nbcache.tracking.observations.recorder import Recorder, recording

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells of opened files")
Told = dict[str, dict[str, int]]

# The names that Python code gave; what the system told of this process, by folder from the working folder; which of
# the names nobody changed, and what is left for native code.
CASES: dict[str, tuple[set[str], Told, set[str], set[str]]] = {
    "a relative name": ({"a"}, {"": {"a": OPENED}}, {"a"}, set()),
    "a full name": ({"<here>/a"}, {"": {"a": OPENED}}, {"<here>/a"}, set()),
    "below": ({"sub/b"}, {"sub": {"b": OPENED}}, {"sub/b"}, set()),
    "in full, below": ({"<here>/sub/b"}, {"sub": {"b": OPENED}}, {"<here>/sub/b"}, set()),
    "with dots": ({"sub/../a", "./c"}, {"": {"a": OPENED, "c": OPENED}}, set(), set()),
    "through a link": ({"link"}, {"": {"a": OPENED}}, set(), set()),
    "through a link to a folder": ({"linked/b"}, {"sub": {"b": OPENED}}, set(), set()),
    "by two names": ({"a", "<here>/a"}, {"": {"a": OPENED}}, {"a"}, set()),
    "by nobody": (set(), {"": {"a": OPENED}, "sub": {"b": OPENED}}, set(), {"a", "sub/b"}),
    "one by Python, one not": ({"a"}, {"": {"a": OPENED, "c": OPENED}}, {"a"}, {"c"}),
    "one that was changed": ({"a", "c"}, {"": {"a": OPENED | MODIFIED, "c": OPENED}}, {"c"}, set()),
    "another file of the same name": ({"b"}, {"sub": {"b": OPENED}}, set(), {"sub/b"}),
    "a folder": ({"sub"}, {"": {"sub": OPENED | IS_FOLDER}, "sub": {"": OPENED | IS_FOLDER}}, set(), set()),
    "the working folder": ({"."}, {"": {"": OPENED | IS_FOLDER}}, set(), set()),
    "a folder by nobody": (set(), {"sub": {"": OPENED | IS_FOLDER}}, set(), {"sub/"}),
    "a name of no file": ({"a", "missing", "/nowhere/a"}, {"": {"a": OPENED}}, {"a"}, set()),
}


@pytest.mark.parametrize("case", CASES)
def test_what_python_code_named_is_not_taken_for_native_codes(case: str, folder: Path) -> None:
    given, told_here, unchanged, left = CASES[case]
    (folder / "sub").mkdir()
    for name in ("a", "b", "c", "sub/b"):
        (folder / name).write_text("")
    os.symlink("a", "link")
    os.symlink("sub", "linked")
    here = os.path.realpath(folder)
    named = {name.replace("<here>", here) for name in given}
    told = Notices()
    told.ours = {os.path.normpath(os.path.join(here, place)): dict(names) for place, names in told_here.items()}

    found, quiet = attribute(told, here, set(named), (), lambda place: True)

    assert set(found) == {os.path.join(here, name) for name in left}
    assert len(quiet) == len(unchanged)
    assert quiet <= named
    assert quiet == {name.replace("<here>", here) for name in unchanged} or case == "by two names"


CHANGED: dict[str, tuple[Told, list[str], bool]] = {
    "others opened it": ({"": {"a": OPENED}}, [], True),
    "this process opened it to write": ({}, ["a"], True),
    "by another name": ({}, ["link"], True),
    "the folder is not told of in full": ({}, [], False),
}


@pytest.mark.parametrize("case", CHANGED)
def test_a_file_that_somebody_may_have_changed_is_not_called_unchanged(case: str, folder: Path) -> None:
    others, written_to, told_all = CHANGED[case]
    (folder / "a").write_text("")
    os.symlink("a", "link")
    here = os.path.realpath(folder)
    told = Notices()
    told.ours = {here: {"a": OPENED}}
    told.others = {os.path.normpath(os.path.join(here, place)): names for place, names in others.items()}

    assert attribute(told, here, {"a"}, written_to, lambda place: told_all) == ({}, set())


@linux
def test_a_folder_that_stands_in_the_place_of_another_by_now_gives_no_answer(folder: Path) -> None:
    (folder / "other").mkdir()
    os.symlink("other", "sub")
    here = os.path.realpath(folder)
    told = Notices()
    told.ours = {os.path.join(here, "sub"): {"b": OPENED}}

    _, unchanged = attribute(told, here, {"sub/b"}, (), lambda place: True)

    assert not unchanged


def seen_in_threads(*runs: Callable[[], object]) -> list[Recorder]:
    """Record runs in threads, all of which have begun before any goes on."""
    begun, done = threading.Barrier(len(runs)), threading.Barrier(len(runs))
    seen: list[Recorder] = []

    def run(one: Callable[[], object]) -> None:
        with recording() as recorder:
            seen.append(recorder)
            begun.wait(60)
            one()
            done.wait(60)

    threads = [threading.Thread(target=run, args=(one,)) for one in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return seen


def test_what_another_run_opens_at_the_same_time_is_no_native_open() -> None:
    for name in ("one.txt", "two.txt"):
        Path(name).write_text("")

    seen = seen_in_threads(Path("one.txt").read_text, Path("two.txt").read_text)

    assert sorted(one.name for recorder in seen for one in recorder.observations) == ["one.txt", "two.txt"]
    assert all(recorder.steady() for recorder in seen)


def test_files_are_seen_before_and_after_a_run_begins_inside() -> None:
    for name in ("before.txt", "inside.txt", "after.txt"):
        Path(name).write_text("")

    with recording() as outer:
        Path("before.txt").read_text()
        with recording() as inner:
            Path("inside.txt").read_text()
            Path("before.txt").read_text()
        Path("after.txt").read_text()

    assert [one.name for one in inner.observations] == ["inside.txt", "before.txt"]
    assert {one.name for one in outer.observations} == {"before.txt", "inside.txt", "after.txt"}

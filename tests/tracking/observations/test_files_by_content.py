"""Files and folders count by what they hold, and files count that values and constants name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from observed import state_now

from nbcache.tracking.observations import files
from nbcache.tracking.observations.files import file_digest
from nbcache.tracking.observations.named_files import candidates
from nbcache.tracking.observations.observation import Observation
from nbcache.tracking.observations.recorder import recording


def test_touching_changes_nothing_and_content_does(folder: Path) -> None:
    path = folder / "a.txt"
    deps = [Observation("a.txt", "file")]
    before = state_now(deps)

    os.utime(path, ns=(1, 1))
    assert state_now(deps) == before
    path.write_text("b")

    assert state_now(deps) != before


def test_a_change_that_hides_in_size_and_time_is_seen(folder: Path) -> None:
    path = folder / "a.txt"
    os.utime(path, ns=(10**18, 10**18))
    before = file_digest(path)

    path.write_text("b")
    os.utime(path, ns=(10**18, 10**18))

    assert file_digest(path) != before


def test_changes_faster_than_the_clock_of_the_file_system_are_seen(folder: Path) -> None:
    path = folder / "a.txt"
    digests = []
    for number in range(50):
        path.write_text(str(number % 10))
        digests.append(file_digest(path))

    assert len(set(digests)) == 10


def test_a_settled_file_is_read_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "a.txt"
    reads = []
    monkeypatch.setattr(files, "content_digest", lambda name: reads.append(name) or "digest")
    monkeypatch.setattr(files.time, "time_ns", lambda: os.stat(path).st_ctime_ns + 10**10)

    assert {file_digest(path) for _ in range(3)} == {"digest"}
    assert len(reads) == 1


def test_a_replaced_file_is_another(folder: Path) -> None:
    before = file_digest("a.txt")
    (folder / "n.txt").write_text("n")

    os.replace("n.txt", "a.txt")

    assert file_digest("a.txt") != before


def test_a_folder_counts_by_its_names(folder: Path) -> None:
    deps = [Observation("sub", "folder")]
    before = state_now(deps)

    (folder / "sub" / "b.txt").write_text("other content")
    assert state_now(deps) == before
    (folder / "sub" / "c.txt").write_text("")

    assert state_now(deps) != before


def test_the_order_of_files_does_not_matter_and_their_names_do(folder: Path) -> None:
    (folder / "same.txt").write_text("a")
    one, other = Observation("a.txt", "file"), Observation("sub", "folder")

    assert state_now([one, other]) == state_now([other, one, one])
    assert state_now([one]) != state_now([Observation("same.txt", "file")])


def test_a_file_that_is_gone_is_no_error(folder: Path) -> None:
    deps = [Observation("a.txt", "file"), Observation("sub", "folder")]
    before = state_now(deps)

    (folder / "a.txt").unlink()

    assert state_now(deps) != before
    assert file_digest("a.txt") == ""


def test_relative_names_are_resolved_at_each_lookup(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "sub" / "a.txt").write_text("another")
    deps = [Observation("a.txt", "file")]
    before = state_now(deps)

    monkeypatch.chdir(folder / "sub")

    assert state_now(deps) != before


# -- candidates --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "constants", "expected"),
    [
        (["a.txt"], [], [Observation("a.txt", "file")]),
        ([Path("a.txt")], [], [Observation("a.txt", "file")]),
        ([["a.txt", {"k": Path("sub/b.txt")}]], [], [Observation("a.txt", "file"), Observation("sub/b.txt", "file")]),
        ([], ["a.txt", "mean", "sub"], [Observation("a.txt", "file")]),
        (["sub/*.txt"], [], [Observation("sub/b.txt", "file"), Observation("sub/*.txt\0r", "matches")]),
        (["nothing", "", "a\0b", "x" * 5000, "s3://bucket/a.txt", 3, None, b"a.txt"], ["*", "?"], []),
        ([Path("sub")], [], []),
    ],
)
def test_candidates_are_what_values_and_constants_name(
    folder: Path, values: list[Any], constants: list[str], expected: list[Observation]
) -> None:
    assert list(candidates(values, constants)) == expected


def test_a_folder_that_is_named_is_not_read(folder: Path) -> None:
    (folder / "sub" / "part-0.parquet").write_bytes(b"one")

    assert candidates([Path("sub"), "sub/", str(folder / "sub")], ["sub/"]) == ()


def test_a_path_that_plays_tricks_is_no_candidate(folder: Path) -> None:
    class Odd(os.PathLike[str]):
        def __fspath__(self) -> str:
            raise ZeroDivisionError

    assert candidates([Odd()], ()) == ()


def test_a_name_that_no_file_can_have_is_written_by_nobody(folder: Path) -> None:
    with recording() as seen:
        (folder / "made.txt").write_text("x")

    assert not seen.wrote("odd\0name")

"""The files that arguments name are found among any number of words."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nbcache.tracking.observations import named_files
from nbcache.tracking.observations.observation import Observation

WORDS = [f"word{number}" for number in range(2000)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "inner").mkdir()
    for name in ("plain", "data.csv", "with blank.txt", "inner/deep.csv"):
        (tmp_path / name).write_text("1")
    return tmp_path


@pytest.mark.parametrize("name", ["plain", "data.csv", "with blank.txt", "inner/deep.csv", "./plain"])
def test_a_file_is_found_among_many_words(folder: Path, name: str) -> None:
    assert named_files.candidates([[*WORDS, name]], ()) == (Observation(name, "file"),)
    assert named_files.candidates([[*WORDS, str(folder / name)]], ()) == (Observation(str(folder / name), "file"),)


def test_a_pattern_is_found_among_many_words(folder: Path) -> None:
    found = named_files.candidates([[*WORDS, "*.csv"]], ())
    assert Observation("data.csv", "file") in found and len(found) == 2


MANY = {
    "plain words": WORDS,
    "sentences": [f"text {number}, or a part/whole of it." for number in range(2000)],
    "questions": [f"What is v1.{number}? [{number}] It. ends" for number in range(2000)],
    "names in a folder": [f"inner/{number}.csv" for number in range(2000)],
    "names in a missing folder": [f"/missing/{number}/x.csv" for number in range(2000)],
    "addresses": [f"https://example.org/{number}" for number in range(2000)],
    "accents": [f"größe {number}" for number in range(2000)],
}
TRICKY = [
    *("plain", "PLAIN", "./plain", "inner/", "inner/deep.csv", "inner//deep.csv", "inner/../plain", "../plain"),
    *("*.csv", "inner/*.csv", "**/deep.csv", "dat?.csv", "[d]ata.csv", "data.csv*", "no*.csv", "[", "bracket[1].txt"),
    *("größe.txt", "gro\u0308ße.txt", "with blank.txt", " plain", "plain ", "data.csv\n", "data\0", "~/x", "", "."),
    *("missing/x", "plain/x", "inner/gone.csv", "see inner/deep.csv", "x" * 2000, "http://a/data.csv", ".."),
    *("linked/deep.csv", "linked/no.csv", "empty/**", "a/" * 400 + "b"),
]


@pytest.mark.parametrize("many", MANY)
def test_what_lies_among_many_texts_is_found_as_it_is_alone(folder: Path, many: str) -> None:
    (folder / "linked").symlink_to("inner")
    (folder / "empty").mkdir()
    for name in ("größe.txt", "bracket[1].txt"):
        (folder / name).touch()
    tricky = [*TRICKY, str(folder / "data.csv"), str(folder / "inner" / "*.csv"), str(folder / "gone" / "x")]
    alone = {one for text in tricky for one in named_files.candidates([text], ())}
    for others in (MANY[many], MANY[many] + [f"{one}/{number}" for one in ("inner", "empty") for number in range(20)]):
        assert set(named_files.candidates([[*others, *tricky]], ())) == alone


@pytest.mark.parametrize("many", MANY)
def test_texts_cost_no_look_each(folder: Path, monkeypatch: pytest.MonkeyPatch, many: str) -> None:
    looks: list[object] = []
    look = os.stat
    with monkeypatch.context() as patched:
        patched.setattr(named_files.os, "stat", lambda path, **options: looks.append(path) or look(path, **options))
        found = named_files.candidates([MANY[many]], ())
    assert found == () and len(looks) <= 400

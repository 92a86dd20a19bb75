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


def test_words_cost_no_look_each(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[object] = []
    look = os.stat
    monkeypatch.setattr(named_files.os, "stat", lambda path: looks.append(path) or look(path))
    assert named_files.candidates([WORDS], ()) == ()
    assert len(looks) <= 200

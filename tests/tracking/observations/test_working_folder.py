"""The working folder counts where the user's own code asked for it."""

from __future__ import annotations

import glob
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from counted import cached

from nbcache.engine.cache import Cache

ASKS: dict[str, Callable[[], object]] = {
    "getcwd": lambda: os.getcwd(),
    "getcwdb": lambda: os.getcwdb(),
    "Path.cwd": lambda: Path.cwd(),
    "absolute": lambda: Path("data").absolute(),
    "resolve": lambda: str(Path("data").resolve()),
    "abspath": lambda: os.path.abspath("data"),
    "relpath": lambda: os.path.relpath("/data"),
}
DOES_NOT_ASK: dict[str, Callable[[], object]] = {
    "nothing": lambda: 1,
    "join": lambda: os.path.join("data", "file"),
    "a library": lambda: glob.glob("*.nothing"),
}


def elsewhere(tmp_path: Path) -> Path:
    folder = tmp_path / "elsewhere" / "below"
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize("how", ASKS)
def test_another_folder_is_a_miss_and_the_old_one_a_hit(
    how: str, cache: Cache, calls: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    foo = cached(ASKS[how], calls)
    first = foo()

    monkeypatch.chdir(elsewhere(tmp_path))
    other = foo()
    monkeypatch.chdir(tmp_path)

    assert (foo(), len(calls)) == (first, 2)
    assert other != first


@pytest.mark.parametrize("how", DOES_NOT_ASK)
def test_the_folder_of_a_run_that_did_not_ask_makes_no_miss(
    how: str, cache: Cache, calls: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    foo = cached(DOES_NOT_ASK[how], calls)
    foo()

    monkeypatch.chdir(elsewhere(tmp_path))
    foo()

    assert len(calls) == 1


def test_a_folder_that_the_run_goes_to_itself_is_its_own(
    cache: Cache, calls: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def go_and_ask() -> str:
        os.chdir(tmp_path)
        return os.getcwd()

    foo = cached(go_and_ask, calls)
    foo()

    monkeypatch.chdir(elsewhere(tmp_path))
    foo()

    assert len(calls) == 1


def test_explain_names_the_old_and_the_new_folder(
    cache: Cache, calls: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    foo = cached(lambda: os.getcwd(), calls)
    foo()

    monkeypatch.chdir(elsewhere(tmp_path))

    assert f"{tmp_path} -> {tmp_path / 'elsewhere' / 'below'}" in str(foo.explain())


def test_the_function_that_tells_the_folder_is_still_found_by_its_name() -> None:
    assert pickle.loads(pickle.dumps(os.getcwd)) is os.getcwd
    assert os.getcwd.__module__ == "os"

"""What the tests of tracking share."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import pytest


@pytest.fixture
def main_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give `__main__` the face it has in a notebook; here it is pytest, which is installed."""
    monkeypatch.setitem(sys.modules, "__main__", types.ModuleType("__main__"))


@pytest.fixture
def work_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with `a.txt` and `sub/b.txt` in it."""
    work = tmp_path / "work"
    (work / "sub").mkdir(parents=True)
    monkeypatch.chdir(work)
    (work / "a.txt").write_text("a")
    (work / "sub" / "b.txt").write_text("b")
    return work

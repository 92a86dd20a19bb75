"""What the tests of tracking share."""

from __future__ import annotations

import sys
import types

import pytest


@pytest.fixture
def main_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give `__main__` the face it has in a notebook; here it is pytest, which is installed."""
    monkeypatch.setitem(sys.modules, "__main__", types.ModuleType("__main__"))

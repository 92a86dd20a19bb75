"""What the tests of the whole share."""

from __future__ import annotations

import sys

import pytest


@pytest.fixture
def no_bytecode(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python itself may take an edited module for unchanged within one second, by its compiled file."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

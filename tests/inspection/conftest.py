"""A notebook for the tests of explanations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from edits import notebook


@pytest.fixture
def book(tmp_path: Path) -> Any:
    with notebook(tmp_path / "work") as made:
        yield made

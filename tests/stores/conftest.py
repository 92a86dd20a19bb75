"""What the tests of stores share: a folder, a key, and any number of stores on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from disk_stores import Shop


@pytest.fixture
def shop(tmp_path: Path, clock: Any) -> Shop:
    return Shop(tmp_path, clock)

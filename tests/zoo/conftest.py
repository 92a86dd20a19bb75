"""Values of the zoo draw random numbers: what an earlier test has seeded would be another result at each call."""

from __future__ import annotations

import random
import sys

import pytest


@pytest.fixture(autouse=True)
def nothing_is_seeded() -> None:
    """Begin as a fresh session does."""
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    if "torch" in sys.modules:
        sys.modules["torch"].seed()

"""Keys and stores for the tests of trust."""

from __future__ import annotations

from pathlib import Path

import pytest
from trusted import again, computed, squared


@pytest.fixture(autouse=True)
def fresh() -> None:
    computed.count = 0


@pytest.fixture
def ring(tmp_path: Path) -> Path:
    """The key file of this test."""
    return tmp_path / "keys" / "key"


@pytest.fixture
def other_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of somebody else's, with the results of squared(1..3), and his key beside it."""
    theirs = tmp_path / "theirs"
    with monkeypatch.context() as patched:
        patched.setenv("NBCACHE_DIR", str(theirs / "store"))
        patched.setenv("NBCACHE_KEY_FILE", str(theirs / "keys" / "key"))
        again()
        for n in (1, 2, 3):
            squared(n)
    again()
    computed.count = 0
    return theirs

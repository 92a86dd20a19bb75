"""What the tests of entries share."""

from __future__ import annotations

import pytest

from nbcache.entries.signing import Keyring


@pytest.fixture(scope="module")
def keyring() -> Keyring:
    return Keyring.ephemeral()

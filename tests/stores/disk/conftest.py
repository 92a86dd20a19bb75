"""What the tests of the disk store share."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from disk_stores import Shop

from nbcache.entries.signing import Keyring
from nbcache.stores.disk.store import DiskStore


@pytest.fixture
def store(shop: Shop) -> DiskStore:
    return shop.open()


@pytest.fixture
def reopened(shop: Shop) -> Callable[[], DiskStore]:
    return shop.open


@pytest.fixture
def stranger(shop: Shop) -> DiskStore:
    return DiskStore(shop.folder, Keyring.ephemeral(), clock=shop.clock, warn=shop.said.append)


@pytest.fixture
def public_shop(clock: Any) -> Iterator[Shop]:
    """A shop where any user can get at, for programs that run as another user when the tests run as root."""
    place = Path(tempfile.mkdtemp(prefix="nbcache-test-"))
    place.chmod(0o777)
    yield Shop(place, clock)
    for path in [place, *place.rglob("*")]:
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o700)
    shutil.rmtree(place)

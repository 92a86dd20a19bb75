"""Large values pass through files and in pieces: in memory there is never a second copy of one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from disk_stores import Shop
from processes import SUPPORT, python_path
from store_contract import address_of, entry_of

from nbcache.stores.remote.bucket import PIECE
from nbcache.stores.remote.folder import FolderBucket
from nbcache.stores.remote.store import RemoteStore

LARGE = np.arange(1_500_000.0)
assert PIECE < LARGE.nbytes < 2 * PIECE


@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="no peak of memory can be measured here")
@pytest.mark.parametrize(
    "kind", ["file", pytest.param("redis", marks=pytest.mark.server), pytest.param("s3", marks=pytest.mark.server)]
)
def test_a_large_value_is_in_memory_once(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    url = f"file://{tmp_path}/shared" if kind == "file" else request.getfixturevalue(f"{kind}_url")
    run = subprocess.run(
        [sys.executable, str(SUPPORT / "large_value.py")],
        env={**os.environ, "NBCACHE_STORE": url, "PYTHONPATH": python_path()},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    stored, found = map(float, run.stdout.split())
    assert stored < 1.5 and found < 1.5, f"the process grew by {stored} of the value, and by {found}"


class Slow(FolderBucket):
    """A folder where something happens before the second piece of a value is read."""

    meanwhile: Callable[[], Any] | None = None
    read_from = 0

    def read(self, name: str, most: int, start: int = 0) -> bytes | None:
        self.read_from = max(self.read_from, start)
        if start and self.meanwhile is not None:
            happens, self.meanwhile = self.meanwhile, None
            happens()
        return super().read(name, most, start)


@pytest.fixture
def slow(tmp_path: Path) -> Slow:
    return Slow(f"file://{tmp_path}/shared")


@pytest.fixture
def remote(slow: Slow, shop: Shop, tmp_path: Path) -> RemoteStore:
    scratch = tmp_path / "mine" / "scratch"
    return RemoteStore(slow, "file:///x", shop.keyring, clock=shop.clock, warn=shop.said.append, scratch=scratch)


def test_a_value_that_is_replaced_while_it_is_fetched_is_fetched_again(
    slow: Slow, remote: RemoteStore, shop: Shop
) -> None:
    remote.put(address_of(1), entry_of(LARGE))
    slow.meanwhile = lambda: remote.put(address_of(1), entry_of(LARGE + 1))

    found = remote.get(address_of(1))

    assert found is not None and (found.value() == LARGE + 1).all()
    assert shop.said == []


def test_a_value_that_is_cleared_while_it_is_fetched_is_a_miss(slow: Slow, remote: RemoteStore, shop: Shop) -> None:
    remote.put(address_of(1), entry_of(LARGE))
    slow.meanwhile = lambda: remote.clear()

    assert remote.get(address_of(1)) is None
    assert shop.said == []


@pytest.mark.parametrize("change", ["a byte", "the end"])
def test_a_large_value_that_was_altered_is_a_miss_with_one_warning(
    change: str, remote: RemoteStore, shop: Shop, tmp_path: Path
) -> None:
    remote.put(address_of(1), entry_of(LARGE))
    (path,) = (tmp_path / "shared").rglob("*.nbc")
    with path.open("r+b") as file:
        if change == "a byte":
            file.seek(PIECE + 99)
            file.write(b"!")
        else:
            file.truncate(PIECE + 99)

    assert remote.get(address_of(1)) is remote.get(address_of(1)) is None
    assert len(shop.said) == 1


def test_what_is_fetched_leaves_no_file_behind(remote: RemoteStore, slow: Slow, tmp_path: Path) -> None:
    remote.put(address_of(1), entry_of(LARGE))
    for _ in range(2):
        found = remote.get(address_of(1))
        assert found is not None and (found.value() == LARGE).all()

    assert slow.read_from >= PIECE
    assert [path for path in (tmp_path / "mine").rglob("*") if path.is_file() and path.suffix != ".TAG"] in (
        [], [tmp_path / "mine" / ".gitignore"]
    )  # fmt: skip


@pytest.mark.parametrize("system", ["can be used", "cannot be used"])
def test_without_a_folder_of_its_own_a_large_value_goes_through_that_of_the_system_or_memory(
    system: str, slow: Slow, shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a file").touch()
    nowhere = tmp_path / "a file" / "scratch"
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path if system == "can be used" else nowhere))
    remote = RemoteStore(slow, "file:///x", shop.keyring, clock=shop.clock, warn=shop.said.append, scratch=nowhere)
    remote.put(address_of(1), entry_of(LARGE))

    found = remote.get(address_of(1))

    assert found is not None and (found.value() == LARGE).all()
    assert shop.said == []


def test_a_disk_that_becomes_full_while_a_value_comes_is_a_miss(
    remote: RemoteStore, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote.put(address_of(1), entry_of(LARGE))

    def full(descriptor: int, piece: Any) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("nbcache.stores.remote.arriving.os.write", full)
    assert remote.get(address_of(1)) is None
    assert shop.said == []

"""No rights, no room, no descriptors: each costs a warning, and never a value."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from disk_stores import NOBODY, ROOT, Shop, files_of, leftovers_of
from store_contract import address_of, entry_of

from nbcache.stores.disk import publish
from nbcache.stores.disk.store import DiskStore

READ_ONLY = """
import stat
for path in [folder, *folder.rglob("*")]:
    path.chmod(0o500 if path.is_dir() else 0o400)
store = DiskStore(folder, Keyring.load(key), warn=said.append)
assert store.get(address_of(1)).value() == ["old"], "a hit"
kept = [store.put(address_of(n), entry_of([n])).value() for n in (1, 2)]
assert kept == [[1], [2]], kept
assert store.get(address_of(2)) is None
with store.lock("key"):
    pass
assert [row.address for row in store.entries()] == [address_of(1)]
assert len(said) == 1, said
assert store.delete(address_of(1)) == store.clear() == 0
assert len(said) == 3, said
assert "could not be deleted" in said[1] and "could not be deleted" in said[2]
store.close()
for path in [folder, *folder.rglob("*")]:
    path.chmod(0o700 if path.is_dir() else 0o600)
print("done")
"""


def test_a_read_only_store_still_has_its_hits(public_shop: Shop) -> None:
    user = NOBODY if ROOT else None
    public_shop.run("store.put(address_of(1), entry_of(['old']))", user=user)

    assert public_shop.run(READ_ONLY, user=user) == "done\n"


def test_an_unreadable_entry_is_a_miss_with_one_warning(public_shop: Shop) -> None:
    program = """
    store.put(address_of(1), entry_of(["old"]))
    (path,) = folder.rglob("*.nbc")
    path.chmod(0)
    assert store.get(address_of(1)) is None
    assert len(said) == 1 and "ermission denied" in said[0], said
    store.put(address_of(1), entry_of(["new"]))
    print(store.get(address_of(1)).value(), len(said))
    """
    assert public_shop.run(program, user=NOBODY if ROOT else None) == "['new'] 1\n"


def test_a_place_that_cannot_be_made_is_told_once(shop: Shop, clock: Any) -> None:
    (shop.folder.parent / "file").write_text("")
    too_long = shop.folder.parent.joinpath(*["d" * 200] * 25)
    for folder in (shop.folder.parent / "file" / "store", too_long):
        said: list[str] = []
        store = DiskStore(folder, shop.keyring, clock=clock, warn=said.append)

        for number in range(5):
            assert store.get(address_of(number)) is None
            assert store.put(address_of(number), entry_of([number])).value() == [number]
            clock.move(1)

        assert 1 <= len(said) <= 2, said
        assert "NBCACHE_DIR" in said[-1]


def test_after_an_error_nothing_is_written_for_a_while(
    shop: Shop, store: DiskStore, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[float] = []
    good = publish.Publisher.publish

    def full(*arguments: Any) -> Any:
        tries.append(clock())
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(publish.Publisher, "publish", full)
    for _ in range(60):
        store.put(address_of(1), entry_of(1))
        clock.move(1)
    assert len(tries) == 2
    assert len(shop.said) == 1
    assert "No space left" in shop.said[0]

    monkeypatch.setattr(publish.Publisher, "publish", good)
    clock.move(30)
    store.put(address_of(1), entry_of(1))
    assert store.get(address_of(1)) is not None

    monkeypatch.setattr(publish.Publisher, "publish", full)
    store.put(address_of(2), entry_of(1))
    assert len(shop.said) == 2


def test_a_put_that_fails_does_not_leave_the_old_value(shop: Shop, store: DiskStore) -> None:
    store.put(address_of(1), entry_of("old"))

    with_limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, with_limit[1]))
    try:
        kept = store.put(address_of(1), entry_of(np.arange(100_000.0)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, with_limit)

    assert kept.value()[99_999] == 99_999
    assert len(shop.said) == 1
    assert shop.open().get(address_of(1)) is None
    assert leftovers_of(shop.folder) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB where the machine lets us mount one; else a folder, and a limit on the size of files."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = False
    if ROOT and shutil.which("mount"):
        command = ["mount", "-t", "tmpfs", "-o", "size=4m,mode=700", "none", str(place)]
        mounted = subprocess.run(command, capture_output=True).returncode == 0
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    if not mounted:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4 << 20, before[1]))
    yield place
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    if mounted:
        subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_costs_one_warning_and_no_value(small_disk: Path, tmp_path: Path, clock: Any) -> None:
    shop = Shop(small_disk, clock)
    shop.key = tmp_path / "key"
    store = shop.open()
    store.put(address_of(0), entry_of(["first"]))

    kept = store.put(address_of(1), entry_of(np.arange(1_000_000.0)))
    assert kept.value()[999_999] == 999_999
    assert len(shop.said) == 1
    clock.move(40)
    values = {}
    for number in range(2, 100):
        values[number] = store.put(address_of(number), entry_of(np.full(10_000, number))).value()
        clock.move(40)

    assert all((value == number).all() for number, value in values.items())
    assert len(shop.said) <= 3
    found = {number: shop.open().get(address_of(number)) for number in values}
    assert all((entry.value() == number).all() for number, entry in found.items() if entry is not None)
    assert sum(entry is not None for entry in found.values()) >= 40
    assert leftovers_of(shop.folder) == []
    assert shop.open().clear() >= 40
    assert files_of(shop.folder) == []


def test_too_many_open_files_cost_no_value(shop: Shop, store: DiskStore) -> None:
    store.put(address_of(1), entry_of(["old"]))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 64
    opened: list[int] = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + 20, hard))
    try:
        while True:
            try:
                opened.append(os.open(os.devnull, os.O_RDONLY))
            except OSError:
                break
        assert store.get(address_of(1)) is None
        assert store.get(address_of(1)) is None
        kept = store.put(address_of(2), entry_of([2]))
    finally:
        for fd in opened:
            os.close(fd)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert kept.value() == [2]
    assert 1 <= len(shop.said) <= 2
    assert store.get(address_of(1)) is not None

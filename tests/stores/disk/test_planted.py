"""What lies at the place of an entry and is none: a miss with one warning, set aside."""

from __future__ import annotations

import os
import random
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from disk_stores import Shop, files_of
from store_contract import address_of, entry_of

from nbcache.stores.disk import quarantine
from nbcache.stores.disk.store import DiskStore


def plant_nothing(path: Path, outside: Path) -> None:
    path.write_bytes(b"")


def plant_garbage(path: Path, outside: Path) -> None:
    path.write_bytes(random.Random(1).randbytes(10_000))


def plant_half(path: Path, outside: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def plant_flip(path: Path, outside: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def plant_longer(path: Path, outside: Path) -> None:
    with path.open("ab") as file:
        file.truncate(path.stat().st_size + (1 << 32))


def plant_link(path: Path, outside: Path) -> None:
    outside.write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(outside)


def plant_dangling_link(path: Path, outside: Path) -> None:
    path.unlink()
    path.symlink_to(outside)


def plant_hard_link(path: Path, outside: Path) -> None:
    os.link(path, outside)


def plant_fifo(path: Path, outside: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def plant_socket(path: Path, outside: Path) -> None:
    path.unlink()
    here = os.getcwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path.name)
    finally:
        os.chdir(here)


def plant_folder(path: Path, outside: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "content").write_text("x")


def plant_another_entry(path: Path, outside: Path) -> None:
    shutil.copy(next(other for other in files_of(path.parent) if other != path), path)


PLANTS = [value for name, value in list(globals().items()) if name.startswith("plant_")]


@pytest.mark.parametrize("plant", PLANTS)
def test_what_is_no_entry_is_a_miss_set_aside_with_one_warning(
    shop: Shop, store: DiskStore, tmp_path: Path, plant: Callable[[Path, Path], None]
) -> None:
    store.put(address_of(1), entry_of(["right"]))
    store.put(address_of(2), entry_of(["other"]))
    path = files_of(shop.folder)[0]
    outside = tmp_path / "outside"
    plant(path, outside)
    before = outside.read_bytes() if outside.exists() else None

    assert [shop.open().get(address_of(1)) for _ in range(2)] == [None, None]

    assert len(shop.said) == 1
    assert path.name in shop.said[0] and "Do:" in shop.said[0]
    assert not os.path.lexists(path)
    assert len(os.listdir(shop.folder / "v1" / ".quarantine")) == 1
    assert (outside.read_bytes() if outside.exists() else None) == before
    store.put(address_of(1), entry_of(["again"]))
    found = shop.open().get(address_of(1))
    assert found is not None
    assert found.value() == ["again"]


@pytest.mark.parametrize("plant", PLANTS)
def test_what_is_no_entry_can_be_replaced_and_cleared(
    shop: Shop, store: DiskStore, tmp_path: Path, plant: Callable[[Path, Path], None]
) -> None:
    for way in ("put", "clear"):
        store.put(address_of(1), entry_of(["right"]))
        store.put(address_of(2), entry_of(["other"]))
        outside = tmp_path / f"outside {way}"
        plant(files_of(shop.folder)[0], outside)
        before = outside.read_bytes() if outside.exists() else None

        if way == "put":
            kept = store.put(address_of(1), entry_of(["new"]))
            assert kept.value() == ["new"]
        else:
            store.clear()
            assert store.get(address_of(1)) is None

        assert (outside.read_bytes() if outside.exists() else None) == before
        shop.clock.move(60)  # past the pause that a folder in the way causes
        found = store.get(address_of(1))
        assert found is None or found.value() == ["new"]


def test_every_planted_file_is_told_but_not_by_the_thousand(shop: Shop, store: DiskStore, clock: Any) -> None:
    for number in range(40):
        store.put(address_of(number), entry_of(number))
    for path in files_of(shop.folder):
        path.write_bytes(b"damaged")

    assert [store.get(address_of(number)) for number in range(39)] == [None] * 39
    assert len(shop.said) == 5
    clock.move(120)
    store.get(address_of(39))

    assert len(shop.said) == 6
    assert "34 more" in shop.said[5]


def test_the_quarantine_is_bounded(shop: Shop, store: DiskStore, clock: Any) -> None:
    shelter = shop.folder / "v1" / ".quarantine"
    for number in range(30):
        store.put(address_of(number), entry_of(number))
        (damaged,) = files_of(shop.folder)
        damaged.write_bytes(b"damaged")
        store.get(address_of(number))
    assert len(os.listdir(shelter)) == quarantine.MOST_FILES

    for number in range(3):
        store.put(address_of(number), entry_of(number))
        (damaged,) = files_of(shop.folder)
        with damaged.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, 40 << 20)
        clock.move(1)
        store.get(address_of(number))
    assert sum(path.stat().st_size for path in shelter.iterdir()) <= quarantine.MOST_BYTES

    clock.move(8 * 86400)
    shop.open().put(address_of(1), entry_of(1))
    assert os.listdir(shelter) == []

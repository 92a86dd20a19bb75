"""Folders that are links, open to others, of other users, damaged or gone."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from disk_stores import NOBODY, ROOT, Shop, files_of, leftovers_of
from store_contract import address_of, entry_of

from nbcache.errors import UntrustedEntryError
from nbcache.stores.disk.store import DiskStore


def test_an_owner_folder_that_is_a_link_is_neither_read_nor_cleared(
    shop: Shop, store: DiskStore, tmp_path: Path
) -> None:
    store.put(address_of(1), entry_of(1))
    folder = files_of(shop.folder)[0].parent
    elsewhere = tmp_path / "elsewhere"
    folder.rename(elsewhere)
    folder.symlink_to(elsewhere)
    there = sorted(elsewhere.iterdir())

    assert store.get(address_of(1)) is None
    assert list(store.entries()) == []
    assert "symbolic link" in shop.said[0]
    assert store.put(address_of(2), entry_of([2])).value() == [2]
    assert store.clear("m.f") == 0
    assert store.clear() == 0

    assert sorted(elsewhere.iterdir()) == there
    assert len(shop.said) == 1


def test_a_link_to_the_store_is_the_users_choice(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "big disk").mkdir()
    shop.folder.symlink_to(tmp_path / "big disk")

    shop.open().put(address_of(1), entry_of(1))

    assert shop.open().get(address_of(1)) is not None
    assert shop.said == []


@pytest.mark.parametrize("level", ["store", "v1", "key", "owner"])
@pytest.mark.parametrize("mode", [0o777, 0o720, 0o702])
def test_a_folder_others_may_write_to_is_not_used(shop: Shop, store: DiskStore, level: str, mode: int) -> None:
    store.put(address_of(1), entry_of(["right"]))
    owner = files_of(shop.folder)[0].parent
    place = {"store": shop.folder, "v1": shop.folder / "v1", "key": owner.parent, "owner": owner}[level]
    place.chmod(mode)

    assert store.get(address_of(1)) is None
    assert store.get(address_of(1)) is None
    assert store.put(address_of(2), entry_of([2])).value() == [2]

    assert len(shop.said) == 1
    assert str(place) in shop.said[0] and "go-w" in shop.said[0]
    place.chmod(0o700)
    assert store.get(address_of(1)) is not None
    assert store.get(address_of(2)) is None


def test_a_folder_of_another_user_is_not_used(shop: Shop, store: DiskStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.put(address_of(1), entry_of(1))
    stores = shop.open(), shop.open()
    somebody = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: somebody)

    assert stores[0].get(address_of(1)) is None
    assert stores[1].put(address_of(2), entry_of([2])).value() == [2]

    assert len(shop.said) == 2
    assert "another user" in shop.said[0]
    assert len(files_of(shop.folder)) == 1


def test_a_real_other_user_gets_nothing_and_plants_nothing(public_shop: Shop) -> None:
    user = NOBODY if ROOT else None
    public_shop.run("store.put(address_of(1), entry_of('planted'))", user=user)
    public_shop.key = public_shop.folder.parent / "my key"
    mine = public_shop.open()

    assert mine.get(address_of(1)) is None
    assert mine.put(address_of(1), entry_of(["mine"])).value() == ["mine"]

    # To the same user, and only to it, the store is its own.
    assert ("another user" in "".join(public_shop.said)) == ROOT
    assert (mine.get(address_of(1)) is None) == ROOT


def test_a_damaged_store_stops_nothing_even_under_another_name(shop: Shop, store: DiskStore) -> None:
    store.put(address_of(1), entry_of(1))
    for name in (".removed", ".usage", ".collected", ".lock", ".tmp", ".trash", ".waits"):
        path = shop.folder / "v1" / name
        if path.is_dir():
            shutil.rmtree(path)
        elif path.exists():
            path.unlink()
        os.mkfifo(path)

    fresh = shop.open()
    for number in range(40):
        assert fresh.put(address_of(number), entry_of([number])).value() == [number]
    fresh.mark(address_of(1))
    with fresh.lock("key"):
        pass
    fresh.delete(address_of(3))
    fresh.clear("m.g")
    fresh.collect()
    fresh.limit("m.f", 2, None)
    list(fresh.entries())
    fresh.close()


def test_what_else_lies_in_the_folder_stays(shop: Shop, store: DiskStore) -> None:
    store.put(address_of(1), entry_of(1))
    owner = files_of(shop.folder)[0].parent
    others = [shop.folder / "notes.txt", shop.folder / "v1" / "notes.txt", owner.parent / "notes.txt", owner / "a.txt"]
    others += [owner / "deadbeef.nbc", shop.folder / "v1" / "not a key" / "x.nbc"]
    for path in others:
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")

    assert store.clear("m.f") == 1
    store.put(address_of(1), entry_of(1))
    store.collect()
    assert store.clear() == 1

    assert [path.read_text() for path in others] == ["mine"] * len(others)
    assert leftovers_of(shop.folder) == []


def test_a_vanished_folder_is_made_anew(shop: Shop, store: DiskStore) -> None:
    for _ in range(2):
        store.put(address_of(1), entry_of(1))
        store.limit("m.f", 3, None)
        shutil.rmtree(shop.folder)
        assert store.get(address_of(1)) is None
        assert store.delete(address_of(1)) == store.clear() == 0

    store.put(address_of(1), entry_of(2))
    assert store.get(address_of(1)) is not None
    assert shop.said == []


def test_strict_trust_makes_an_unsafe_folder_an_error_of_lookups_only(shop: Shop, store: DiskStore) -> None:
    store.put(address_of(1), entry_of([1]))
    shop.folder.chmod(0o777)
    strict = shop.open(trust="strict")

    with pytest.raises(UntrustedEntryError, match="not safe"):
        strict.get(address_of(1))
    assert strict.put(address_of(2), entry_of([2])).value() == [2]
    assert list(strict.entries()) == []
    assert strict.find(address_of(1)) is None
    assert len(shop.said) == 1


@pytest.mark.skipif(not ROOT, reason="only root can make a link of another user")
def test_a_link_of_another_user_is_not_followed(tmp_path: Path, clock: Any) -> None:
    shop = Shop(tmp_path, clock)
    elsewhere = tmp_path / "documents"
    elsewhere.mkdir(mode=0o700)
    shop.folder.symlink_to(elsewhere)
    os.lchown(shop.folder, NOBODY, NOBODY)
    store = shop.open()

    assert store.put(address_of(1), entry_of(["right"])).value() == ["right"]
    assert store.get(address_of(1)) is None
    assert list(elsewhere.iterdir()) == []
    assert "another user" in " ".join(shop.said)


def test_a_link_of_ones_own_is_followed(tmp_path: Path, clock: Any) -> None:
    shop = Shop(tmp_path, clock)
    elsewhere = tmp_path / "scratch"
    elsewhere.mkdir(mode=0o700)
    shop.folder.symlink_to(elsewhere)
    store = shop.open()

    store.put(address_of(1), entry_of(["right"]))

    assert (found := store.get(address_of(1))) is not None and found.value() == ["right"]

"""The disk store: the promises of every store, and its own."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from disk_stores import Shop, files_of, leftovers_of
from store_contract import BoundsContract, LastingBoundsContract, LastingContract, StoreContract, address_of, entry_of

from nbcache import system
from nbcache.entries.signing import Keyring
from nbcache.errors import UntrustedEntryError
from nbcache.stores.disk.store import DiskStore


class TestDiskStore(StoreContract, BoundsContract, LastingContract, LastingBoundsContract):
    """The contract."""


# -- the folder


def test_the_folder_is_made_at_the_first_put(shop: Shop, store: DiskStore) -> None:
    assert store.get(address_of(1)) is None
    assert store.delete(address_of(1)) == store.clear() == store.limit("m.f", 1, 1) == store.collect() == 0
    assert list(store.entries()) == []
    store.close()
    assert not shop.folder.exists()

    store.put(address_of(1), entry_of(1))

    assert shop.folder.is_dir()


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o277, 0o777])
def test_only_the_owner_can_look_whatever_the_umask(shop: Shop, store: DiskStore, umask: int) -> None:
    old = os.umask(umask)
    try:
        for number in range(2):
            store.put(address_of(1), entry_of(number, expires=2e9))
        store.get(address_of(1))
        store.delete(address_of(1))
        store.put(address_of(1), entry_of(1))
        with store.lock("key"):
            pass
        store.collect()
    finally:
        os.umask(old)

    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in [shop.folder, *shop.folder.rglob("*")]}
    folders = {mode for path, mode in modes.items() if path.is_dir()}
    assert folders == {0o700}
    assert {mode for path, mode in modes.items() if path.suffix == ".nbc"} == {0o600}
    assert all(mode & 0o077 == 0 for mode in modes.values())


def test_git_and_backups_leave_the_folder_out(shop: Shop, store: DiskStore) -> None:
    store.put(address_of(1), entry_of(1))

    assert (shop.folder / ".gitignore").read_text().splitlines()[-1] == "*"
    assert (shop.folder / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55")


def test_a_folder_the_user_has_other_things_in_stays_visible_to_git(shop: Shop, store: DiskStore) -> None:
    shop.folder.mkdir(mode=0o755)
    (shop.folder / "thesis.tex").write_text("mine")

    store.put(address_of(1), entry_of(1))

    assert not (shop.folder / ".gitignore").exists()
    assert (shop.folder / "v1" / ".gitignore").exists()
    assert stat.S_IMODE(shop.folder.stat().st_mode) == 0o755


def test_names_of_files_tell_nothing(shop: Shop, store: DiskStore) -> None:
    store.put(address_of(1, "secret.owner"), entry_of(1, "secret.owner"))

    assert "secret" not in "".join(map(str, shop.folder.rglob("*")))


def test_the_folder_is_resolved_once(tmp_path: Path, clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = DiskStore(Path("here"), Keyring.ephemeral(), clock=clock)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    store.put(address_of(1), entry_of(1))

    assert (tmp_path / "here" / "v1").is_dir()


def test_nothing_but_entries_is_left_behind(shop: Shop, store: DiskStore) -> None:
    for number in range(20):
        store.put(address_of(number % 3), entry_of(number, created=float(number)))
    store.clear("m.g")

    assert leftovers_of(shop.folder) == []
    assert len(files_of(shop.folder)) == 3


# -- reading


def test_a_large_value_is_mapped_and_costs_no_memory(shop: Shop, store: DiskStore) -> None:
    value = np.arange(1_000_000.0)

    kept = store.put(address_of(1), entry_of(value))
    first, second = kept.value(), kept.value()
    first[0] = -1

    assert second[0] == 0
    # The file's pages, not a copy: the entry's file is among the maps of this process.
    maps = Path("/proc/self/maps").read_text()
    assert f" {files_of(shop.folder)[0].stat().st_ino} " in maps


def test_a_mapped_value_outlives_its_file(store: DiskStore) -> None:
    value = store.put(address_of(1), entry_of(np.arange(1_000_000.0))).value()

    store.put(address_of(1), entry_of(np.zeros(1_000_000), created=2.0))
    store.clear()

    assert value[999_999] == 999_999


def test_entries_signed_with_an_older_key_are_found_replaced_and_cleared(shop: Shop, store: DiskStore) -> None:
    from nbcache.entries.signing import rotate_key

    for number in range(3):
        store.put(address_of(number), entry_of(number))
    rotate_key(shop.key, now=shop.clock())
    later = DiskStore(shop.folder, Keyring.load(shop.key, shop.clock()), clock=shop.clock, warn=shop.said.append)

    found = later.get(address_of(1))
    assert found is not None
    assert found.value() == 1
    later.put(address_of(1), entry_of("new"))
    assert sorted(row.address.key[-1] for row in later.entries()) == ["0", "1", "2"]
    assert later.limit("m.f", 2, None) == 1
    assert later.clear("m.f") == 2
    assert files_of(shop.folder) == []


def test_a_key_that_ends_with_the_process_leaves_nothing(shop: Shop) -> None:
    store = DiskStore(shop.folder, Keyring.ephemeral(), clock=shop.clock)
    store.put(address_of(1), entry_of(1))

    store.close()

    assert files_of(shop.folder) == []


def test_strict_trust_makes_a_foreign_entry_an_error(shop: Shop, stranger: DiskStore) -> None:
    stranger.put(address_of(1), entry_of(1))
    strict = shop.open(trust="strict")

    with pytest.raises(UntrustedEntryError, match="another key"):
        strict.get(address_of(1))
    assert strict.get(address_of(2)) is None


def test_strict_trust_makes_a_damaged_entry_an_error_again_and_again(shop: Shop, store: DiskStore) -> None:
    store.put(address_of(1), entry_of(1))
    (path,) = files_of(shop.folder)
    path.write_bytes(path.read_bytes()[:-1])
    strict = shop.open(trust="strict")

    for _ in range(2):
        with pytest.raises(UntrustedEntryError, match=path.name):
            strict.get(address_of(1))
    assert list(strict.entries()) == []


def test_listing_opens_headers_only(store: DiskStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.put(address_of(1), entry_of(np.arange(1_000_000.0)))
    read: list[int] = []
    pread = system.read_at
    monkeypatch.setattr(system, "read_at", lambda fd, n, at: read.append(n) or pread(fd, n, at))

    (row,) = store.entries()

    assert row.size > 8_000_000
    assert sum(read) < 200_000

"""Faults on disk: planted files, damage, full disks, lost rights, killed writers, system calls that fail."""

from __future__ import annotations

import errno
import json
import os
import random
import resource
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from disk_stores import Shop, files_of, finished, leftovers_of
from store_contract import address_of, entry_of

from nbcache.entries import packed, section, source
from nbcache.errors import UntrustedEntryError
from nbcache.stores import folders
from nbcache.stores.disk import (
    catalogue,
    clearing,
    collection,
    disk_usage,
    invalidations,
    liveness,
    lockfile,
    locks,
    lru_order,
    publish,
    quarantine,
    reader,
    use_journal,
    writer,
)
from nbcache.stores.disk import store as disk_store
from nbcache.stores.disk.store import DiskStore

ROOT = os.geteuid() == 0
NOBODY = 65534


@pytest.fixture
def shop(tmp_path: Path, clock: Any) -> Shop:
    return Shop(tmp_path, clock)


@pytest.fixture
def store(shop: Shop) -> DiskStore:
    return shop.open()


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


# -- what lies at the place of an entry


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


# -- folders


def test_an_owner_folder_that_is_a_link_is_neither_read_nor_cleared(
    shop: Shop, store: DiskStore, tmp_path: Path
) -> None:
    store.put(address_of(1), entry_of(1))
    folder = files_of(shop.folder)[0].parent
    elsewhere = tmp_path / "elsewhere"
    folder.rename(elsewhere)
    folder.symlink_to(elsewhere)

    assert store.get(address_of(1)) is None
    assert list(store.entries()) == []
    assert "symbolic link" in shop.said[0]
    assert store.put(address_of(2), entry_of([2])).value() == [2]
    assert store.clear("m.f") == 0
    assert store.clear() == 0

    assert sorted(path.suffix for path in elsewhere.iterdir()) == [".nbc"]
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


# -- rights, room, limits

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


# -- system calls that fail

COUNTED = {
    "open", "write", "pwrite", "pwritev", "link", "replace", "rename", "unlink", "rmdir", "mkdir", "chmod", "fchmod",
    "utime", "statvfs", "stat", "lstat", "fstat", "read", "pread", "listdir", "posix_fallocate", "dup",
}  # fmt: skip
ROOMS = (
    catalogue, clearing, collection, disk_store, disk_usage, folders, liveness, lockfile, locks, lru_order,
    invalidations, publish, quarantine, reader, use_journal, writer, source, section, packed,
)  # fmt: skip


class FailingOS:
    """The module `os`, whose Nth system call fails."""

    def __init__(self, number: int, code: int) -> None:
        self.calls = 0
        self.number = number
        self.code = code

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name not in COUNTED:
            return real

        def call(*arguments: Any, **options: Any) -> Any:
            self.calls += 1
            if self.calls == self.number:
                raise OSError(self.code, os.strerror(self.code))
            return real(*arguments, **options)

        return call

    @property
    def failed(self) -> bool:
        return self.calls >= self.number


@pytest.fixture
def fail(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int, int], FailingOS]]:
    def install(number: int, code: int) -> FailingOS:
        failing = FailingOS(number, code)
        for room in ROOMS:
            if hasattr(room, "os"):
                monkeypatch.setattr(room, "os", failing)
        return failing

    yield install
    monkeypatch.undo()


def scenarios() -> dict[str, Callable[[DiskStore], Any]]:
    """What is done while one system call fails, on a store that has entries 1 ("old"), 2 and a large 3."""
    large, huge = np.arange(150_000.0), np.arange(1_200_000.0)
    return {
        "get": lambda store: [store.get(address_of(n)) for n in (1, 2, 3, 4)],
        "put": lambda store: store.put(address_of(5), entry_of(["new"])),
        "put large": lambda store: store.put(address_of(5), entry_of(large)),
        "put huge": lambda store: store.put(address_of(5), entry_of(huge)),
        "replace": lambda store: store.put(address_of(1), entry_of(["new"], created=5.0)),
        "put after a clear": lambda store: store.put(address_of(1), entry_of(["new"]), _cleared(store)),
        "delete": lambda store: store.delete(address_of(1)),
        "clear": lambda store: store.clear("m.f"),
        "clear all": lambda store: store.clear(),
        "limit": lambda store: store.limit("m.f", 1, None),
        "collect": lambda store: store.collect(),
        "entries": lambda store: list(store.entries()),
        "lock": lambda store: store.lock("key").__enter__().release(),
        "close": lambda store: store.close(),
    }


def _cleared(store: DiskStore) -> Any:
    mark = store.mark(address_of(1))
    store.delete(address_of(1))
    return mark


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES], ids=errno.errorcode.get)
@pytest.mark.parametrize("name", list(scenarios()))
def test_any_system_call_may_fail(
    shop: Shop,
    clock: Any,
    fail: Callable[[int, int], FailingOS],
    name: str,
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    action = scenarios()[name]
    keyring = shop.keyring
    number = 0
    while True:
        number += 1
        shop.folder = tmp_path / f"store {number}"
        first = DiskStore(shop.folder, keyring, clock=clock)
        for n, value in ((1, ["old"]), (2, ["two"]), (3, np.arange(150_000.0))):
            first.put(address_of(n), entry_of(value))
        said: list[str] = []
        store = DiskStore(shop.folder, keyring, clock=clock, warn=said.append)
        descriptors = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0

        failing = fail(number, code)
        result = action(store)
        for room in ROOMS:
            if hasattr(room, "os"):
                room.os = os  # type: ignore[attr-defined]

        check(name, result, store, DiskStore(shop.folder, keyring, clock=clock, warn=said.append), said)
        if hasattr(result, "value"):
            assert result.value() is not None
        del result
        if descriptors and name not in ("lock", "collect", "put", "put large"):
            assert len(os.listdir("/proc/self/fd")) <= descriptors
        clock.move(100)
        # What this process could not delete, the next one does.
        with monkeypatch.context() as later:
            later.setattr(liveness, "_started", lambda pid: "a later life")
            DiskStore(shop.folder, keyring, clock=clock).put(address_of(8), entry_of(8))
        assert leftovers_of(shop.folder) == []
        shutil.rmtree(shop.folder)
        if not failing.failed:
            break
    assert number > 1


def check(name: str, result: Any, store: DiskStore, fresh: DiskStore, said: list[str]) -> None:
    """Whatever failed: no wrong value, nothing stale without a word, nothing lost without a word."""
    found = {n: fresh.peek(address_of(n)) for n in (1, 2, 3, 5)}
    values = {n: entry.value() for n, entry in found.items() if entry is not None}
    assert 2 not in values or values[2] == ["two"]
    assert 3 not in values or values[3][149_999] == 149_999
    if name in ("get", "entries", "lock", "close"):
        assert said or set(values) == {1, 2, 3}
    elif name in ("put", "put large"):
        assert len(result.value()) in (1, 150_000)
        assert said or 5 in values
    elif name == "replace":
        assert result.value() == ["new"]
        assert said or values[1] == ["new"]
    elif name == "put after a clear":
        assert result.value() == ["new"]
        assert said or 1 not in values
    elif name == "delete":
        assert said or 1 not in values
    elif name in ("clear", "clear all"):
        assert said or values == {}
    elif name == "limit":
        assert said or len([n for n in values if n != 5]) == 1


# -- writers that are killed


def in_child(work: Callable[[], None]) -> int:
    """Run something in a forked process; returns its number."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(1)
    return pid


def test_killed_writers_leave_whole_entries_and_nothing_else(shop: Shop) -> None:
    chance = random.Random(5)
    store = shop.open()

    def write(seed: int, clears: bool) -> None:
        mine = shop.open()
        numbers = random.Random(seed)
        while True:
            number = numbers.randrange(40)
            large = number % 5 == 0
            mine.put(address_of(number), entry_of(np.full(40_000 if large else 10, number), created=numbers.random()))
            if numbers.random() < 0.1:
                mine.delete(address_of(numbers.randrange(40)))
            if clears and numbers.random() < 0.02:
                mine.clear("m.f")
            with mine.lock(f"{number % 3}"):
                mine.get(address_of(numbers.randrange(40)))

    for kill in range(60):
        clears = kill < 40  # what the last ones put is there to be looked at
        children = [in_child(lambda: write(kill, clears)), in_child(lambda: write(kill + 1000, clears))]
        time.sleep(chance.uniform(0.002, 0.03))
        for pid in children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    found = {number: store.get(address_of(number)) for number in range(40)}
    assert all((entry.value() == number).all() for number, entry in found.items() if entry is not None)
    assert sum(entry is not None for entry in found.values()) >= 5
    for text in "012":
        began = time.monotonic()
        with store.lock(text):
            assert time.monotonic() - began < 1
    shop.open().put(address_of(1), entry_of(np.full(10, 1)))
    assert leftovers_of(shop.folder) == []
    assert shop.said == []
    known = sum(path.stat().st_size for path in shop.folder.rglob("*") if path.is_file())
    assert known <= sum(path.stat().st_size for path in files_of(shop.folder)) + 200_000


# -- several processes at once


def test_readers_see_whole_entries_while_writers_replace_them(shop: Shop) -> None:
    program = """
    start = float(sys.argv[4])
    time.sleep(max(0, start - time.time()))
    seed, seen, end = int(sys.argv[3]), 0, time.monotonic() + 1.5
    step = 0
    while time.monotonic() < end:
        step += 1
        number = step % 3
        found = store.get(address_of(number))
        if found is not None:
            value = found.value()
            assert (value == value[0]).all() and value[0] % 3 == number, value
            seen += 1
        if seed < 2:
            store.put(address_of(number), entry_of(np.full(30_000, number + 3 * step), created=step + seed / 10))
    assert said == [], said
    print(seen)
    """
    start = time.time() + 2
    seen = finished([shop.start(program, seed, start) for seed in range(4)])

    assert all(int(count) > 10 for count in seen), seen
    assert len(files_of(shop.folder)) == 3
    assert leftovers_of(shop.folder) == []


def test_nothing_that_was_cleared_comes_back(shop: Shop) -> None:
    """Writers mark, then put; a clear in between forbids the put, whenever exactly it comes."""
    program = """
    role, start = sys.argv[3], float(sys.argv[4])
    time.sleep(max(0, start - time.time()))
    end = time.monotonic() + 1.5
    log = []
    while time.monotonic() < end:
        if role == "clear":
            began = time.monotonic_ns()
            store.clear("m.f") if len(log) % 2 else store.delete(address_of(1))
            log.append([began, time.monotonic_ns()])
            time.sleep(0.003)
        else:
            began = time.monotonic_ns()
            mark = store.mark(address_of(1))
            store.put(address_of(1), entry_of(began, created=float(began)), mark)
            found = store.get(address_of(1))
            if found is not None:
                log.append([found.value(), time.monotonic_ns()])
    assert said == [], said
    print(json.dumps(log))
    """
    start = time.time() + 2
    outputs = finished([shop.start(program, role, start) for role in ("clear", "put", "put")])
    clears, *gets = [json.loads(output) for output in outputs]

    found = sum(len(log) for log in gets)
    assert len(clears) > 20 and found > 50
    # Found at `got`, marked at `marked`: no clear may lie between the two. A reader that had opened the file before the
    # clear may end a little later.
    stale = [
        (marked, got)
        for log in gets
        for marked, got in log
        if any(marked < began and ended < got - 50_000_000 for began, ended in clears)
    ]
    assert stale == []


def test_four_writers_keep_their_bound(shop: Shop) -> None:
    program = """
    start = float(sys.argv[4])
    time.sleep(max(0, start - time.time()))
    for step in range(60):
        number = int(sys.argv[3]) * 1000 + step
        store.put(address_of(number), entry_of(number, created=float(step)))
        store.limit("m.f", 10, None)
    assert said == [], said
    """
    start = time.time() + 2
    finished([shop.start(program, seed, start) for seed in range(4)])

    assert len(files_of(shop.folder)) == 10


def test_threads_clear_and_put_at_once(shop: Shop, store: DiskStore) -> None:
    failures: list[BaseException] = []
    start = threading.Barrier(4)

    def work(seed: int) -> None:
        try:
            start.wait()
            for step in range(60):
                if seed == 0:
                    store.clear("m.f" if step % 2 else None)
                else:
                    assert store.put(address_of(seed), entry_of([seed])).value() == [seed]
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert shop.said == []
    assert leftovers_of(shop.folder) == []
    assert stat.S_IMODE((shop.folder / "v1").stat().st_mode) == 0o700


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

"""System calls that fail, each of them in turn: no value is lost, and no wrong one is found."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from disk_stores import Shop, leftovers_of
from store_contract import address_of, entry_of

from nbcache import system
from nbcache.entries import packed, section, source
from nbcache.stores import folders
from nbcache.stores.disk import (
    catalogue,
    clearing,
    collection,
    collector,
    disk_usage,
    invalidations,
    liveness,
    lockfile,
    locks,
    lru_order,
    publish,
    quarantine,
    reader,
    row_index,
    use_journal,
    writer,
)
from nbcache.stores.disk import store as disk_store
from nbcache.stores.disk.store import DiskStore

COUNTED = {
    "open", "write", "pwrite", "pwritev", "link", "replace", "rename", "unlink", "rmdir", "mkdir", "chmod", "fchmod",
    "utime", "statvfs", "stat", "lstat", "fstat", "read", "pread", "listdir", "posix_fallocate", "dup",
}  # fmt: skip
#: What `system` has of its own.
KEPT = ("fstat", "lstat", "stat")
ROOMS = (
    catalogue, clearing, collection, collector, disk_store, disk_usage, folders, liveness, lockfile, locks, lru_order,
    invalidations, publish, quarantine, reader, row_index, use_journal, writer, source, section, packed,
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
        for name in KEPT:
            monkeypatch.setattr(system, name, getattr(failing, name))
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


def _opened_below(folder: Path) -> int:
    """How many files of a folder this process has open; 0 where the system does not tell."""
    described = Path("/proc/self/fd")
    links: list[str] = []
    for number in os.listdir(described) if described.is_dir() else ():
        with contextlib.suppress(OSError):
            links.append(os.readlink(described / number))
    return sum(link.startswith(str(folder)) for link in links)


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
        opened = _opened_below(tmp_path)

        failing = fail(number, code)
        result = action(store)
        for room in ROOMS:
            if hasattr(room, "os"):
                room.os = os  # type: ignore[attr-defined]
        for kept in KEPT:
            setattr(system, kept, getattr(os, kept))

        check(name, result, store, DiskStore(shop.folder, keyring, clock=clock, warn=said.append), said)
        if hasattr(result, "value"):
            assert result.value() is not None
        del result
        if name not in ("lock", "collect", "put", "put large"):
            assert _opened_below(tmp_path) <= opened
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

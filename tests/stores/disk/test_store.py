"""The disk store: the promises of every store, and its own."""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from disk_stores import Shop, files_of, finished, leftovers_of
from store_contract import (
    BoundsContract,
    LastingBoundsContract,
    LastingContract,
    StoreContract,
    address_of,
    entry_of,
)

from nbcache.entries.signing import Keyring
from nbcache.errors import UntrustedEntryError
from nbcache.stores.disk import clearing, liveness
from nbcache.stores.disk.invalidations import NOTHING
from nbcache.stores.disk.store import DiskStore


@pytest.fixture
def shop(tmp_path: Path, clock: Any) -> Shop:
    return Shop(tmp_path, clock)


@pytest.fixture
def store(shop: Shop) -> DiskStore:
    return shop.open()


@pytest.fixture
def reopened(shop: Shop) -> Callable[[], DiskStore]:
    return shop.open


@pytest.fixture
def stranger(shop: Shop) -> DiskStore:
    return DiskStore(shop.folder, Keyring.ephemeral(), clock=shop.clock, warn=shop.said.append)


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
    pread = os.pread
    monkeypatch.setattr(os, "pread", lambda fd, n, at: read.append(n) or pread(fd, n, at))

    (row,) = store.entries()

    assert row.size > 8_000_000
    assert sum(read) < 200_000


# -- bounds


def test_the_whole_folder_is_bounded(shop: Shop, clock: Any) -> None:
    store = shop.open(max_size=400_000)
    for number in range(60):
        store.put(address_of(number, f"m.f{number % 3}"), entry_of(np.full(2_000, number), f"m.f{number % 3}"))
        clock.move(1)
        assert sum(path.stat().st_blocks * 512 for path in files_of(shop.folder)) <= 400_000

    left = {row.address.key for row in store.entries()}
    assert address_of(59).key in left and address_of(0).key not in left
    assert len(left) >= 10


def test_what_is_used_stays_when_room_is_made(shop: Shop, clock: Any) -> None:
    store = shop.open(max_size=200_000)
    store.put(address_of(0), entry_of("precious"))
    for number in range(1, 100):
        store.put(address_of(number), entry_of(np.full(2_000, number)))
        clock.move(1)
        assert store.get(address_of(0)) is not None


def test_a_full_store_is_not_scanned_for_every_put(shop: Shop, clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from nbcache.stores.disk import collection

    scans: list[float] = []
    collect = collection.collect
    monkeypatch.setattr(collection, "collect", lambda *a: scans.append(clock()) or collect(*a))
    store = shop.open(max_size=2_000_000)

    for number in range(300):
        store.put(address_of(number), entry_of(np.full(2_000, number)))

    # 300 entries of 20 kB: each scan frees a tenth of the bound, ten entries.
    assert 5 <= len(scans) <= 32


def test_room_that_cannot_be_made_is_not_looked_for_at_every_put(
    shop: Shop, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nbcache.stores.disk import collection

    scans: list[float] = []
    monkeypatch.setattr(collection, "collect", lambda *a: scans.append(clock()) or (0, 10**9))
    store = shop.open(max_size=100_000)
    for number in range(100):
        store.put(address_of(number), entry_of(np.full(2_000, number)))
        clock.move(1)

    assert len(scans) <= 3


def test_a_value_larger_than_the_folder_may_hold_is_returned_with_one_warning(shop: Shop) -> None:
    store = shop.open(max_size=100_000)

    kept = [store.put(address_of(n), entry_of(np.arange(100_000.0))) for n in range(2)]

    assert kept[1].value()[99_999] == 99_999
    assert list(store.entries()) == []
    assert len(shop.said) == 1
    assert "max_disk_size" in shop.said[0]


def test_expired_entries_are_collected_once_nobody_can_be_served_with_them(shop: Shop, clock: Any) -> None:
    store = shop.open()
    store.put(address_of(1), entry_of(1, created=clock(), expires=clock() + 100))
    store.put(address_of(2), entry_of(2, created=clock()))
    store.close()
    clock.move(150)
    assert shop.open().collect() == 0

    clock.move(51)

    assert shop.open().collect() == 1
    assert [row.address for row in store.entries()] == [address_of(2)]


def test_expired_entries_are_looked_for_once_a_day(shop: Shop, clock: Any) -> None:
    store = shop.open()
    store.put(address_of(1), entry_of(1, created=clock(), expires=clock() + 100))
    store.close()
    clock.move(90_000)

    shop.open().put(address_of(2), entry_of(2))

    assert [row.address for row in store.entries()] == [address_of(2)]


def test_entries_of_lost_keys_make_room_too(shop: Shop, stranger: DiskStore, clock: Any) -> None:
    for number in range(20):
        stranger.put(address_of(number), entry_of(np.full(2_000, number)))
    clock.move(1)
    store = shop.open(max_size=200_000)

    store.put(address_of(1), entry_of(1))
    store.collect()

    assert sum(path.stat().st_blocks * 512 for path in files_of(shop.folder)) <= 200_000
    assert store.get(address_of(1)) is not None


def test_a_damaged_journal_is_ignored(shop: Shop, store: DiskStore, clock: Any) -> None:
    for number in range(4):
        store.put(address_of(number), entry_of(number))
        clock.move(2)
        store.get(address_of(number))
    store.close()
    (journal,) = shop.folder.rglob(".recent")
    journal.write_bytes(b"\xff\x00nonsense\n" + address_of(0).key.encode() + b" nan\n" + b"x" * 100 + b" 1e999 1 1\n")

    again = shop.open()

    assert again.limit("m.f", 2, None) == 2
    assert {row.address for row in again.entries()} == {address_of(2), address_of(3)}
    assert shop.said == []


def test_a_damaged_count_is_ignored(shop: Shop, clock: Any) -> None:
    store = shop.open(max_size=100_000)
    store.put(address_of(1), entry_of(1))
    (shop.folder / "v1" / ".usage").write_bytes(b"\x00garbage\n+12x\n" + b"9" * 5000 + b"\n-5\n")

    for number in range(60):
        store.put(address_of(number), entry_of(np.full(2_000, number)))
        clock.move(1)

    assert sum(path.stat().st_blocks * 512 for path in files_of(shop.folder)) <= 100_000
    assert shop.said == []


def test_a_journal_stays_short(shop: Shop, store: DiskStore, clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from nbcache.stores.disk import use_journal

    monkeypatch.setattr(use_journal, "LONGEST", 2000)
    store.put(address_of(1), entry_of(1))
    for _ in range(200):
        clock.move(2)
        store.get(address_of(1))

    (journal,) = shop.folder.rglob(".recent")
    assert journal.stat().st_size < 2200


def test_a_bound_of_many_entries_costs_no_scan_for_each_put(
    store: DiskStore, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(300):
        store.put(address_of(number), entry_of(number))
        clock.move(1)
    store.limit("m.f", 290, None)
    listed: list[str] = []
    listdir = os.listdir
    monkeypatch.setattr(os, "listdir", lambda path: listed.append(str(path)) or listdir(path))
    began = time.monotonic()

    for number in range(300, 340):
        store.put(address_of(number), entry_of(number))
        assert store.limit("m.f", 290, None) == 1
        clock.move(1)

    assert len(listed) <= 2 + 2 * (time.monotonic() - began)


# -- other processes


def test_a_stamp_changes_with_removals_and_not_with_puts(store: DiskStore) -> None:
    assert store.stamp() == NOTHING
    store.put(address_of(1), entry_of(1))
    store.put(address_of(2), entry_of(1))
    before = store.stamp()
    store.put(address_of(3), entry_of(1))
    assert store.stamp() == before

    seen = {before}
    for change in (
        lambda: store.put(address_of(1), entry_of(2)),
        lambda: store.delete(address_of(1)),
        lambda: store.clear("m.f"),
        lambda: store.clear(),
    ):
        change()
        assert store.stamp() not in seen
        seen.add(store.stamp())


def test_a_clear_elsewhere_reaches_a_computation_here(shop: Shop, store: DiskStore) -> None:
    store.put(address_of(5), entry_of(5))
    for call in ("store.delete(address_of(1))", "store.clear('m.f')", "store.clear()"):
        mark, other = store.mark(address_of(1)), store.mark(address_of(1, "m.g"))
        shop.run(call)
        assert mark.cleared
        assert other.cleared == (call == "store.clear()")


def test_many_removals_do_not_hide_one(shop: Shop, store: DiskStore, monkeypatch: pytest.MonkeyPatch) -> None:
    from nbcache.stores.disk import invalidations

    monkeypatch.setattr(invalidations, "ROTATE_AT", 500)
    store.put(address_of(1), entry_of(1))
    for removals in (5, 40, 200):
        mark, untouched = store.mark(address_of(1)), store.mark(address_of(2))
        store.delete(address_of(1))
        for number in range(removals):
            store.delete(address_of(number + 10))
        assert mark.cleared
        # Once the records are gone for good, nobody knows, and that counts as cleared.
        assert untouched.cleared or removals < 60


def test_a_removal_that_could_not_be_written_down_counts_as_any(
    store: DiskStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nbcache.stores.disk import invalidations

    store.put(address_of(1), entry_of(1))
    store.delete(address_of(2))
    mark = store.mark(address_of(1))

    def full(path: Path, content: bytes, flags: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(invalidations, "append", full)
    store.delete(address_of(7))

    assert mark.cleared


def test_a_store_knows_whether_an_entry_is_still_the_published_one(shop: Shop, store: DiskStore) -> None:
    kept = store.put(address_of(1), entry_of([1], created=1.0))
    assert store.holds(address_of(1), kept)

    shop.open().put(address_of(1), entry_of([2], created=2.0))
    assert not store.holds(address_of(1), kept)
    shop.open().clear()
    assert not store.holds(address_of(1), kept)


# -- locks between processes


HOLD = """
with store.lock("key"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_lock_held_elsewhere_is_waited_for_and_freed_by_kill(shop: Shop, store: DiskStore) -> None:
    process = shop.start(HOLD)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    claim = store.lock("key")
    assert not claim.attempt()
    with store.lock("another key"):
        pass

    process.kill()
    waited: list[bool] = []
    claim.wait(lambda: waited.append(True))

    process.communicate()
    claim.release()
    assert leftovers_of(shop.folder) == []


def test_threads_hold_different_keys_at_once_and_one_key_in_turn(store: DiskStore) -> None:
    inside: list[str] = []
    most = {"same": 0, "any": 0}
    together = threading.Barrier(4)

    def compute(text: str) -> None:
        with store.lock(text):
            inside.append(text)
            most["same"] = max(most["same"], inside.count(text))
            if text != "same":
                together.wait(10)
            inside.remove(text)

    threads = [threading.Thread(target=compute, args=(f"key {n}",)) for n in range(4)]
    threads += [threading.Thread(target=compute, args=("same",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert not any(thread.is_alive() for thread in threads)
    assert most["same"] == 1


def test_two_stores_of_one_process_respect_each_other(shop: Shop, store: DiskStore) -> None:
    with store.lock("key"):
        claim = shop.open().lock("key")
        # A claim inside another one of the same key would wait for itself.
        assert claim.attempt()
        seen: list[bool] = []
        thread = threading.Thread(target=lambda: seen.append(shop.open().lock("key").attempt()))
        thread.start()
        thread.join()
        assert seen == [False]
    assert shop.run("print(store.lock('key').attempt())") == "True\n"


def test_closing_another_descriptor_of_the_store_keeps_the_lock(shop: Shop, store: DiskStore) -> None:
    with store.lock("key"):
        again = shop.open()
        again.put(address_of(1), entry_of(1))
        again.collect()
        again.close()
        del again
        assert shop.run("print(store.lock('key').attempt())") == "False\n"


CROSS = """
first, second = sys.argv[3:5]
with store.lock(first):
    print("first", flush=True)
    while not (folder / "go").exists():
        time.sleep(0.01)
    before = time.monotonic()
    with store.lock(second):
        print(time.monotonic() - before < 20)
"""


def test_computations_that_wait_for_each_other_go_on(shop: Shop) -> None:
    processes = [shop.start(CROSS, *keys) for keys in (("a", "b"), ("b", "c"), ("c", "a"))]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "first\n"

    (shop.folder / "go").write_text("")

    assert finished(processes) == ["True\n"] * 3


def test_a_fork_does_not_inherit_a_lock(shop: Shop, store: DiskStore) -> None:
    with store.lock("key"):
        pid = os.fork()
        if pid == 0:
            results: list[bool] = []
            # In a thread, which is not part of the computation that holds the lock.
            thread = threading.Thread(target=lambda: results.append(store.lock("key").attempt()))
            thread.start()
            thread.join()
            free = store.lock("other").attempt()
            os._exit(0 if results == [False] and free else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert shop.run("print(store.lock('key').attempt())") == "False\n"


def test_waiting_can_be_interrupted(shop: Shop, store: DiskStore) -> None:
    with store.lock("key"):
        process = shop.start(
            """
            def waiting():
                print("waiting", flush=True)
            try:
                store.lock("key").wait(waiting)
            except KeyboardInterrupt:
                print("interrupted")
            """
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        before = time.monotonic()
        process.send_signal(2)
        assert finished([process]) == ["interrupted\n"]
        assert time.monotonic() - before < 5
    assert leftovers_of(shop.folder) == []


def test_where_locks_do_not_work_everybody_computes(
    store: DiskStore, monkeypatch: pytest.MonkeyPatch, shop: Shop
) -> None:
    from nbcache.stores.disk import lockfile

    def refuse(fd: int, offset: int) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(lockfile, "_lock", refuse)

    with store.lock("key"), store.lock("key"):
        pass
    assert shop.said == []


def test_the_lock_file_may_vanish(shop: Shop, store: DiskStore) -> None:
    with store.lock("key"):
        pass
    (shop.folder / "v1" / ".lock").unlink()

    with store.lock("key"):
        assert shop.run("print(store.lock('key').attempt())") == "False\n"


def test_a_clear_does_not_wait_for_a_slow_disk(shop: Shop, store: DiskStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(30):
        store.put(address_of(number), entry_of(number))
    (shop.folder / "mine.txt").write_text("mine")
    monkeypatch.setattr(clearing, "PATIENCE", -1)

    assert store.clear() == 30

    assert store.get(address_of(1)) is None
    for thread in threading.enumerate():
        if thread.name == "nbcache-trash":
            thread.join(10)
    assert leftovers_of(shop.folder) == []
    assert shop.said == []


def test_what_a_killed_clear_left_behind_goes_at_the_next_start(
    shop: Shop, store: DiskStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put(address_of(1), entry_of(1))
    monkeypatch.setattr(clearing.Trash, "empty", lambda self, failed: None)
    assert store.clear() == 1
    assert len(leftovers_of(shop.folder)) == 1
    monkeypatch.undo()
    monkeypatch.setattr(liveness, "_started", lambda pid: "a later life")

    shop.open().put(address_of(2), entry_of(2))

    assert leftovers_of(shop.folder) == []

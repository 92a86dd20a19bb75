"""Locks between processes, threads and stores: waited for, given back, never in the way for good."""

from __future__ import annotations

import os
import threading
import time

import pytest
from disk_stores import Shop, finished, leftovers_of
from store_contract import address_of, entry_of

from nbcache.stores.disk import clearing, liveness
from nbcache.stores.disk.store import DiskStore

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


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="Linux lists the descriptors of a process")
def test_a_closed_store_leaves_no_descriptor_open_and_locks_again(store: DiskStore) -> None:
    def opened() -> int:
        return len(os.listdir("/proc/self/fd"))

    store.close()
    before = opened()
    with store.lock("key"):
        store.close()  # another user of the file holds a lock
        assert opened() == before + 1
    store.close()
    assert opened() == before

    with store.lock("key"):
        assert opened() == before + 1
    store.close()


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
            signal.signal(signal.SIGINT, signal.default_int_handler)  # what a shell starts behind itself ignores it
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
        assert time.monotonic() - before < 30
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

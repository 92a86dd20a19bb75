"""Several processes and threads on one folder, and writers that are killed."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import stat
import time
from collections.abc import Callable

import numpy as np
import pytest
from disk_stores import Shop, files_of, finished, leftovers_of
from store_contract import address_of, entry_of
from threads import together

from nbcache.stores.disk import publish
from nbcache.stores.disk.store import DiskStore
from nbcache.stores.names import ROWS


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

    for kill in range(40):
        clears = kill < 20  # what the last ones put is there to be looked at
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
            assert time.monotonic() - began < 20
    shop.open().put(address_of(1), entry_of(np.full(10, 1)))
    assert leftovers_of(shop.folder) == []
    assert shop.said == []
    rows = [path for path in shop.folder.rglob(ROWS) if path.is_file()]
    known = sum(path.stat().st_size for path in shop.folder.rglob("*") if path.is_file() and path not in rows)
    assert known <= sum(path.stat().st_size for path in files_of(shop.folder)) + 200_000
    # A journal of rows grows with each put, however quick the machine, up to a bound of its own.
    assert sum(path.stat().st_size for path in rows) <= 2 << 20


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
    while time.monotonic() < end or len(log) < (25 if role == "clear" else 60):
        if role == "clear":
            began = time.monotonic_ns()
            store.clear("m.f") if len(log) % 2 else store.delete(address_of(1))
            log.append([began, time.monotonic_ns()])
            time.sleep(0.003)
        else:
            mark = store.mark(address_of(1))
            began = time.monotonic_ns()
            store.put(address_of(1), entry_of(began, created=float(began)), mark)
            asked = time.monotonic_ns()
            found = store.get(address_of(1))
            if found is not None:
                log.append([found.value(), asked])
    assert said == [], said
    print(json.dumps(log))
    """
    start = time.time() + 2
    outputs = finished([shop.start(program, role, start) for role in ("clear", "put", "put")])
    clears, *gets = [json.loads(output) for output in outputs]

    found = sum(len(log) for log in gets)
    assert len(clears) > 20 and found > 50
    # Whoever asks after the end of a clear finds nothing that was marked before it began.
    stale = [
        (marked, asked)
        for log in gets
        for marked, asked in log
        if any(marked < began and ended < asked for began, ended in clears)
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


def test_a_put_outlasts_clears_that_come_between_again_and_again(
    shop: Shop, store: DiskStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [25]
    fill = publish._fill

    def cleared_after(fd: int, name: str, content: publish.Content, written: float) -> os.stat_result:
        status = fill(fd, name, content, written)
        if left[0]:
            left[0] -= 1
            shutil.rmtree(shop.folder)
        return status

    monkeypatch.setattr(publish, "_fill", cleared_after)

    store.put(address_of(1), entry_of([1]))

    assert shop.said == [] and left == [0]
    found = shop.open().get(address_of(1))
    assert found is not None and found.value() == [1]


def test_threads_clear_and_put_at_once(shop: Shop, store: DiskStore) -> None:
    def work(seed: int) -> None:
        for step in range(60):
            if seed == 0:
                store.clear("m.f" if step % 2 else None)
            else:
                assert store.put(address_of(seed), entry_of([seed])).value() == [seed]

    together(work, range(4))

    assert shop.said == []
    assert leftovers_of(shop.folder) == []
    assert stat.S_IMODE((shop.folder / "v1").stat().st_mode) == 0o700

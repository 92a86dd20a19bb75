"""A worker of a stress run: a process with threads that call, clear, refresh and look, as their seeds say."""

from __future__ import annotations

import faulthandler
import os
import random
import signal
import threading
import traceback
import warnings
from collections.abc import Callable
from typing import Any

from nbcache import cache_data, registry

from .board import KEYS, THREADS, held, note, run
from .functions import CACHED, epoch, reading, same, spoil, true


class Worker:
    """One thread of one process, which does what its seed says."""

    def __init__(self, slot: int, seed: str) -> None:
        self.slot = slot
        self.random = random.Random(seed)

    def run(self) -> None:
        steps: list[tuple[int, Callable[[], None]]] = [
            (70, self.call),
            (6, self.read),
            (3, self.write),
            (6, self.follow),
            (2, self.clear_epoch),
            (1, self.refresh_epoch),
            (3, self.clear_call),
            (1, self.clear_function),
            (3, self.refresh),
            (3, self.look),
            (1, self.list),
        ]
        weights = [weight for weight, _ in steps]
        parent = os.getppid()
        while not run.board.stopped and os.getppid() == parent:
            run.board.beat(self.slot)
            step = self.random.choices([step for _, step in steps], weights)[0]
            try:
                step()
            except Exception:
                run.board.count(
                    self.slot, "lost" if step in (self.call, self.read, self.follow, self.refresh) else "errors"
                )
                note(f"{step.__name__}: {traceback.format_exc()}")
            run.board.count(self.slot, "steps")
        run.board.beat(self.slot)

    def call(self) -> None:
        function, n = self.random.choice(CACHED)[0], self.random.randrange(KEYS)
        self.check(function.__name__, function(n), true(function, n), n)

    def check(self, name: str, value: Any, truth: Any, n: int) -> None:
        run.board.count(self.slot, "calls")
        if not same(value, truth):
            run.board.count(self.slot, "wrong")
            note(f"wrong: {name}({n}) gave {value!r:.200}, the truth is {truth!r:.200}")
        elif self.random.random() < 0.3:
            spoil(value)

    def read(self) -> None:
        path = run.folder / f"data-{self.random.randrange(3)}"
        before = int(path.read_text())
        value = reading(str(path))
        after = int(path.read_text())
        run.board.count(self.slot, "calls")
        if not before <= value <= after:
            run.board.count(self.slot, "stale")
            note(f"stale: {path.name} had {before} before and {after} after, and reading() gave {value}")

    def write(self) -> None:
        number = self.random.randrange(3)
        path = run.folder / f"data-{number}"
        with held(f"writing-{number}"):
            fresh = run.folder / f"data-{number}-{self.slot}"
            fresh.write_text(f"{int(path.read_text()) + 1:09d}")
            os.replace(fresh, path)

    def follow(self) -> None:
        """What was cleared, anywhere, is not seen any more, once this process has looked."""
        key = self.random.randrange(KEYS)
        least = run.board.cleared(key)
        registry.the_cache().tiers.look()
        run.board.count(self.slot, "calls")
        if epoch(key) >= least:
            return
        # Whoever publishes at the moment of a clear takes it back at once; who read in between hears of it.
        run.board.count(self.slot, "late")
        registry.the_cache().tiers.look()
        value = epoch(key)
        if value < least:
            run.board.count(self.slot, "stale")
            note(f"stale: epoch({key}) gave {value} after two looks, and a clear at {least}")

    def clear_epoch(self) -> None:
        key = self.random.randrange(KEYS)
        with held(f"epoch-{key}"):
            now = run.board.bump(key)
            epoch.clear(key) if self.random.random() < 0.8 else epoch.clear()
            run.board.note_cleared(key, now)
        run.board.count(self.slot, "clears")
        value = epoch(key)
        if value < now:
            run.board.count(self.slot, "stale")
            note(f"stale: epoch({key}) gave {value} right after a clear at {now}")

    def refresh_epoch(self) -> None:
        epoch.refresh(self.random.randrange(KEYS))
        run.board.count(self.slot, "refreshes")

    def clear_call(self) -> None:
        self.random.choice(CACHED)[0].clear(self.random.randrange(KEYS))
        run.board.count(self.slot, "clears")

    def clear_function(self) -> None:
        if self.random.random() < 0.1:
            cache_data.clear()
        else:
            self.random.choice(CACHED)[0].clear()
        run.board.count(self.slot, "clears")

    def refresh(self) -> None:
        function, n = self.random.choice(CACHED)[0], self.random.randrange(KEYS)
        self.check(function.__name__, function.refresh(n), true(function, n), n)
        run.board.count(self.slot, "refreshes")

    def look(self) -> None:
        registry.the_cache().tiers.look()
        run.board.count(self.slot, "looks")

    def list(self) -> None:
        cache_data.info()
        sum(1 for _ in cache_data.entries())
        run.board.count(self.slot, "looks")


def work(number: int, seed: str) -> None:
    """What a forked process does until it is told to stop, or killed."""
    slots = [number * THREADS + thread for thread in range(THREADS)]
    log = open(run.folder / "stacks", "a")
    faulthandler.register(signal.SIGUSR1, log, all_threads=True)
    faulthandler.enable(log)
    warnings.simplefilter("always")
    warnings.showwarning = lambda *_args, **_kwargs: run.board.count(slots[0], "warned")
    threads = [threading.Thread(target=Worker(slot, f"{seed}-{slot}").run) for slot in slots]
    for slot in slots:
        run.board.beat(slot)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    registry.replace_cache(None)

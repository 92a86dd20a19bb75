"""Many processes on one store, and somebody who kills them and damages their files: ``python tests/stress.py``.

    python tests/stress.py --seconds 600 --seed 7 --processes 8

Every value that comes back is held against the truth. It stops by itself, prints what it did, and ends with 0 only
if no value was wrong, stale or lost, nothing planted ran, and nobody crashed or hung. A run is as repeatable as
processes that race can be: the seed decides what each of them does, not who is faster.
"""

from __future__ import annotations

import argparse
import ctypes
import faulthandler
import fcntl
import json
import mmap
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import planted  # noqa: E402

from nbcache import cache_data, inspection, registry  # noqa: E402
from nbcache.config import NBCache  # noqa: E402
from nbcache.entries.entry import Address  # noqa: E402
from nbcache.entries.section import MAPPED_FROM  # noqa: E402
from nbcache.entries.signing import Keyring  # noqa: E402

THREADS = 2
KEYS = 24
BOUND = 24 << 20
#: A worker that has not finished one step for so many seconds hangs.
PATIENCE = 60.0


# -- what everybody sees ----------------------------------------------------------------------------------------------


class Board:
    """Numbers in memory that all processes share, and that outlive whoever wrote them."""

    COUNTS = ("steps", "calls", "clears", "refreshes", "looks", "warned", "wrong", "stale", "lost", "errors")
    BEAT = len(COUNTS)
    SLOT = 16

    def __init__(self, slots: int) -> None:
        self.slots = slots
        size = 8 * (self.SLOT * slots + 2 * KEYS + 1)
        self._memory = mmap.mmap(-1, size)
        self._numbers = (ctypes.c_longlong * (size // 8)).from_buffer(self._memory)

    def count(self, slot: int, what: str, more: int = 1) -> None:
        self._numbers[slot * self.SLOT + self.COUNTS.index(what)] += more

    def beat(self, slot: int) -> None:
        self._numbers[slot * self.SLOT + self.BEAT] = time.monotonic_ns()

    def silent_for(self, slot: int) -> float:
        return (time.monotonic_ns() - self._numbers[slot * self.SLOT + self.BEAT]) / 1e9

    def total(self, what: str) -> int:
        place = self.COUNTS.index(what)
        return sum(self._numbers[slot * self.SLOT + place] for slot in range(self.slots))

    def epoch(self, key: int) -> int:
        """A number that a cached function returns, and that only grows."""
        return self._numbers[self.SLOT * self.slots + key]

    def cleared(self, key: int) -> int:
        """The number that no call may fall behind, because a clear since then has ended."""
        return self._numbers[self.SLOT * self.slots + KEYS + key]

    def bump(self, key: int) -> int:
        self._numbers[self.SLOT * self.slots + key] += 1
        return self.epoch(key)

    def note_cleared(self, key: int, epoch: int) -> None:
        self._numbers[self.SLOT * self.slots + KEYS + key] = epoch

    def stop(self) -> None:
        self._numbers[len(self._numbers) - 1] = 1

    @property
    def stopped(self) -> bool:
        return bool(self._numbers[len(self._numbers) - 1])

    def __cache_key__(self) -> str:
        return "board"


board = Board(0)
here = Path()

# -- what is cached ---------------------------------------------------------------------------------------------------


@cache_data(persist="disk", show_spinner=False)
def number(n: int) -> int:
    return n * n + 1


@cache_data(persist="disk", show_spinner=False)
def words(n: int) -> dict[str, Any]:
    return {"n": n, "words": [f"{n}-{i}" for i in range(200)], "nested": ({"a": [n]},)}


@cache_data(persist="disk", show_spinner=False)
def array(n: int) -> Any:
    return np.random.default_rng(n).integers(0, 1 << 40, 1 << 18)


@cache_data(persist="disk", show_spinner=False)
def frame(n: int) -> Any:
    return pd.DataFrame({"n": np.arange(500) + n, "text": [f"row {n} {i}" for i in range(500)]})


@cache_data(persist="disk", show_spinner=False, max_entries=5)
def few(n: int) -> list[int]:
    return list(range(n, n + 50))


@cache_data(persist="disk", show_spinner=False, max_size="100KB")
def light(n: int) -> bytes:
    return bytes([n]) * 20_000


@cache_data(persist="disk", show_spinner=False, ttl=0.5)
def brief(n: int) -> tuple[int, str]:
    return n, "brief" * n


@cache_data(persist="disk", show_spinner=False)
def upwards(n: int) -> int:
    return number(n) + (downwards(n - 1) if n > 0 else 0)


@cache_data(persist="disk", show_spinner=False)
def downwards(n: int) -> int:
    return upwards(n - 1) + number(n) if n > 0 else 1


@cache_data(persist="disk", show_spinner=False)
def reading(path: str) -> int:
    with open(path) as file:
        return int(file.read())


@cache_data(persist="disk", show_spinner=False)
def epoch(key: int) -> int:
    return board.epoch(key)


def _true_upwards(n: int) -> int:
    return n * n + 1 + (_true_downwards(n - 1) if n > 0 else 0)


def _true_downwards(n: int) -> int:
    return _true_upwards(n - 1) + n * n + 1 if n > 0 else 1


CACHED: list[tuple[Any, Callable[[int], Any]]] = [
    (number, lambda n: n * n + 1),
    (words, words.__wrapped__),
    (array, array.__wrapped__),
    (frame, frame.__wrapped__),
    (few, few.__wrapped__),
    (light, light.__wrapped__),
    (brief, brief.__wrapped__),
    (upwards, _true_upwards),
    (downwards, _true_downwards),
]


TRUE: dict[tuple[str, int], Any] = {}


def true(function: Any, n: int) -> Any:
    """The truth, computed once, before anybody is born."""
    return TRUE[function.__name__, n]


def same(value: Any, truth: Any) -> bool:
    if isinstance(truth, np.ndarray):
        return isinstance(value, np.ndarray) and value.dtype == truth.dtype and bool(np.array_equal(value, truth))
    if isinstance(truth, pd.DataFrame):
        return isinstance(value, pd.DataFrame) and bool(value.equals(truth))
    return type(value) is type(truth) and bool(value == truth)


def spoil(value: Any) -> None:
    """Change a value that was handed out: the entry must not notice."""
    if isinstance(value, np.ndarray):
        value[: 1 << 10] = -1
    elif isinstance(value, pd.DataFrame):
        value.loc[:, "n"] = -1
    elif isinstance(value, dict):
        value["words"].clear()
    elif isinstance(value, list):
        value.append(-1)


# -- a worker ---------------------------------------------------------------------------------------------------------


@contextmanager
def held(name: str) -> Any:
    """A lock that dies with its process."""
    with open(here / name, "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


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
        while not board.stopped:
            board.beat(self.slot)
            step = self.random.choices([step for _, step in steps], weights)[0]
            try:
                step()
            except Exception:
                board.count(
                    self.slot, "lost" if step in (self.call, self.read, self.follow, self.refresh) else "errors"
                )
                note(f"{step.__name__}: {traceback.format_exc()}")
            board.count(self.slot, "steps")
        board.beat(self.slot)

    def call(self) -> None:
        function, n = self.random.choice(CACHED)[0], self.random.randrange(KEYS)
        self.check(function.__name__, function(n), true(function, n), n)

    def check(self, name: str, value: Any, truth: Any, n: int) -> None:
        board.count(self.slot, "calls")
        if not same(value, truth):
            board.count(self.slot, "wrong")
            note(f"wrong: {name}({n}) gave {value!r:.200}, the truth is {truth!r:.200}")
        elif self.random.random() < 0.3:
            spoil(value)

    def read(self) -> None:
        path = here / f"data-{self.random.randrange(3)}"
        before = int(path.read_text())
        value = reading(str(path))
        after = int(path.read_text())
        board.count(self.slot, "calls")
        if not before <= value <= after:
            board.count(self.slot, "stale")
            note(f"stale: {path.name} had {before} before and {after} after, and reading() gave {value}")

    def write(self) -> None:
        number = self.random.randrange(3)
        path = here / f"data-{number}"
        with held(f"writing-{number}"):
            fresh = here / f"data-{number}-{self.slot}"
            fresh.write_text(f"{int(path.read_text()) + 1:09d}")
            os.replace(fresh, path)

    def follow(self) -> None:
        """What was cleared, anywhere, is not seen any more, once this process has looked."""
        key = self.random.randrange(KEYS)
        least = board.cleared(key)
        registry.the_cache().tiers.look()
        value = epoch(key)
        board.count(self.slot, "calls")
        if not least <= value <= board.epoch(key):
            board.count(self.slot, "stale")
            note(f"stale: epoch({key}) gave {value}, after a clear at {least}; now {board.epoch(key)}")

    def clear_epoch(self) -> None:
        key = self.random.randrange(KEYS)
        with held(f"epoch-{key}"):
            now = board.bump(key)
            epoch.clear(key) if self.random.random() < 0.8 else epoch.clear()
            board.note_cleared(key, now)
        board.count(self.slot, "clears")
        value = epoch(key)
        if value < now:
            board.count(self.slot, "stale")
            note(f"stale: epoch({key}) gave {value} right after a clear at {now}")

    def refresh_epoch(self) -> None:
        epoch.refresh(self.random.randrange(KEYS))
        board.count(self.slot, "refreshes")

    def clear_call(self) -> None:
        self.random.choice(CACHED)[0].clear(self.random.randrange(KEYS))
        board.count(self.slot, "clears")

    def clear_function(self) -> None:
        if self.random.random() < 0.1:
            cache_data.clear()
        else:
            self.random.choice(CACHED)[0].clear()
        board.count(self.slot, "clears")

    def refresh(self) -> None:
        function, n = self.random.choice(CACHED)[0], self.random.randrange(KEYS)
        self.check(function.__name__, function.refresh(n), true(function, n), n)
        board.count(self.slot, "refreshes")

    def look(self) -> None:
        registry.the_cache().tiers.look()
        board.count(self.slot, "looks")

    def list(self) -> None:
        cache_data.info()
        sum(1 for _ in cache_data.entries())
        board.count(self.slot, "looks")


def note(text: str) -> None:
    with open(here / "log", "a") as file:
        file.write(f"[{os.getpid()}] {text}\n")


def work(number: int, seed: str) -> None:
    """What a forked process does until it is told to stop, or killed."""
    slots = [number * THREADS + thread for thread in range(THREADS)]
    log = open(here / "stacks", "a")
    faulthandler.register(signal.SIGUSR1, log, all_threads=True)
    faulthandler.enable(log)
    warnings.simplefilter("always")
    warnings.showwarning = lambda *_args, **_kwargs: board.count(slots[0], "warned")
    threads = [threading.Thread(target=Worker(slot, f"{seed}-{slot}").run) for slot in slots]
    for slot in slots:
        board.beat(slot)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    registry.replace_cache(None)


# -- who disturbs them ------------------------------------------------------------------------------------------------


class Disturber:
    """Kills workers and damages files, at random; counts what it did."""

    def __init__(self, seed: int, store: Path, key: Path, canary: Path) -> None:
        self.random = random.Random(f"{seed}-disturber")
        self.store = store
        self.done: Counter[str] = Counter()
        streams = planted.streams(str(canary))
        self._streams = [stream for name, stream in streams.items() if len(stream) < 1 << 20]
        self._stranger = Keyring.ephemeral()
        self._ours = Keyring.load(key)
        self._hostile = [
            plant
            for name, plant in planted.hostile_files(here / "elsewhere").items()
            # In place these cut what is mapped in a living process: `replaced` does the same under a new name.
            if name not in ("a huge file with holes", "all but the last byte", "one byte more", "an empty file",
                            "one byte", "the prefix alone", "a file that may not be read")
        ]  # fmt: skip

    def disturb(self) -> None:
        act = self.random.choice(
            [self.flip, self.flip, self.cut, self.cut, self.plant, self.plant, self.dress, self.place_something,
             self.swap, self.remove, self.scribble]
        )  # fmt: skip
        try:
            act()
            self.done[act.__name__] += 1
        except (FileNotFoundError, FileExistsError, NotADirectoryError, IsADirectoryError, PermissionError):
            self.done["too late"] += 1

    def _entry(self) -> Path:
        found = list((self.store / "v1").glob("[0-9a-f]*/*/*.nbc"))
        if not found:
            raise FileNotFoundError
        return self.random.choice(found)

    def _overwrite(self, path: Path, content: bytes) -> None:
        """Put other content under a name; in place only where no living process has mapped the file.

        A file that is mapped shows to its process what is written into it: who may write there is the same user,
        and could change the process itself.
        """
        if path.lstat().st_size < MAPPED_FROM and self.random.random() < 0.5:
            with open(os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "r+b", buffering=0) as file:
                os.pwrite(file.fileno(), content, 0)
                os.ftruncate(file.fileno(), len(content))
            return
        fresh = here / "elsewhere" / "fresh"
        fresh.write_bytes(content)
        fresh.chmod(0o600)
        os.replace(fresh, path)

    def _content(self, path: Path) -> bytearray:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            return bytearray(file.read(8 << 20))

    def flip(self) -> None:
        path = self._entry()
        content = self._content(path)
        if content:
            content[self.random.randrange(len(content))] ^= 1 << self.random.randrange(8)
            self._overwrite(path, bytes(content))

    def cut(self) -> None:
        path = self._entry()
        content = self._content(path)
        self._overwrite(path, bytes(content[: self.random.randrange(len(content) + 1)]))

    def plant(self) -> None:
        self._overwrite(self._entry(), self.random.choice(self._streams))

    def dress(self) -> None:
        path = self._entry()
        genuine = bytes(self._content(path))
        if len(genuine) > 100:
            address = Address("__main__.number", path.name.partition(".")[0])
            stream = self.random.choice(self._streams)
            try:
                dresses = planted.dresses(stream, address, genuine, self._ours.id, self._stranger)
            except Exception:
                return  # the genuine one was damaged already
            self._overwrite(path, self.random.choice(list(dresses.values())))

    def place_something(self) -> None:
        shutil.rmtree(here / "elsewhere", ignore_errors=True)
        (here / "elsewhere").mkdir(exist_ok=True)
        self.random.choice(self._hostile)(self._entry())

    def swap(self) -> None:
        one, other = self._entry(), self._entry()
        spare = here / "elsewhere" / "spare"
        os.rename(one, spare)
        os.rename(other, one)
        os.rename(spare, other)

    def remove(self) -> None:
        path = self._entry()
        if self.random.random() < 0.1:
            shutil.rmtree(path.parent, ignore_errors=True)
        else:
            path.unlink()

    def scribble(self) -> None:
        """Damage what is only a hint: the count of bytes, the journals of uses."""
        names = [".usage", ".collected"]
        path = self.store / "v1" / self.random.choice(names)
        if self.random.random() < 0.5:
            path = self._entry().parent / self.random.choice(["uses", ".uses", "planted", "0" * 40 + ".nbc"])
        path.write_bytes(self.random.choice([b"", b"\xff" * 64, b"9" * 5000, self._streams[0]]))


class Herd:
    """The workers, each replaced when it dies."""

    def __init__(self, processes: int, seed: int) -> None:
        self.pids: dict[int, int] = {}
        self.seed = seed
        self.born = 0
        self.crashed: list[str] = []
        self.hangs = 0
        self._killed: set[int] = set()
        for number in range(processes):
            self.start(number)

    def start(self, number: int) -> None:
        self.born += 1
        for thread in range(THREADS):
            board.beat(number * THREADS + thread)
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                work(number, f"{self.seed}-{self.born}")
                status = 0
            except BaseException:
                note(traceback.format_exc())
            finally:
                os._exit(status)
        self.pids[number] = pid

    def kill(self, number: int) -> None:
        self._killed.add(self.pids[number])
        os.kill(self.pids[number], signal.SIGKILL)

    def look(self, replace: bool = True) -> None:
        """Bury the dead, replace them, and end those who hang."""
        for number, pid in list(self.pids.items()):
            gone, status = os.waitpid(pid, os.WNOHANG)
            if gone:
                del self.pids[number]
                if pid not in self._killed and status != 0:
                    self.crashed.append(f"process {pid} ended with {os.waitstatus_to_exitcode(status)}")
                if replace:
                    self.start(number)
            elif any(board.silent_for(number * THREADS + thread) > PATIENCE for thread in range(THREADS)):
                self.hangs += 1
                os.kill(pid, signal.SIGUSR1)
                time.sleep(0.5)  # for the stacks to be written
                self.kill(number)


def last_look(store: Path) -> dict[str, Any]:
    """A new process reads everything once more; what it leaves behind is counted."""
    wrong = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(2):
            for function, _ in CACHED:
                for n in range(KEYS):
                    wrong += not same(function(n), true(function, n))
            registry.replace_cache(None)
        found = inspection.verify()
        collected = registry.the_cache().tiers.beyond.disk
        collected.collect()
        registry.replace_cache(None)
    left = [f"{part}/{name}" for part in (".tmp", ".trash", ".waits") for name in _names(store / "v1" / part)]
    held_bytes = sum(path.lstat().st_size for path in (store / "v1").rglob("*.nbc") if ".quarantine" not in path.parts)
    return {
        "wrong": wrong,
        "whole": found.whole,
        "damaged": len(found.damaged),
        "left": left,
        "bytes": held_bytes,
    }


def _names(folder: Path) -> list[str]:
    return os.listdir(folder) if folder.is_dir() else []


def run(seconds: float, seed: int, processes: int, folder: Path) -> dict[str, Any]:
    """Let them race for so many seconds; returns what came of it."""
    global board, here
    here = folder
    store, key, canary = folder / "store", folder / "keys" / "key", folder / "canary"
    (folder / "elsewhere").mkdir()
    for number in range(3):
        (folder / f"data-{number}").write_text("000000000")
    os.environ.update(
        NBCACHE_DIR=str(store), NBCACHE_KEY_FILE=str(key), XDG_STATE_HOME=str(folder), NBCACHE_MAX_DISK_SIZE=str(BOUND)
    )
    NBCache.clear_instance()
    registry.replace_cache(None)
    TRUE.update({(function.__name__, n): truth(n) for function, truth in CACHED for n in range(KEYS)})
    board = Board(processes * THREADS)
    disturber = Disturber(seed, store, key, canary)
    chance = random.Random(f"{seed}-kills")
    herd = Herd(processes, seed)
    kills = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(chance.uniform(0.005, 0.05))
        for _ in range(chance.randrange(4)):
            disturber.disturb()
        herd.look()
        if herd.pids and chance.random() < 0.04:
            herd.kill(chance.choice(list(herd.pids)))
            kills += 1
    board.stop()
    deadline = time.monotonic() + PATIENCE + 10
    while herd.pids and time.monotonic() < deadline:
        herd.look(replace=False)
        time.sleep(0.02)
    report: dict[str, Any] = {what: board.total(what) for what in Board.COUNTS}
    report |= {
        "kills": kills,
        "faults": dict(disturber.done),
        "crashed": herd.crashed,
        "hangs": herd.hangs + len(herd.pids),
        "executed": int(canary.exists()),
        "last look": _apart(lambda: last_look(store)),
    }
    return report


def _apart(function: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What a function returns in a process of its own."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.close(read)
            with open(write, "w") as file:
                json.dump(function(), file)
            status = 0
        except BaseException:
            note(traceback.format_exc())
        finally:
            os._exit(status)
    os.close(write)
    with open(read) as file:
        text = file.read()
    os.waitpid(pid, 0)
    return json.loads(text) if text else {"wrong": -1, "left": [], "bytes": 0}


def failures(report: dict[str, Any]) -> list[str]:
    """What must not have happened, and did."""
    found = [
        f"{what}: {report[what]}" for what in ("wrong", "stale", "lost", "errors", "hangs", "executed") if report[what]
    ]
    found += report["crashed"]
    if report["last look"]["wrong"]:
        found.append(f"wrong in the last look: {report['last look']['wrong']}")
    if report["last look"]["left"]:
        found.append(f"left behind: {report['last look']['left'][:5]}")
    if report["last look"]["bytes"] > BOUND:
        found.append(f"{report['last look']['bytes']} bytes in a store of {BOUND}")
    return found


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--folder", type=Path, help="an empty folder to work in, kept; else a temporary one")
    chosen = parser.parse_args(words)
    folder = chosen.folder or Path(tempfile.mkdtemp(prefix="nbcache-stress-"))
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    report = run(chosen.seconds, chosen.seed, chosen.processes, folder)
    wrong = failures(report)
    print(f"seed {chosen.seed}, {chosen.processes} processes of {THREADS} threads, {time.monotonic() - began:.0f} s")
    print(f"operations      {report['steps']:,} ({report['calls']:,} checked values, {report['clears']:,} clears, "
          f"{report['refreshes']:,} refreshes, {report['looks']:,} looks)")  # fmt: skip
    faults = sum(report["faults"].values()) - report["faults"].get("too late", 0)
    print(f"faults injected {faults:,} in files {report['faults']}, {report['kills']:,} kills")
    print(f"warnings        {report['warned']:,}")
    for what in ("wrong", "stale", "lost", "executed", "hangs"):
        print(f"{what:15} {report[what]}")
    print(f"crashes         {len(report['crashed'])}")
    print(f"afterwards      {report['last look']}")
    if wrong:
        print(f"FAILED          {'; '.join(wrong)}; see {folder}/log and {folder}/stacks")
        return 1
    print("all well")
    if chosen.folder is None:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

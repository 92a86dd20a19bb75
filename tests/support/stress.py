"""Many processes on one store, and somebody who kills them and damages their files: ``python tests/support/stress.py``.

    python tests/support/stress.py --seconds 600 --seed 7 --processes 8

Every value that comes back is held against the truth. It stops by itself, prints what it did, and ends with 0 only
if no value was wrong, stale or lost, nothing planted ran, and nobody crashed or hung. A run is as repeatable as
processes that race can be: the seed decides what each of them does, not who is faster.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from stressed.board import KEYS, THREADS, Board, note  # noqa: E402
from stressed.board import run as this_run  # noqa: E402
from stressed.disturber import Disturber  # noqa: E402
from stressed.functions import CACHED, TRUE, same, true  # noqa: E402
from stressed.worker import work  # noqa: E402

from nbcache import registry  # noqa: E402
from nbcache.config import NBCache  # noqa: E402
from nbcache.inspection import verification  # noqa: E402
from nbcache.stores.names import parts_of_file  # noqa: E402

#: The bytes the store may hold: less than what is called for, so that entries are evicted all the time.
BOUND = 24 << 20
#: A worker that has not finished one step for so many seconds hangs.
PATIENCE = 60.0


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
            this_run.board.beat(number * THREADS + thread)
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
            elif any(this_run.board.silent_for(number * THREADS + thread) > PATIENCE for thread in range(THREADS)):
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
        found = verification.verify()
        collected = registry.the_cache().tiers.outer.disk
        collected.collect()
        registry.replace_cache(None)
    left = [
        str(path) for part in (".tmp", ".trash", ".waits") for path in (store / "v1" / part).rglob("*") if ours(path)
    ]
    held_bytes = sum(path.lstat().st_size for path in (store / "v1").rglob("*.nbc") if ".quarantine" not in path.parts)
    return {
        "wrong": wrong,
        "whole": found.whole,
        "damaged": len(found.damaged),
        "left": left,
        "bytes": held_bytes,
    }


def ours(path: Path) -> bool:
    """Whether a file is one that nbcache makes; what the disturber has strewn about is not ours to delete."""
    return path.is_file() and not path.is_symlink() and (".trash" not in path.parts or bool(parts_of_file(path.name)))


def run(seconds: float, seed: int, processes: int, folder: Path) -> dict[str, Any]:
    """Let them race for so many seconds; returns what came of it."""
    this_run.folder = folder
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
    board = this_run.board = Board(processes * THREADS)
    disturber = Disturber(seed, store, key, canary)
    chance = random.Random(f"{seed}-kills")
    herd = Herd(processes, seed)
    kills = 0
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            time.sleep(chance.uniform(0.005, 0.05))
            for _ in range(chance.randrange(4)):
                disturber.disturb()
            herd.look()
            if herd.pids and chance.random() < 0.04:
                herd.kill(chance.choice(list(herd.pids)))
                kills += 1
    finally:
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
    for what in ("wrong", "late", "stale", "lost", "executed", "hangs"):
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

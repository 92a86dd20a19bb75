"""A sweep by `foo.map` beside plain joblib: what a miss and a hit add, and the peak memory.

python benchmarks/sweep.py [--calls 400] [--rounds 3]

The systems take turns within each round; medians are shown. A miss is a call of 10 ms, on two workers of loky. Beside
the time stands what a call costs all processes in CPU time, which says more than the time on a busy machine.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import joblib
import numpy as np

JOBS = 2
LARGE, MANY = 10 << 20, 40


def wait(x: int) -> int:
    time.sleep(0.01)
    return x


def wait_here(x: int) -> int:
    time.sleep(0.01)
    return x


def total(values: Any) -> float:
    return float(values.sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"NBCACHE_DIR": f"{folder}/nbcache", "NBCACHE_KEY_FILE": f"{folder}/key"}
        misses_and_hits(folder, options.calls, options.rounds)
        memory()
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} processors, Python {sys.version.split()[0]}")


def misses_and_hits(folder: str, calls: int, rounds: int) -> None:
    """Print what a call costs, in ms of wall and CPU time, and beside plain joblib."""
    from nbcache import cache_data

    plain = joblib.Parallel(n_jobs=JOBS)
    plain(joblib.delayed(wait)(x) for x in range(4))  # workers are there from now on
    kept = joblib.Memory(f"{folder}/joblib", verbose=0).cache(wait)
    in_memory = cache_data(show_spinner=False)(wait)
    on_disk = cache_data(persist="disk", show_spinner=False)(wait_here)
    runs: dict[str, Callable[[Any], Any]] = {
        "joblib.Parallel": lambda xs: plain(joblib.delayed(wait)(x) for x in xs),
        "joblib.Memory in Parallel": lambda xs: plain(joblib.delayed(kept)(x) for x in xs),
        "foo.map, memory": lambda xs: in_memory.map(xs, n_jobs=JOBS, progress=False),
        "foo.map, disk": lambda xs: on_disk.map(xs, n_jobs=JOBS, progress=False),
    }
    hits = {name: run for name, run in runs.items() if name != "joblib.Parallel"}
    hits["joblib.Memory in a loop"] = lambda xs: [kept(x) for x in xs]
    taken: dict[tuple[str, str], list[float]] = defaultdict(list)
    burnt: dict[tuple[str, str], list[float]] = defaultdict(list)
    for number in range(rounds):
        fresh = range(number * calls, (number + 1) * calls)
        for kind, systems in (("miss", runs), ("hit", hits)):
            for name, run in systems.items():
                began, busy = time.perf_counter(), cpu_seconds()
                assert list(run(fresh)) == list(fresh)
                taken[kind, name].append((time.perf_counter() - began) / calls * 1e3)
                burnt[kind, name].append((cpu_seconds() - busy) / calls * 1e3)
    for kind, best in (("miss", "joblib.Parallel"), ("hit", "joblib.Memory in a loop")):
        beside = statistics.median(taken[kind, best])
        for (what, name), times in taken.items():
            if what == kind:
                now = statistics.median(times)
                cpu = statistics.median(burnt[what, name])
                print(f"{kind:5} {name:26} {now:9.4f} ms a call, {now / beside:7.3f} of {best}, {cpu:7.3f} ms of CPU")


def cpu_seconds() -> float:
    """What this process and its workers have used so far."""
    import psutil

    here = psutil.Process()
    return sum(sum(process.cpu_times()[:2]) for process in (here, *here.children(recursive=True)))


def memory() -> None:
    """Print how far the process grows while large arguments of a generator pass."""
    from nbcache import cache_data

    cached = cache_data(persist="disk", show_spinner=False)(total)

    def pieces() -> Iterator[Any]:
        for number in range(MANY):
            yield np.full(LARGE // 8, float(number))

    runs: dict[str, Callable[[], Any]] = {
        "joblib.Parallel": lambda: joblib.Parallel(n_jobs=JOBS)(joblib.delayed(total)(one) for one in pieces()),
        "foo.map, all misses": lambda: cached.map(pieces(), n_jobs=JOBS, progress=False),
        "foo.map, all hits": lambda: cached.map(pieces(), n_jobs=JOBS, progress=False),
    }
    for name, run in runs.items():
        print(f"peak  {name:26} {peak(run):9.0f} MB for {MANY} arguments of {LARGE >> 20} MB")


def peak(run: Callable[[], Any]) -> float:
    """By how many MB this process grew at most, without what it shares with others."""
    import psutil

    process, seen, over = psutil.Process(), [0], threading.Event()

    def watch() -> None:
        while not over.wait(0.01):
            seen[0] = max(seen[0], process.memory_full_info().uss)

    before = process.memory_full_info().uss
    thread = threading.Thread(target=watch)
    thread.start()
    run()
    over.set()
    thread.join()
    return (seen[0] - before) / 2**20


if __name__ == "__main__":
    main()

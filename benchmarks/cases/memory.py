"""What hits cost in memory and in open files. Linux only: the numbers are read from /proc."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import work
from systems import System

from .case import Case

SIZE = 1000
PROCESSES = 4


def _on_linux(system: System) -> bool:
    return sys.platform == "linux"


def _status(name: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return float(line.split()[1]) * 1024
    return float("nan")


def _pss() -> float:
    for line in Path("/proc/self/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return float(line.split()[1]) * 1024
    return float("nan")


def _peak_of_a_hit(system: System, folder: Path) -> dict[str, float]:
    cached = system.decorate(work.array, folder)
    cached(SIZE)
    cached(SIZE)
    before = _status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    value = cached(SIZE)
    return {"time": max(0.0, _status("VmHWM") - before), "elements": float(len(value))}


def _prepare(system: System, folder: Path) -> None:
    system.decorate(work.array, folder)(SIZE)


def _shared_by_processes(system: System, folder: Path) -> dict[str, float]:
    """The sum over processes that each hold a hit and have read all of it."""
    reader = [sys.executable, sys.argv[0], "--reader", system.name, str(folder)]
    readers = [
        subprocess.Popen(reader, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(PROCESSES)
    ]
    total = 0.0
    for process in readers:
        assert process.stdout is not None
        process.stdout.readline()  # this one has read everything
    for process in readers:
        # All hold their values while each counts its share.
        total += _ask(process)
    for process in readers:
        process.communicate("\n")
    return {"time": total}


def _ask(process: subprocess.Popen[str]) -> float:
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    return float(process.stdout.readline())


def read_and_count(system: System, folder: Path) -> None:
    before = _pss()
    value = system.decorate(work.array, folder)(SIZE)
    value.sum()
    print("read", flush=True)
    sys.stdin.readline()
    print(max(0.0, _pss() - before), flush=True)
    sys.stdin.readline()


def _descriptors_of_live_hits(system: System, folder: Path) -> dict[str, float]:
    cached = system.decorate(work.array, folder)
    cached(8)
    before, resident, alive = len(os.listdir("/proc/self/fd")), _status("VmRSS"), []
    # Where hits are copies, 80 GB would not fit: such a system is measured with what fits in 2 GB.
    while len(alive) < 10_000 and (len(alive) % 50 or _status("VmRSS") - resident < 2e9):
        alive.append(cached(8))
    return {"time": float(len(os.listdir("/proc/self/fd")) - before), "alive": float(len(alive))}


CASES = [
    Case("memory added by a hit, 1 GB", "T11", _peak_of_a_hit, takes_part=_on_linux, unit="B",
         in_quick=False, rounds=1),
    Case("memory of 4 processes that read 1 GB", "T11", _shared_by_processes, _prepare, in_quick=False, rounds=1,
         takes_part=lambda system: system.on_disk and _on_linux(system), unit="B"),
    Case("open files of 10,000 live hits", "T11", _descriptors_of_live_hits, rounds=1, unit="",
         takes_part=lambda system: system.module == "nbcache" and _on_linux(system)),
]  # fmt: skip

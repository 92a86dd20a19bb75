"""How often a function runs when many ask for the same cold result at once. The right answer is once."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from pathlib import Path

import work
from systems import System

from .case import Case

THREADS = 8
PROCESSES = 4


def _executions(folder: Path) -> Path:
    file = folder / "executions"
    os.environ["BENCHMARK_EXECUTIONS"] = str(file)
    return file


def _threads(system: System, folder: Path) -> dict[str, float]:
    file, cached, barrier = _executions(folder), system.decorate(work.slow, folder), threading.Barrier(THREADS)

    def ask() -> None:
        barrier.wait()
        cached(1)

    threads = [threading.Thread(target=ask) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"time": float(file.stat().st_size)}


def _tasks(system: System, folder: Path) -> dict[str, float]:
    file, cached = _executions(folder), system.decorate(work.slow_task, folder)

    async def ask() -> None:
        await asyncio.gather(*(cached(1) for _ in range(THREADS)))

    asyncio.run(ask())
    return {"time": float(file.stat().st_size)}


def _processes(system: System, folder: Path) -> dict[str, float]:
    file = _executions(folder)
    asker = [sys.executable, sys.argv[0], "--asker", system.name, str(folder)]
    askers = [subprocess.Popen(asker, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(PROCESSES)]
    for process in askers:
        assert process.stdout is not None
        process.stdout.readline()  # imported and decorated, ready to ask
    for process in askers:
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.flush()
    for process in askers:
        process.communicate(timeout=120)
    return {"time": float(file.stat().st_size)}


def ask(system: System, folder: Path) -> None:
    cached = system.decorate(work.slow, folder)
    print("ready", flush=True)
    sys.stdin.readline()
    cached(1)


CASES = [
    Case("executions asked by 8 threads", "T12", _threads, unit="", rounds=3),
    Case("executions asked by 8 tasks", "T12", _tasks, unit="", rounds=3,
         takes_part=lambda system: system.supports_async),
    Case("executions asked by 4 processes", "T12", _processes, unit="", rounds=3,
         takes_part=lambda system: system.on_disk),
]  # fmt: skip

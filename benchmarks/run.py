"""Measure nbcache beside its peers and beside the limits of the machine, in one interleaved run.

python benchmarks/run.py                     everything: half an hour a round, five rounds
python benchmarks/run.py --quick             no gigabytes: some fifteen minutes a round, three rounds
python benchmarks/run.py --only T1,T3 --systems "nbcache,joblib mmap"

Each (case, system) runs in a process of its own, and the systems take turns within each round; the table shows
medians. The text goes to the screen and to benchmarks/results/, with the numbers as JSON and a picture beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PROCESS_SECONDS = 90.0
LARGE = 1 << 20

Numbers = dict[str, list[float]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="leave out what moves gigabytes")
    parser.add_argument("--rounds", type=int, help="how often each is measured (5; 3 with --quick)")
    parser.add_argument("--only", help='rows or parts of names, separated by commas, such as "T1,T3" or "argument"')
    parser.add_argument("--systems", help='names separated by commas, such as "nbcache,joblib mmap"')
    parser.add_argument("--folder", type=Path, help="where entries are written; a folder on a real disk, not tmpfs")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="where the results go")
    parser.add_argument("--report", type=Path, help="show results.json of an earlier run again")
    parser.add_argument("--page", type=Path, help="a page whose table is replaced, such as docs/speed.md")
    # What follows is used between this program's own processes.
    for flag, parts in (("--worker", 4), ("--limits", 1), ("--reader", 2), ("--asker", 2)):
        parser.add_argument(flag, nargs=parts, help=argparse.SUPPRESS)
    options = parser.parse_args()

    if options.worker:
        return work(*options.worker)
    if options.reader or options.asker:
        return join_in(options)
    if options.limits:
        from limits import measure

        print(json.dumps(measure(Path(options.limits[0]), options.quick)))
        return 0
    results = json.loads(options.report.read_text()) if options.report else run_all(options)
    from report import write

    write(results, options.out, options.page)
    return 0


def run_all(options: argparse.Namespace) -> dict[str, Any]:
    """Every chosen case for every chosen system, round after round."""
    from cases import CASES
    from report import save
    from systems import SYSTEMS

    rounds = options.rounds or (3 if options.quick else 5)
    chosen = [SYSTEMS[name] for name in options.systems.split(",")] if options.systems else list(SYSTEMS.values())
    cases = [
        case
        for case in CASES.values()
        if (case.in_quick or not options.quick) and (not options.only or _named(case, options.only.split(",")))
    ]
    root = Path(tempfile.mkdtemp(prefix="nbcache-benchmark-", dir=options.folder))
    numbers: dict[str, dict[str, Numbers]] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    limits: Numbers = defaultdict(list)
    failures: dict[str, str] = {}
    started = time.perf_counter()

    def results() -> dict[str, Any]:
        return {
            "quick": options.quick, "rounds": rounds, "seconds": time.perf_counter() - started,
            "cases": numbers, "limits": limits, "failures": failures,
        }  # fmt: skip

    try:
        for turn in range(rounds):
            for name, value in _limits(root, options.quick).items():
                limits[name].append(value)
            for case in cases:
                if turn >= (case.rounds or rounds):
                    continue
                systems = [system for system in chosen if case.takes_part(system)]
                random.shuffle(systems)
                _show(f"round {turn + 1} of {rounds}, {time.perf_counter() - started:4.0f} s: {case.name}")
                for system in systems:
                    if f"{case.name} / {system.name}" in failures:
                        continue
                    found, failure = _one(case, system.name, root)
                    if failure:
                        failures[f"{case.name} / {system.name}"] = failure
                    for metric, value in found.items():
                        numbers[case.name][system.name][metric].append(value)
                # A run that is broken off has not been for nothing: --report shows it.
                save(results(), options.out)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    _show("")
    return results()


def _named(case: Any, words: list[str]) -> bool:
    # Which systems isolate decides which of them are compared, whatever was asked for.
    rows = {"isolation", *words}
    return case.row in rows or any(word in case.name for word in words if not word[1:].isdigit())


def _one(case: Any, system: str, root: Path) -> tuple[dict[str, float], str]:
    """One case for one system, in a fresh process and a fresh folder."""
    folder = Path(tempfile.mkdtemp(dir=root))
    try:
        for phase in ("prepare", "measure") if case.prepare else ("measure",):
            command = [sys.executable, __file__, "--worker", case.name, system, str(folder), phase]
            code, shown, errors = _ended(command)
            if code:
                return {}, (errors.strip().splitlines() or [f"exit code {code}"])[-1][:200]
        return json.loads(shown.splitlines()[-1]), ""
    except subprocess.TimeoutExpired:
        return {}, f"longer than {PROCESS_SECONDS:.0f} s"
    finally:
        _make_room(folder)


def _ended(command: list[str]) -> tuple[int, str, str]:
    """Run a command; where it takes too long, end it with the processes that it has started."""
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, cwd=HERE, start_new_session=True)
    try:
        shown, errors = process.communicate(timeout=PROCESS_SECONDS)
    except BaseException:
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.communicate()
        raise
    return process.returncode, shown, errors


def _make_room(folder: Path) -> None:
    """Delete the large files of a case now; small ones stay until the end of the run.

    After thousands of files were deleted, ext4 needs up to ten times as long to make one, for minutes: whoever comes
    next would pay for it.
    """
    for place, _, names in os.walk(folder):
        for path in (os.path.join(place, name) for name in names):
            if os.path.isfile(path) and os.path.getsize(path) >= LARGE:
                os.unlink(path)


def _limits(root: Path, quick: bool) -> dict[str, float]:
    command = [sys.executable, __file__, "--limits", str(root), *(["--quick"] if quick else [])]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=HERE)
    numbers: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return numbers


def work(case: str, system: str, folder: str, phase: str) -> int:
    """The part of a worker process: prepare or measure, and print the numbers."""
    from cases import CASES
    from systems import SYSTEMS

    settle(Path(folder))
    chosen = CASES[case]
    if phase == "prepare":
        assert chosen.prepare is not None
        chosen.prepare(SYSTEMS[system], Path(folder))
        return 0
    numbers = chosen.measure(SYSTEMS[system], Path(folder))
    sys.stdout.flush()
    print("\n" + json.dumps(numbers))
    return 0


def join_in(options: argparse.Namespace) -> int:
    """The part of a process that another case's process started beside itself."""
    from cases import memory, stampede
    from systems import SYSTEMS

    system, folder = options.reader or options.asker
    settle(Path(folder))
    (memory.read_and_count if options.reader else stampede.ask)(SYSTEMS[system], Path(folder))
    return 0


def settle(folder: Path) -> None:
    """Keep what a system writes beside its cache (its home, its settings) inside the folder of this run."""
    os.environ["HOME"] = os.environ["XDG_CACHE_HOME"] = str(folder)
    os.chdir(folder)


def _show(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
    elif text:
        print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

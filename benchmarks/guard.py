"""Compare the hits of two commits in one run, and fail where one became slower by a tenth.

python benchmarks/guard.py main                 main beside the files as they lie here
python benchmarks/guard.py main HEAD --only T1  two commits, some rows

Both are measured by the cases of this tree, in processes that take turns; of each row the round of least processor time
counts. A row that lost is measured again, because a busy machine is slow for moments, before it counts as lost.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
ROWS = ("T1", "T2", "T3", "T4", "T5", "T6", "T7", "T8", "T9", "T16")
SYSTEMS = ("nbcache", "nbcache disk")
ALLOWED = 1.10
#: Seconds; what is less is noise, whatever part of a row it is.
SMALLEST_LOSS = 1e-8
#: How often rows that lost are measured anew.
AGAIN = 3

Times = dict[str, float]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", nargs="?", default="main", help="a commit (main)")
    parser.add_argument("after", nargs="?", help="another commit; the files of this tree if it is left out")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured (3)")
    parser.add_argument("--only", help='rows or parts of names, separated by commas, such as "T1,array"')
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        return work(options.worker[0], options.worker[1].split("\n"))
    with tempfile.TemporaryDirectory(prefix="nbcache-guard-") as place:
        trees = [files_of(options.before, Path(place, "before"))]
        trees.append(files_of(options.after, Path(place, "after")) if options.after else ROOT)
        return compare(trees, chosen(options.only), options.rounds)


def files_of(commit: str, folder: Path) -> Path:
    """The files of a commit, in a folder of their own."""
    folder.mkdir()
    archive = subprocess.run(["git", "archive", commit, "nbcache"], cwd=ROOT, capture_output=True, check=True)
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive.stdout, check=True)
    return folder


def chosen(only: str | None) -> list[str]:
    """The names of the cases that are hits of one process and move no gigabytes."""
    from cases import CASES

    words = only.split(",") if only else list(ROWS)
    return [
        case.name
        for case in CASES.values()
        if case.row in ROWS and case.in_quick and case.prepare is None
        if case.row in words or any(word in case.name for word in words if not word[1:].isdigit())
    ]


def compare(trees: list[Path], names: list[str], rounds: int) -> int:
    """Measure both, say what became of each row, and return how many became slower."""
    best: list[Times] = [{}, {}]
    left = names
    for _ in range(1 + AGAIN):
        for _ in range(rounds):
            for tree, times in zip(trees, best, strict=True):
                for row, seconds in measured(tree, left):
                    times[row] = min(seconds, times.get(row, seconds))
        slower = set(lost(*best))
        left = [name for name in names if any(row.split(" | ")[1].startswith(name) for row in slower)]
        if not left:
            break
    from units import duration

    print(f"{'row':<64}{'before':>10}{'after':>10}{'ratio':>8}")
    # A difference of two times that is less than nothing is counted as none, and has no ratio.
    for row in sorted(row for row in best[0].keys() & best[1].keys() if best[0][row]):
        before, after = best[0][row], best[1][row]
        verdict = "  SLOWER" if row in slower else ""
        print(f"{row:<64}{duration(before):>10}{duration(after):>10}{after / before:>8.2f}{verdict}")
    print(f"\n{len(slower)} of {len(best[1])} rows became slower by more than a tenth.")
    return 1 if slower else 0


def lost(before: Times, after: Times) -> Iterator[str]:
    """The rows that became slower."""
    for row in before.keys() & after.keys():
        if after[row] > ALLOWED * before[row] and after[row] - before[row] > SMALLEST_LOSS:
            yield row


def measured(tree: Path, names: list[str]) -> Iterator[tuple[str, float]]:
    """One round of some cases with the nbcache of a tree, in a process for each tier."""
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    for system in SYSTEMS:
        command = [sys.executable, __file__, "--worker", system, "\n".join(names)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=HERE)
        if done.returncode:
            raise SystemExit(f"{tree}, {system}: {done.stderr.strip()}")
        found: Times = json.loads(done.stdout.splitlines()[-1])
        yield from ((f"{system} | {row}", seconds) for row, seconds in found.items())


def work(system: str, names: list[str]) -> int:
    """The part of a worker process: measure, and print the seconds of each row."""
    import timing
    from cases import CASES
    from run import settle
    from systems import SYSTEMS as ALL

    import nbcache
    from nbcache import registry

    assert Path(nbcache.__file__).parents[1] == Path(os.environ["PYTHONPATH"])
    timing.clock = time.process_time
    found: Times = {}
    with tempfile.TemporaryDirectory() as folder:
        settle(Path(folder))
        for name in names:
            if not CASES[name].takes_part(ALL[system]):
                continue
            registry.replace_cache(None)  # no case shall find what another one left
            for metric, seconds in CASES[name].measure(ALL[system], Path(folder)).items():
                if metric != "empty":
                    found[name if metric == "time" else f"{name}: {metric}"] = seconds
        os.chdir(HERE)
    print("\n" + json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Check notebooks: `python3 dev.py check-notebook NOTEBOOK.ipynb ... [--min-time 500ms] [--full] [--times] [--cpu]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .comparison import Comparison, compare
from .processes import Processes

_OURS = Path(__file__).resolve().parents[2] / "cells" / "notebooks"


def main() -> int:
    parser = argparse.ArgumentParser(prog="check-notebook", description="Compare notebooks with and without nbcache.")
    parser.add_argument("notebooks", nargs="*", type=Path, help="notebooks; none: those of the tests")
    parser.add_argument("--min-time", default="500ms", help="cache cells that take longer (500ms)")
    parser.add_argument("--full", action="store_true", help="the notebooks of the tests at their full size")
    parser.add_argument("--times", action="store_true", help="measure only, and compare nothing")
    parser.add_argument("--cpu", action="store_true", help="time of the processor, where other programs run as well")
    parser.add_argument("--seed", type=int, default=0, help="which literal is edited")
    given = parser.parse_args()
    paths = given.notebooks or sorted(_OURS.glob("*.txt"))
    done = []
    loaded = () if any(path.suffix == ".ipynb" for path in paths) else None
    with _processes(1, loaded, given.cpu) as plain, _processes(2, loaded, given.cpu) as cached:
        for path in paths:
            twice = path.suffix == ".ipynb"
            how = {"least": given.min_time, "full": given.full, "seed": given.seed, "times": given.times}
            one = compare(path, plain, cached, twice=twice, **how)
            done.append(one)
            _print(one)
    slow, saved = (sum(part) for part in zip(*(one.saved(0.5) for one in done), strict=True))
    differences = sum(len(one.differences) for one in done)
    print(f"\n{len(done)} notebooks, {differences} differences.")
    if slow:
        count = sum(len(one.slow(0.5)) for one in done)
        hits = sum(one.outcomes[number][0] == "hit" for one in done for number in one.slow(0.5))
        share = f"{hits} restored, {saved / slow:.0%} of the time saved"
        print(f"{count} cells of 0.5 s or more, {slow:.1f} s in all: {share}.")
    total = sum(sum(one.plain) for one in done)
    cold, restart = sum(sum(one.cold) for one in done), sum(sum(one.restart) for one in done)
    print(f"All cells: plain {total:.1f} s, cold {cold:.1f} s, after a restart {restart:.1f} s.")
    return 1 if differences else 0


def _processes(seed: int, loaded: tuple[str, ...] | None, busy: bool) -> Processes:
    return Processes(seed, busy=busy) if loaded is None else Processes(seed, loaded, busy)


def _print(one: Comparison) -> None:
    slow, saved = one.saved(0.5)
    share = f"{saved / slow:4.0%} of {slow:5.1f} s saved" if slow else "no slow cell"
    times = "  ".join(f"{way} {sum(getattr(one, way)):6.1f} s" for way in ("plain", "cold", "restart"))
    print(f"{one.name:40} {times}  {share}")
    for number in one.slow(0.5):
        outcome, reason = one.outcomes[number]
        if outcome == "hit":
            took = f"{one.plain[number]:.1f} s plain, {one.cold[number]:.1f} s cold"
            print(f"    cell {number} ({took}) restored in {one.restart[number]:.1f} s")
        else:
            why = reason or one.stored[number][1]
            print(f"    cell {number} ({one.plain[number]:.1f} s) {outcome or 'not watched'}: {why}")
    for text in one.differences:
        print("  DIFFERENT", text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

"""What was aimed at, as ratios within one run, and whether it was reached."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass

Table = dict[str, dict[str, float]]


@dataclass(frozen=True)
class Run:
    """One run's numbers, as the targets ask for them; what was not measured is NaN."""

    table: Table
    limits: dict[str, float]
    fair: Set[str]

    def of(self, row: str, system: str = "nbcache") -> float:
        return self.table.get(row, {}).get(system, math.nan)

    def wrappers(self, row: str, system: str = "nbcache") -> float:
        return self.of(row, system) / self.of(f"{row}: empty", system)

    def best_peer(self, row: str) -> float:
        """The best peer that isolates and does not hand out another argument's result."""
        stale = self.table.get(f"{row.split(': again')[0]}: stale", {})
        values = [v for name, v in self.table.get(row, {}).items() if name in self.fair and not stale.get(name)]
        return min(values, default=math.nan)

    def faster(self, row: str, system: str = "nbcache") -> float:
        return self.best_peer(row) / self.of(row, system)

    def limit(self, name: str) -> float:
        return self.limits.get(name, math.nan)


@dataclass(frozen=True)
class Target:
    """A bound: at most so much, or at least so much."""

    row: str
    what: str
    value: Callable[[Run], float]
    at_most: float = math.inf
    at_least: float = -math.inf

    def line(self, run: Run) -> str:
        value = self.value(run)
        bound = f"<= {self.at_most:g}" if self.at_most < math.inf else f">= {self.at_least:g}"
        verdict = "reached" if self.at_least <= value <= self.at_most else "MISSED"
        return f"{self.row:<6}{self.what:<66}{bound:>10}{value:>10.3g}  {verdict}"


def _worse(ratio: Callable[[str], float]) -> float:
    """The larger of the two tiers' ratios."""
    return max((ratio("nbcache"), ratio("nbcache disk")), key=lambda value: -math.inf if math.isnan(value) else value)


def _xxh3(run: Run) -> float:
    return 256e6 / run.limit("xxh3-128 of 256 MB")


TARGETS = [
    Target("T1", "int hit, in empty wrappers", lambda r: r.wrappers("int"), at_most=2),
    Target("T1", "int hit, times faster than the best isolating peer", lambda r: r.faster("int"), at_least=100),
    Target("T1", "with 3 dependencies, in empty wrappers", lambda r: r.wrappers("int, 3 dependencies"), at_most=3),
    Target("T1", "with 20 dependencies, in empty wrappers", lambda r: r.wrappers("int, 20 dependencies"), at_most=8),
    Target("T2", "dict of 20, in empty wrappers", lambda r: r.wrappers("dict of 20"), at_most=4),
    Target("T2", "nested dict, microseconds over pickle.loads",
           lambda r: 1e6 * (r.of("nested dict of 20") - r.limit("pickle.loads of a nested dict")), at_most=1),
    Target("T3", "array of 1 GB, microseconds, both tiers",
           lambda r: _worse(lambda s: 1e6 * r.of("array 1 GB", s)), at_most=50),
    Target("T3", "array of 1 GB, times faster than joblib mmap",
           lambda r: r.of("array 1 GB", "joblib mmap") / r.of("array 1 GB"), at_least=10),
    Target("T3", "latency at 1 GB over that at 8 MB", lambda r: r.of("array 1 GB") / r.of("array 8 MB"), at_most=2),
    Target("T4", "hit and read 1 GB, over reading a resident array, both tiers",
           lambda r: _worse(lambda s: r.of("array 1 GB, read all", s)
                            / r.limit("read a resident array of 1 GB")), at_most=1.2),
    *(Target("T5", f"hit and write {size}, over the best peer",
             lambda r, row=f"array {size}, write all": _worse(lambda s: r.of(row, s) / r.best_peer(row)), at_most=1.1)
      for size in ("8 MB", "256 MB", "1 GB")),
    Target("T5", "the last with copy=True, over joblib without a map",
           lambda r: _worse(lambda s: r.of("array 1 GB, write all: copied", s)
                            / r.of("array 1 GB, write all", "joblib")), at_most=1.3),
    Target("T6", "frame, microseconds, both tiers",
           lambda r: _worse(lambda s: 1e6 * r.of("frame 1e6 x 8", s)), at_most=50),
    Target("T6", "frame, times faster than the best isolating peer", lambda r: r.faster("frame 1e6 x 8"), at_least=20),
    Target("T7", "frame of strings, times faster", lambda r: r.faster("frame of 1e6 strings"), at_least=100),
    Target("T7", "polars, times faster", lambda r: r.faster("polars 1e6 x 5"), at_least=1000),
    Target("T8", "1e5 objects, over pickle.loads without the collector",
           lambda r: _worse(lambda s: r.of("1e5 small objects", s)
                            / r.limit("pickle.loads of 1e5 objects, no collector")), at_most=0.5),
    Target("T9", "array of 256 MB as argument, share of xxh3's speed",
           lambda r: 256e6 / r.of("argument: array 256 MB") / _xxh3(r), at_least=0.5),
    Target("T9", "array of 8 MB as argument, times faster", lambda r: r.faster("argument: array 8 MB"), at_least=10),
    Target("T9", "frame as argument, times faster", lambda r: r.faster("argument: frame 1e6 x 8"), at_least=10),
    Target("T9", "frame of strings as argument, times faster",
           lambda r: r.faster("argument: frame of 1e6 strings"), at_least=10),
    Target("T9", "polars as argument, times faster", lambda r: r.faster("argument: polars 1e6 x 5"), at_least=10),
    Target("T9", "list of 1e5 ints as argument, times faster",
           lambda r: r.faster("argument: list of 1e5 ints"), at_least=1),
    Target("T9", "nested dict as argument, times faster",
           lambda r: r.faster("argument: nested dict of 1e4"), at_least=1),
    Target("T9", "arguments that got a stale result",
           lambda r: sum(r.of(row) for row in r.table if row.endswith(": stale")) if r.of("argument: array 8 MB") > 0
           else math.nan, at_most=0),
    Target("T10", "first cold hit of an int, ms", lambda r: 1e3 * r.of("cold: int", "nbcache disk"), at_most=0.5),
    Target("T10", "next cold keys, ms", lambda r: 1e3 * r.of("cold: int: next key", "nbcache disk"), at_most=0.1),
    Target("T10", "first cold hit of 1 GB, over joblib mmap",
           lambda r: r.of("cold: array 1 GB", "nbcache disk") / r.of("cold: array 1 GB", "joblib mmap"), at_most=1.5),
    Target("T10", "second hit of 1 GB, times faster than joblib mmap",
           lambda r: r.of("cold: array 1 GB: again", "joblib mmap")
           / r.of("cold: array 1 GB: again", "nbcache disk"), at_least=5),
    Target("T11", "memory added by a hit on 1 GB, MB",
           lambda r: _worse(lambda s: r.of("memory added by a hit, 1 GB", s) / 1e6), at_most=20),
    Target("T11", "memory of 4 processes that read 1 GB, GB",
           lambda r: r.of("memory of 4 processes that read 1 GB", "nbcache disk") / 1e9, at_most=1.1),
    Target("T11", "open files of 10,000 live hits",
           lambda r: _worse(lambda s: r.of("open files of 10,000 live hits", s)), at_most=100),
    *(Target("T12", f"executions asked by {who}",
             lambda r, who=who: _worse(lambda s: r.of(f"executions asked by {who}", s)), at_most=1)
      for who in ("8 threads", "8 tasks", "4 processes")),
    Target("T13", "import in a warm kernel, ms", lambda r: 1e3 * r.of("import"), at_most=6),
    Target("T13", "modules it brings beyond its own", lambda r: r.of("import: other modules"), at_most=10),
    Target("T13", "%load_ext in a warm kernel, ms", lambda r: 1e3 * r.of("%load_ext"), at_most=15),
    Target("T14", "miss of an int in memory, microseconds", lambda r: 1e6 * r.of("miss: int"), at_most=20),
    Target("T14", "miss of an int on disk, over joblib",
           lambda r: r.of("miss: int", "nbcache disk") / r.of("miss: int", "joblib"), at_most=0.5),
    Target("T14", "miss of 256 MB on disk, over one raw write",
           lambda r: r.of("miss: array 256 MB", "nbcache disk") / r.limit("write a file of 256 MB"), at_most=1.2),
    Target("T15", "hit in memory among 1e5 entries, microseconds",
           lambda r: 1e6 * r.of("hit among 1e5 entries"), at_most=3),
    Target("T15", "clear one of 1e5 entries, ms, both tiers",
           lambda r: _worse(lambda s: 1e3 * r.of("hit among 1e5 entries: clear one", s)), at_most=0.2),
    Target("T15", "list 1e5 entries, s, both tiers",
           lambda r: _worse(lambda s: r.of("hit among 1e5 entries: listing", s)), at_most=0.5),
    Target("T15", "list 1e5 entries of an earlier process, s",
           lambda r: r.of("listing of 1e5 entries, new process", "nbcache disk"), at_most=0.3),
    Target("T15", "disk for a tiny entry, bytes",
           lambda r: r.of("hit among 1e5 entries: disk", "nbcache disk"), at_most=1024),
    Target("T15", "memory for a tiny entry, bytes", lambda r: r.of("hit among 1e5 entries: memory"), at_most=1024),
    Target("cells", "30 cells after a restart, over their first run",
           lambda r: r.of("30 cells after a restart") / r.of("30 cells after a restart: first run"), at_most=0.1),
    Target("cells", "a print in a kernel that is recorded, over a plain one",
           lambda r: r.of("a print in a kernel") / r.of("a print in a kernel: plain"), at_most=2),
    *(
        Target("cells", f"automatic caching: {row}, over plain ones",
               lambda r, row=row: r.of(row) / r.of(f"{row}: plain"), at_most=bound)
        for row, bound in (
            ("1,000 tiny cells", 1.15), ("a print that automatic caching watches", 1.3),
            ("cells over 2 GB of inputs", 1.1),
        )
    ),
    Target("cells", "automatic caching: a cell among 5,000 names, ms more",
           lambda r: 10 * (r.of("cells among 5,000 names") - r.of("cells among 5,000 names: plain")), at_most=20),
    Target("panel", "opens on 1e5 entries, s, both tiers",
           lambda r: _worse(lambda s: r.of("panel, 1e5 entries", s)), at_most=1),
    Target("panel", "opens on 1e5 entries of an earlier kernel, s",
           lambda r: r.of("panel, 1e5 of an earlier kernel", "nbcache disk"), at_most=1),
    *(
        Target("T16", f"a hit that asks for {what}, microseconds over a plain one",
               lambda r, name=name: 1e6 * r.of(f"hit with observations: {name}"), at_most=bound)
        for what, name, bound in (
            ("an environment variable", "variable", 1), ("a file with its old times", "file", 3),
            ("a generator", "generator", 15), ("numpy's generator", "generator of numpy", 15),
            ("numpy's options", "options of numpy", 5), ("decimal's options", "options of decimal", 5),
        )
    ),
    Target("T16", "a run of 10 ms that opens 100 files, recorded over plain",
           lambda r: r.of("run that opens 100 files"), at_most=1.05),
    Target("panel", "opens on 1e5 entries without anywidget, s",
           lambda r: r.of("panel, 1e5, no anywidget"), at_most=1),
    Target("panel", "first bytes, KB, both tiers",
           lambda r: _worse(lambda s: r.of("panel, 1e5 entries: bytes", s) / 1e3), at_most=200),
    Target("panel", "first bytes without anywidget, KB",
           lambda r: r.of("panel, 1e5, no anywidget: bytes") / 1e3, at_most=200),
    Target("panel", "a slow frame while scrolling 1e4 rows, ms, both tiers",
           lambda r: _worse(lambda s: 1e3 * r.of("panel, 1e5 entries: frame, slowest of 20", s)), at_most=34),
]  # fmt: skip


def judged(table: Table, limits: dict[str, float], fair: Set[str]) -> Iterator[str]:
    """A line for each target that was measured: the bound, the figure, and whether it was reached."""
    run = Run(table, limits, fair)
    return (target.line(run) for target in TARGETS if not math.isnan(target.value(run)))

"""The results as text: each row with every system, its ratio, and what was aimed at."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cases import CASES
from plot import draw
from speed_page import renewed, table
from systems import SYSTEMS, ours, peers
from targets import judged
from units import duration, shown, times, unit_of

Table = dict[str, dict[str, float]]


def write(results: dict[str, Any], out: Path, page: Path | None = None) -> None:
    """Print the table; keep it, its numbers and its picture in a folder; put it into a page, where one is given."""
    text = "\n".join(lines(results))
    print(text)
    save(results, out)
    (out / "results.txt").write_text(text + "\n", encoding="utf-8")
    numbers, fair = medians(results), isolating(results)
    draw(numbers, fair, out / "results.png")
    wrapper = statistics.median(results["limits"]["empty wrapper"])
    rows = list(table(numbers, fair, wrapper))
    (out / "results.md").write_text("\n".join(rows) + "\n", encoding="utf-8")
    print(f"\nWritten to {out}: results.txt, results.json, results.png, and results.md for docs/speed.md")
    if page is not None:
        page.write_text(renewed(page.read_text(encoding="utf-8"), rows), encoding="utf-8")
        print(f"The table of {page} is that of this run; the README shows five of its rows.")


def save(results: dict[str, Any], out: Path) -> None:
    """Keep the numbers alone."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "results.json").write_text(json.dumps(results, indent=1), encoding="utf-8")


def medians(results: dict[str, Any]) -> Table:
    """The median of each number; the row is the case, or the case and the number's name."""
    table: Table = {}
    for case, systems in results["cases"].items():
        for system, numbers in systems.items():
            for metric, values in numbers.items():
                row = case if metric == "time" else f"{case}: {metric}"
                table.setdefault(row, {})[system] = statistics.median(values)
    return table


def isolating(results: dict[str, Any]) -> set[str]:
    """The peers whose results a caller may change; all of them where that was not measured."""
    leaks = medians(results).get("leaks of a changed result (of 4)", {})
    return {name for name in peers if not leaks.get(name)}


def lines(results: dict[str, Any]) -> Iterator[str]:
    table, fair = medians(results), isolating(results)
    limits = {name: statistics.median(values) for name, values in results["limits"].items()}
    names = [name for name in SYSTEMS if any(name in row for row in table.values())]
    yield f"Medians of up to {results['rounds']} rounds{' (--quick)' if results['quick'] else ''}."
    yield "Each case and system runs in a process of its own; * marks systems that hand out shared results."
    yield ""
    yield "What this machine can do"
    for name, value in limits.items():
        yield f"  {name:<44}{duration(value):>10}"
    heads = [name + ("" if name in ours or name in fair else "*") for name in names]
    widths = [max(9, len(head) + 2) for head in heads]
    row_before = ""
    for row, values in table.items():
        case = CASES[row if row in CASES else row.rsplit(": ", 1)[0]]
        metric = "" if row in CASES else row.rsplit(": ", 1)[1]
        if metric in ("empty", "stale", "elements"):
            continue
        if case.row != row_before:
            yield ""
            titles = "".join(f"{head:>{width}}" for head, width in zip(heads, widths, strict=True))
            yield f"{case.row:<42}{titles}   over the best peer: memory / disk"
            row_before = case.row
        unit = unit_of(case.unit, metric)
        cells = []
        for name, width in zip(names, widths, strict=True):
            stale = table.get(f"{case.name}: stale", {}).get(name)
            cell = shown(values[name], unit) if name in values else "-"
            cells.append(f"{cell + ('!' if stale and not metric else ''):>{width}}")
        ratios = "" if unit == "" and metric else against(values, fair, table.get(f"{case.name}: stale", {}))
        yield f"{row[:41]:<42}" + "".join(cells) + "   " + ratios
        empty = table.get(f"{case.name}: empty")
        if empty and not metric and case.row in ("T1", "T2"):
            wrappers = [values[name] / empty[name] if name in values else math.nan for name in names]
            cells = [f"{times(value):>{width}}" for value, width in zip(wrappers, widths, strict=True)]
            yield f"{'  in empty wrappers':<42}" + "".join(cells)
    yield ""
    yield "! returned the result of another argument: its key samples, or leaves the content out"
    yield ""
    yield "What was aimed at"
    yield from (f"  {line}" for line in judged(table, limits, fair))
    if results["failures"]:
        yield ""
        yield "Not measured"
        yield from (f"  {name}: {reason}" for name, reason in results["failures"].items())


def against(values: dict[str, float], fair: set[str], stale: dict[str, float]) -> str:
    """How often ours beat the best peer that isolates and is not stale: any for memory, those on disk for disk."""
    texts = []
    for mine in ours:
        rivals = [
            value
            for name, value in values.items()
            if name in fair and not stale.get(name) and (SYSTEMS[name].on_disk or not SYSTEMS[mine].on_disk)
        ]
        if mine in values and values[mine] > 0 and rivals and min(rivals) > 0:
            ratio = min(rivals) / values[mine]
            texts.append(f"x{times(ratio)}" + (" (we lose)" if ratio < 1 else ""))
        else:
            texts.append("-")
    return " / ".join(texts) if set(texts) != {"-"} else ""

"""The results as a picture: a bar a row, to the right where nbcache is faster than the best other cache."""

from __future__ import annotations

import math
from collections.abc import Set
from pathlib import Path

from speed_page import Row, compared
from units import shown, times

FASTER, SLOWER, EVEN, GRID = "#2a7f62", "#c8553d", "#8a8f98", "#e4e6ea"
#: A ratio nearer to 1 than this is called even: one run says no more.
_EVEN = 1.1


def draw(table: dict[str, dict[str, float]], fair: Set[str], file: Path) -> None:
    """Draw every row of the page that has a fair peer."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    rows = [row for row in compared(table, fair) if row.mine > 0 and row.best > 0]
    figure, axes = plt.subplots(figsize=(10, 1.6 + 0.36 * len(rows)), layout="constrained")
    ratios = [row.best / row.mine for row in rows]
    axes.barh(range(len(rows)), [math.log10(ratio) for ratio in ratios], color=[_colour(ratio) for ratio in ratios],
              height=0.62)  # fmt: skip
    widest = max([abs(math.log10(ratio)) for ratio in ratios], default=1.0)
    for place, (row, ratio) in enumerate(zip(rows, ratios, strict=True)):
        # Always on the right, where no label is in the way.
        axes.annotate(_said(row, ratio), (max(0.0, math.log10(ratio)), place), (6, 0), textcoords="offset points",
                      va="center", fontsize=8, color=_colour(ratio))  # fmt: skip
    axes.axvline(0, color="black", linewidth=0.8)
    lowest = min([0.0, *map(math.log10, ratios)])
    steps = [step for step in range(math.floor(lowest), math.ceil(widest) + 1) if lowest <= step <= widest]
    for step in steps:
        axes.axvline(step, color=GRID, linewidth=0.6, zorder=0)
    axes.set(yticks=range(len(rows)), yticklabels=[row.label for row in rows])
    axes.set_xticks(steps, [_step(step) for step in steps], fontsize=8, color=EVEN)
    axes.xaxis.tick_top()
    axes.set_xlim(lowest - 0.1, max(lowest + 2 * widest, 1.9 * widest))
    axes.set_ylim(len(rows) - 0.4, -0.6)
    for side in ("top", "right", "bottom", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(left=False, top=False)
    axes.set_title("nbcache and the best other cache: green is where nbcache is better", fontsize=11)
    figure.savefig(file, dpi=130)
    plt.close(figure)


def _colour(ratio: float) -> str:
    if 1 / _EVEN < ratio < _EVEN:
        return EVEN
    return FASTER if ratio > 1 else SLOWER


def _step(step: int) -> str:
    """What a line across all bars stands for."""
    said = {1: " better", -1: " worse"}.get(step, "")  # of the others the place tells it, and there is no room
    return f"{10 ** abs(step):,}x{said}" if step else "equal"


def _said(row: Row, ratio: float) -> str:
    words = ("faster", "slower") if row.unit == "s" else ("less", "more")
    verdict = "equal" if ratio == 1 else f"{times(max(ratio, 1 / ratio))}x {words[ratio < 1]}"
    return f"{verdict}   ({shown(row.mine, row.unit)}; {row.rival} {shown(row.best, row.unit)})"

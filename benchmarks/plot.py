"""The results as a picture: a line for each case, a mark for each system, time on a logarithmic scale."""

from __future__ import annotations

from collections.abc import Set
from pathlib import Path

from cases import CASES
from systems import SYSTEMS, ours

MARKS = "oDs^vP*Xd<>h"


def draw(table: dict[str, dict[str, float]], fair: Set[str], file: Path) -> None:
    """Draw every case that measures a time; systems that hand out shared results are hollow."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    rows = [row for row in table if row in CASES and CASES[row].unit == "s" and len(table[row]) > 1]
    if not rows:
        return
    figure, axes = plt.subplots(figsize=(10, 1.5 + 0.3 * len(rows)), layout="constrained")
    for index, (name, mark) in enumerate(zip(SYSTEMS, MARKS, strict=True)):
        points = [(table[row][name], place) for place, row in enumerate(rows) if name in table[row]]
        if not points:
            continue
        mine = name in ours
        colour = ("#d1495b", "#7b2d3b")[ours.index(name)] if mine else plt.get_cmap("tab10")(index % 10)
        shared = not mine and name not in fair
        axes.scatter(*zip(*points, strict=True), marker=mark, s=70 if mine else 34, zorder=3 if mine else 2,
                     edgecolors=colour, facecolors="none" if shared else colour, linewidths=1.2,
                     label=name + (" (shares its results)" if shared else ""))  # fmt: skip
    axes.set(xscale="log", xlabel="seconds", yticks=range(len(rows)), yticklabels=rows)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(axis="both", alpha=0.3)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.legend(loc="outside lower center", ncols=4, frameon=False, fontsize="small")
    figure.savefig(file, dpi=130)
    plt.close(figure)

"""Numbers as the reports say them."""

from __future__ import annotations

import math


def unit_of(unit: str, metric: str) -> str:
    """The unit of a case's number, from its name where it is not the case's own."""
    if metric in ("memory", "disk") or metric.endswith("bytes"):
        return "B"
    return "" if metric in ("entries", "other modules", "alive") else unit


def shown(value: float, unit: str) -> str:
    if unit == "s":
        return duration(value)
    if unit == "B":
        return size(value)
    return f"{value:,.0f}"


def duration(seconds: float) -> str:
    for scale, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "us")):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}" if seconds / scale < 999.5 else f"{seconds / scale:,.0f} {unit}"
    return f"{seconds * 1e9:.0f} ns"


def size(count: float) -> str:
    for scale, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "KB")):
        if count >= scale:
            return f"{count / scale:.3g} {unit}"
    return f"{count:.0f} B"


def times(ratio: float) -> str:
    if math.isnan(ratio):
        return "-"
    return f"{ratio:,.0f}" if ratio >= 99.5 else f"{ratio:.3g}"

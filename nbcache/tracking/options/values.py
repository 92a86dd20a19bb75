"""What a library tells of its options: taken with care, laid flat, compared with care."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

__all__ = ["equal", "flat", "taken"]

T = TypeVar("T")


def taken(read: Callable[[], T]) -> T | None:
    """Read; None where that fails: a library's inside, which another version has in another place, or not yet."""
    try:
        return read()
    except Exception:
        return None


def flat(values: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Name what lies in nested dicts by its whole path, as in ``display.max_rows``."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        found.update(flat(value, f"{before}{name}.") if isinstance(value, dict) else {f"{before}{name}": value})
    return found


def equal(one: object, other: object) -> bool:
    """Compare; values that compare to something else than yes or no are equal to themselves only."""
    try:
        return bool(one == other)
    except Exception:
        return one is other

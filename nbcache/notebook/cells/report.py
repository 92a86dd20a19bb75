"""What became of one run of a cell."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Report"]


@dataclass(slots=True)
class Report:
    """What became of one run, for status tables.

    Attributes
    ----------
    outcome : "hit", "stored", "not cached", "failed"
    reason : why it is not cached
    seconds : how long the run took, or, for a hit, had taken
    overhead : what finding its key and restoring it took
    """

    outcome: str = "not cached"
    reason: str = ""
    seconds: float = 0.0
    overhead: float = 0.0

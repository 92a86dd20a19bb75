"""What became of one run of a cell."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["APART", "Report", "advice"]

APART = "put that into a cell of its own"
# What a reason says, and what makes the cell one that is cached.
_ADVICE = (
    (r"(\w+) cannot be stored", r"del \1 at the end of the cell, or name what to keep: %%cache_cell --outputs"),
    (r"a file it reads changed", "run the cell again when nothing writes to that file"),
    (r"it keeps .*--max-size", "raise --max-size, or keep less: %%cache_cell --outputs"),
    (r"input (\w+) cannot be read", r"leave it out of the key: %%cache_cell --ignore \1"),
    (r"it changes .* in place|it both reads and writes", "write the file as a whole, under another name"),
    (r"it shows an error", "put what fails into a cell of its own"),
    (r"it draws into", "draw in the cell that makes the figure, and compute in another"),
    (r"it removes|it writes|it makes|it may not have written", APART),
    (r"it uses the network", "put the download into a cell of its own, and save it to a file"),
    (r"it runs|it changes|it awaits", APART),
    (r"checking whether", "%%cache_cell caches it all the same"),
    (r".*(the whole|may read anything)", "name what counts: %%cache_cell --inputs"),
    (r".*waits for an answer|it shows a widget", "put the computation into a cell of its own"),
)


def advice(reason: str) -> str:
    """What to change, so that a cell is cached; empty where there is nothing to say."""
    for pattern, text in _ADVICE:
        match = re.match(pattern, reason)
        if match is not None:
            return match.expand(text)
    return ""


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

"""What a restored cell shows: its own outputs again, and one line about what came back."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import Any

from nbcache.inspection.explanation import age
from nbcache.notebook.cells.outcome import Outcome
from nbcache.notebook.display.messages import duration, listed
from nbcache.notebook.display.outputs import replay, show_result

__all__ = ["hit_line", "show_again"]


def show_again(shell: Any, recording: bytes, outcome: Outcome, *, values: bool, quiet: bool) -> None:
    """Show the outputs of a run, its last value as `Out[n]`.

    Parameters
    ----------
    values : False where another magic takes the value of the last expression
    quiet : whether a semicolon hides that value
    """
    stored = outcome.values

    def result(number: int, data: dict[str, Any], metadata: dict[str, Any]) -> None:
        if values:
            value = stored[number] if stored is not None and number < len(stored) else Unstored(data)
            show_result(value, data, metadata)

    replay(recording, "cell", result)
    if values and outcome.result is not None and not quiet:
        shell.displayhook(outcome.result)


def hit_line(outcome: Outcome, elapsed: float, seconds: float, overhead: float, written: Collection[str] = ()) -> str:
    """Say what came back, how old it is, and the time that was saved; all times in seconds.

    Parameters
    ----------
    written : the files that were put back; others that the run wrote are what they were
    """
    names = [name for name in sorted({*outcome.bound, *outcome.changed}) if name[0] != "_"]
    line = f"restored {listed(names) if names else 'its outputs'}"
    if written:
        line += f" · wrote {listed(sorted(written))} again"
    kept = {os.path.basename(one.path) for one in outcome.files if one.digest} - set(written)
    if kept:
        line += f" · {listed(sorted(kept))} unchanged"
    line += f" · computed {age(elapsed)} ago"
    if seconds > overhead:
        return f"{line} · {duration(seconds - overhead)} saved"
    return f"{line} · restoring took {duration(overhead)}, running {duration(seconds)}"


class Unstored:
    """Stands in `Out` for a value that could be shown again, but not stored."""

    def __init__(self, data: dict[str, Any]) -> None:
        self._text = str(data.get("text/plain", ""))

    def __repr__(self) -> str:
        return self._text

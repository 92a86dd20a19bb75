"""What a restored cell shows: its own outputs again, and one line about what came back."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from nbcache.inspection.wording import ago
from nbcache.notebook.cells.outcome import Outcome
from nbcache.notebook.display.messages import duration, listed
from nbcache.notebook.display.outputs import replay, show_result

__all__ = ["hit_line", "show_again", "skipped"]


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
    shown = [name for name in {*outcome.bound, *outcome.changed} if name[0] != "_"]
    names = sorted(shown, key=lambda name: (_is_code(outcome.bound.get(name)), name))
    line = f"restored {listed(names) if names else 'its outputs'}"
    if written:
        line += f" · wrote {listed(sorted(written))} again"
    kept = {os.path.basename(one.path) for one in outcome.files if one.digest} - set(written)
    if kept:
        line += f" · {listed(sorted(kept))} unchanged"
    line += f" · computed {ago(elapsed)}"
    if seconds > overhead:
        return f"{line} · {duration(seconds - overhead)} saved"
    return f"{line} · restoring took {duration(overhead)}, running {duration(seconds)}"


def skipped(effects: str, session: Sequence[str], unseeded: bool) -> list[str]:
    """The side effects of a run that a hit does not repeat, each once.

    Parameters
    ----------
    effects : what was seen of it, as reasons: "it runs git, it changes environment variables"
    session : what its text says that it changes: "os.environ['A']"
    unseeded : whether it drew random numbers that nobody has seeded
    """
    seen = [one.removeprefix("it ") for one in effects.split(", it ")] if effects else []
    if any("environ" in what for what in session):
        seen = [one for one in seen if one != "changes environment variables"]
    if unseeded:
        seen.append("draws unseeded random numbers (--rng restores them)")
    return list(dict.fromkeys([*seen, *(f"sets {what}" for what in session)]))


def _is_code(value: object) -> bool:
    """Whether it is a module, a function or a class: what readers look for last."""
    return isinstance(value, ModuleType | FunctionType | BuiltinFunctionType | type)


class Unstored:
    """Stands in `Out` for a value that could be shown again, but not stored."""

    def __init__(self, data: dict[str, Any]) -> None:
        self._text = str(data.get("text/plain", ""))

    def __repr__(self) -> str:
        return self._text

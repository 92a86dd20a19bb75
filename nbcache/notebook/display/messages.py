"""What the cache says about a cell: one quiet line, which is never recorded."""

from __future__ import annotations

import html
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from nbcache.errors import CacheWarning, explain
from nbcache.notebook.display.listeners import current_shell
from nbcache.notebook.display.quantities import count
from nbcache.notebook.display.subscriptions import unrecorded

__all__ = ["cleared", "duration", "listed", "note", "warn_about"]

_STYLE = "color:var(--jp-ui-font-color2,#777);font-size:85%;font-style:italic"


def note(text: str) -> None:
    """Show one line below the cell; in a notebook it is marked as ours in the metadata of the output."""
    shell: Any = current_shell()
    with unrecorded():
        if shell is not None and hasattr(shell.display_pub, "session"):
            bundle = {"text/plain": text, "text/html": f'<span style="{_STYLE}">{html.escape(text)}</span>'}
            shell.display_pub.publish(bundle, {"nbcache": {"note": True}})
        else:
            print(text)


def warn_about(what: str, why: str, do: str, filename: str, line: int = 1) -> None:
    """Warn about a cell, once for this run, pointing at a line of it."""
    with unrecorded():
        warnings.warn_explicit(explain(what, why, do), CacheWarning, filename, line)


def duration(seconds: float) -> str:
    """A time that passed, as people say it.

    Examples
    --------
    >>> duration(0.0123), duration(12.34), duration(2), duration(75)
    ('12 ms', '12.3 s', '2 s', '1 min 15 s')
    """
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def listed(names: Sequence[str], most: int = 4) -> str:
    """Names with commas, the long tail counted."""
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def cleared(entries: int, what: str = "", *, call: bool = False, left: Callable[[], int] = int) -> str:
    """What a clear did, in one sentence.

    Parameters
    ----------
    what : what was cleared; empty for everything
    call : whether it is one call, which has one result
    left : counts what could not be cleared, where nothing was; a warning says why

    Examples
    --------
    >>> cleared(2, "load()"), cleared(0, "load()"), cleared(1, "load(2024)", call=True)
    ('Cleared load() (2 entries).', 'load() has no cached results.', 'Cleared load(2024).')
    """
    if not entries:
        if still := left():
            return f"{_sentence(what) or 'The cache'} was not cleared: {count(still, 'entry', 'entries')} still stored."
        if not what:
            return "The cache is already empty."
        return f"{what} was not cached." if call else f"{_sentence(what)} has no cached results."
    if call and entries == 1:
        return f"Cleared {what}."
    return f"Cleared {what or 'the cache'} ({count(entries, 'entry', 'entries')})."


def _sentence(what: str) -> str:
    """A function keeps its name as it is; a word begins the sentence."""
    return what.replace("the cell ", "The cell ", 1) if what.startswith("the cell ") else what

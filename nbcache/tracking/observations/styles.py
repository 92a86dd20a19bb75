"""Does a run read matplotlib's parameters: seen where they are read, by whichever library draws.

Styles, seaborn's themes and `plt.rcParams[...]` all end up there. What counts is which of them differ from what
matplotlib comes with. A parameter that the run sets itself is its own; the others are taken as they were before.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from nbcache.hashing import hasher
from nbcache.tracking.code.bytecode import short_digest
from nbcache.tracking.observations import context
from nbcache.tracking.observations.noted_methods import note_calls
from nbcache.tracking.observations.observation import Observer

__all__ = ["PARAMETERS", "STYLES"]

_KIND = "style"
_NAME = "matplotlib"
# How figures reach the screen is the notebook's affair.
_OF_THE_SCREEN = ("backend", "interactive", "toolbar", "webagg.", "savefig.directory", "figure.max_open_warning")
_MOST_SHOWN = 6

#: What the parameters were when they were looked at last, which of them differed, and the digest of those.
_last: list[tuple[dict[str, Any], dict[str, Any], bytes]] = []
_followed: list[bool] = []


class _Parameters:
    def digest(self, name: str) -> bytes:
        return _differing()[1]

    def stamp(self, name: str) -> object:
        return None

    def label(self, name: str) -> str:
        return "style of matplotlib"

    def outline(self, name: str) -> str:
        found = _differing()[0]
        shown = [f"{name} = {hasher.summary(value, 40)}" for name, value in list(found.items())[:_MOST_SHOWN]]
        more = len(found) - len(shown)
        return ", ".join([*shown, f"and {more} more"] if more else shown) or "as it comes"


PARAMETERS = _Parameters()


def _digest(value: object) -> bytes:
    try:
        return hasher.digest(value)
    except Exception:  # what cannot be read counts by what it says of itself
        return repr(value).encode()


def _differing() -> tuple[Mapping[str, Any], bytes]:
    """The parameters that are not as matplotlib comes with them, and their digest; made anew only after a change."""
    matplotlib: Any = sys.modules.get("matplotlib")
    parameters = getattr(matplotlib, "rcParams", None)
    if parameters is None:
        return {}, short_digest(b"style")
    if _last and dict.__eq__(parameters, _last[0][0]):
        return _last[0][1:]
    now = {name: list(value) if type(value) is list else value for name, value in dict.items(parameters)}
    fresh: Any = matplotlib.rcParamsDefault
    found = {
        name: value
        for name, value in sorted(now.items())
        if not name.startswith(_OF_THE_SCREEN) and not (dict.__contains__(fresh, name) and value == fresh[name])
    }
    digest = short_digest(
        b"style", *[part for name, value in found.items() for part in (name.encode(), _digest(value))]
    )
    _last[:] = [(now, found, digest)]
    return found, digest


def _follow() -> bool:
    """Let matplotlib's parameters say when they are read and set, once it is loaded; true when they do."""
    kind: Any = getattr(sys.modules.get("matplotlib"), "RcParams", None)
    if kind is None or not hasattr(sys.modules["matplotlib"], "rcParamsDefault"):
        return False
    if not _followed:
        _followed.append(True)
        note_calls(kind, {"__getitem__": _note, "__setitem__": _note})
    return True


#: The recordings that have noted it already.
_noted: Any = None


def _note(parameters: object, *_: object, **__: object) -> None:
    """Note what the parameters were before the run could change any; setting one looks at it as well."""
    global _noted
    if parameters is not sys.modules["matplotlib"].rcParams:
        return
    recorder = context.current()
    if recorder is not None and recorder is not _noted:
        with context.unrecorded():
            digest = PARAMETERS.digest(_NAME)
        recorder.observe(_KIND, _NAME, digest)
        _noted = recorder


class _Styles:
    """Follows matplotlib from its first sight on; a run that loads it itself sees it as it comes."""

    def begin(self, observer: Observer) -> bool:
        return bool(_followed) or _follow()

    def end(self, observer: Observer, began: bool) -> None:
        global _noted
        if _noted is observer:
            _noted = None
        if not began and _follow():
            observer.observe(_KIND, _NAME, short_digest(b"style"))


STYLES = _Styles()
_follow()

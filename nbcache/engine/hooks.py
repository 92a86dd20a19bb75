"""Callables handed down from the notebook: a spinner and a recording of outputs around each computation, a panel.

The rooms below the notebook know only these callables; what stands behind them is put in place by the package's
front door, so that no lower room imports a higher one.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol


class Recorded(Protocol):
    """A recording under way, or finished."""

    def to_bytes(self) -> bytes:
        """What was recorded, as bytes; empty for nothing."""


class Silence:
    """The recording of nothing."""

    def to_bytes(self) -> bytes:
        return b""


SILENCE = Silence()
#: The context of a run of which nothing is recorded.
UNRECORDED: AbstractContextManager[Recorded] = nullcontext(SILENCE)


def _no_recording(what: str) -> AbstractContextManager[Recorded]:
    return UNRECORDED


def _no_spinner(message: str, show_time: bool) -> AbstractContextManager[object]:
    return nullcontext()


def _no_replay(recording: bytes, what: str) -> None:
    """Show nothing."""


def _no_widgets(*args: Any, **kwargs: Any) -> Any:
    raise RuntimeError("the widgets of nbcache are reached through the package itself: import nbcache")


class _Unseen:
    def advance(self, what: str) -> None:
        """Show nothing."""


def _no_progress(total: int | None) -> AbstractContextManager[Any]:
    return nullcontext(_Unseen())


class Hooks:
    """The notebook, as the rooms below it see it.

    Attributes
    ----------
    spinner : (message, show_time) to a context in which a live line may be shown
    record : "display" or "all", to a context that records outputs
    replay : shows a recording again
    panel : shows the panel of one owner, or of everything
    clear_button : builds a button that clears
    progress : given a number of calls, or None, a context in which `advance(what)` counts them on a line
    """

    __slots__ = ("clear_button", "panel", "progress", "record", "replay", "spinner")

    def __init__(self) -> None:
        self.spinner: Callable[[str, bool], AbstractContextManager[object]] = _no_spinner
        self.record: Callable[[str], AbstractContextManager[Recorded]] = _no_recording
        self.replay: Callable[[bytes, str], None] = _no_replay
        self.panel: Callable[..., Any] = _no_widgets
        self.clear_button: Callable[..., Any] = _no_widgets
        self.progress: Callable[[int | None], AbstractContextManager[Any]] = _no_progress


#: The one description of what is around this process; the front door fills it in.
hooks = Hooks()

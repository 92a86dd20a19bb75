"""Put the notebook into the engine's hooks: spinner, recording, replay, progress, and the widgets.

Every room is imported when it is first needed: most sessions load the extension long before they compute.
"""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from typing import Any, cast

from nbcache.engine.hooks import UNRECORDED, Recorded, hooks


def install() -> None:
    """Put spinner, recording, progress and widgets in place."""
    hooks.spinner = _spinner
    hooks.record = _record
    hooks.replay = _replay
    hooks.progress = _progress
    hooks.panel = _panel
    hooks.clear_button = _clear_button


def _spinner(message: str, show_time: bool) -> AbstractContextManager[object]:
    from nbcache.notebook.display.spinner import spinner

    def spinning(message: str, show_time: bool) -> AbstractContextManager[object]:
        return spinner(message, "", show_time, time.monotonic)

    hooks.spinner = spinning  # the next call need not ask for the room again
    return spinning(message, show_time)


def _record(what: str) -> AbstractContextManager[Recorded]:
    from nbcache.notebook.display.listeners import current_shell
    from nbcache.notebook.display.outputs import What, record

    def recording(what: str) -> AbstractContextManager[Recorded]:
        if what == "display" and current_shell() is None:  # nothing can be displayed in a plain program
            return UNRECORDED
        return record(cast(What, what))

    hooks.record = recording
    return recording(what)


def _replay(recording: bytes, what: str) -> None:
    from nbcache.notebook.display.outputs import What, replay

    replay(recording, cast(What, what))


def _progress(total: int | None) -> AbstractContextManager[Any]:
    from nbcache.notebook.display.progress import progress

    return progress(total)


def _panel(owner: str | None) -> Any:
    from nbcache.notebook.panel.front import show
    from nbcache.notebook.panel.source import CacheSource

    return show(CacheSource(), owner)


def _clear_button(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], description: str | None) -> Any:
    from nbcache.config import settings
    from nbcache.decorator import everything
    from nbcache.hashing.hasher import summary
    from nbcache.notebook.display.tables import short_name
    from nbcache.notebook.panel.clear_button import clear_button

    if function is None:
        return clear_button("all cached values", everything().clear, description)
    name = short_name(function.owner)
    if not (args or kwargs):
        return clear_button(name, function.forget_all, description)
    if settings().private:
        words = ["..."]
    else:
        words = [*map(summary, args), *(f"{key}={summary(value)}" for key, value in kwargs.items())]
    return clear_button(f"{name}({', '.join(words)})", lambda: function.forget(*args, **kwargs), description)

"""Does a logger pass on a message of some level: seen where the user's code logs something, or asks.

What a run logs is among its outputs, so a level that lets more or less of it through is another run. Each question
counts by its answer: another level that answers the same changes nothing. Loggers of libraries do not count, and
neither do handlers.
"""

from __future__ import annotations

import logging
import sys
import weakref
from types import FrameType
from typing import Any

from nbcache.tracking.observations import context
from nbcache.tracking.observations.callers import users_ask
from nbcache.tracking.observations.noted_methods import note_calls

__all__ = ["LEVELS"]

_KIND = "logging"
_EFFECTIVE = "level"

#: The loggers whose level a run has set itself: it decides what it sees of them, and of those below.
_own: weakref.WeakKeyDictionary[Any, set[str]] = weakref.WeakKeyDictionary()


class _Levels:
    def digest(self, name: str) -> bytes:
        asked, _, logger = name.partition(" ")
        level, disabled = _state_of(logger)
        if asked == _EFFECTIVE:
            return str(level).encode()
        return b"yes" if not disabled and int(asked) >= level and int(asked) > logging.root.manager.disable else b"no"

    def stamp(self, name: str) -> object:
        return None

    def label(self, name: str) -> str:
        asked, _, logger = name.partition(" ")
        if asked == _EFFECTIVE:
            return f"level of the logger {logger}"
        return f"whether the logger {logger} passes on {logging.getLevelName(int(asked))}"

    def outline(self, name: str) -> str:
        return self.digest(name).decode()


LEVELS = _Levels()


def _state_of(name: str) -> tuple[int, bool]:
    """The level that is in force for a logger, and whether it is switched off; no logger is made."""
    known: dict[str, Any] = logging.root.manager.loggerDict
    while True:
        logger = known.get(name)
        if isinstance(logger, logging.Logger):
            break
        name = name.rpartition(".")[0]
        if not name:
            logger = logging.root
            break
    disabled: bool = logger.disabled
    parent: logging.Logger | None = logger
    while parent is not None and not parent.level:
        parent = parent.parent
    return (0 if parent is None else parent.level), disabled


def _asked(logger: logging.Logger, level: Any, *_: Any) -> None:
    if type(level) is int:
        _note(logger, str(level), sys._getframe(2))


def _asked_for_level(logger: logging.Logger, *_: Any) -> None:
    frame = sys._getframe(2)
    if frame.f_code.co_name != "isEnabledFor":
        _note(logger, _EFFECTIVE, frame)


def _note(logger: logging.Logger, asked: str, frame: FrameType | None) -> None:
    recorder = context.current()
    if recorder is None:
        return
    if not users_ask(frame, lambda one: one.f_code.co_filename == logging.__file__) or _is_own(recorder, logger):
        return
    name = f"{asked} {logger.name}"
    recorder.observe(_KIND, name, LEVELS.digest(name))


def _is_own(recorder: Any, logger: logging.Logger) -> bool:
    own, one = _own.get(recorder), logger
    while own and one is not None:
        if one.name in own:
            return True
        one = one.parent  # type: ignore[assignment]
    return False


def _set(logger: logging.Logger, *_: Any) -> None:
    recorder = context.current()
    if recorder is not None:
        _own.setdefault(recorder, set()).add(logger.name)


note_calls(logging.Logger, {"isEnabledFor": _asked, "getEffectiveLevel": _asked_for_level, "setLevel": _set})

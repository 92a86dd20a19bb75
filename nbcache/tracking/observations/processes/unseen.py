"""What a run did where nobody can look: it counts for nothing, and an explanation says so."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

from nbcache.tracking.observations import context
from nbcache.tracking.observations.processes import programs

__all__ = ["UNSEEN", "UNSEEN_KIND", "forked", "forked_with_terminal"]

UNSEEN_KIND = "not followed"
_CHILD = "what a child process made with os.fork sees"
# Their children hand back what they see.
_HANDING_BACK = frozenset({"multiprocessing", "joblib", "loky", "billiard"})
# `os.spawnv` and its kind: where these fork, and what they call the words of the command line.
_SPAWNS, _WORDS, _ENVIRONMENT = "_spawnvef", "args", "env"
_TO_CALLER = 3


class _Unseen:
    def digest(self, name: str) -> bytes:
        return b""

    def stamp(self, name: str) -> object:
        return None

    def label(self, name: str) -> str:
        return name

    def outline(self, name: str) -> str:
        return ""


UNSEEN = _Unseen()


def forked(recorder: context.Open, arguments: tuple[Any, ...]) -> None:
    """Hear the audit event of `os.fork`."""
    frame: FrameType | None = sys._getframe(_TO_CALLER)
    if frame is not None and frame.f_code.co_name == _SPAWNS and _WORDS in frame.f_locals:
        programs.spawned(recorder, ("", frame.f_locals[_WORDS], frame.f_locals.get(_ENVIRONMENT)))
    elif frame is None or str(frame.f_globals.get("__name__")).partition(".")[0] not in _HANDING_BACK:
        recorder.observe(UNSEEN_KIND, _CHILD, b"")


def forked_with_terminal(recorder: context.Open, arguments: tuple[Any, ...]) -> None:
    """Hear the audit event of `os.forkpty`."""
    if not programs.in_terminal(recorder, arguments):
        recorder.observe(UNSEEN_KIND, _CHILD, b"")

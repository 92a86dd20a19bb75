"""Which programs does a run start, and does it use the network: told apart by who asked for it.

The first fit of a session asks `lscpu` how many cores there are, workers are started and talked to over sockets of
this machine: that is how libraries compute, and no effect of the user's cell. What the user's own code starts is,
unless it is a `!command` that only reads; and so is a program of a library that was given a file of the user's.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from types import TracebackType
from typing import Any

from nbcache.notebook.cells.effects.commands import SHELLS, command_under_way, reading, reading_all
from nbcache.tracking.observations.context import current
from nbcache.tracking.observations.paths import is_private
from nbcache.tracking.written import audit_events
from nbcache.tracking.written.callers import caller

__all__ = ["ProgramsStarted"]


class ProgramsStarted:
    """Programs and connections of one run.

    Parameters
    ----------
    scripts : texts that cell magics such as `%%bash` hand to a shell

    Attributes
    ----------
    done : what it did that a hit would not do again, in a reader's words
    """

    def __init__(self, scripts: Iterable[str] = ()) -> None:
        self.done: dict[str, None] = {}
        self._scripts = list(scripts)
        self._arguments: list[tuple[str, list[str]]] = []

    def __enter__(self) -> ProgramsStarted:
        audit_events.subscribe(self, _LISTENERS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        audit_events.unsubscribe(self)
        for program, arguments in self._arguments:
            if any(_is_users(text) for text in arguments):
                self.done[f"it runs {os.path.basename(program)}"] = None

    def started(self, program: str, arguments: list[str]) -> None:
        if caller().library:
            self._arguments.append((program, arguments))
            return
        command = command_under_way()
        if self._scripts and os.path.basename(program) in SHELLS and not arguments:
            rests = reading_all((), self._scripts)  # which of them it was given nobody can tell
        else:
            rests = f"it runs {os.path.basename(program)}" if command is None else reading(command)
        if isinstance(rests, str):
            self.done[rests] = None
            return
        recorder = current()
        if recorder is not None:
            for seen in rests:
                recorder.observe(seen.kind, seen.name)

    def connected(self, family: int) -> None:
        """Sockets of this machine only are between processes of one user."""
        if family != getattr(socket, "AF_UNIX", None):
            self.done["it uses the network"] = None


def _is_users(text: str) -> bool:
    """Whether an argument is a file that a user may have named."""
    return len(text) < 4096 and os.path.exists(text) and not is_private(text) and not os.access(text, os.X_OK)


def _popen(programs: ProgramsStarted, arguments: tuple[Any, ...]) -> None:
    executable, given = arguments[0], arguments[1]
    words = [given] if isinstance(given, str | bytes | os.PathLike) else list(given or ())
    texts = [os.fsdecode(word) for word in words if isinstance(word, str | bytes | os.PathLike)]
    programs.started(os.fsdecode(executable) if executable else texts[0] if texts else "a program", texts[1:])


def _system(programs: ProgramsStarted, arguments: tuple[Any, ...]) -> None:
    text = os.fsdecode(arguments[0]) if isinstance(arguments[0], str | bytes) else "a program"
    programs.started(text.split()[0] if text.split() else "a program", text.split()[1:])


def _connect(programs: ProgramsStarted, arguments: tuple[Any, ...]) -> None:
    programs.connected(arguments[0].family)


_LISTENERS: audit_events.Listeners = {
    "subprocess.Popen": _popen,
    "os.system": _system,
    "os.posix_spawn": _system,
    "os.spawn": lambda programs, arguments: programs.started(str(arguments[1]), []),
    "os.forkpty": lambda programs, _: programs.started("a program", []),
    "socket.connect": _connect,
}

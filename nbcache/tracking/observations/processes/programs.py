"""Which files does a run hand to other programs: arguments of `subprocess`, `os.system` and `!command` that name some.

A program reads unseen. What its command line names is taken for its input, unless it is another file afterwards: then
it was its output. Environment variables that the line names, as in `echo $HOME`, are inputs as well.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterable, Iterator
from itertools import pairwise
from types import FrameType
from typing import Any

from nbcache.tracking.observations import context
from nbcache.tracking.observations.context import unrecorded
from nbcache.tracking.observations.environment import VARIABLES
from nbcache.tracking.observations.file_queries import matching, pattern
from nbcache.tracking.observations.files import signature
from nbcache.tracking.observations.observation import Observation, Observer
from nbcache.tracking.observations.paths import is_private, text_of

_MOST_WORDS = 10_000
_LONGEST = 4096
_SHELLS = frozenset({"sh", "bash", "zsh", "dash", "fish", "ksh"})
_PUNCTUATION = "();<>|&"
_EXECUTABLES = (b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"\xfe\xed\xfa\xcf")
# Where programs with a terminal of their own are started, which Python announces without their command line.
_STARTERS = frozenset({"system", "getoutput", "spawn", "_spawn", "__init__"})
_COMMANDS = ("cmd", "command", "argv")
_DEEPEST = 15
_VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w*)")

Started = dict[Observation, object]


class Programs:
    """Notes what the programs of a run were given; looked at when the run is over."""

    def __init__(self) -> None:
        self._runs: dict[int, Started] = {}

    def begin(self, observer: Observer) -> Started:
        """Begin with no program started."""
        started: Started = {}
        self._runs[id(observer)] = started
        return started

    def end(self, observer: Observer, began: Started) -> None:
        """Note what the programs were given and have left as it was."""
        self._runs.pop(id(observer), None)
        for (name, kind), before in began.items():
            if kind != "file" or signature(name) == before:
                observer.observe(kind, name)
            else:
                observer.write(name)

    def started(
        self, recorder: context.Open, words: Iterable[object], folder: str = "", *, environment: object = None
    ) -> None:
        """Hear that a program is started with a command line, in a folder.

        Parameters
        ----------
        environment : None: it has the variables of this process
        """
        started = self._runs.get(id(recorder))
        if started is None:
            return
        words = list(words)
        if environment is None:
            for name in _variables(words):
                recorder.observe("variable", name, VARIABLES.digest(name))
        with unrecorded():
            for seen in _named(_words(words), folder):
                if seen not in started:
                    started[seen] = signature(seen.name) if seen.kind == "file" else None


PROGRAMS = Programs()


def popen(recorder: context.Open, arguments: tuple[Any, ...]) -> None:
    """Hear the audit event of `subprocess.Popen`: executable, arguments, folder, environment."""
    given = arguments[1]
    words = [given] if isinstance(given, str | bytes | os.PathLike) else list(given)
    PROGRAMS.started(recorder, words, text_of(arguments[2]) or "", environment=arguments[3])
    recorder.reached("subprocess")


def command(recorder: context.Open, arguments: tuple[Any, ...]) -> None:
    """Hear the audit event of `os.system`."""
    PROGRAMS.started(recorder, ["sh", "-c", arguments[0]])
    recorder.reached("subprocess")


def spawned(recorder: context.Open, arguments: tuple[Any, ...]) -> None:
    """Hear the audit event of `os.posix_spawn` and its kind: path, arguments, environment."""
    words = next((item for item in arguments[1:] if isinstance(item, list | tuple)), ())
    given = arguments[-1] if len(arguments) > 2 else None
    PROGRAMS.started(recorder, words, environment=None if given is os.environ else given)
    recorder.reached("subprocess")


def in_terminal(recorder: context.Open, arguments: tuple[Any, ...]) -> bool:
    """Hear that a terminal is made for a program, and look for the command in the code that starts it.

    Returns
    -------
    Whether there is one.
    """
    frame: FrameType | None = sys._getframe(4)
    known = False
    for _ in range(_DEEPEST):
        if frame is None:
            break
        if frame.f_code.co_name in _STARTERS:
            for name in _COMMANDS:
                given = frame.f_locals.get(name)
                if isinstance(given, str | list | tuple) and given:
                    PROGRAMS.started(recorder, ["sh", "-c", given] if isinstance(given, str) else given)
                    known = True
        frame = frame.f_back
    recorder.reached("subprocess")
    return known


def _variables(words: Iterable[object]) -> list[str]:
    """The environment variables that a command line for a shell names."""
    texts = [word for word in map(text_of, words) if word and "$" in word]
    return list(dict.fromkeys(name for text in texts for name in _VARIABLE.findall(text)))


def _words(given: Iterable[object]) -> Iterator[str]:
    """Yield the words of a command line; a line for a shell is taken apart."""
    words = [word for word in map(text_of, list(given)[:_MOST_WORDS]) if word]
    if len(words) == 1 and " " in words[0]:
        yield from _taken_apart(words[0])
        return
    yield from words[:1]
    shell = bool(words) and os.path.basename(words[0]) in _SHELLS
    for before, word in pairwise(words):
        if shell and before.startswith("-") and before.endswith("c"):
            yield from _taken_apart(word)
        else:
            yield word


def _taken_apart(line: str) -> list[str]:
    words = shlex.shlex(line, posix=True, punctuation_chars=_PUNCTUATION)
    words.whitespace_split = True
    try:
        return list(words)[:_MOST_WORDS]
    except ValueError:  # an open quote
        return line.split()[:_MOST_WORDS]


def _named(words: Iterable[str], folder: str) -> Iterator[Observation]:
    """Yield the files that words name; what output goes to does not count, nor do programs of the system."""
    before = ""
    for number, word in enumerate(words):
        if not before.startswith(">") and len(word) < _LONGEST and "\0" not in word:
            for text in (word, word.partition("=")[2], word[2:] if word[:1] == "-" else ""):
                path = os.path.join(folder, os.path.expanduser(text)) if text else ""
                if path and not is_private(path):
                    yield from _input(path, first=number == 0)
        before = word


def _input(path: str, *, first: bool) -> Iterator[Observation]:
    if os.path.isfile(path):
        if not (first and _is_executable(path)):
            yield Observation(path, "file")
    elif os.path.isdir(path):
        yield Observation(path, "folder")
    elif any(sign in path for sign in "*?["):
        meant = pattern(path, recursive=False, hidden=False)
        found = [name for name in matching(meant) if os.path.isfile(name)]
        if found:
            yield Observation(meant, "matches")
        yield from (Observation(name, "file") for name in found)


def _is_executable(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(4).startswith(_EXECUTABLES)
    except OSError:
        return True

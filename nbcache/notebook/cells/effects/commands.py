"""Does a `!command` only read, and what does its output rest on?

Known programs that read what their command line names, and nothing else, leave nothing behind: then their output is
the cell's, and a hit shows it again. Whatever is not known here makes the cell run.
"""

from __future__ import annotations

import os
import re
import shlex
import site
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import FrameType

from nbcache.tracking.observations.observation import Observation

__all__ = ["SHELLS", "command_under_way", "reading", "reading_all"]

#: What `%%bash` and `%%sh` start.
SHELLS = frozenset({"bash", "sh"})

_SIGNS = frozenset("();<>|&")
_ENDS = frozenset({"|", ";", "&&", "||"})
_DISCARDED = re.compile(r"\s*(2>&1|[12&]?>\s*/dev/null)")
_EXPANDED = re.compile(r"\{[^{}]*\}|(?<!\$)\$[^\W\d]\w*")
# A shell computes these itself, from what nobody sees here.
_COMPUTED = ("$", "`", "<(", "\n")
_IPYTHON = ("IPython", "ipykernel")
_DEEPEST = 20

Seen = list[Observation] | None
"""What a program rests on beside the files that it names; `None` for one that may do more than read."""


def reading(line: str, expanded: bool = True) -> list[Observation] | str:
    """Say what a command line rests on beside the files in its words; or which program may do more than read.

    Parameters
    ----------
    expanded : False: IPython has not put values in place of `{name}` and `$name` yet
    """
    if not expanded:
        line = _EXPANDED.sub("x", line)
    line = _DISCARDED.sub(" ", line.strip())
    if any(sign in line for sign in _COMPUTED):
        return "it runs a command that a shell computes"
    try:
        words = shlex.shlex(line, posix=True, punctuation_chars=True)
        words.whitespace_split = True
        found = list(words)
    except ValueError:
        return "it runs a command that cannot be read"
    seen: list[Observation] = []
    signs = [word for word in found if set(word) <= _SIGNS and word not in _ENDS and word != "<"]
    if signs:
        return f"it runs a command with {signs[0]}"
    for program, *arguments in _parts(found):
        known = _PROGRAMS.get(os.path.basename(program))
        rests = known(arguments) if known is not None else None
        if rests is None:
            return f"it runs {os.path.basename(program)}"
        seen += rests
    return seen


def reading_all(commands: Iterable[str], scripts: Iterable[str]) -> list[Observation] | str:
    """The same for all texts of a cell.

    Parameters
    ----------
    commands : lines in which IPython has not put values in place of names yet
    scripts : whole texts for a shell
    """
    lines = [line.strip() for script in scripts for line in script.replace("\\\n", " ").splitlines()]
    seen: list[Observation] = []
    for text, expanded in (*((one, False) for one in commands), *((one, True) for one in lines)):
        rests = reading(text, expanded)
        if isinstance(rests, str):
            return rests
        seen += rests
    return seen


def command_under_way() -> str | None:
    """The command line that IPython is about to start in this thread, values in place of names; `None` for none."""
    frame: FrameType | None = sys._getframe(1)
    for _ in range(_DEEPEST):
        if frame is None:
            return None
        command = frame.f_locals.get("cmd")
        if isinstance(command, str) and str(frame.f_globals.get("__name__")).startswith(_IPYTHON):
            return command
        frame = frame.f_back
    return None


def _parts(words: list[str]) -> Iterator[list[str]]:
    """The programs between pipes and semicolons, with their words."""
    part: list[str] = []
    for word in words:
        if word in _ENDS:
            if part:
                yield part
            part = []
        elif word != "<":
            part.append(word)
    if part:
        yield part


def _options(arguments: list[str]) -> str:
    """All one-letter options, and the long ones behind them."""
    short = "".join(word[1:] for word in arguments if word[:1] == "-" and word[:2] != "--")
    return short + " ".join(word for word in arguments if word[:2] == "--")


def _named(arguments: list[str]) -> list[str]:
    return [word for word in arguments if word[:1] != "-"]


def _nothing(arguments: list[str]) -> Seen:
    return []


def _of_folder(arguments: list[str]) -> Seen:
    return [Observation("", "working folder")]


def _unless(*options: str) -> Callable[[list[str]], Seen]:
    """A program that reads only, unless it is given one of some options."""

    def look(arguments: list[str]) -> Seen:
        return None if any(word.startswith(options) for word in arguments) else []

    return look


def _one_file(arguments: list[str]) -> Seen:
    """The second file that it names would be its output."""
    return [] if len(_named(arguments)) < 2 else None


def _searching(arguments: list[str]) -> Seen:
    if not set(_options(arguments)) & {"r", "R"}:
        return []
    places = [word for word in _named(arguments)[1:] if os.path.isdir(word)]
    return [Observation(place, "tree") for place in places or ["."]]


def _listing(arguments: list[str]) -> Seen:
    options = _options(arguments)
    if "R" in options or "--" in options:
        return None
    seen = []
    for place in _named(arguments) or ["."]:
        names = [place]
        if os.path.isdir(place) and "d" not in options:
            seen.append(Observation(place, "folder"))
            names += [os.path.join(place, name) for name in sorted(os.listdir(place))]
        if set(options) & set("lstScuihF"):
            seen += [Observation(name, "status") for name in names]
    return seen


def _of_packages(arguments: list[str]) -> Seen:
    if not arguments or arguments[0] not in ("list", "show", "freeze", "--version", "-V"):
        return None
    return [Observation(place, "folder") for place in site.getsitepackages() if os.path.isdir(place)]


def _version(arguments: list[str]) -> Seen:
    return [] if arguments in (["--version"], ["-V"]) else None


_READING = ("cat", "head", "tail", "wc", "cut", "tr", "nl", "tac", "rev", "column", "comm", "diff", "cmp", "file", "od")
_DIGESTS = ("md5sum", "sha1sum", "sha256sum", "sha512sum", "cksum", "strings", "hexdump", "base64", "paste", "join")
_PROGRAMS: Mapping[str, Callable[[list[str]], Seen]] = {
    **dict.fromkeys((*_READING, *_DIGESTS, "fold", "fmt", "zcat", "gunzip -c", "jq"), _unless("-f", "--follow", "-F")),
    **dict.fromkeys(("echo", "printf", "true", "seq", "expr", "basename", "dirname"), _nothing),
    **dict.fromkeys(("grep", "egrep", "fgrep"), _searching),
    **dict.fromkeys(("pip", "pip3"), _of_packages),
    **dict.fromkeys(("python", "python3"), _version),
    "sort": _unless("-o", "--output"),
    "uniq": _one_file,
    "xxd": _one_file,
    "set": _nothing,
    "ls": _listing,
    "pwd": _of_folder,
}

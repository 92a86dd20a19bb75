"""A result and the files that its run wrote, as one value of an entry; a hit puts the files back first.

What can be said of the files without loading anything stands among the effects of the entry.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from nbcache.tracking.observations.observation import Effect
from nbcache.tracking.written.file_outputs import FileOutput, PutBack, is_equal

__all__ = ["FilesLostError", "effects_of", "has_files", "joined", "lost_file", "names_of", "putting_back", "result_in"]

_KIND = "written file"
_KEPT, _ONLY_DIGEST = b"+", b"-"


class FilesLostError(Exception):
    """The files of a result cannot be put back, so that the function has to run."""


def joined(value: object, files: Sequence[FileOutput]) -> object:
    """One value for the entry; plain tuples, so that no class is needed to load it."""
    if not files:
        return value
    rows = tuple([(*one[:3], None if one.content is None else pickle.PickleBuffer(one.content)) for one in files])
    return value, rows


def result_in(stored: Any, files: Sequence[FileOutput]) -> Any:
    """The result in a value that `joined` made."""
    return stored[0] if files else stored


def effects_of(files: Iterable[FileOutput]) -> tuple[Effect, ...]:
    """What the entry says of its files: names, digests, and whether their content is there."""
    return tuple(
        Effect(one.path, _KIND, (_ONLY_DIGEST if one.digest and one.content is None else _KEPT) + one.digest.encode())
        for one in files
    )


def has_files(effects: Iterable[tuple[str, str, bytes]]) -> bool:
    """Whether the value of an entry is one that `joined` made."""
    return any(kind == _KIND for _, kind, _ in effects)


def names_of(effects: Iterable[tuple[str, str, bytes]]) -> Iterator[str]:
    """The paths of the files, as the run gave them; folders left out."""
    for path, kind, data in effects:
        if kind == _KIND and data != _KEPT:
            yield path


def lost_file(effects: Iterable[tuple[str, str, bytes]]) -> str:
    """Say which file is not what was written, where its content was too much to keep; empty for none."""
    for path, kind, data in effects:
        if kind == _KIND and data[:1] == _ONLY_DIGEST and not is_equal(path, data[1:].decode()):
            return f"{os.path.basename(path)} is not what the run wrote, and is too large to be kept"
    return ""


def putting_back(make: Callable[[], Any]) -> Callable[[], Any]:
    """Turn what makes the stored value into what makes the result, and puts the files back first.

    Raises
    ------
    FilesLostError
        By what is returned: a file cannot be written, or was too big to be kept.
    """

    def made() -> Any:
        value, rows = make()
        try:
            with PutBack([FileOutput(*row) for row in rows]) as files:
                files.put()
                files.announce()
        except (LookupError, OSError, ValueError) as error:
            raise FilesLostError(str(error)) from error
        return value

    return made

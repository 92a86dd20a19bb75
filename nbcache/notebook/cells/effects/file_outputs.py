"""The files that a cell has written, kept with its result, and put back by a hit.

As build systems do: what is missing or different is written again, and what is equal is left alone, its times included.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from typing import Any, NamedTuple

from nbcache.hashing import hasher
from nbcache.tracking.observations.context import unrecorded

__all__ = ["FileOutput", "put_back"]


class FileOutput(NamedTuple):
    """One file, or folder, that a run left behind.

    Attributes
    ----------
    path : as the run gave it; relative ones belong to the working folder
    digest : of the content; empty for a folder
    mode : permission bits
    content : None where there was no room for it
    """

    path: str
    digest: bytes
    mode: int
    content: Any


def put_back(outputs: Iterable[FileOutput]) -> list[str]:
    """Write what is missing or different, all of it or nothing; return the names of what was written.

    Raises
    ------
    LookupError
        A file is missing or different, and its content was not kept.
    OSError
        It cannot be written.
    """
    waiting: list[tuple[str, str]] = []
    with unrecorded():
        try:
            for one in outputs:
                if not one.digest:
                    os.makedirs(one.path, exist_ok=True)
                elif not _is_equal(one):
                    if one.content is None:
                        name = os.path.basename(one.path)
                        raise LookupError(f"{name} is not what the cell wrote, and too big to be kept")
                    waiting.append((_beside(one), one.path))
            for place, path in waiting:
                os.replace(place, path)
        except BaseException:
            for place, _ in waiting:
                if os.path.exists(place):
                    os.unlink(place)
            raise
    return [os.path.basename(path) for _, path in waiting]


def _beside(output: FileOutput) -> str:
    """Write a file under another name in its folder."""
    folder = os.path.dirname(os.path.abspath(output.path))
    os.makedirs(folder, exist_ok=True)
    handle, place = tempfile.mkstemp(dir=folder, prefix=".", suffix="~")
    with open(handle, "wb") as file:
        file.write(output.content)
    os.chmod(place, output.mode)
    return place


def _is_equal(output: FileOutput) -> bool:
    try:
        if output.content is not None and os.path.getsize(output.path) != len(memoryview(output.content)):
            return False
        with open(output.path, "rb") as file:
            return hasher.digest(file.read()) == output.digest
    except OSError:
        return False

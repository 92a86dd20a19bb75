"""How a large value comes from a server: in pieces, into a nameless file of this machine, from which it is mapped.

In memory it would be there twice while it is put together. Nothing of it is looked at before all of it is there, and
what is there is verified like any file.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from nbcache.entries.section import nameless, reserve
from nbcache.errors import DamagedEntryError
from nbcache.stores.folders import make_scratch
from nbcache.stores.remote.bucket import PIECE

__all__ = ["arrived"]


def arrived(begins: bytes, size: int, more: Callable[[int], bytes | None], scratch: Path | None) -> int | bytes | None:
    """Gather a value of a known size; None where it cannot be had.

    Parameters
    ----------
    begins : its first bytes, which are here
    more : fetches the next piece from a place on; None where that fails
    scratch : a folder for nameless files; where it cannot be used, that of the system is, and else memory

    Returns
    -------
    The descriptor of a file, which the caller closes, or the bytes.

    Raises
    ------
    DamagedEntryError
        There are not so many bytes.
    """
    room = _room_for(size, scratch)
    if room is None:
        pieces: list[bytes] = []
        return b"".join(pieces) if _fill(begins, size, more, pieces.append) else None
    whole = False
    try:
        whole = _fill(begins, size, more, lambda piece: _write(room, piece))
    except OSError:  # no room is left on this machine
        return None
    finally:
        if not whole:
            os.close(room)
    return room if whole else None


def _fill(begins: bytes, size: int, more: Callable[[int], bytes | None], keep: Callable[[bytes], object]) -> bool:
    piece: bytes | None = begins
    place = 0
    while piece is not None:
        keep(piece)
        place += len(piece)
        if place == size:
            return True
        if place > size or len(piece) < PIECE:
            raise DamagedEntryError("its length is not what the server says")
        piece = more(place)
    return False


def _write(descriptor: int, piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        view = view[os.write(descriptor, view) :]


def _room_for(size: int, scratch: Path | None) -> int | None:
    """A nameless file with room for so many bytes."""
    for folder in (scratch, Path(tempfile.gettempdir())):
        if folder is None:
            continue
        descriptor = -1
        try:
            if folder is scratch and not folder.is_dir():
                make_scratch(folder)
            descriptor = nameless(folder)
            reserve(descriptor, size)
        except OSError:
            if descriptor >= 0:
                os.close(descriptor)
        else:
            return descriptor
    return None

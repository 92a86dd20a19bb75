"""Images of Pillow: the pixels that are shown, what the image says of itself, and its other frames.

Other frames are read from the file that they are in, and not by going there: Pillow would load the shown one anew, and
what was painted on it would be lost by being looked at.
"""

from __future__ import annotations

import io
import sys
from typing import Any

from nbcache.hashing import attributes
from nbcache.hashing.walk import Walk

_READING = frozenset(
    (
        *("readonly", "pyaccess", "fp", "im", "map", "tile", "decoderconfig", "decodermaxblock", "rawmode", "info"),
        *("palette", "png", "n_frames", "is_animated", "global_palette", "dispose"),
    )
)


def write(walk: Walk, values: list[Any]) -> None:
    """Write a column of images."""
    for image in values:
        content = image.tobytes()  # loads a file that was only opened so far, which adds to what it says
        walk.facts(image.mode, tuple(image.size), getattr(image, "format", None))
        walk.buffer(content)
        if image.palette is not None:
            walk.facts(image.palette.mode, bytes(image.palette.tobytes()))
        given = attributes.public(image, _READING)
        plain = {name: part for name, part in given.items() if type(part) in (str, int, float, bool, bytes, dict)}
        walk.below.extend((dict(image.info), plain))
        tags = noted(image)
        if tags is not None:
            walk.below.append(tags)
        file = file_of_frames(image)
        if file is None:
            walk.facts("one frame")
        else:
            walk.facts("shown", image.tell())
            walk.buffer(file)


def file_of_frames(image: Any) -> bytes | None:
    """Read the file of an image that has several frames; None for one that has not, or whose file is closed."""
    frames = number_of_frames(image)
    if frames == 1 or not (frames or hasattr(type(image), "n_frames")):
        return None
    file = open_file(image)
    if file is None:
        return None
    here = file.tell()
    file.seek(0)
    try:
        content = bytes(file.read())
    finally:
        file.seek(here)
    opened: Any = sys.modules["PIL.Image"].open(io.BytesIO(content))
    return content if getattr(opened, "n_frames", 1) > 1 else None


def number_of_frames(image: Any) -> int | None:
    """How many frames an image is known to have; Pillow goes through the file to find out, so it is not asked."""
    frames: int | None = image.__dict__.get("n_frames") or image.__dict__.get("_n_frames")
    return frames


def open_file(image: Any) -> Any:
    """The file that further frames are read from; None when it is closed."""
    for name in ("_fp", "fp"):
        file = image.__dict__.get(name)
        if file is not None and not getattr(file, "closed", True):
            return file
    return None


def noted(image: Any) -> tuple[dict[int, Any], dict[int, dict[int, Any]]] | None:
    """The tags of an image and those below them, if they were changed since they were read; None if they were not."""
    tags = image.__dict__.get("_exif")
    if tags is None or not tags._loaded or hasattr(image, "tag_v2"):  # those of a TIFF are read from its file
        return None
    unread = sys.modules["PIL.Image"].Image()
    unread.info = image.info
    try:
        held = dict(tags), {place: dict(part) for place, part in tags._ifds.items()}
        read = unread.getexif()
        unchanged = dict(read), {place: dict(read.get_ifd(place)) for place in tags._ifds}
    except Exception:  # they can hardly be read, or Pillow keeps them in another way
        return None
    return None if held == unchanged else held

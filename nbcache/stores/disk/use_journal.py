"""When the entries of one owner were last used, and when they expire: a journal of hints.

The journal is a text file in the owner's folder, one line per use. It only decides what is evicted first; a line, or
a whole journal, that is lost or damaged costs nothing but that. Entry files themselves are not touched by a use: a
changed file would have to be verified again.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from nbcache.stores.folders import append, read_small, replace_small
from nbcache.stores.names import USES

NAME = USES

#: A journal longer than this is rewritten with one line per entry, and never read beyond it.
LONGEST = 4 << 20
_KEPT = 20_000


class Hint:
    """What the journal says about one entry.

    Attributes
    ----------
    used : epoch seconds, 0.0 when it says nothing
    expires : epoch seconds, None when it says nothing
    """

    __slots__ = ("expires", "used")

    def __init__(self, used: float = 0.0, expires: float | None = None) -> None:
        self.used = used
        self.expires = expires


def read(folder: str, last: int | None = None) -> dict[str, Hint]:
    """The hints by key; what cannot be read is left out.

    Parameters
    ----------
    last : so many bytes at the end of the journal; None for all
    """
    try:
        content = read_small(f"{folder}/{NAME}", LONGEST if last is None else min(last, LONGEST))
    except OSError:
        return {}
    hints: dict[str, Hint] = {}
    for line in content.decode("ascii", "replace").splitlines():
        words = line.split(" ")
        try:
            key, used = words[0], float(words[1])
            expires = float(words[2]) if len(words) > 2 else None
        except (IndexError, ValueError):
            continue
        hint = hints.setdefault(key, Hint())
        # NaN is in no order with anything, and would spoil the sorting.
        if used == used and used > hint.used:
            hint.used = used
        if expires is not None and expires == expires:
            hint.expires = expires
    return hints


def note(folder: str, hints: Mapping[str, Hint]) -> int:
    """Append hints; returns the length of the journal. OSError where that fails."""
    path = f"{folder}/{NAME}"
    append(path, _lines(hints.items()))
    return os.stat(path, follow_symlinks=False).st_size


def rewrite(folder: str, hints: Mapping[str, Hint]) -> None:
    """Replace the journal by one line per entry, for the latest of them; OSError where that fails."""
    latest = sorted(hints.items(), key=lambda item: item[1].used)[-_KEPT:]
    replace_small(f"{folder}/{NAME}", _lines(latest))


def _lines(hints: Iterable[tuple[str, Hint]]) -> bytes:
    lines = (
        f"{key} {hint.used:.6f}\n" if hint.expires is None else f"{key} {hint.used:.6f} {hint.expires:.6f}\n"
        for key, hint in hints
    )
    return "".join(lines).encode("ascii")

"""Through which links may native code have opened a file? The system tells the real name, and no other.

Another target of a link is another file for whoever opens it by that name. Looked for are links beside the file,
beside the folder that it lies in, and in the working folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import islice

__all__ = ["links_to"]

_MOST = 2000


def links_to(files: Iterable[str], here: str) -> list[str]:
    """Links that lead to files, or to folders that these lie in.

    Parameters
    ----------
    files : full and real names
    here : the working folder
    """
    above: dict[str, set[str]] = {}
    for full in files:
        folder = os.path.dirname(full)
        for place in (folder, os.path.dirname(folder), here):
            above.setdefault(place, set()).update((full, folder))
    around = os.path.join(here, "")
    return [
        link
        for place, targets in above.items()
        for link, leads in _links_in(place)
        if leads in targets and not around.startswith(os.path.join(leads, ""))  # relative names need no link there
    ]


def _links_in(folder: str) -> Iterable[tuple[str, str]]:
    try:
        with os.scandir(folder) as entries:
            links = [entry.path for entry in islice(entries, _MOST) if entry.is_symlink()]
    except OSError:
        return
    for link in links:
        yield link, os.path.realpath(link)

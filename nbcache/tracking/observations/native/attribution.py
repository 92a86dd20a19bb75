"""Whose were the opens that the system tells of, Python code's or native code's, and which files did nobody change?

What Python code opens is known by the names it gave, what the system tells by the real folder and the name in it. Most
files are named from the working folder or in full; these are compared as sets, for a run may open thousands.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from nbcache.tracking.observations.native.notices import OPENED, Notices

__all__ = ["attribute"]


def attribute(
    told: Notices, folder: str, by_python: set[str], written_to: Iterable[str], told_all: Callable[[str], bool]
) -> tuple[dict[str, int], set[str]]:
    """Take what Python code opened out of what this process did.

    Parameters
    ----------
    folder : what relative names begin from, by its real name
    by_python : the names that Python code gave; used up
    written_to : those that were opened to be changed
    told_all : whether all that anybody does in a folder is told

    Returns
    -------
    What is left, by full names, and those names of Python code whose files were opened by this process and nothing
    else happened to them.
    """
    here = os.path.join(folder, "")
    touched = {place: set(names) for place, names in told.others.items()}
    for path in written_to:
        place, name = os.path.split(os.path.realpath(os.path.join(folder, path)))
        touched.setdefault(place, set()).add(name)
    unchanged: set[str] = set()
    listed = [place for place, names in told.ours.items() if "" in names]
    for place in listed:  # it is told of by itself and by the folder above
        inside = os.path.join(place, "")
        below = inside.removeprefix(here)
        if not by_python.isdisjoint((place, inside, below, below[:-1], *((".", "./") if inside == here else ()))):
            del told.ours[place][""]
    for place, names in told.ours.items():
        for spelt in dict.fromkeys((os.path.join(place, "").removeprefix(here), os.path.join(place, ""))):
            claimed = by_python.intersection(map(spelt.__add__, names) if spelt else names)
            if not claimed or (spelt and os.path.realpath(os.path.join(folder, spelt)) != place):
                continue  # the folder may be another by now
            by_python -= claimed
            if told_all(place):
                alone = claimed.difference(map(spelt.__add__, touched.get(place, ())))
                if set(names.values()) != {OPENED}:
                    alone = {path for path in alone if names[path[len(spelt) :]] == OPENED}
                unchanged |= alone
            if len(claimed) == len(names):
                names.clear()
            else:
                for path in claimed:
                    del names[path[len(spelt) :]]
    left = {os.path.join(place, name): what for place, names in told.ours.items() for name, what in names.items()}
    if left:
        _by_other_names(left, folder, by_python)
    return left, unchanged


def _by_other_names(left: dict[str, int], folder: str, by_python: Iterable[str]) -> None:
    """Take out what was opened through links, with dots, or after a folder had got another name."""
    places: dict[str, str] = {}
    elsewhere = []
    for path in by_python:
        above, _, name = path.rpartition("/")
        place = places.get(above)
        if place is None:
            place = places[above] = os.path.realpath(os.path.join(folder, f"{above}/") if above else folder)
        full = os.path.join(place, name)
        known = left.pop(full, 0)
        if not (left.pop(os.path.join(full, ""), 0) or known):
            elsewhere.append(path)
    if left:
        for path in elsewhere:
            full = os.path.realpath(os.path.join(folder, path))
            left.pop(full, None)
            left.pop(os.path.join(full, ""), None)

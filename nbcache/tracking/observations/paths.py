"""Which paths are nobody's input: what the system, Python, libraries and the cache itself keep for themselves."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from itertools import repeat
from operator import itemgetter, methodcaller

from nbcache.tracking.packages import installed_folders

# Where the system keeps its own, which libraries read on the side; what the user may have put elsewhere counts.
_SYSTEM = (
    *("/dev/", "/proc/", "/sys/", "/usr/lib/", "/System/", "/Library/Fonts/", "/private/var/db/"),
    *(f"/usr/share/{name}/" for name in ("fonts", "zoneinfo", "locale", "mime", "ca-certificates", "icu")),
    *(f"/etc/{name}" for name in ("ssl/", "pki/", "fonts/", "mime.types", "localtime", "timezone", "resolv.conf")),
    *(f"/etc/{name}" for name in ("hosts", "host.conf", "nsswitch.conf", "gai.conf", "services", "protocols")),
    *(f"/etc/{name}" for name in ("os-release", "lsb-release", "debian_version", "machine-id", "passwd", "group")),
)
_MEMORY = "/dev/shm/"  # a folder like any other
_PRIVATE_NAMES = frozenset({"__pycache__", "matplotlib", "fontconfig", ".matplotlib"})
_CACHE_FOLDERS = frozenset({"__pycache__", ".cache", ".config", "Caches", ".matplotlib"})
_COMPILED = (".pyc", ".pyo", ".so", ".pyd", ".dylib", ".nbi")
_getcwd = os.getcwd  # as it is before it says that it was asked
_ignored: list[str] = []
_DOTS = frozenset({"", ".", ".."})
# How paths end that have to be looked at as a whole.
_TELLING_ENDS = frozenset({name[-1:] for name in (*_COMPILED, *_DOTS)} | {os.sep})
#: Folders in which some names are private and others are not, and how those begin, each with a separator behind it.
_above: dict[str, tuple[str, ...]] = {}
#: What was found of folders: whether all names in them are private, or how those begin that are.
_known: dict[str, bool | tuple[str, ...]] = {}
_known_from_here: set[str] = set()
_here = [""]  # the working folder that they were found from, if it is known
_MOST_REMEMBERED = 10_000
_FIRST, _LAST = itemgetter(0), itemgetter(-1)


def _note_above(prefix: str) -> None:
    folder, name = os.path.split(prefix.rstrip(os.sep))
    _above[folder] = (*_above.get(folder, ()), name + (os.sep if prefix.endswith(os.sep) else ""))


for _prefix in _SYSTEM:
    _note_above(_prefix)


def ignore_folder(path: str | os.PathLike[str]) -> None:
    """Never count files in this folder: it holds the cache's own."""
    prefix = os.path.join(os.path.abspath(path), "")
    if prefix not in _ignored:
        _ignored.append(prefix)
        _note_above(prefix)
        _known.clear()


def is_private(path: str) -> bool:
    """Whether a path belongs to the system, to Python, to libraries or to the cache itself."""
    if path[-1:] in _TELLING_ENDS:
        if path.endswith(_COMPILED):
            return True
        if path.rpartition(os.sep)[2] in _DOTS:
            return _is_private_folder(os.path.abspath(path))
    folder, separator, name = path.rpartition(os.sep)
    if separator and not folder:
        folder = os.sep
    known = _known.get(folder)
    if known is None:
        known = _find_out(folder)
    return known if type(known) is bool else f"{name}{os.sep}".startswith(known)


def private_among(paths: Sequence[str]) -> set[str]:
    """Those of many paths that are private; where they lie in folders without any, each costs next to nothing."""
    below = os.sep in "".join(paths)
    folders = set(map(_FIRST, map(str.rpartition, paths, repeat(os.sep)))) if below else {""}
    tell_themselves = not _TELLING_ENDS.isdisjoint(map(_LAST, paths)) or (
        "" in folders and os.sep in map(_FIRST, paths)
    )
    if tell_themselves:
        return {path for path in paths if is_private(path)}
    begins: list[str] = []
    for folder in folders:
        known = _known[folder] if folder in _known else _find_out(folder)
        if known:
            inside = folder and f"{folder}{os.sep}"
            begins += (inside,) if isinstance(known, bool) else [f"{inside}{one.rstrip(os.sep)}" for one in known]
    if not begins:
        return set()
    return (
        {path for path in paths if is_private(path)}
        if "" in begins
        else {path for path in filter(methodcaller("startswith", tuple(begins)), paths) if is_private(path)}
    )


def _find_out(folder: str) -> bool | tuple[str, ...]:
    if len(_known) > _MOST_REMEMBERED:
        _known.clear()
    full = os.path.abspath(folder)
    found = _known[folder] = True if _is_private_folder(full) else _above.get(full, False)
    if folder[:1] != os.sep:
        _known_from_here.add(folder)
    return found


def moved(here: str = "") -> None:
    """Hear that the working folder may be another one.

    Parameters
    ----------
    here : which one it is; "" where that is still to come
    """
    if here and here == _here[0]:
        return
    _here[0] = here
    while _known_from_here:
        _known.pop(_known_from_here.pop(), None)


def _is_private_folder(full: str) -> bool:
    inside = os.path.join(full, "")
    if inside.startswith((*_SYSTEM, *installed_folders(), *_ignored)):
        return not inside.startswith(_MEMORY) or inside.startswith(tuple(_ignored))
    if inside.startswith(_profile_of_ipython() or os.devnull):
        return True
    parts = full.split(os.sep)
    return not _PRIVATE_NAMES.isdisjoint(parts[-3:]) and not _CACHE_FOLDERS.isdisjoint(parts)


def _profile_of_ipython() -> str:
    """Where IPython keeps history, startup files and what it writes for itself, wherever IPYTHONDIR points."""
    shell = getattr(getattr(sys.modules.get("IPython"), "InteractiveShell", None), "_instance", None)
    folder = getattr(getattr(shell, "profile_dir", None), "location", "")
    return os.path.join(os.path.abspath(folder), "") if folder else ""


def text_of(path: object) -> str | None:
    """A path as text; None for what is no path, such as a descriptor."""
    if isinstance(path, str | bytes | os.PathLike):
        try:
            return os.fsdecode(path)
        except (TypeError, ValueError):
            return None
    return None


def working_folder() -> str:
    """The working folder; empty when it is gone."""
    try:
        return _getcwd()
    except OSError:
        return ""

"""Which paths are nobody's input: what the system, Python, libraries and the cache itself keep for themselves."""

from __future__ import annotations

import os
import sys

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
#: Folders in which some names are private and others are not.
_ABOVE = {os.path.dirname(name.rstrip(os.sep)).rstrip(os.sep) for name in _SYSTEM}
#: What was found of folders: by their full names, and of those that were named from the working folder.
_private_folders: dict[str, bool] = {}
_private_here: dict[str, bool] = {}
_MOST_REMEMBERED = 10_000


def ignore_folder(path: str | os.PathLike[str]) -> None:
    """Never count files in this folder: it holds the cache's own."""
    prefix = os.path.join(os.path.abspath(path), "")
    if prefix not in _ignored:
        _ignored.append(prefix)
        _ABOVE.add(os.path.dirname(prefix.rstrip(os.sep)))
        _private_folders.clear()
        _private_here.clear()


def is_private(path: str) -> bool:
    """Whether a path belongs to the system, to Python, to libraries or to the cache itself."""
    if path.endswith(_COMPILED):
        return True
    folder, _, name = path.rpartition(os.sep)
    if name in _DOTS:
        return _is_private_folder(os.path.abspath(path))
    if path[:1] != os.sep:
        known = _private_here.get(folder)
        if known is None:
            known = _private_here[folder] = _is_private_folder(os.path.abspath(folder))
        return known
    known = _private_folders.get(folder)
    if known is None:
        if len(_private_folders) > _MOST_REMEMBERED:
            _private_folders.clear()
        known = _private_folders[folder] = _is_private_folder(os.path.abspath(folder or os.sep))
    return known or (folder in _ABOVE and _is_private_folder(os.path.abspath(path)))


def moved() -> None:
    """Hear that the working folder may be another one."""
    _private_here.clear()


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

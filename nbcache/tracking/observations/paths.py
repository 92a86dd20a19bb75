"""Which paths are nobody's input: what the system, Python, libraries and the cache itself keep for themselves."""

from __future__ import annotations

import os

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
_ignored: list[str] = []
_DOTS = frozenset({"", ".", ".."})
#: Single files, and folders that are asked for themselves, with a separator at the end.
_ALONE = frozenset(os.path.join(name, "") for name in _SYSTEM)
#: What was found of folders, by their full names.
_private_folders: dict[str, bool] = {}
_MOST_REMEMBERED = 10_000


def ignore_folder(path: str | os.PathLike[str]) -> None:
    """Never count files in this folder: it holds the cache's own."""
    prefix = os.path.join(os.path.abspath(path), "")
    if prefix not in _ignored:
        _ignored.append(prefix)
        _private_folders.clear()


def is_private(path: str) -> bool:
    """Whether a path belongs to the system, to Python, to libraries or to the cache itself."""
    if path.endswith(_COMPILED):
        return True
    folder, name = os.path.split(path)
    if name in _DOTS or not os.path.isabs(folder):
        folder = os.path.abspath(path if name in _DOTS else folder)
    known = _private_folders.get(folder)
    if known is None:
        known = _private_folders[folder] = _is_private_folder(folder)
        if len(_private_folders) > _MOST_REMEMBERED:
            _private_folders.clear()
    return known or (name not in _DOTS and _is_own(os.path.join(folder, name, "")))


def _is_private_folder(full: str) -> bool:
    inside = os.path.join(full, "")
    if inside.startswith((*_SYSTEM, *installed_folders(), *_ignored)):
        return not inside.startswith(_MEMORY) or inside.startswith(tuple(_ignored))
    parts = full.split(os.sep)
    return not _PRIVATE_NAMES.isdisjoint(parts[-3:]) and not _CACHE_FOLDERS.isdisjoint(parts)


def _is_own(full: str) -> bool:
    """Whether it is one of the folders or files named above itself."""
    return full in _ALONE or full in _ignored


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
        return os.getcwd()
    except OSError:
        return ""

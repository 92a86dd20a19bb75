"""Who asks for a file: the user's code and libraries at work, or the import system and packages about themselves?

What the latter look at is no observation: importing, `importlib.metadata`, tracebacks in need of a source line.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from types import FrameType

from nbcache.tracking.packages import installed_folders, standard_folders

#: What a file of code is, for those who ask: the user's, a library's, one that hands the question on, one that reads
#: code, one that reads code if it is pointed at any.
USERS, LIBRARY, CARRIER, READER, SOURCE_READER = range(5)

_FROZEN = ("<frozen importlib", "<frozen zipimport", "<frozen site")
_HERE = os.path.dirname(os.path.abspath(__file__))
_HAND_ON = frozenset(os.path.join(_HERE, room) for room in ("os_calls.py", "executors.py"))
_OURS = os.path.join(os.path.dirname(os.path.dirname(_HERE)), "")  # the whole package
# Rooms of the standard library, without ".py", which ask for whoever called them.
_CARRIERS = frozenset(
    {
        *("pathlib", "genericpath", "posixpath", "ntpath", "os", "glob", "contextlib", "zipfile", "io", "runpy"),
        *("filecmp", "tarfile"),
    }
)
_FROZEN_CARRIERS = frozenset(
    {"<frozen os>", "<frozen runpy>", "<frozen posixpath>", "<frozen genericpath>", "<frozen ntpath>"}
)
_READERS = frozenset({"importlib", "pkgutil", "zipimport", "site", "modulefinder", "sysconfig"})
# These read whatever they are pointed at; as long as that is code, it is for a traceback or a listing, unless it is the
# user's own code that calls one of the first two.
_READ_LINES = ("linecache.py", "tokenize.py")
_SOURCE_READERS = frozenset({"linecache", "tokenize", "inspect", "traceback", "pydoc"})
_OF_PACKAGES = {
    **dict.fromkeys(("pkg_resources", "setuptools", "_distutils_hack"), READER),
    "importlib_metadata": READER,
    **dict.fromkeys(("executing", "stack_data", "asttokens"), SOURCE_READER),
    "zipp": CARRIER,  # what `zipfile.Path` is to importlib_metadata
}
# They read data, though they stand among what reads code.
_RESOURCES = (os.path.join("importlib", "resources"), os.path.join("importlib", "_resources"), "importlib_resources")
_READS_DATA = "get_data"
_ARCHIVES, _READS_ARCHIVE = "<frozen zipimport>", "_get_data"
_CODE = (".py", ".pyc", ".pyi", ".pyx", ".so", ".pyd", ".dll", ".dylib", ".pth", ".zip", ".egg", ".whl")
_DEEPEST = 100
# Functions of fsspec that tell whoever calls them the times of a file; its others look whether it is there.
_FILE_SYSTEMS = f"{os.sep}fsspec{os.sep}"
_TELL_TIMES = frozenset({"info", "ls", "modified", "created"})
_COMPARE_TIMES = frozenset({"ukey", "checksum"})
# Functions of `glob` and `pathlib` that expand a pattern, over the versions of Python.
_PATTERNS = frozenset({"iglob", "_iglob", "glob", "rglob", "_glob0", "_glob1", "_glob2", "_rlistdir", "_listdir"})
_SELECTORS = ("_select", "_iterate", "select_", "_globber")


class _Known(dict[str, int]):
    def __missing__(self, filename: str) -> int:
        self[filename] = found = _role(filename)
        return found


_known = _Known()
#: What a file of code is, by its name.
role = _known.__getitem__


def _role(filename: str) -> int:
    if filename.startswith(_FROZEN):
        return READER
    if filename in _FROZEN_CARRIERS or filename in _HAND_ON:
        return CARRIER
    full = os.path.abspath(filename)
    if full.startswith(_OURS):
        return READER
    for folder in installed_folders()[::-1]:
        if not full.startswith(folder):
            continue
        within = full[len(folder) :]
        if within.startswith(_RESOURCES):
            return CARRIER
        name = within.partition(os.sep)[0].removesuffix(".py")
        if folder not in standard_folders():
            return _OF_PACKAGES.get(name, LIBRARY)
        if name in _CARRIERS:
            return CARRIER
        return READER if name in _READERS else SOURCE_READER if name in _SOURCE_READERS else LIBRARY
    return USERS


def asks_for_code(frame: FrameType | None, path: str, *, looks: bool = False) -> bool:
    """Tell whether the import system, a package about itself, or a traceback in need of a line asks for a path.

    Parameters
    ----------
    frame : the one that asks
    looks : whether it is only looked at, not opened

    Notes
    -----
    Whatever a library asks while it is imported is about itself; a module of the user's may well read data then.
    """
    if frame is not None and _known.get(frame.f_code.co_filename) == USERS:
        return False  # nearly always
    through_library = archived = False
    for _ in range(_DEEPEST):
        if frame is None:
            return False
        code = frame.f_code
        filename = code.co_filename
        what = role(filename)
        if what == USERS:
            return False
        if what == LIBRARY:
            through_library = True
        elif what == READER:
            name = code.co_name
            archived = archived or filename == _ARCHIVES
            if name != _READS_ARCHIVE and (name != _READS_DATA or looks or (path.endswith(_CODE) and not archived)):
                return True
        elif what == SOURCE_READER and not through_library:
            is_code, told = path.endswith(_CODE), _is_told_to(frame)
            return (is_code or not told) if looks else is_code and not told
        frame = frame.f_back
    return False


def users_ask(frame: FrameType | None, passed: Callable[[FrameType], bool]) -> bool:
    """Tell whether it is the user's own code that asks, once frames are passed that ask for whoever called them."""
    while frame is not None and passed(frame):
        frame = frame.f_back
    return frame is not None and role(frame.f_code.co_filename) == USERS


def _is_told_to(reader: FrameType) -> bool:
    """Whether the user's own code calls what reads lines of any file."""
    return users_ask(reader, lambda frame: frame.f_code.co_filename.endswith(_READ_LINES))


def needs_no_times(frame: FrameType | None) -> bool:
    """Tell whether who asks for a file's status is a library, which looks for the kind, or whether to read anew."""
    if frame is None or role(frame.f_code.co_filename) == USERS:
        return False
    asked = ""
    while frame is not None and _FILE_SYSTEMS in frame.f_code.co_filename:
        asked, frame = frame.f_code.co_name, frame.f_back
        if asked in _COMPARE_TIMES:
            return False
    if asked in _TELL_TIMES:
        return frame is not None and role(frame.f_code.co_filename) != USERS
    return frame is None or not frame.f_code.co_filename.endswith(_READ_LINES)


def matches_a_pattern(frame: FrameType | None) -> bool:
    """Tell whether a folder is listed in order to match a pattern with its names."""
    while frame is not None and role(frame.f_code.co_filename) == CARRIER:
        name = frame.f_code.co_name
        if name in _PATTERNS or name.startswith(_SELECTORS):
            return True
        frame = frame.f_back
    return False

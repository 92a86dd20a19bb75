"""What went wrong, and what to do: every exception and warning of nbcache.

Messages have three lines: what happened, why, and what to do. The message is always the first argument, so that
an error survives the trip from a worker process; anything else is an optional attribute.
"""

from __future__ import annotations

import os
import re
import sys
import types
import warnings
from collections.abc import Iterable
from types import FrameType

__all__ = [
    "AwaitableResultError",
    "CacheError",
    "CacheWarning",
    "DamagedEntryError",
    "ForeignEntryError",
    "InvalidParameterError",
    "InvalidSizeError",
    "InvalidTTLError",
    "KeyFileError",
    "MissingExtraError",
    "UncacheableFunctionError",
    "UnhashableArgumentError",
    "UnhashableValueError",
    "UnknownNameError",
    "UnstorableResultError",
    "UntrustedEntryError",
    "UserHashError",
    "explain",
    "findable",
    "text_of",
    "told",
    "warn",
]


def findable(type_name: str) -> str:
    """The name to write for a type, where its own leads nowhere: a generator's is ``types.GeneratorType``."""
    home, _, last = type_name.rpartition(".")
    module = sys.modules.get(home)
    if module is None or hasattr(module, last):
        return type_name
    for holder in (module, types):
        for name, kind in list(vars(holder).items()):
            if issubclass(type(kind), type) and f"{kind.__module__}.{kind.__qualname__}" == type_name:
                return f"{holder.__name__}.{name}"
    return type_name


def text_of(error: BaseException) -> str:
    """What an error says; nothing where it fails to say it, as errors of the user's classes may."""
    try:
        return str(error)
    except Exception:
        return ""


def told(error: BaseException) -> str:
    """An error by its type, and by what it says if it says something."""
    text = text_of(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


class CacheWarning(UserWarning):
    """Something that the cache could not do. The user's own value is safe."""


class CacheError(Exception):
    """The base class of all errors that nbcache raises."""


class InvalidParameterError(CacheError, ValueError):
    """A parameter of `cache_data`, or a setting, has a value that is not valid."""


class InvalidTTLError(InvalidParameterError):
    """A time to live cannot be read, or is negative."""


class InvalidSizeError(InvalidParameterError):
    """A size cannot be read, or is not positive."""


class UncacheableFunctionError(CacheError, TypeError):
    """The decorated object cannot be cached: it is a generator function, or not callable."""


class AwaitableResultError(CacheError, TypeError):
    """A plain function returned an awaitable, which can be awaited only once."""


class UnhashableValueError(CacheError, TypeError):
    """The content of a value cannot be read.

    Attributes
    ----------
    type_name : the full name of the type that cannot be read
    path : where in the value it was met, such as ``['model'].lock``; empty for the value itself
    holder : the full name of the outermost class on the way there, for which `hash_funcs` could say what counts
    """

    def __init__(self, message: str, type_name: str = "", path: str = "", holder: str = "") -> None:
        super().__init__(message)
        self.type_name = type_name
        self.path = path
        self.holder = holder or type_name

    def __reduce__(self) -> tuple[type[UnhashableValueError], tuple[str, str, str, str]]:
        return type(self), (str(self), self.type_name, self.path, self.holder)

    @property
    def reason(self) -> str:
        """Why it cannot be read: the second line of the message."""
        return str(self).partition("\nWhy: ")[2].partition("\n")[0]


class UnhashableArgumentError(CacheError, TypeError):
    """A call has no key, because the content of one of its arguments cannot be read."""


class UserHashError(CacheError):
    """A function given in `hash_funcs`, or a `__cache_key__` method, failed."""


class UnstorableResultError(CacheError):
    """A result cannot be stored. Users do not meet it: they get the value and a warning."""


class ForeignEntryError(CacheError):
    """An entry is signed with a key that is not ours. Users do not meet it: the call is a miss."""


class DamagedEntryError(CacheError):
    """An entry is truncated, altered, or not where it belongs. Users meet a miss and a warning."""


class UntrustedEntryError(CacheError):
    """With ``trust="strict"``: an entry could not be verified."""


class KeyFileError(CacheError):
    """The file of the secret key is not a plain file of this user that nobody else can read."""


class CallFailedError(CacheError):
    """A call failed in a worker process with an exception that cannot be sent back; the message has its text."""


class MissingExtraError(CacheError, ImportError):
    """An optional package is missing."""


class UnknownNameError(CacheError, LookupError):
    """A name given to a magic is neither a cached function nor a cached cell."""


def explain(what: str, why: str, do: str) -> str:
    """Lay out a message: what happened, why, and what to do, a line each."""
    return f"{_ended(what)}\nWhy: {_ended(why)}\nDo: {_ended(do)}"


def _ended(sentence: str) -> str:
    """A sentence with one full stop: the text of an error, which often ends it, may have its own."""
    return sentence[:-1] if sentence.endswith("..") and not sentence.endswith("...") else sentence


def near(name: str, known: Iterable[str], most: int = 3) -> list[str]:
    """The known names that a mistyped one may stand for, likeliest first; letters in another order are near."""
    import difflib  # after a mistake only

    choice = list(dict.fromkeys(known))
    swapped = [other for other in choice if other != name and sorted(other.lower()) == sorted(name.lower())]
    return list(dict.fromkeys([*swapped, *difflib.get_close_matches(name, choice, most, cutoff=0.6)]))[:most]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question that names the near matches, with a blank before it; empty where nothing is near."""
    found = near(name, known)
    return f" Did you mean {' or '.join(found)}?" if found else ""


def shown(value: object, limit: int = 100) -> str:
    """A value as a message may show it: short, on one line, whatever its own repr does."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # a user's repr may do anything
        text = f"<{type(value).__name__}>"
    return text if len(text) <= limit else text[: limit - 3] + "..."


def of_other_version(error: BaseException) -> bool:
    """Whether something could not be loaded because another version of nbcache wrote it, which had other modules."""
    return isinstance(error, ModuleNotFoundError) and (error.name or "").startswith("nbcache.")


_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep
#: Code between the user's and ours: IPython, traitlets and joblib among it, and the event loop.
_STANDARD = re.escape(os.path.dirname(os.__file__) + os.sep)
_LIBRARIES = rf"<frozen |.*[/\\](site|dist)-packages[/\\]|{_STANDARD}"


def is_library(filename: str) -> bool:
    """Whether code in a file is Python's own or an installed library's, and so neither the user's nor nbcache's."""
    return re.match(_LIBRARIES, filename) is not None


def calling_line() -> str:
    """The line of source that called nbcache; empty where it is not at hand."""
    import linecache

    frame: FrameType | None = sys._getframe()
    while frame is not None and frame.f_code.co_filename.startswith((_HERE, "<nbcache")):
        frame = frame.f_back
    return "" if frame is None else linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()


def warn(message: str) -> None:
    """Issue one `CacheWarning` that points at the user's own line; where there is none, at whoever called us."""
    level, called, users = 1, 0, 0
    frame: FrameType | None = sys._getframe()
    while frame is not None and not users:
        filename = frame.f_code.co_filename
        if not filename.startswith((_HERE, "<nbcache")):
            called = called or level
            users = 0 if is_library(filename) else level
        frame = frame.f_back
        level += 1
    warnings.warn(message, CacheWarning, stacklevel=users or called or 1)

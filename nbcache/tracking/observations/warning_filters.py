"""Which warnings does a run give, and what do the filters of this session make of each: shown, ignored, or an error.

A filter that matches nothing stands before all others while a run is recorded. Python asks it about each warning,
given in Python or in C, and so it hears of all of them. What counts is the answer of the filters that were there before
the run; a run that sets filters of its own decides itself. A warning that Python shows once for each place is not heard
of again.
"""

from __future__ import annotations

import functools
import json
import re
import threading
import warnings
import weakref
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

from nbcache.tracking.observations import context
from nbcache.tracking.observations.observation import Observer

__all__ = ["GIVEN", "WARNINGS"]

_KIND = "warning"
_MOST = 20
_ANSWERS = {"error": b"an error", "ignore": b"ignored"}
_SHOWN = b"shown"
#: The text of a pattern that matches nothing.
_NOTHING = "(?!)"
_OURS = __name__.partition(".")[0]


class _Asked(threading.local):
    text = ""
    module = ""


_asked = _Asked()


class _Pattern:
    """Stands for a pattern of a filter; elsewhere, such as in a worker process, it is one that matches nothing.

    It has what a compiled pattern has, for libraries copy filters: scikit-learn does so for each parallel call.
    """

    pattern = _NOTHING
    flags = re.compile(_NOTHING).flags

    def __init__(self, part: str) -> None:
        self._part = part

    def match(self, text: str) -> None:
        """Hear a part of a warning, and match nothing."""
        setattr(_asked, self._part, text)

    def __reduce__(self) -> Any:
        return re.compile, (_NOTHING,)


class _Kind(type):
    def __subclasscheck__(cls, category: type) -> bool:
        if context.recorders:
            with suppress(Exception):  # it stands between the user's code and its own warning
                _heard(category, _asked.text, _asked.module)
        return False


class _Category(Warning, metaclass=_Kind):
    """No warning is one of these; who asks is heard."""


#: Python asks for the text, the module and the category, in this order, whatever the answers are.
_LISTENER: Any = ("ignore", _Pattern("text"), _Category, _Pattern("module"), 0)
#: Lists of filters into which it was put.
_lists: list[list[Any]] = []


class _Began:
    """The filters at the beginning of one run, and the warnings that were heard of since."""

    def __init__(self, observer: Observer, outer: _Began | None, filters: tuple[Any, ...]) -> None:
        # It holds this: with a reference back, no run would be forgotten before the garbage collector comes.
        self._observer = weakref.ref(observer)
        self.outer = outer
        self.filters = filters
        self.met: set[tuple[str, str, type]] = set()
        self.token: Any = None

    @property
    def observer(self) -> Observer:
        found = self._observer()
        assert found is not None  # it lives while its run is under way
        return found

    def decides(self, found: Any) -> bool:
        """Whether the run itself has set a filter."""
        return found is not None and not any(found is one for one in self.filters)


_innermost: ContextVar[_Began | None] = ContextVar("nbcache_warning_filters", default=None)


_get_filters: Callable[[], Any] | None = getattr(warnings, "_get_filters", None)  # Python 3.14


def _filters() -> Any:
    return warnings.filters if _get_filters is None else _get_filters()


def _heard(category: type, text: str, module: str) -> None:
    recorder = context.current()
    began = None if recorder is None else recorder.kept.get(_KIND)
    if began is None or str(category.__module__).partition(".")[0] == _OURS or issubclass(category, ResourceWarning):
        return  # the last is given when an object dies, and raises into nobody's code
    key = text, module, category
    if key in began.met or len(began.met) >= _MOST:
        return
    names = _names(category)
    found = _deciding(text, module, names)
    while began is not None:
        began.met.add(key)
        if not began.decides(found):
            began.observer.observe(_KIND, json.dumps([text, module, names]), _answer(found), here=True)
        began = began.outer


def _names(category: type) -> list[str]:
    return [_full_name(base) for base in category.__mro__ if base is not object]


def _full_name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _deciding(text: str, module: str, names: list[str]) -> Any:
    """The first filter that matches; None where none does."""
    last = _last_parts(*names)
    for one in _filters():
        _, message, category, place, _ = one
        if one is _LISTENER or category.__name__ not in last or _full_name(category) not in names:
            continue
        if _matches(message, text) and _matches(place, module):
            return one
    return None


@functools.lru_cache(maxsize=1024)
def _last_parts(*names: str) -> frozenset[str]:
    """What classes are called, which tells most of them apart for less than their full names."""
    return frozenset(name.rpartition(".")[2] for name in names)


def _matches(pattern: Any, text: str) -> bool:
    if pattern is None or isinstance(pattern, str):
        return pattern is None or pattern == text
    return bool(pattern.match(text))


def _answer(found: Any) -> bytes:
    action = getattr(warnings, "defaultaction", "default") if found is None else found[0]
    return _ANSWERS.get(action, _SHOWN)


@functools.lru_cache(maxsize=1024)
def _read(name: str) -> tuple[str, str, list[str]]:
    text, module, names = json.loads(name)
    return text, module, names


class _Warnings:
    def digest(self, name: str) -> bytes:
        return _answer(_deciding(*_read(name)))

    def stamp(self, name: str) -> object:
        return None

    def label(self, name: str) -> str:
        text, _, names = _read(name)
        first = text.partition("\n")[0]
        return f"warning filters for {names[0].rpartition('.')[2]} ({first[:60]})"

    def outline(self, name: str) -> str:
        return self.digest(name).decode()

    def is_own(self, observer: Observer, name: str) -> bool:
        """Whether the run that an observer records has set the filter that decides now."""
        began = observer.kept.get(_KIND)
        return began is not None and began.decides(_deciding(*_read(name)))


GIVEN = _Warnings()


class _Watch:
    def begin(self, observer: Observer) -> _Began | None:
        filters = _filters()
        if type(filters) is not list:
            return None
        began = observer.kept[_KIND] = _Began(observer, _innermost.get(), tuple(filters))
        if not filters or filters[0] is not _LISTENER:
            filters.insert(0, _LISTENER)  # without a word to `warnings`, which would show again what it has shown
            _lists.append(filters)
        began.token = _innermost.set(began)
        return began

    def end(self, observer: Observer, began: _Began | None) -> None:
        if began is not None:
            _innermost.reset(began.token)
        if len(context.recorders) <= 1:  # nobody else listens
            while _lists:
                filters = _lists.pop()
                filters[:] = [one for one in filters if one is not _LISTENER]


WARNINGS = _Watch()

"""The options of libraries: which ones differ from what a fresh process has, for the libraries that code uses.

An option that somebody has set decides what the same code computes and shows: `pd.set_option`, `np.seterr`,
`decimal.getcontext().prec`. Options at their defaults are no part of anything, so that nothing changes for those who
set none. Each library is one line of `table`; matplotlib, whose parameters are seen when they are read, has a
room of its own among the observations.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Protocol

from nbcache.hashing import hasher
from nbcache.tracking.code.bytecode import short_digest
from nbcache.tracking.options.settings import SETTINGS
from nbcache.tracking.options.table import TABLE, Library
from nbcache.tracking.options.values import equal, flat
from nbcache.tracking.packages import requirements_of

__all__ = ["Options", "brought", "options_of"]

Part = tuple[str, str, str] | None
_NOTHING: frozenset[str] = frozenset()
_ALL: tuple[Library, ...] = (*TABLE, *SETTINGS)
#: Items of a container that are looked at for where they come from.
_LOOKED_AT = 20


class Labelled(Protocol):
    label: str


class Options:
    """The options of some libraries at one moment.

    Attributes
    ----------
    parts : a label, a digest and a summary for each library of which an option differs from a fresh process
    """

    def __init__(self, libraries: Iterable[Library]) -> None:
        self._seen = [(library, *_now(library)) for library in libraries]
        self.parts = tuple([part for _, _, part in self._seen if part is not None])

    def __bool__(self) -> bool:
        return bool(self._seen)

    def expression(self, name: Callable[[object], str]) -> str:
        """An expression that is true while all of them are what they were; `name` names things in generated code."""
        return " and ".join(_guarded(library, values, name) for library, values, _ in self._seen)

    def same(self) -> bool:
        """Tell whether all of them are what they were."""
        return all(_is(library, values) for library, values, _ in self._seen)


def options_of(uses: Iterable[str], attributes: Iterable[str] = ()) -> Options:
    """Find the options that count for code.

    Parameters
    ----------
    uses : the distributions that it reaches, normalised, and top-level modules of the standard library
    attributes : the names of attributes that it reads
    """
    return Options(_libraries(frozenset(uses), _WATCHED_NAMES.intersection(attributes)))


def brought(values: Iterable[object], known: Iterable[Labelled]) -> tuple[tuple[str, str, str], ...]:
    """Find the options that count for code because of what it is given: a frame to write down, a number to divide.

    Parameters
    ----------
    known : what counts for the code itself, options included
    """
    uses = {top for value in values for top in _tops(value, 2)}
    found = Options(_libraries(frozenset(uses), _NOTHING)).parts if uses else ()
    if not found:
        return ()
    labels = {part.label for part in known}
    return tuple([part for part in found if part[0] not in labels])


def _tops(value: object, depth: int) -> Iterator[str]:
    kind: Any = type(value)
    module = getattr(kind, "__module__", None)
    if module != "builtins":
        if type(module) is str:
            yield module.partition(".")[0]
    elif depth and kind in (list, tuple, set):
        for item in islice(value, _LOOKED_AT):  # type: ignore[call-overload]
            yield from _tops(item, depth - 1)
    elif depth and kind is dict:
        for item in islice(value.values(), _LOOKED_AT):  # type: ignore[attr-defined]
            yield from _tops(item, depth - 1)


@functools.lru_cache(maxsize=1024)
def _libraries(used: frozenset[str], read: frozenset[str]) -> tuple[Library, ...]:
    if not used:
        return ()
    found = _required(used) | used
    fitting = [one for one in _ALL if one.uses & found and (not one.attributes or one.attributes & read)]
    return tuple({one.name: one for one in fitting}.values())


def _required(packages: frozenset[str]) -> set[str]:
    """The distributions that others need to be installed with, directly or not."""
    found: set[str] = set()
    pending = list(packages)
    while pending:
        for name in requirements_of(pending.pop()):
            if name not in found:
                found.add(name)
                pending.append(name)
    return found


_WITH_OPTIONS = frozenset(library.name for library in TABLE) - {"locale", "default timezone", "command line"}
_WATCHED_NAMES = _NOTHING.union(*[library.attributes for library in _ALL])


def _is(library: Library, values: object) -> bool:
    module = sys.modules.get(library.module)
    if module is None:
        return values is None
    try:
        return bool(library.read(module) == values)
    except Exception:  # a module in the middle of its import, or another version with another inside
        return values is None


def _guarded(library: Library, values: object, name: Callable[[object], str]) -> str:
    module = sys.modules.get(library.module)
    if module is None:
        return f"{library.module!r} not in {name(sys.modules)}"
    read = functools.partial(_is, library, values)
    try:
        return f"{name(read)}()" if library.guard is None else library.guard(module, name)
    except Exception:  # another version, with another inside
        return f"{name(read)}()"


#: What a library was found to have last, and the part for it.
_known: dict[str, tuple[object, Part]] = {}


def _now(library: Library) -> tuple[object, Part]:
    """Something that the options of now are equal to, None where there are none; and the part for them."""
    known = _known.get(library.name)
    if known is not None and _is(library, known[0]):
        return known
    module = sys.modules.get(library.module)
    found: tuple[object, Part] = None, None
    if module is not None:
        try:
            found = _copied(library.read(module)), _part(library)
        except Exception:  # the same
            found = None, None
    _known[library.name] = found
    return found


def _copied(values: Any) -> Any:
    return {name: _copied(value) for name, value in values.items()} if isinstance(values, dict) else values


def _part(library: Library) -> Part:
    differing = _differing(library)
    if not differing:
        return None
    label = f"options of {library.name}" if library.name in _WITH_OPTIONS else library.name
    said = ", ".join(f"{name} = {hasher.summary(value, 40)}" for name, value in differing.items())
    return label, _digest(differing).hex(), said


def _differing(library: Library) -> dict[str, Any]:
    module = sys.modules[library.module]
    values, fresh = flat(library.tell(module)), flat(library.fresh(module))
    return {name: value for name, value in sorted(values.items()) if not equal(value, fresh.get(name))}


def _digest(differing: Mapping[str, Any]) -> bytes:
    fields = []
    for name, value in differing.items():
        try:
            fields += [name.encode(), hasher.digest(value)]
        except Exception:  # what cannot be read counts by what it says of itself
            fields += [name.encode(), repr(value).encode()]
    return short_digest(b"options", *fields)

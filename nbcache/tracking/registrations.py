"""What have users registered: classes on abstract ones, and functions in the tables of libraries?

A class counts as derived from an abstract one because somebody registered it, on it or below it. `abc` counts all
registrations of a process in one number: while it stands, nothing has to be looked at.
"""

from __future__ import annotations

import abc
import codecs
import sys
from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from operator import is_
from types import ModuleType
from typing import Any, NamedTuple

from nbcache.tracking import bindings, classes, packages

__all__ = ["Registered", "Tables", "abstract_inside", "error_handler", "is_abstract", "token"]

#: How many classes were registered in this process.
token = abc.get_cache_token

_MOST_ITEMS = 1000
# In C there is no other way to see what was registered; the version in Python keeps it in an attribute.
_dump: Any = getattr(abc, "_get_dump", None)


def is_abstract(cls: type) -> bool:
    """Tell whether classes can be registered on one."""
    return issubclass(type(cls), abc.ABCMeta)


def abstract_inside(value: Any, depth: int = 2) -> Iterator[type]:
    """Find abstract classes in a container, such as what `isinstance` is asked for, or what functions are chosen by."""
    kind = type(value)
    if issubclass(kind, type):
        if is_abstract(value):
            yield value
    elif depth and (kind is tuple or kind is list or kind is set or kind is frozenset or kind is dict):
        for item in islice(value, _MOST_ITEMS):
            yield from abstract_inside(item, depth - 1)


class Registered:
    """What was registered on some abstract classes.

    Parameters
    ----------
    reached : the top-level modules of libraries that the code uses: what another registers at its import comes and
        goes with that

    Attributes
    ----------
    names : per class, the full names of what is registered, in order
    places : where classes of the user's stand that are registered: namespace, name, class; others may come there
    seen : the count of registrations up to which this is known to be so, as the only item
    """

    def __init__(self, abstract: Collection[type], reached: Collection[str]) -> None:
        self._abstract = tuple(abstract)
        self._reached = frozenset(reached)
        self.seen = [token()]
        self.places: list[tuple[dict[str, Any], str, type]] = []
        self.names = self._look()

    def unchanged(self) -> bool:
        """Whether nothing was registered that counts: looks at each class."""
        count = token()
        if self._look() != self.names:
            return False
        self.seen[0] = count
        return True

    def _look(self) -> list[list[str]]:
        return [sorted(set(self._registered_on(cls))) for cls in self._abstract]

    def _registered_on(self, root: type) -> Iterator[str]:
        met = {id(root)}
        pending = [root]
        while pending:
            cls = pending.pop()
            here = _home(cls)
            for registered in _registry(cls):
                if id(registered) not in met:
                    met.add(id(registered))
                    if self._counts(here, registered):
                        yield f"{classes.module_of(registered)}.{classes.name_of(registered)}"
                    if is_abstract(registered):
                        pending.append(registered)
            below: list[type] = type.__subclasses__(cls)
            for derived in below:
                if id(derived) not in met:
                    met.add(id(derived))
                    pending.append(derived)

    def _counts(self, here: str, registered: type) -> bool:
        """Whether somebody has registered a class who is not the library that made the abstract one."""
        if here == "local" or _home(registered) == "local":
            return self._is_current(registered)
        top = str(classes.module_of(registered)).partition(".")[0]
        return top in self._reached and top not in sys.stdlib_module_names

    def _is_current(self, cls: type) -> bool:
        """Whether it is not a former version of a class whose cell was run again."""
        module: Any = sys.modules.get(str(classes.module_of(cls)))
        name = str(type.__dict__["__qualname__"].__get__(cls))
        found = module.__dict__.get(name) if issubclass(type(module), ModuleType) else None
        if found is cls:
            self.places.append((module.__dict__, name, cls))
        return found is cls or not issubclass(type(found), type)


def _home(cls: type) -> str:
    module = classes.module_of(cls)
    return "stdlib" if module == "builtins" else packages.home_of_name(module).kind


def _registry(cls: type) -> list[type]:
    try:
        if _dump is None:
            return list(cls._abc_registry)  # type: ignore[attr-defined]
        return [found for entry in _dump(cls)[0] if (found := entry()) is not None]
    except Exception:  # a metaclass that never called the one of `abc`
        return []


_LOADERS = ("SafeLoader", "FullLoader", "Loader", "UnsafeLoader", "CSafeLoader", "CLoader", "CFullLoader")
_DUMPERS = ("SafeDumper", "Dumper", "CSafeDumper", "CDumper")
# A line a library: the top-level module that code uses, the module that has the tables, and where.
_TABLES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "yaml": (
        "yaml",
        (
            *(f"{name}.{table}" for name in _LOADERS for table in ("yaml_constructors", "yaml_multi_constructors")),
            *(f"{name}.{table}" for name in _DUMPERS for table in ("yaml_representers", "yaml_multi_representers")),
        ),
    ),
    "jinja2": ("jinja2.defaults", ("DEFAULT_FILTERS", "DEFAULT_TESTS", "DEFAULT_NAMESPACE")),
    "sqlite3": ("sqlite3", ("adapters", "converters")),
}


class Entry(NamedTuple):
    """Something of the user's in a table: `place` says where, in the user's words."""

    table: Mapping[Any, Any]
    key: object
    value: object
    place: str


class Tables:
    """The tables of some libraries at one moment: what users register there by name or by type.

    The library asks them for what no code names. Only what is the user's counts, and is followed like a helper; the
    rest comes with the library.

    Parameters
    ----------
    reached : the top-level modules of libraries that the code uses
    """

    def __init__(self, reached: Collection[str]) -> None:
        self._reached = sorted(_TABLES.keys() & reached)
        self._seen = [(list(table), list(table.values())) for _, table in self._tables()]

    def __bool__(self) -> bool:
        return bool(self._seen)

    def entries(self) -> Iterator[Entry]:
        """Find what is the user's."""
        for place, table in self._tables():
            for key, value in list(table.items()):
                if bindings.kind_of(value) == bindings.USERS:
                    yield Entry(table, key, value, f"{place}[{_named(key)}]")

    def same(self) -> bool:
        """Tell whether every table holds the very same things."""
        tables = [table for _, table in self._tables()]
        return len(tables) == len(self._seen) and all(
            len(table) == len(keys) and all(map(is_, table, keys)) and all(map(is_, table.values(), values))
            for table, (keys, values) in zip(tables, self._seen, strict=True)
        )

    def _tables(self) -> Iterator[tuple[str, Mapping[Any, Any]]]:
        for top in self._reached:
            home, places = _TABLES[top]
            for place in places:
                found: Any = sys.modules.get(home)
                for name in place.split("."):
                    found = getattr(found, name, None)
                if type(found) is dict:
                    yield f"{top}.{place}", found


def error_handler(name: str) -> object:
    """Give what the user has registered with `codecs` for errors, under a name; None for any other name."""
    try:
        found = codecs.lookup_error(name)
    except (LookupError, ValueError):
        return None
    return found if bindings.kind_of(found) == bindings.USERS else None


def _named(key: object) -> str:
    kinds = key if type(key) is tuple else (key,)
    return ", ".join(classes.name_of(one) if issubclass(type(one), type) else repr(one) for one in kinds)

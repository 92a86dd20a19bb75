"""Under which name does a module hold an object: what can be imported comes back by an import, never as a copy."""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Iterable
from functools import cached_property
from itertools import compress
from typing import Any

from nbcache.hashing.objects import is_users

__all__ = ["MUTABLE", "Imported", "fetch", "modules_of", "name_in_modules"]

MUTABLE = frozenset((list, dict, set, bytearray))
_WANTED = MUTABLE | {types.MethodType, types.BuiltinMethodType}
_MAIN = frozenset(("__main__", "__mp_main__", "builtins"))


_held: dict[str, tuple[int, dict[int, str]]] = {}


def name_in_modules(value: object) -> tuple[str, str] | None:
    """The module and the attribute that hold an instance, where that is the module of its class, or a package of it."""
    module = getattr(type(value), "__module__", None)
    while isinstance(module, str) and module and module not in _MAIN:
        members = getattr(sys.modules.get(module), "__dict__", None)
        if members is not None:
            size, names = _held.get(module, (-1, {}))
            if size != len(members) or (id(value) not in names and is_users(module)):  # it may be another, of a reload
                names = {id(held): name for name, held in list(members.items())}
                _held[module] = len(members), names
            name = names.get(id(value))
            if name is not None and members.get(name) is value:
                return module, name
        module = module.rpartition(".")[0]
    return None


class Imported:
    """The objects that are attributes of modules which a cell can have got them from.

    Parameters
    ----------
    names : of modules; whatever else of their packages is loaded counts too
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._packages = {name.partition(".")[0] for name in names} - _MAIN

    @cached_property
    def held(self) -> dict[int, tuple[object, str, str]]:
        """What the modules hold, by its address.

        Looked for when it is first asked for: the usual libraries have a hundred thousand attributes.
        """
        found: dict[int, tuple[object, str, str]] = {}
        wanted = _WANTED.__contains__
        for name, module in list(sys.modules.items()):
            if name.partition(".")[0] in self._packages and isinstance(module, types.ModuleType):
                held = vars(module).copy()
                for attribute, value in compress(held.items(), map(wanted, map(type, held.values()))):
                    if id(value) not in found:
                        found[id(value)] = value, name, attribute
        return found

    def place_of(self, value: object) -> tuple[str, str] | None:
        """The module and the attribute that give this very object; `None` when none does."""
        kind = type(value)
        if kind in _WANTED:
            found = self.held.get(id(value))
            if found is not None and found[0] is value:
                return found[1:]
        if kind.__module__ not in _MAIN and (watched := _name_of_watched(value)) is not None:
            return watched
        if kind.__module__ in _MAIN or issubclass(kind, type | types.FunctionType | types.ModuleType):
            return None
        return name_in_modules(value)


def _name_of_watched(value: object) -> tuple[str, str] | None:
    """The name of a function in whose place nbcache has put one that notes its calls."""
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    held = getattr(sys.modules.get(module), str(name), None) if isinstance(module, str) else None
    if type(held) is not types.FunctionType or getattr(held, "__wrapped__", None) is not value:
        return None
    return (module, str(name)) if str(held.__globals__.get("__name__")).startswith("nbcache.") else None  # type: ignore[return-value]


def fetch(module: str, attribute: str) -> Any:
    """Import a module and give what it holds."""
    return getattr(importlib.import_module(module), attribute)


def modules_of(values: Iterable[object]) -> set[str]:
    """The names of the modules among some values, and of those that their functions and classes come from."""
    found = set()
    for value in values:
        if isinstance(value, types.ModuleType):
            found.add(value.__name__)
        elif isinstance(value, types.FunctionType | type):
            found.add(value.__module__ or "")
    return found

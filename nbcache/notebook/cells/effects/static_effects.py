"""What a cell changes beside the namespace, as far as its text tells.

A hit repeats none of it, so that cells after it would show something else. What stands in the cell itself is seen
before it runs: an attribute of a module that is assigned, a call such as `logging.basicConfig(...)` whose value nobody
takes, a decorator that registers. What is changed somewhere below is seen afterwards (`registrations`).
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from nbcache.notebook.cells.effects.library_options import COVERED, COVERED_PARTS
from nbcache.notebook.cells.syntax.bodies import Names
from nbcache.notebook.cells.syntax.mutations import Touched

__all__ = ["of_libraries"]

# Calls of libraries that give an object of the notebook: what is changed there is a figure of this cell.
_GIVES_OWN = ("gca().", "gcf().", "figure().", "subplot().", "axes().", "subplots().")
# Calls that reach the session whatever they are called on.
_ALWAYS = (".addHandler()", ".addFilter()", ".removeHandler()", ".for_type()", ".for_type_by_name()")

# What libraries call an argument that is changed; a helper that hands on its own argument tells no more of it.
_CHANGED_ARGUMENTS = frozenset(("G", "graph", "module", "model", "layer", "ax", "axes", "fig", "figure", "obj"))


def of_libraries(names: Names, namespace: Mapping[str, Any], ran: bool = False) -> list[str]:
    """What the cell changes in modules, and in what it imports from them; options that a hit sets again left out.

    Parameters
    ----------
    ran : whether the cell has run, so that `namespace` tells what it has bound
    """
    return [one.text for one in names.touched if _is_of_library(one, names, namespace, ran)]


def _is_of_library(one: Touched, names: Names, namespace: Mapping[str, Any], ran: bool) -> bool:
    root, text = one.root, one.text
    if text.endswith(_ALWAYS):
        return True
    if root not in names.imported and (root in names.binds or not _is_library(namespace.get(root))):
        return False
    library = _library_of(names.imported.get(root), namespace.get(root))
    if _is_option(text, library) or any(part in text for part in _GIVES_OWN):
        return False
    if not one.given or one.given in names.imported:
        return True
    # A function of a library that changes what it is given, such as `nx.set_node_attributes(G, ...)`: what sets an
    # option takes that alone, or under a name.
    if one.given in names.binds and not ran:
        return False  # it is asked about after the run
    if one.given in namespace:
        return not _is_object_of(library, namespace[one.given])
    return _first_parameter(text, namespace) not in _CHANGED_ARGUMENTS


def _is_object_of(library: str, value: object) -> bool:
    of_code = isinstance(value, type | ModuleType | FunctionType | BuiltinFunctionType)
    return not of_code and str(type(value).__module__).partition(".")[0] == library


def _first_parameter(text: str, namespace: Mapping[str, Any]) -> str:
    """What a library calls the first argument of a function; empty where that cannot be told."""
    root, *steps = text.removesuffix("()").split(".")
    found = namespace.get(root)
    try:
        for step in steps:
            found = getattr(found, step)
        return next(iter(inspect.signature(found).parameters), "")  # type: ignore[arg-type]
    except (AttributeError, TypeError, ValueError):
        return ""


def _is_option(text: str, library: str) -> bool:
    """Other libraries call by the same names what nobody sets again."""
    return text.endswith(COVERED.get(library, ())) or (library in COVERED_PARTS and COVERED_PARTS[library] in text)


def _library_of(imported: str | None, value: object) -> str:
    """The library that a name comes from: by the import in the cell, else by what it stands for."""
    if imported is None:
        given = value if isinstance(value, type | FunctionType | BuiltinFunctionType) else type(value)
        imported = value.__name__ if isinstance(value, ModuleType) else str(getattr(given, "__module__", ""))
    return imported.partition(".")[0].removeprefix("_py").lstrip("_")


def _is_library(value: object) -> bool:
    """Modules, and what they offer: a callable instance of a library is an object of the notebook's."""
    if isinstance(value, ModuleType):
        return True
    if not isinstance(value, type | FunctionType | BuiltinFunctionType):
        return False
    return getattr(value, "__module__", None) not in (None, "__main__")

"""What a cell changes beside the namespace, as far as its text tells.

A hit repeats none of it, so that cells after it would show something else. What stands in the cell itself is seen
before it runs: an attribute of a module that is assigned, a call such as `logging.basicConfig(...)` whose value nobody
takes, a decorator that registers. What is changed somewhere below is seen afterwards (`registrations`).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from nbcache.notebook.cells.effects.library_options import COVERED, COVERED_PARTS
from nbcache.notebook.cells.syntax.bodies import Names

__all__ = ["of_libraries"]

# Calls of libraries that give an object of the notebook: what is changed there is a figure of this cell.
_GIVES_OWN = ("gca().", "gcf().", "figure().", "subplot().", "axes().", "subplots().")
# Calls that reach the session whatever they are called on.
_ALWAYS = (".addHandler()", ".addFilter()", ".removeHandler()", ".for_type()", ".for_type_by_name()")


def of_libraries(names: Names, namespace: Mapping[str, Any]) -> list[str]:
    """What the cell changes in modules, and in what it imports from them; options that a hit sets again left out."""
    return [
        text
        for root, text in names.touched
        if (
            text.endswith(_ALWAYS)
            or root in names.imported
            or (root not in names.binds and _is_library(namespace.get(root)))
        )
        and not _is_option(text, _library_of(names.imported.get(root), namespace.get(root)))
        and not any(part in text for part in _GIVES_OWN)
    ]


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

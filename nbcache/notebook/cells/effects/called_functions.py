"""What do functions of the notebook that a cell calls change in libraries, as far as their text tells.

`def setup(): ImageFile.LOAD_TRUNCATED_IMAGES = True` leaves behind what no differ of process state has a row for. What
stands in the cell itself is told by `static_effects`, by the same rules.
"""

from __future__ import annotations

import ast
import functools
import sys
from collections.abc import Iterable, Iterator, Mapping
from types import CodeType, FunctionType
from typing import Any

from nbcache.notebook.cells.effects.static_effects import of_libraries
from nbcache.notebook.cells.syntax.bodies import Names
from nbcache.notebook.cells.syntax.mutations import OWN, changed_by, changed_place
from nbcache.tracking.code.facts import source_of

__all__ = ["of_functions"]

# Set for a while and set back, as a rule.
_SET_BACK = frozenset({"sys.stdout", "sys.stderr", "gc.enable()", "gc.disable()"})
_ALWAYS_CALLED = ("__init__", "__call__", "__enter__", "__exit__")


def of_functions(nodes: Iterable[ast.stmt], namespace: Mapping[str, Any]) -> list[str]:
    """What functions and methods change in modules that the statements mention, and those that these mention."""
    found: dict[str, None] = {}
    seen: set[CodeType] = set()
    pending = set(_mentioned(nodes))
    known: set[str] = set()
    while pending:
        known |= pending
        called = [code for name in sorted(pending) for code in _codes_of(namespace.get(name), namespace, known)]
        pending = set()
        for function in called:
            if function.__code__ not in seen:
                seen.add(function.__code__)
                names = _changes(function.__code__)
                found.update(dict.fromkeys(one for one in of_libraries(names, namespace, True) if one not in _SET_BACK))
                pending |= set(_names_in(function.__code__)) - known
    return list(found)


def _mentioned(nodes: Iterable[ast.stmt]) -> Iterator[str]:
    """The names and attributes in statements; what is only defined by them is not called by that."""
    for node in nodes:
        inner: Iterable[ast.AST] = [node]
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inner = node.decorator_list
        for part in inner:
            for one in ast.walk(part):
                if isinstance(one, ast.Name):
                    yield one.id
                elif isinstance(one, ast.Attribute):
                    yield one.attr


def _codes_of(value: Any, namespace: Mapping[str, Any], known: set[str]) -> Iterator[FunctionType]:
    """A function of the notebook, or the methods that are mentioned of a class or an instance of it."""
    if isinstance(value, functools._lru_cache_wrapper) or hasattr(type(value), "__nbcache__"):
        value = value.__wrapped__
    if isinstance(value, FunctionType):
        if value.__globals__ is namespace:
            yield value
            yield from _codes_of(value.__dict__.get("__wrapped__"), namespace, known)
        return
    kind = value if isinstance(value, type) else type(value)
    if kind.__module__ != namespace.get("__name__"):
        return
    for name, member in vars(kind).items():
        function = getattr(member, "__func__", member)
        if (name in known or name in _ALWAYS_CALLED) and isinstance(function, FunctionType):
            yield function


def _names_in(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names_in(constant)


@functools.lru_cache(maxsize=1024)
def _changes(code: CodeType) -> Names:
    """What the text of a function assigns and calls for what that changes; nothing where there is no text."""
    names = Names(binds=set(_bound_in(code)))
    try:
        tree = ast.parse(source_of(code, sys.maxsize))  # `inspect` would look through all modules for its file
    except (SyntaxError, ValueError):
        return names
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                names.imported.update((one.asname or one.name.partition(".")[0], one.name) for one in node.names)
            case ast.ImportFrom():
                names.imported.update((one.asname or one.name, node.module or "") for one in node.names)
            case ast.Expr() if (touched := changed_by(node.value)) is not None:
                names.touched.append(touched)
            case ast.Assign() | ast.AugAssign():
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                names.touched += [place for place in map(changed_place, targets) if place is not None]
                if (touched := changed_by(node.value, taken=True)) is not None:
                    names.touched.append(touched)
    names.touched = [one._replace(given=OWN) if one.given in names.binds else one for one in names.touched]
    return names


def _bound_in(code: CodeType) -> Iterator[str]:
    yield from (*code.co_varnames, *code.co_cellvars)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _bound_in(constant)

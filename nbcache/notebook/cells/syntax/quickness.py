"""Which code can only be quick, as far as its text tells: it binds, compares and looks, and repeats nothing.

No more than a guess that saves a look: an attribute may be computed, and a sum of two arrays may take long. What proves
slow is looked at from its next run on.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

__all__ = ["is_quick", "only_imports"]

_IMPORTS = (ast.Import, ast.ImportFrom)
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_PARTS = (
    *(ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr, ast.Pass, ast.Delete, ast.Assert, ast.Global, ast.If),
    *(ast.Name, ast.Constant, ast.Attribute, ast.Subscript, ast.Slice, ast.Starred, ast.JoinedStr, ast.FormattedValue),
    *(ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Tuple, ast.List, ast.Dict, ast.Set),
    *(ast.operator, ast.unaryop, ast.boolop, ast.cmpop, ast.expr_context, ast.keyword, ast.arguments, ast.arg),
)
# Functions and methods that take no longer for a big argument, or only where they show it.
_FUNCTIONS = frozenset(
    (
        *("abs", "bool", "callable", "chr", "float", "getattr", "hasattr", "hash", "id", "int", "isinstance"),
        *("issubclass", "iter", "len", "object", "ord", "print", "range", "repr", "round", "slice", "str", "type"),
    )
)
_METHODS = frozenset(
    (
        *("add", "append", "discard", "endswith", "format", "get", "head", "isdigit", "items", "keys", "lower", "pop"),
        *("popleft", "setdefault", "startswith", "strip", "tail", "title", "upper", "values"),
    )
)
_MAKERS = frozenset(("dict", "list", "set", "tuple", "bytearray"))


def only_imports(nodes: Iterable[ast.AST]) -> bool:
    """Whether a cell does no more than import, which a hit would have to do as well, and what can only be quick."""
    found = list(nodes)
    return any(type(node) in _IMPORTS for node in found) and all(
        type(node) in _IMPORTS or _is_quick(node) for node in found
    )


def is_quick(nodes: Iterable[ast.AST]) -> bool:
    """Whether a cell does no more than bind, compare and look: it loops over nothing, and calls nothing unknown."""
    return all(map(_is_quick, nodes))


def _is_quick(node: ast.AST) -> bool:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():  # the body does not run
            outside = [node.args, *(node.decorator_list if isinstance(node, _DEFINITIONS) else ())]
            return all(map(_is_quick, outside))
        case ast.ClassDef():
            return all(map(_is_quick, (*node.decorator_list, *node.bases, *node.keywords, *node.body)))
        case ast.Call():
            given = (*node.args, *node.keywords)
            return _is_quick_call(node.func, bool(given)) and all(map(_is_quick, given))
        case ast.MatMult():
            return False
    return isinstance(node, _PARTS) and all(map(_is_quick, ast.iter_child_nodes(node)))


def _is_quick_call(called: ast.expr, given: bool) -> bool:
    match called:
        case ast.Name(id=name):
            return name in _FUNCTIONS or (name in _MAKERS and not given)
        case ast.Attribute(attr=name, value=value):
            return name in _METHODS and _is_quick(value)
    return False

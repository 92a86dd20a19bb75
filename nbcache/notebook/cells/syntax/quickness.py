"""Which code can only be quick, as far as its text tells: it binds, compares and looks, and repeats nothing.

No more than a guess that saves a look: an attribute may be computed, and a sum of two arrays may take long. What proves
slow is looked at from its next run on.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

__all__ = ["is_quick", "only_imports"]

_IMPORTS = (ast.Import, ast.ImportFrom)
_PARTS = (
    *(ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr, ast.Delete, ast.Assert, ast.If),
    *(ast.Attribute, ast.Subscript, ast.Slice, ast.Starred, ast.JoinedStr, ast.FormattedValue, ast.BinOp, ast.UnaryOp),
    *(ast.BoolOp, ast.Compare, ast.IfExp, ast.Tuple, ast.List, ast.Dict, ast.Set, ast.keyword, ast.arguments, ast.arg),
)
# Without the operators, and without what is text or a number.
_NOT_LOOKED_INTO = frozenset(
    ("arg", "attr", "ctx", "conversion", "op", "ops", "simple", "type_comment", "kind", "id", "names")
)
_FIELDS: dict[type[ast.AST], tuple[str, ...]] = {
    kind: tuple(field for field in kind._fields if field not in _NOT_LOOKED_INTO) for kind in _PARTS
}
_CALCULATES = (ast.BinOp, ast.AugAssign)
_FIELDS.update(dict.fromkeys((ast.Name, ast.Constant, ast.Pass, ast.Global), ()))
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
    if isinstance(node, ast.Call):
        return _is_quick_call(node) and all(map(_is_quick, node.args)) and all(map(_is_quick, node.keywords))
    fields = _FIELDS.get(type(node))
    if fields is None:
        return _is_quick_definition(node)
    if isinstance(node, _CALCULATES) and type(node.op) is ast.MatMult:
        return False
    for field in fields:
        part = getattr(node, field)
        if type(part) is list:
            for one in part:
                if one is not None and not _is_quick(one):  # the key of `**other` in a dict is missing
                    return False
        elif part is not None and not _is_quick(part):
            return False
    return True


def _is_quick_definition(node: ast.AST) -> bool:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():  # the body does not run
            return all(map(_is_quick, (node.args, *node.decorator_list)))
        case ast.Lambda():
            return _is_quick(node.args)
        case ast.ClassDef():
            return all(map(_is_quick, (*node.decorator_list, *node.bases, *node.keywords, *node.body)))
    return False


def _is_quick_call(call: ast.Call) -> bool:
    called = call.func
    if isinstance(called, ast.Name):
        return called.id in _FUNCTIONS or (called.id in _MAKERS and not call.args and not call.keywords)
    return isinstance(called, ast.Attribute) and called.attr in _METHODS and _is_quick(called.value)

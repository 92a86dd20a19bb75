"""Which code can only be quick, as far as its text tells: it binds, compares and looks, and repeats nothing.

No more than a guess that saves a look: an attribute may be computed, and a sum of two arrays may take long. What proves
slow is looked at from its next run on.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Final, Literal, TypeAlias

__all__ = ["IMPORTS", "QUICK", "SLOW", "Quickness", "quickness"]

SLOW: Final = 0
QUICK: Final = 1
IMPORTS: Final = 2
Quickness: TypeAlias = Literal[0, 1, 2]

_IMPORTS = frozenset((ast.Import, ast.ImportFrom))
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
_CALCULATES = frozenset((ast.BinOp, ast.AugAssign))
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


def quickness(nodes: Iterable[ast.AST]) -> Quickness:
    """What the text of a cell tells.

    Returns
    -------
    `QUICK` where it does no more than bind, compare and look: it loops over nothing, and calls nothing unknown.
    `IMPORTS` where it imports as well, which a hit would have to do too. `SLOW` where it may be slow.
    """
    imports = False
    for node in nodes:
        if type(node) in _IMPORTS:
            imports = True
        elif not _is_quick(node):
            return SLOW
    return IMPORTS if imports else QUICK


def _is_quick(node: ast.AST | None) -> bool:
    waiting = [node]
    while waiting:  # no recursion: this runs before each cell
        node = waiting.pop()
        if node is None:  # the key of `**other` in a dict is missing
            continue
        kind = type(node)
        fields = _FIELDS.get(kind)
        if fields is None:
            parts = _parts_of_call(node) if isinstance(node, ast.Call) else _parts_of_definition(node)
            if parts is None:
                return False
            waiting += parts
            continue
        if kind in _CALCULATES and type(node.op) is ast.MatMult:  # type: ignore[attr-defined]
            return False
        for field in fields:
            part = getattr(node, field)
            if type(part) is list:
                waiting += part
            else:
                waiting.append(part)
    return True


def _parts_of_call(call: ast.Call) -> list[ast.AST] | None:
    """What a call evaluates, where what it calls is quick."""
    called = call.func
    if isinstance(called, ast.Name):
        if called.id in _FUNCTIONS or (called.id in _MAKERS and not call.args and not call.keywords):
            return [*call.args, *call.keywords]
    elif isinstance(called, ast.Attribute) and called.attr in _METHODS:
        return [called.value, *call.args, *call.keywords]
    return None


def _parts_of_definition(node: ast.AST) -> list[ast.AST] | None:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():  # the body does not run
            return [node.args, *node.decorator_list]
        case ast.Lambda():
            return [node.args]
        case ast.ClassDef():
            return [*node.decorator_list, *node.bases, *node.keywords, *node.body]
    return None

"""Which names has a run bound or deleted, where it may or may not have: noted by the cell's own statements.

Only the namespace afterwards can be looked at, and a name that is bound to the very object that it was bound to before
tells nothing. So each place where the cell may bind such a name also notes that it was passed. A note is the expression
`"name" in MARKS`, with an object in the constants of the code: nothing of it can be seen in the namespace, in frames
or in tracebacks, and it costs some 30 ns.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterable
from types import CodeType
from typing import Any, TypeVar

__all__ = ["Marks", "marked"]

_PLACE = "\0marks of nbcache\0"
_Suite = list[ast.stmt]
_Node = TypeVar("_Node", bound=ast.AST)


class Marks(set[str]):
    """The names that were noted; to ask whether a name is in it is to note it."""

    __contains__ = set.add  # type: ignore[assignment]

    def compiler(self, compiler: Any) -> Any:
        """The same compiler, whose code notes here."""
        return _Compiler(compiler, self)

    def put_into(self, code: CodeType) -> CodeType:
        """Give code its place to note in."""
        constants = tuple(self._constant(constant) for constant in code.co_consts)
        changed = any(one is not other for one, other in zip(constants, code.co_consts, strict=True))
        return code.replace(co_consts=constants) if changed else code

    def _constant(self, constant: object) -> Any:
        if isinstance(constant, CodeType):
            return self.put_into(constant)
        return self if constant == _PLACE else constant


class _Compiler:
    def __init__(self, compiler: Any, marks: Marks) -> None:
        self._compiler = compiler
        self._marks = marks

    def __call__(self, *arguments: Any, **options: Any) -> CodeType:
        return self._marks.put_into(self._compiler(*arguments, **options))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._compiler, name)


def marked(nodes: list[ast.stmt], names: set[str]) -> list[ast.stmt]:
    """The same statements, noting where they bind or delete one of `names`; those given are left as they are."""
    if not names:
        return nodes
    found: list[ast.stmt] = []
    for node in nodes:
        noting = _Noting(names)
        # A statement of the cell itself that fails ends the cell: it is noted before, and the last one stays the last.
        before = noting.notes(_bound_by(node), node) if not _is_first(node) else []
        if before or any(map(noting.concerns, ast.walk(node))):
            node = noting.visit(copy.deepcopy(node))
        found += [*before, node]
    return found


def _is_first(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _bound_by(node: ast.stmt) -> Iterable[str]:
    """The names that a statement binds by itself, those of its own suites aside."""
    match node:
        case ast.Assign():
            yield from _names_in(node.targets)
        case ast.AugAssign() | ast.AnnAssign():
            yield from _names_in([node.target])
        case ast.Delete():
            yield from _names_in(node.targets)
        case ast.Import():
            yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
        case ast.ImportFrom():
            yield from (alias.asname or alias.name for alias in node.names)
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield node.name
        case _ if type(node).__name__ == "TypeAlias":
            yield from _names_in([node.name])  # type: ignore[attr-defined]


def _names_in(targets: Iterable[ast.AST]) -> Iterable[str]:
    for target in targets:
        for part in ast.walk(target):
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store | ast.Del):
                yield part.id


def _names_of_pattern(pattern: ast.pattern) -> Iterable[str]:
    for part in ast.walk(pattern):
        name = getattr(part, "name", None) or getattr(part, "rest", None)
        if isinstance(part, ast.MatchAs | ast.MatchStar | ast.MatchMapping) and name:
            yield name


class _Noting(ast.NodeTransformer):
    """Puts notes into the suites and expressions of one statement."""

    def __init__(self, names: set[str]) -> None:
        self._names = names

    def concerns(self, node: ast.AST) -> bool:
        """Tell whether a node may bind one of the names."""
        if isinstance(node, ast.Name):
            return isinstance(node.ctx, ast.Store | ast.Del) and node.id in self._names
        if isinstance(node, ast.alias):
            return (node.asname or node.name.partition(".")[0]) in self._names
        name = getattr(node, "name", None) or getattr(node, "rest", None)
        return isinstance(name, str) and name in self._names

    def notes(self, names: Iterable[str], place: ast.AST) -> _Suite:
        return [self._statement(name, place) for name in dict.fromkeys(names) if name in self._names]

    def _statement(self, name: str, place: ast.AST) -> ast.stmt:
        # Not an expression of its own: where every expression is shown, it would be.
        return _located(ast.If(_note(name), [ast.Pass()], []), place)

    def _suite(self, statements: _Suite, first: _Suite) -> _Suite:
        """A suite that notes what was bound on the way to it, and then what each of its statements has bound."""
        found = list(first)
        for statement in statements:
            notes = self.notes(_bound_by(statement), statement)
            visited = self.visit(statement)
            # What a `del` takes away is noted before: it may be the last statement that is reached.
            found += [*notes, visited] if isinstance(statement, ast.Delete) else [visited, *notes]
        return found

    def _suites(self, node: Any, first: _Suite) -> Any:
        for field in ("test", "iter"):
            if isinstance(getattr(node, field, None), ast.expr):
                setattr(node, field, self.visit(getattr(node, field)))
        for item in getattr(node, "items", ()):
            item.context_expr = self.visit(item.context_expr)
        for field in ("body", "orelse", "finalbody"):
            suite = getattr(node, field, None)
            if suite:
                setattr(node, field, self._suite(suite, first if field == "body" else []))
        for handler in getattr(node, "handlers", ()):
            handler.body = self._suite(handler.body, self.notes(filter(None, [handler.name]), handler))
        return node

    def visit_If(self, node: ast.If) -> ast.AST:
        return self._suites(node, [])  # type: ignore[no-any-return]

    visit_While = visit_Try = visit_TryStar = visit_If  # type: ignore[assignment]

    def visit_For(self, node: ast.For | ast.AsyncFor) -> ast.AST:
        return self._suites(node, self.notes(_names_in([node.target]), node))  # type: ignore[no-any-return]

    visit_AsyncFor = visit_For

    def visit_With(self, node: ast.With | ast.AsyncWith) -> ast.AST:
        targets = [item.optional_vars for item in node.items if item.optional_vars is not None]
        return self._suites(node, self.notes(_names_in(targets), node))  # type: ignore[no-any-return]

    visit_AsyncWith = visit_With

    def visit_Match(self, node: ast.Match) -> ast.AST:
        node.subject = self.visit(node.subject)
        for case in node.cases:
            bound = [name for name in _names_of_pattern(case.pattern) if name in self._names]
            if case.guard is not None:  # what a pattern binds stays, whatever the guard says
                case.guard = self._value_after(self.visit(case.guard), bound)
            notes = self.notes(bound, case.pattern) if case.guard is None else []
            case.body = self._suite(case.body, notes)
        return node

    def visit_NamedExpr(self, node: ast.NamedExpr) -> ast.AST:
        node.value = self.visit(node.value)
        if node.target.id not in self._names:
            return node
        pair = ast.Tuple([node, _note(node.target.id)], ast.Load())
        return _located(ast.Subscript(pair, ast.Constant(0), ast.Load()), node)

    def _value_after(self, value: ast.expr, names: list[str]) -> ast.expr:
        if not names:
            return value
        parts = ast.Tuple([*map(_note, names), value], ast.Load())
        return _located(ast.Subscript(parts, ast.Constant(len(names)), ast.Load()), value)

    def visit_FunctionDef(self, node: Any) -> ast.AST:
        """What is inside binds names of its own."""
        node.decorator_list = [self.visit(one) for one in node.decorator_list]
        return node  # type: ignore[no-any-return]

    visit_AsyncFunctionDef = visit_ClassDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        return node


def _note(name: str) -> ast.expr:
    return ast.Compare(ast.Constant(name), [ast.In()], [ast.Constant(_PLACE)])


def _located(made: _Node, place: ast.AST) -> _Node:
    for part in ast.walk(made):
        if not hasattr(part, "lineno") and isinstance(part, ast.stmt | ast.expr):
            ast.copy_location(part, place)
    return made

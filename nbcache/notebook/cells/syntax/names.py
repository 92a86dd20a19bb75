"""Which names does a cell read from the namespace, and which does it bind: from its syntax tree.

A name counts as read when some path through the cell may use it before the cell itself has bound it. That is the
precise question: a name counted too much makes the next run miss, a name counted too little makes it stale.
The bodies of functions are read later: what they use counts when, after they have been mentioned, something can
call them while the name is not yet bound. Names inside strings that are code (`eval`, `%time`, `df.query`) are
found by `strings`.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from typing import Any

from nbcache.notebook.cells.syntax.bodies import Names, defaults_of, type_parameters
from nbcache.notebook.cells.syntax.evaluation import Evaluation, State, meet
from nbcache.notebook.cells.syntax.mutations import changed_by, changed_place, registered_by
from nbcache.notebook.cells.syntax.static_facts import never_swallows, only_wraps, runs_at_least_once, truth
from nbcache.tracking.code.strings import in_statements

__all__ = ["Names", "names_of"]

_LAZY_ANNOTATIONS = sys.version_info >= (3, 14)


def names_of(tree: ast.Module, transform: Callable[[str], str] = str, lazy: bool = _LAZY_ANNOTATIONS) -> Names:
    """Find what `tree` reads and binds.

    Parameters
    ----------
    transform : turns IPython's syntax inside strings (a magic in `%time`) into Python
    lazy : whether annotations are not evaluated, as in Python 3.14 or under `from __future__ import annotations`
    """
    flow = Flow(Names(), transform, lazy)
    flow.body(tree.body)
    flow.names.certain = set(flow.state or ())
    if flow.names.queries or flow.names.tables:  # the text may have been put together anywhere in the cell
        texts = [
            part.value for part in ast.walk(tree) if isinstance(part, ast.Constant) and isinstance(part.value, str)
        ]
        flow.names.reads |= in_statements(texts, flow.names.queries, flow.names.tables) - flow.names.certain
    return flow.names


class Flow(Evaluation):
    """Statements: branches, loops, definitions."""

    def __init__(self, names: Names, transform: Callable[[str], str], lazy: bool) -> None:
        super().__init__(names, transform, lazy)
        self._breaks: list[list[State]] = []
        self._continues: list[list[State]] = []

    def body(self, statements: list[ast.stmt]) -> None:
        for statement in statements:
            method = getattr(self, f"_{type(statement).__name__}", None)
            (method or self._others)(statement)

    def _others(self, node: ast.stmt) -> None:
        self.each(ast.iter_child_nodes(node))

    def _Expr(self, node: ast.Expr) -> None:
        self.touch(changed_by(node.value))
        self.expression(node.value)

    def _Assign(self, node: ast.Assign) -> None:
        self.touch(changed_by(node.value, taken=True))
        if isinstance(node.value, ast.Lambda) and all(isinstance(target, ast.Name) for target in node.targets):
            self.each(defaults_of(node.value.args))
            used = self.used_later(ast.Expr(node.value))
        else:
            self.expression(node.value)
            used = set()
        for target in node.targets:
            self.target(target)
            if used and isinstance(target, ast.Name):
                self.bodies[target.id] = used

    def _AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self.read(node.target.id)
        self.expression(node.value)
        self.something_runs()
        self.target(node.target)

    def _AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.expression(node.value)
            self.target(node.target)
        self.annotation(node.annotation)

    def _Delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            self.touch(changed_place(target))
            for part in ast.walk(target):
                if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Del):
                    self.unbind(part.id)
                elif isinstance(part, ast.Name):
                    self.read(part.id)
        self.something_runs()

    def _Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.names.modules.add(alias.name)
            if alias.name == "__main__":
                self.names.whole = self.names.whole or "__main__ holds the whole namespace"
            self._imported(alias.asname or alias.name.partition(".")[0], alias.name)

    def _ImportFrom(self, node: ast.ImportFrom) -> None:
        module = "." * node.level + (node.module or "")
        if module == "__future__" and any(alias.name == "annotations" for alias in node.names):
            self.lazy = True
        self.names.modules.add(module)
        for alias in node.names:
            if alias.name == "*":
                self._star(module)
            else:
                self.names.modules.add(f"{module}.{alias.name}")
                self._imported(alias.asname or alias.name, module)

    def _imported(self, name: str, module: str) -> None:
        self.names.imported[name] = module
        self.bind(name)

    def _star(self, module: str) -> None:
        self.names.stars.add(module)
        known = sys.modules.get(module)
        if known is None:
            self.names.star = True
            return
        public = getattr(known, "__all__", None) or [name for name in vars(known) if not name.startswith("_")]
        for name in public:
            self.bind(name)

    def _If(self, node: ast.If) -> None:
        self.expression(node.test)
        certain = truth(node.test)
        before = self.copy()
        self.state = None if certain is False else self.state
        self.body(node.body)
        after, self.state = self.state, None if certain is True or before is None else set(before)
        self.body(node.orelse)
        self.state = meet(after, self.state)

    def _For(self, node: ast.For | ast.AsyncFor) -> None:
        self.expression(node.iter)
        self.something_runs()
        self._loop(node, node.target, certain=runs_at_least_once(node.iter), endless=False)

    _AsyncFor = _For

    def _While(self, node: ast.While) -> None:
        self.expression(node.test)
        certain = truth(node.test) is True
        self._loop(node, None, certain=certain, endless=certain)

    def _loop(
        self, node: ast.For | ast.AsyncFor | ast.While, target: ast.expr | None, certain: bool, endless: bool
    ) -> None:
        before = self.copy()
        self._breaks.append([])
        self._continues.append([])
        if target is not None:
            self.target(target)
        self.body(node.body)
        ends: State = self.state
        for state in self._continues.pop():
            ends = meet(ends, state)
        removed = set() if before is None or ends is None else before - ends
        self.state = None if endless else ends if certain else None if before is None else before - removed
        self.body(node.orelse)
        for state in self._breaks.pop():
            self.state = meet(self.state, state)

    def _Break(self, _: ast.Break) -> None:
        if self._breaks:
            self._breaks[-1].append(self.copy())
        self.state = None

    def _Continue(self, _: ast.Continue) -> None:
        if self._continues:
            self._continues[-1].append(self.copy())
        self.state = None

    def _Raise(self, node: ast.Raise) -> None:
        self._others(node)
        self.state = None

    def _Return(self, node: ast.Return) -> None:
        self._others(node)
        self.state = None

    def _With(self, node: ast.With | ast.AsyncWith) -> None:
        certain = True
        for item in node.items:
            self.expression(item.context_expr)
            self.something_runs()
            certain = certain and never_swallows(item.context_expr)
            if item.optional_vars is not None:
                self.target(item.optional_vars)
        before = self.copy()
        self.body(node.body)
        if not certain:
            removed = set() if before is None or self.state is None else before - self.state
            self.state = None if before is None else before - removed

    _AsyncWith = _With

    def _Try(self, node: Any) -> None:
        before = self.copy()
        self.body(node.body)
        removed = set() if before is None or self.state is None else before - self.state
        risky = None if before is None else before - removed
        self.body(node.orelse)
        result = self.state
        for handler in node.handlers:
            self.state = None if risky is None else set(risky)
            if handler.type is not None:
                self.expression(handler.type)
            if handler.name:
                self.bind(handler.name)
            self.body(handler.body)
            if handler.name and self.state is not None:
                self.state.discard(handler.name)
            result = meet(result, self.state)
        if node.finalbody:
            start = None if risky is None else set(risky)
            self.state = None if start is None else set(start)
            self.body(node.finalbody)
            if self.state is None or start is None:
                result = None
            elif result is not None:
                result = (result | (self.state - start)) - (start - self.state)
        self.state = result

    _TryStar = _Try

    def _Match(self, node: ast.Match) -> None:
        self.expression(node.subject)
        self.something_runs()
        before, result, complete = self.copy(), None, False
        for case in node.cases:
            self.state = None if before is None else set(before)
            self._pattern(case.pattern)
            if case.guard is not None:
                self.expression(case.guard)
            self.body(case.body)
            result = meet(result, self.state)
            complete = complete or (case.guard is None and _catches_all(case.pattern))
        self.state = result if complete else meet(result, before)

    def _pattern(self, pattern: ast.pattern) -> None:
        for part in ast.walk(pattern):
            if isinstance(part, ast.Name):
                self.read(part.id)
        for part in ast.walk(pattern):
            name = getattr(part, "name", None) or getattr(part, "rest", None)
            if isinstance(part, ast.MatchAs | ast.MatchStar | ast.MatchMapping) and name:
                self.bind(name)

    def _Global(self, _: ast.Global) -> None:
        """At the top of a cell this changes nothing."""

    def _TypeAlias(self, node: Any) -> None:
        self._define(node.name.id, node, [])

    def _FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        now = [*node.decorator_list, *defaults_of(node.args)]
        self._registered(node.decorator_list)
        self.each(now)
        self.inner.append(type_parameters(node))
        for annotation in _annotations(node):
            self.annotation(annotation)
        self.inner.pop()
        self._define(node.name, node, node.decorator_list)

    _AsyncFunctionDef = _FunctionDef

    def _registered(self, decorators: list[ast.expr]) -> None:
        for decorator in decorators:
            self.touch(registered_by(decorator))

    def _define(self, name: str, node: ast.stmt, decorators: list[ast.expr]) -> None:
        used = self.used_later(node)
        self.bind(name)
        self.bodies[name] = used
        if not all(map(only_wraps, decorators)):
            self.mention(name)
            self.something_runs()

    def _ClassDef(self, node: ast.ClassDef) -> None:
        parameters = type_parameters(node)
        self._registered(node.decorator_list)
        self.inner.append(parameters)
        self.each([*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)])
        self.inner.pop()
        inner = ClassBody(self, parameters)
        inner.body(node.body)
        self.bind(node.name)
        self.bodies[node.name] = inner.methods_use
        if node.bases or node.keywords or not all(map(only_wraps, node.decorator_list)):
            self.mention(node.name)
            self.something_runs()

    def annotation(self, node: ast.expr) -> None:
        if not self.lazy:
            self.expression(node)


class ClassBody(Flow):
    """The body of a class: it runs at once, binds its own names, and reads the cell's where it has none."""

    def __init__(self, outer: Flow, parameters: set[str]) -> None:
        super().__init__(outer.names, outer.transform, outer.lazy)
        self.outer = outer
        self.state = {*parameters, "__module__", "__qualname__"}
        self.methods_use: set[str] = set()

    def read(self, name: str) -> None:
        if self.state is not None and name not in self.state and not any(name in inner for inner in self.inner):
            self.outer.read(name)

    def bind(self, name: str) -> None:
        if self.state is not None:
            self.state.add(name)

    def unbind(self, name: str) -> None:
        if self.state is not None:
            self.state.discard(name)

    def something_runs(self) -> None:
        self.outer.callable |= self.callable
        self.outer.something_runs()

    def _define(self, name: str, node: ast.stmt, decorators: list[ast.expr]) -> None:
        used = self.used_later(node)
        self.methods_use |= used
        self.bind(name)
        if not all(map(only_wraps, decorators)):  # it may call the method at once
            self.callable |= used
            self.something_runs()


def _annotations(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.expr]:
    given = node.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs, *filter(None, (given.vararg, given.kwarg))]
    found = [argument.annotation for argument in every if argument.annotation is not None]
    return found if node.returns is None else [*found, node.returns]


def _catches_all(pattern: ast.pattern) -> bool:
    if isinstance(pattern, ast.MatchOr):
        return any(map(_catches_all, pattern.patterns))
    return isinstance(pattern, ast.MatchAs) and (pattern.pattern is None or _catches_all(pattern.pattern))

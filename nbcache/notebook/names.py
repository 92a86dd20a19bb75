"""Which names does a cell read from the namespace, and which does it bind: from its syntax tree.

A name counts as read when some path through the cell may use it before the cell itself has bound it. That is the
precise question: a name counted too much makes the next run miss, a name counted too little makes it stale.
The bodies of functions are read later: what they use counts when, after they have been mentioned, something can
call them while the name is not yet bound. Names inside strings that are code (`eval`, `%time`, `df.query`) are
found by `hidden`.
"""

from __future__ import annotations

import ast
import dis
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import CodeType
from typing import Any

from . import hidden
from .certainty import never_swallows, only_wraps, runs_at_least_once, truth

__all__ = ["Names", "names_of"]

State = set[str] | None
"""The names that are certainly bound at a point; `None` where the point cannot be reached."""

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_LAZY_ANNOTATIONS = sys.version_info >= (3, 14)
_READS = frozenset({"LOAD_NAME", "LOAD_GLOBAL", "LOAD_FROM_DICT_OR_GLOBALS"})
_OWN = frozenset(
    {"__class__", "__name__", "__module__", "__qualname__", "__classdict__", "__conditional_annotations__"}
)


@dataclass(slots=True)
class Names:
    """What a cell does with the names of its namespace.

    Attributes
    ----------
    reads : names whose value may be used before the cell binds them; they need not exist
    binds : names that the cell may bind
    certain : names that are bound, by the cell, whenever it runs to its end
    deletes : names that the cell deletes and that it has not bound itself
    modules : modules imported by the cell itself, at any depth
    star : whether a `from module import *` binds names that are not known before it runs
    whole : why the cell reads more of the namespace than names can say; empty when it does not
    asks : why the cell waits for the user; empty when it does not
    state : magics that change the session itself, such as `%cd`
    queries : whether a text may name variables with an @, as in `df.query(text)`
    """

    reads: set[str] = field(default_factory=set)
    binds: set[str] = field(default_factory=set)
    certain: set[str] = field(default_factory=set)
    deletes: set[str] = field(default_factory=set)
    modules: set[str] = field(default_factory=set)
    star: bool = False
    whole: str = ""
    asks: str = ""
    state: list[str] = field(default_factory=list)
    queries: bool = False


def names_of(tree: ast.Module, transform: Callable[[str], str] = str, lazy: bool = _LAZY_ANNOTATIONS) -> Names:
    """Find what `tree` reads and binds.

    Parameters
    ----------
    transform : turns IPython's syntax inside strings (a magic in `%time`) into Python
    lazy : whether annotations are not evaluated, as in Python 3.14 or under `from __future__ import annotations`
    """
    flow = _Flow(Names(), transform, lazy)
    flow.body(tree.body)
    flow.names.certain = set(flow.state or ())
    return flow.names


def _meet(one: State, other: State) -> State:
    if one is None or other is None:
        return other if one is None else one
    return one & other


class _Flow:
    """One walk in the order of evaluation, holding the names certainly bound so far."""

    def __init__(self, names: Names, transform: Callable[[str], str], lazy: bool) -> None:
        self.names = names
        self.state: State = set()
        self._transform = transform
        self._lazy = lazy
        self._inner: list[set[str]] = []
        self._breaks: list[list[State]] = []
        self._continues: list[list[State]] = []
        self._bodies: dict[str, set[str]] = {}
        self._callable: set[str] = set()

    # -- names ----------------------------------------------------------------------------------------------------

    def read(self, name: str) -> None:
        if self.state is None or any(name in inner for inner in self._inner):
            return
        if name in self._bodies:
            self._mention(name)
        if name in hidden.SESSION and name not in self.state:
            self.names.whole = self.names.whole or f"{name} holds the whole session"
            return
        if name not in self.state:
            self.names.reads.add(name)

    def bind(self, name: str) -> None:
        self.names.binds.add(name)
        self._bodies.pop(name, None)
        if self.state is not None:
            self.state.add(name)

    def unbind(self, name: str) -> None:
        if self.state is not None:
            if name not in self.state:
                self.names.deletes.add(name)
            self.state.discard(name)

    def _mention(self, name: str) -> None:
        """A function of this cell can be called from here on, and so can those that it mentions."""
        for used in self._bodies.pop(name, ()):
            self._callable.add(used)
            if used in self._bodies:
                self._mention(used)

    def something_runs(self) -> None:
        """Code that is not here may run now; it may call whatever can be called."""
        if self.state is not None and self._callable:
            self.names.reads |= self._callable - self.state

    # -- statements -----------------------------------------------------------------------------------------------

    def body(self, statements: list[ast.stmt]) -> None:
        for statement in statements:
            method = getattr(self, f"_{type(statement).__name__}", None)
            (method or self._others)(statement)

    def _others(self, node: ast.stmt) -> None:
        self._each(ast.iter_child_nodes(node))

    def _Expr(self, node: ast.Expr) -> None:
        self.expression(node.value)

    def _Assign(self, node: ast.Assign) -> None:
        if isinstance(node.value, ast.Lambda) and all(isinstance(target, ast.Name) for target in node.targets):
            self._each(iter(_defaults(node.value.args)))
            used = self._used_later(ast.Expr(node.value))
        else:
            self.expression(node.value)
            used = set()
        for target in node.targets:
            self.target(target)
            if used and isinstance(target, ast.Name):
                self._bodies[target.id] = used

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
        self._annotation(node.annotation)

    def _Delete(self, node: ast.Delete) -> None:
        for target in node.targets:
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
            self.bind(alias.asname or alias.name.partition(".")[0])

    def _ImportFrom(self, node: ast.ImportFrom) -> None:
        module = "." * node.level + (node.module or "")
        if module == "__future__" and any(alias.name == "annotations" for alias in node.names):
            self._lazy = True
        self.names.modules.add(module)
        for alias in node.names:
            if alias.name == "*":
                self._star(module)
            else:
                self.names.modules.add(f"{module}.{alias.name}")
                self.bind(alias.asname or alias.name)

    def _star(self, module: str) -> None:
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
        before = self._copy()
        self.state = None if certain is False else self.state
        self.body(node.body)
        after, self.state = self.state, None if certain is True or before is None else set(before)
        self.body(node.orelse)
        self.state = _meet(after, self.state)

    def _copy(self) -> State:
        return None if self.state is None else set(self.state)

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
        before = self._copy()
        self._breaks.append([])
        self._continues.append([])
        if target is not None:
            self.target(target)
        self.body(node.body)
        ends: State = self.state
        for state in self._continues.pop():
            ends = _meet(ends, state)
        removed = set() if before is None or ends is None else before - ends
        self.state = None if endless else ends if certain else None if before is None else before - removed
        self.body(node.orelse)
        for state in self._breaks.pop():
            self.state = _meet(self.state, state)

    def _Break(self, _: ast.Break) -> None:
        if self._breaks:
            self._breaks[-1].append(self._copy())
        self.state = None

    def _Continue(self, _: ast.Continue) -> None:
        if self._continues:
            self._continues[-1].append(self._copy())
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
        before = self._copy()
        self.body(node.body)
        if not certain:
            removed = set() if before is None or self.state is None else before - self.state
            self.state = None if before is None else before - removed

    _AsyncWith = _With

    def _Try(self, node: Any) -> None:
        before = self._copy()
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
            result = _meet(result, self.state)
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
        before, result, complete = self._copy(), None, False
        for case in node.cases:
            self.state = None if before is None else set(before)
            self._pattern(case.pattern)
            if case.guard is not None:
                self.expression(case.guard)
            self.body(case.body)
            result = _meet(result, self.state)
            complete = complete or (case.guard is None and _catches_all(case.pattern))
        self.state = result if complete else _meet(result, before)

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
        now = [*node.decorator_list, *_defaults(node.args)]
        self._each(iter(now))
        self._inner.append(_type_parameters(node))
        for annotation in _annotations(node):
            self._annotation(annotation)
        self._inner.pop()
        self._define(node.name, node, node.decorator_list)

    _AsyncFunctionDef = _FunctionDef

    def _define(self, name: str, node: ast.stmt, decorators: list[ast.expr]) -> None:
        used = self._used_later(node)
        self.bind(name)
        self._bodies[name] = used
        if not all(map(only_wraps, decorators)):
            self._mention(name)
            self.something_runs()

    def _ClassDef(self, node: ast.ClassDef) -> None:
        parameters = _type_parameters(node)
        self._inner.append(parameters)
        self._each(iter([*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)]))
        self._inner.pop()
        inner = _ClassBody(self, parameters)
        inner.body(node.body)
        self.bind(node.name)
        self._bodies[node.name] = inner.used_later
        if node.bases or node.keywords or not all(map(only_wraps, node.decorator_list)):
            self._mention(node.name)
            self.something_runs()

    def _annotation(self, node: ast.expr) -> None:
        if not self._lazy:
            self.expression(node)

    # -- expressions ----------------------------------------------------------------------------------------------

    def _each(self, nodes: Iterator[ast.AST]) -> None:
        for node in nodes:
            if isinstance(node, ast.expr):
                self.expression(node)
            elif not isinstance(node, ast.stmt):
                self._each(ast.iter_child_nodes(node))

    def target(self, node: ast.expr) -> None:
        if isinstance(node, ast.Name):
            self.bind(node.id)
        elif isinstance(node, ast.Starred):
            self.target(node.value)
        elif isinstance(node, ast.Tuple | ast.List):
            self.something_runs()
            for part in node.elts:
                self.target(part)
        else:
            self.expression(node)

    def expression(self, node: ast.expr) -> None:
        match node:
            case ast.Name():
                self.read(node.id)
            case ast.Constant():
                pass
            case ast.NamedExpr():
                self.expression(node.value)
                self._walrus(node.target.id)
            case ast.Lambda():
                self._each(iter(_defaults(node.args)))
                self._callable |= self._used_later(ast.Expr(node))
            case ast.IfExp():
                self.expression(node.test)
                self._either([node.body, node.orelse])
            case ast.BoolOp():
                self.expression(node.values[0])
                self._maybe(node.values[1:])
            case ast.Compare() if len(node.comparators) > 1:
                self._each(iter([node.left, node.comparators[0]]))
                self._maybe(node.comparators[1:])
                self.something_runs()
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
                self._comprehension(node.generators, [node.elt])
            case ast.DictComp():
                self._comprehension(node.generators, [node.key, node.value])
            case ast.Tuple() | ast.List():
                self._each(iter(node.elts))
            case _:
                self._each(ast.iter_child_nodes(node))
                if isinstance(node, ast.Call):
                    self._hidden(node)
                else:
                    self.names.whole = self.names.whole or hidden.reaches_all(node)
                self.something_runs()

    def _walrus(self, name: str) -> None:
        if self._inner:  # inside a comprehension it may never be reached, and it binds outside
            self.names.binds.add(name)
            self._inner[-1].add(name)
        else:
            self.bind(name)

    def _either(self, nodes: list[ast.expr]) -> None:
        before, result = self._copy(), None
        for node in nodes:
            self.state = None if before is None else set(before)
            self.expression(node)
            result = _meet(result, self.state)
        self.state = result

    def _maybe(self, nodes: list[ast.expr]) -> None:
        before = self._copy()
        for node in nodes:
            self.expression(node)
        self.state = before

    def _comprehension(self, generators: list[ast.comprehension], results: list[ast.expr]) -> None:
        self.expression(generators[0].iter)
        inner: set[str] = set()
        self._inner.append(inner)
        for position, generator in enumerate(generators):
            if position:
                self.expression(generator.iter)
            inner |= {part.id for part in ast.walk(generator.target) if isinstance(part, ast.Name)}
            self.something_runs()
            self._each(iter(generator.ifs))
        self._each(iter(results))
        self._inner.pop()

    def _hidden(self, call: ast.Call) -> None:
        found = hidden.in_call(call)
        if found is None:
            return
        self._said(found)
        for source in found.code:
            try:
                inner = ast.parse(self._transform(source))
            except (SyntaxError, ValueError):
                for name in hidden.identifiers(source):
                    self.read(name)
            else:
                self.body(inner.body)
        for name in found.names:
            self.read(name)
        for name in found.binds:
            self.bind(name)

    def _used_later(self, node: ast.stmt) -> set[str]:
        """The globals that the code of a function, lambda or alias uses once it is called."""
        used: set[str] = set()
        for part in ast.walk(node):
            if isinstance(part, ast.Call):
                found = hidden.in_call(part, inside=True)
                if found is not None:
                    self._said(found)
                    used.update(found.names, *(hidden.identifiers(source) for source in found.code))
            elif isinstance(part, ast.expr):
                self.names.whole = self.names.whole or hidden.reaches_all(part)
            elif isinstance(part, ast.Import):
                self.names.modules |= {alias.name for alias in part.names}
            elif isinstance(part, ast.ImportFrom):
                self.names.modules.add("." * part.level + (part.module or ""))
        try:
            module = ast.Module([node], [])
            ast.fix_missing_locations(module)
            code = compile(module, "<cell>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        except (SyntaxError, ValueError):
            return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
        for inner in code.co_consts:
            if isinstance(inner, CodeType):
                self._used_by(inner, used)
        return used - _OWN

    def _used_by(self, code: CodeType, used: set[str]) -> None:
        if self._lazy and code.co_name == "__annotate__":
            return
        for step in dis.get_instructions(code):
            if step.opname in _READS:
                used.add(step.argval)
            elif step.opname == "STORE_GLOBAL":
                self.names.binds.add(step.argval)
        for inner in code.co_consts:
            if isinstance(inner, CodeType):
                self._used_by(inner, used)

    def _said(self, found: hidden.Hidden) -> None:
        self.names.whole = self.names.whole or found.whole
        self.names.asks = self.names.asks or found.asks
        self.names.state += found.state
        self.names.queries = self.names.queries or found.queries


class _ClassBody(_Flow):
    """The body of a class: it runs at once, binds its own names, and reads the cell's where it has none."""

    def __init__(self, outer: _Flow, parameters: set[str]) -> None:
        super().__init__(outer.names, outer._transform, outer._lazy)
        self._outer = outer
        self.state = {*parameters, "__module__", "__qualname__"}
        self.used_later: set[str] = set()

    def read(self, name: str) -> None:
        if self.state is not None and name not in self.state and not any(name in inner for inner in self._inner):
            self._outer.read(name)

    def bind(self, name: str) -> None:
        if self.state is not None:
            self.state.add(name)

    def unbind(self, name: str) -> None:
        if self.state is not None:
            self.state.discard(name)

    def something_runs(self) -> None:
        self._outer._callable |= self._callable
        self._outer.something_runs()

    def _define(self, name: str, node: ast.stmt, decorators: list[ast.expr]) -> None:
        used = self._used_later(node)
        self.used_later |= used
        self.bind(name)
        if not all(map(only_wraps, decorators)):  # it may call the method at once
            self._callable |= used
            self.something_runs()


def _type_parameters(node: ast.stmt) -> set[str]:
    return {parameter.name for parameter in getattr(node, "type_params", ())}


def _defaults(arguments: ast.arguments) -> list[ast.expr]:
    return [*arguments.defaults, *(default for default in arguments.kw_defaults if default is not None)]


def _annotations(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.expr]:
    given = node.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs, *filter(None, (given.vararg, given.kwarg))]
    found = [argument.annotation for argument in every if argument.annotation is not None]
    return found if node.returns is None else [*found, node.returns]


def _catches_all(pattern: ast.pattern) -> bool:
    if isinstance(pattern, ast.MatchOr):
        return any(map(_catches_all, pattern.patterns))
    return isinstance(pattern, ast.MatchAs) and (pattern.pattern is None or _catches_all(pattern.pattern))

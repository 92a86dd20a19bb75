"""One walk over expressions in the order of evaluation: what they read and bind, and when other code may run."""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable

from nbcache.notebook.cells.syntax import strings
from nbcache.notebook.cells.syntax.bodies import Names, defaults_of, used_later
from nbcache.notebook.cells.syntax.mutations import Touched, changed_place
from nbcache.tracking.code.strings import identifiers

__all__ = ["Evaluation", "State", "meet"]

State = set[str] | None
"""The names that are certainly bound at a point; `None` where the point cannot be reached."""


def meet(one: State, other: State) -> State:
    """Return what is certain where two ways come together."""
    if one is None or other is None:
        return other if one is None else one
    return one & other


class Evaluation(ABC):
    """Expressions, and the names certainly bound so far.

    Attributes
    ----------
    names : what was found
    state : the names certainly bound here
    inner : names of the comprehensions around, innermost last
    bodies : what the functions of the cell use, by their names, while nothing has mentioned them
    callable : what the functions mentioned so far use
    in_text : whether the walk is inside of a text that a call runs
    """

    def __init__(self, names: Names, transform: Callable[[str], str], lazy: bool) -> None:
        self.names = names
        self.state: State = set()
        self.transform = transform
        self.lazy = lazy
        self.inner: list[set[str]] = []
        self.bodies: dict[str, set[str]] = {}
        self.callable: set[str] = set()
        self.in_text = False

    # -- names ----------------------------------------------------------------------------------------------------

    def read(self, name: str) -> None:
        if self.state is None or any(name in inner for inner in self.inner):
            return
        if name in self.bodies:
            self.mention(name)
        if name in strings.SESSION and name not in self.state:
            self.names.whole = self.names.whole or f"{name} holds the whole session"
            return
        if name not in self.state:
            self.names.reads.add(name)

    def bind(self, name: str) -> None:
        self.names.binds.add(name)
        if self.in_text:
            self.names.unseen.add(name)
        self.bodies.pop(name, None)
        if self.state is not None:
            self.state.add(name)

    def unbind(self, name: str) -> None:
        if self.state is not None:
            if name not in self.state:
                self.names.deletes.add(name)
            self.state.discard(name)

    def mention(self, name: str) -> None:
        """A function of this cell can be called from here on, and so can those that it mentions."""
        for used in self.bodies.pop(name, ()):
            self.callable.add(used)
            if used in self.bodies:
                self.mention(used)

    def something_runs(self) -> None:
        """Code that is not here may run now; it may call whatever can be called."""
        if self.state is not None and self.callable:
            self.names.reads |= self.callable - self.state

    def copy(self) -> State:
        return None if self.state is None else set(self.state)

    # -- expressions ----------------------------------------------------------------------------------------------

    def each(self, nodes: Iterable[ast.AST]) -> None:
        for node in nodes:
            if isinstance(node, ast.expr):
                self.expression(node)
            elif not isinstance(node, ast.stmt):
                self.each(ast.iter_child_nodes(node))

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
            self.touch(changed_place(node))
            self.expression(node)

    def touch(self, found: Touched | None) -> None:
        """Note what changes something that may be a library's."""
        if found is not None:
            self.names.touched.append(found)

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
                self.each(defaults_of(node.args))
                self.callable |= self.used_later(ast.Expr(node))
            case ast.IfExp():
                self.expression(node.test)
                self._either([node.body, node.orelse])
            case ast.BoolOp():
                self.expression(node.values[0])
                self._maybe(node.values[1:])
            case ast.Compare() if len(node.comparators) > 1:
                self.each([node.left, node.comparators[0]])
                self._maybe(node.comparators[1:])
                self.something_runs()
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
                self._comprehension(node.generators, [node.elt])
            case ast.DictComp():
                self._comprehension(node.generators, [node.key, node.value])
            case ast.Tuple() | ast.List():
                self.each(node.elts)
            case _ if (named := strings.looked_up(node)) is not None:
                for name in sorted(named):
                    self.read(name)
                if isinstance(node, ast.Call):
                    self.each(part for part in node.args if not strings.is_space(part))
                self.something_runs()
            case _:
                if strings.asks_shell(node):
                    self.read("get_ipython")
                else:
                    self.each(ast.iter_child_nodes(node))
                if isinstance(node, ast.Call):
                    self._in_strings(node)
                else:
                    self.names.whole = self.names.whole or strings.reaches_all(node)
                self.something_runs()

    def _walrus(self, name: str) -> None:
        if self.inner:  # inside a comprehension it may never be reached, and it binds outside
            self.names.binds.add(name)
            self.names.unseen |= {name} if self.in_text else set()
            self.inner[-1].add(name)
        else:
            self.bind(name)

    def _either(self, nodes: list[ast.expr]) -> None:
        before, result = self.copy(), None
        for node in nodes:
            self.state = None if before is None else set(before)
            self.expression(node)
            result = meet(result, self.state)
        self.state = result

    def _maybe(self, nodes: list[ast.expr]) -> None:
        before = self.copy()
        for node in nodes:
            self.expression(node)
        self.state = before

    def _comprehension(self, generators: list[ast.comprehension], results: list[ast.expr]) -> None:
        self.expression(generators[0].iter)
        inner: set[str] = set()
        self.inner.append(inner)
        for position, generator in enumerate(generators):
            if position:
                self.expression(generator.iter)
            inner |= {part.id for part in ast.walk(generator.target) if isinstance(part, ast.Name)}
            self.something_runs()
            self.each(generator.ifs)
        self.each(results)
        self.inner.pop()

    def _in_strings(self, call: ast.Call) -> None:
        found = strings.in_call(call)
        if found is None:
            return
        self.names.add(found)
        outside, self.in_text = self.in_text, True
        for source in found.code:
            try:
                inner = ast.parse(self.transform(source))
            except (SyntaxError, ValueError):
                for name in identifiers(source):
                    self.read(name)
            else:
                self.body(inner.body)
        for name in found.names:
            self.read(name)
        for name in found.binds:
            self.bind(name)
        self.in_text = outside

    def used_later(self, node: ast.stmt) -> set[str]:
        """Return the globals that the body of a function uses once it is called."""
        return used_later(node, self.names, self.lazy)

    @abstractmethod
    def body(self, statements: list[ast.stmt]) -> None:
        """Walk over statements; here only those that a hidden text holds."""

"""Where cached cells meet IPython: three hooks of a shell.

1. An input transformer turns the line `%%cache_cell ...` into a string on a line of its own and leaves the body as it
   stands. So `await`, magics, the trailing semicolon and the line numbers of tracebacks are IPython's business.
2. A transformer of syntax trees recognises such a string and puts one call in place of the cell. Other magics that
   run code themselves (`%%time`) execute that call; it gives them the value of the last expression.
3. `run_ast_nodes` of the shell recognises the call and runs the statements behind it as the cell itself, between
   looking up and storing. In automatic mode it does so for every cell of the user's. It is in place only in that mode,
   and while a marked cell is about to run.
"""

from __future__ import annotations

import ast
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from IPython.core import inputtransformer2
from IPython.core.error import UsageError

from nbcache.compute.garbage import uncollected
from nbcache.notebook.cells.costs import digest_of_text
from nbcache.notebook.cells.syntax.quickness import quickness

if TYPE_CHECKING:
    from nbcache.notebook.cells.cell import CachedCell
    from nbcache.notebook.cells.costs import Costs
    from nbcache.notebook.cells.known import KnownCells
    from nbcache.notebook.cells.left_alone import LeftAlone
    from nbcache.notebook.cells.options import Options

__all__ = ["CellHook", "run_pending"]

_MAGIC = "%%cache_cell"
_RUN = "run_ast_nodes"
_MODULE = __name__
_cell_magic: Any = inputtransformer2.cell_magic


class _Pending:
    """Statements behind the call that stands for them."""

    def __init__(self, hook: CellHook, line: str, nodes: list[ast.stmt]) -> None:
        self.hook = hook
        self.line = line
        self.nodes = nodes


_pending: dict[str, _Pending] = {}


def run_pending(token: str) -> Any:
    """Run the cell behind a call, for a magic that executes code itself; return the value of its last expression."""
    __tracebackhide__ = True
    waiting = _pending.pop(token)
    return waiting.hook.value_of(waiting.line, waiting.nodes)


class CellHook:
    """The hooks of one shell.

    Parameters
    ----------
    automatic : makes the options of a cell that nobody marked, or `None` to leave it alone
    known : is told what became of each cell
    costs : says which cells are not worth a look
    """

    def __init__(
        self,
        shell: Any,
        automatic: Callable[[], tuple[Options, float] | None],
        known: KnownCells,
        costs: Costs,
    ) -> None:
        self._shell = shell
        self._automatic = automatic
        self._known = known
        self._costs = costs
        self._removed = False
        self._depth = 0
        self._tokens = 0
        self._original: Any = None
        self._before: Any = None
        self._ours: Any = None
        self._left_alone: type[LeftAlone] | None = None
        shell.input_transformers_cleanup.append(self.transform)

    def watch(self) -> None:
        """Be asked about every cell from the next one on."""
        if self._ours is None:
            self._before = vars(self._shell).get(_RUN)
            self._original = self._shell.run_ast_nodes
            self._ours = self._run_ast_nodes
            self._shell.run_ast_nodes = self._ours

    def rest(self) -> None:
        """Be asked no more, unless automatic mode or a cell that now runs needs it.

        A wrapper that others put around ours keeps working, and finds that it only passes on.
        """
        if self._ours is None or self._depth or self._automatic() is not None:
            return
        if vars(self._shell).get(_RUN) is not self._ours:
            return
        if self._before is None:
            delattr(self._shell, _RUN)
        else:
            setattr(self._shell, _RUN, self._before)
        self._ours = None

    def remove(self) -> None:
        """Take all hooks out."""
        shell = self._shell
        if self.transform in shell.input_transformers_cleanup:
            shell.input_transformers_cleanup.remove(self.transform)
        if self in shell.ast_transformers:
            shell.ast_transformers.remove(self)
        self._removed = True
        self.rest()

    # -- the text --------------------------------------------------------------------------------------------------

    def transform(self, lines: list[str]) -> list[str]:
        """Keep the line of the magic as a string, and the body as code."""
        first = lines[0] if lines else ""
        visitors = self._shell.ast_transformers  # where there is one, IPython walks over the tree of every cell
        if not first.startswith(_MAGIC) or first[len(_MAGIC) :][:1] not in ("", " ", "\t", "\n"):
            if self in visitors:
                visitors.remove(self)
            return lines
        if self not in visitors:
            visitors.append(self)
        body = _cell_magic(lines[1:]) if lines[1:] and lines[1].startswith("%%") else lines[1:]
        if body and body[0].startswith(_MAGIC):
            body = self.transform(body)
        return [f"{first.rstrip()!r}\n", *body]

    transform.has_side_effects = True  # type: ignore[attr-defined]  # while typing, the cell is still a magic

    # -- the tree --------------------------------------------------------------------------------------------------

    def visit(self, tree: ast.Module) -> ast.Module:
        """Put one call in place of a marked cell."""
        line = _marked(tree.body)
        if line is None:
            return tree
        self._tokens += 1
        token = f"{id(self):x}-{self._tokens}"
        _pending[token] = _Pending(self, line, tree.body[1:])
        while len(_pending) > 64:  # trees that were never run
            del _pending[next(iter(_pending))]
        self.watch()
        source = f"__import__({_MODULE!r}, fromlist=['run_pending']).run_pending({token!r})"
        return ast.parse(source)

    # -- the run ---------------------------------------------------------------------------------------------------

    async def _run_ast_nodes(
        self,
        nodelist: list[ast.stmt],
        cell_name: str,
        interactivity: str = "last_expr",
        compiler: Any = compile,
        result: Any = None,
    ) -> Any:
        alone: LeftAlone | None = None
        try:
            alone = None if self._depth or _pending or self._removed else self._alone(nodelist, result)
            if alone is not None:
                began = time.perf_counter()
                self._depth += 1
                try:
                    return await self._original(nodelist, cell_name, interactivity, compiler, result)
                finally:
                    self._depth -= 1
                    alone.took(time.perf_counter() - began)
                    self._known.add_left_alone(alone)
                    if self._automatic() is None:
                        self.rest()
        except KeyboardInterrupt:  # it came while our code ran: the user's own is asked to raise it
            return await self._original([_interrupted(alone, nodelist)], cell_name, "none", compiler, result)
        try:
            return await self._run(self._original, nodelist, cell_name, interactivity, compiler, result)
        finally:
            self.rest()

    def _alone(self, nodes: list[ast.stmt], result: Any) -> LeftAlone | None:
        """Most cells are quick, and take no further step of ours; `None` for one that may be looked at."""
        chosen = self._automatic()
        if chosen is None or not nodes or not _is_users(result):
            return None
        written = getattr(result.info, "raw_cell", None)
        if not written:
            return None
        costs, text, least = self._costs, quickness(nodes), chosen[1]
        if not costs.text_tells(text, least) and not costs.left_alone(digest_of_text(written), text, least):
            return None
        if self._left_alone is None:
            from nbcache.notebook.cells.left_alone import LeftAlone  # loading the extension stays cheap

            self._left_alone = LeftAlone
        return self._left_alone(written, costs, least, text)

    async def _run(
        self, original: Any, nodelist: list[ast.stmt], cell_name: str, interactivity: str, compiler: Any, result: Any
    ) -> Any:
        run: CachedCell | UsageError | None = None
        try:
            with uncollected():  # at the first cell many modules are loaded, and none of that is garbage
                run = None if self._removed else self._cell_of(nodelist, cell_name, result)
            if run is not None and not isinstance(run, BaseException):
                return await self._followed(run, original, nodelist, cell_name, interactivity, compiler, result)
            failed = run and _raising(run)
        except UsageError as error:
            failed = _raising(error)
        except KeyboardInterrupt:  # it came while our code ran: the user's own is asked to raise it
            failed = _interrupted(run, nodelist)
        if failed is None:
            return await original(nodelist, cell_name, interactivity, compiler, result)
        return await original([failed], cell_name, "none", compiler, result)

    async def _followed(
        self,
        run: CachedCell,
        original: Any,
        nodelist: list[ast.stmt],
        cell_name: str,
        interactivity: str,
        compiler: Any,
        result: Any,
    ) -> Any:
        if not run.code.nodes:
            return False

        async def execute() -> bool:
            noting = run.code.marks.compiler(compiler)
            return bool(
                await original(run.code.marked_nodes(self._shell.user_ns), cell_name, interactivity, noting, result)
            )

        self._depth += 1
        try:
            return await run.run(execute)
        finally:
            self._depth -= 1
            run.costs.settle(run.report)
            self._known.add(run)

    def _cell_of(self, nodes: list[ast.stmt], filename: str, result: Any) -> CachedCell | UsageError | None:
        waiting = _pending.pop(_token(nodes), None) if _pending else None
        try:
            if waiting is not None:
                return self._cell(waiting.line, waiting.nodes, _source(filename, result), filename)
            if self._depth or not _is_users(result) or not nodes:
                return None
            chosen = self._automatic()
            if chosen is None:
                return None
            written = getattr(result.info, "raw_cell", None) or _source(filename, result)
            known = digest_of_text(written)
            from nbcache.notebook.cells.cell import CachedCell
            from nbcache.notebook.cells.code import CellCode

            costs = self._costs.of(known, chosen[1])
            code = CellCode(nodes, _source(filename, result), filename, self._shell, written)
            cell = CachedCell(self._shell, code, chosen[0], automatic=True, min_seconds=chosen[1])
            cell.costs = costs
            return cell
        except UsageError as error:
            return error
        except (SyntaxError, ValueError):  # the compiler of the shell will say it better
            return None

    def _cell(self, line: str, nodes: list[ast.stmt], source: str, filename: str) -> CachedCell:
        from nbcache.notebook.cells.cell import (
            CachedCell,  # at the first cached cell: loading the extension stays cheap
        )
        from nbcache.notebook.cells.code import CellCode
        from nbcache.notebook.cells.options import Options, parse

        options = parse(line.removeprefix(_MAGIC))
        if options is None:
            return CachedCell(self._shell, CellCode([], "", filename, self._shell), Options())
        return CachedCell(self._shell, CellCode(nodes, _body(source), filename, self._shell), options)

    def value_of(self, line: str, nodes: list[ast.stmt]) -> Any:
        """Run a marked cell and return the value of its last expression; errors are raised."""
        __tracebackhide__ = True
        source = "\n".join(ast.unparse(node) for node in nodes)
        run = self._cell(line, nodes, source, "<cached cell>")
        shell = self._shell

        def execute() -> Any:
            __tracebackhide__ = True
            noted = run.code.marked_nodes(shell.user_ns)
            last = noted[-1] if noted and isinstance(noted[-1], ast.Expr) else None
            before = noted[:-1] if last is not None else noted
            compiled = run.code.marks.compiler(compile)
            exec(compiled(ast.Module(before, []), run.code.filename, "exec"), shell.user_global_ns, shell.user_ns)
            if last is None:
                return None
            code = compiled(ast.Expression(last.value), run.code.filename, "eval")
            return eval(code, shell.user_global_ns, shell.user_ns)

        if run.code.awaits:
            raise UsageError("%%cache_cell under another magic cannot await.")
        self._depth += 1
        try:
            return run.value(execute)
        finally:
            self._depth -= 1
            self._known.add(run)
            self.rest()


_errors: dict[str, BaseException] = {}


def raise_pending(token: str) -> None:
    """Raise an error of ours in the place of the cell, so that IPython shows it as it shows every error."""
    __tracebackhide__ = True
    raise _errors.pop(token)


def _raising(error: BaseException) -> ast.stmt:
    token = f"{id(error):x}"
    _errors[token] = error
    return ast.parse(f"__import__({_MODULE!r}, fromlist=['raise_pending']).raise_pending({token!r})").body[0]


def _interrupted(run: Any, nodes: list[ast.stmt]) -> ast.stmt:
    """A statement that is interrupted in the place of the cell's first one; of its last one, once they have run."""
    code, report = getattr(run, "code", None), getattr(run, "report", None)
    at = (getattr(code, "nodes", None) or nodes)[-1 if report is not None and report.seconds > 0 else 0]
    made = ast.parse("raise KeyboardInterrupt").body[0]
    for node in ast.walk(made):
        ast.copy_location(node, at)
    return made


def _marked(nodes: list[ast.stmt]) -> str | None:
    match nodes:
        case [ast.Expr(value=ast.Constant(value=str() as text)), *_] if (text + " ").startswith(_MAGIC + " "):
            return text
    return None


def _token(nodes: list[ast.stmt]) -> str:
    """The token of a call that `visit` made; empty for any other code."""
    match nodes:
        case [
            ast.Expr(value=ast.Call(func=ast.Attribute(attr="run_pending"), args=[ast.Constant(value=str() as token)]))
        ]:
            return token
    return ""


def _is_users(result: Any) -> bool:
    """Tell whether a run is a cell that a user ran, and not code of a front end or of another cell."""
    info = getattr(result, "info", None)
    return bool(info is not None and info.store_history and not info.silent)


def _source(filename: str, result: Any) -> str:
    import linecache

    lines = linecache.getlines(filename)
    return "".join(lines) or str(getattr(getattr(result, "info", None), "transformed_cell", None) or "")


def _body(source: str) -> str:
    """The source without the line of the magic, which is kept empty so that line numbers hold."""
    return "\n" + source.partition("\n")[2]

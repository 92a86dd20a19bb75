"""A cell as code: its statements, the names it reads and binds, and what makes it the same cell."""

from __future__ import annotations

import ast
import inspect
from collections import OrderedDict
from collections.abc import Collection, Iterator
from types import CodeType
from typing import Any

from nbcache.keys.key import combine
from nbcache.notebook.cells.syntax.names import Names, names_of
from nbcache.notebook.cells.syntax.noted_bindings import Marks, marked
from nbcache.notebook.display.tables import first_line
from nbcache.tracking.code.facts import facts_of

__all__ = ["CellCode"]

_REMEMBERED = 256
_LINE_MAGIC = "get_ipython().run_line_magic("
_names: OrderedDict[tuple[str, int], Names] = OrderedDict()


class CellCode:
    """The statements of one cell, as IPython has transformed them.

    Attributes
    ----------
    nodes : the statements
    source, filename : the text they came from, and where tracebacks say they are
    codes : the same, compiled: all but a last expression, and that
    title : its first line of code, as the user wrote it
    digest : 12 hexadecimal digits, equal for equal code whatever its layout
    quiet : whether a last semicolon hides the value of the last expression
    awaits : whether it has to be awaited
    marks : the names that a run has noted, once it has
    """

    def __init__(self, nodes: list[ast.stmt], source: str, filename: str, shell: Any, written: str = "") -> None:
        self.nodes = nodes
        self.title = first_line(written or source)
        self.source = source
        self.filename = filename
        self.quiet = _ends_quietly(source)
        flags = shell.compile.flags
        self.codes = _compiled(nodes, filename, flags)
        self.awaits = any(code.co_flags & inspect.CO_COROUTINE for code in self.codes)
        shown = f"{self.quiet} {shell.ast_node_interactivity}".encode()
        self.digest = combine(shown, *(facts_of(code).digest for code in self.codes))[:12]
        self.names = _remembered(nodes, source, flags, shell)
        self.marks = Marks()
        self._shows_all = shell.ast_node_interactivity != "last_expr"

    def marked_nodes(self, there: Collection[str]) -> list[ast.stmt]:
        """The statements to run, for code compiled by `marks.compiler`: they note what they bind.

        Parameters
        ----------
        there : the names that are bound before the run; of others it is seen afterwards whether they are
        """
        return marked(self.nodes, {name for name in self.names.uncertain if name in there})

    @property
    def roots(self) -> set[str]:
        """The names that the code itself reads, hidden ones aside."""
        return {chain[0] for code in self.codes for chain in facts_of(code).reads}

    @property
    def shows(self) -> bool:
        """Whether it shows values by the printers of the session: that of its last expression, or what it displays."""
        match self.nodes[-1:]:
            case [ast.Expr(value=ast.Call(func=ast.Name(id="print")))]:
                shown = False
            case [ast.Expr()]:
                shown = not self.quiet
            case _:
                shown = False
        reads = (chain for code in self.codes for chain in facts_of(code).reads)
        return shown or self._shows_all or any("display" in chain for chain in reads)

    @property
    def only_magics(self) -> bool:
        """Whether it is nothing but lines of magics."""
        return all(ast.unparse(node).startswith(_LINE_MAGIC) for node in self.nodes)

    def first_imports(self) -> Iterator[str]:
        """The modules that the cell imports before it does anything else."""
        for node in self.nodes:
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module
            else:
                return

    def imports(self) -> Iterator[str]:
        """The modules that the cell itself imports, the bodies of functions and classes aside."""
        waiting: list[ast.AST] = list(self.nodes)
        for node in waiting:
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module
                yield from (f"{node.module}.{alias.name}" for alias in node.names)
            elif isinstance(node, ast.stmt) and not isinstance(
                node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
            ):
                waiting.extend(ast.iter_child_nodes(node))
            elif isinstance(node, ast.ExceptHandler | ast.match_case):
                waiting.extend(node.body)

    def set_features(self, compiler: Any) -> None:
        """Let a compiler know of what the cell imports from `__future__`: it counts for the cells after it."""
        if any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in self.nodes):
            import __future__

            for name in __future__.all_feature_names:
                flag = getattr(__future__, name).compiler_flag
                if any(code.co_flags & flag for code in self.codes):
                    compiler.flags |= flag

    @property
    def stores(self) -> set[str]:
        """The names that the code itself assigns."""
        return {name for code in self.codes for name in facts_of(code).stores}


def _remembered(nodes: list[ast.stmt], source: str, flags: int, shell: Any) -> Names:
    key = (source, flags)
    known = _names.get(key)
    if known is not None:
        _names.move_to_end(key)
        return known
    import __future__

    tree = ast.Module(nodes, [])
    if flags & __future__.annotations.compiler_flag:
        found = names_of(tree, shell.transform_cell, lazy=True)
    else:
        found = names_of(tree, shell.transform_cell)
    if not found.star:
        _names[key] = found
        while len(_names) > _REMEMBERED:
            _names.popitem(last=False)
    return found


def _compiled(nodes: list[ast.stmt], filename: str, flags: int) -> list[CodeType]:
    """Compile for reading: a last expression by itself, as a constant alone would else be left out."""
    flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    first, last = (nodes[:-1], nodes[-1:]) if nodes and isinstance(nodes[-1], ast.Expr) else (nodes, [])
    codes = [compile(ast.Module(first, []), filename, "exec", flags, dont_inherit=True)]
    if last:
        codes.append(compile(ast.Interactive(last), filename, "single", flags, dont_inherit=True))
    return codes


def _ends_quietly(source: str) -> bool:
    from IPython.core.displayhook import DisplayHook

    hook: Any = DisplayHook
    try:
        return bool(hook.semicolon_at_end_of_expression(source))
    except Exception:  # the tokenizer fails on what is not quite Python; then nothing is hidden
        return False


def cell_owner(name: str) -> str:
    """The owner of the entries of a cell of that name."""
    return f"cell {name}"

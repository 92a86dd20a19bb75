"""What a cell does with names, and what the bodies of its functions use once they are called."""

from __future__ import annotations

import ast
import dis
from dataclasses import dataclass, field
from types import CodeType

from nbcache.notebook.cells.syntax import strings
from nbcache.notebook.cells.syntax.mutations import Touched
from nbcache.tracking.code.strings import identifiers

__all__ = ["Names", "defaults_of", "type_parameters", "used_later"]

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
    unseen : names that are bound where the cell's own statements cannot tell: in texts, in bodies of functions
    modules : modules imported by the cell itself, at any depth
    star : whether a `from module import *` binds names that are not known before it runs
    stars : the modules of such imports
    commands : texts for a shell, whose words may name files; IPython replaces `{expression}` and `$name` in them
    scripts : whole texts for a shell, as they are
    whole : why the cell reads more of the namespace than names can say; empty when it does not
    asks : why the cell waits for the user; empty when it does not
    state : magics that change the session itself, such as `%cd`
    queries : whether a text may name variables with an @, as in `df.query(text)`
    tables : whether a text may name tables, as in `duckdb.sql(text)`
    imported : the names that its imports bind, and the libraries that they come from
    touched : what it assigns, or calls for what that changes
    """

    reads: set[str] = field(default_factory=set)
    binds: set[str] = field(default_factory=set)
    certain: set[str] = field(default_factory=set)
    deletes: set[str] = field(default_factory=set)
    unseen: set[str] = field(default_factory=set)
    modules: set[str] = field(default_factory=set)
    star: bool = False
    stars: set[str] = field(default_factory=set)
    commands: list[str] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    whole: str = ""
    asks: str = ""
    state: list[str] = field(default_factory=list)
    queries: bool = False
    tables: bool = False
    imported: dict[str, str] = field(default_factory=dict)
    touched: list[Touched] = field(default_factory=list)

    @property
    def uncertain(self) -> set[str]:
        """The names of which only the run can tell whether it binds or deletes them."""
        return (self.binds | self.deletes) - self.certain

    def add(self, found: strings.StringNames) -> None:
        """Take over what a call hides, its code and names aside."""
        self.whole = self.whole or found.whole
        self.asks = self.asks or found.asks
        self.state += found.state
        self.commands += found.commands
        self.scripts += found.scripts
        self.queries = self.queries or found.queries
        self.tables = self.tables or found.tables


def used_later(node: ast.stmt, names: Names, lazy: bool) -> set[str]:
    """Return the globals that a function, lambda or alias uses once it is called; what it binds goes into `names`."""
    used: set[str] = set()
    asked = {id(part.value) for part in ast.walk(node) if isinstance(part, ast.Attribute) and strings.asks_shell(part)}
    for part in ast.walk(node):
        if id(part) in asked:
            continue
        if (named := strings.looked_up(part)) is not None:
            used |= named
            asked |= {id(inner) for inner in ast.walk(part) if strings.is_space(inner)}
        if isinstance(part, ast.Call):
            found = strings.in_call(part, inside=True)
            if found is not None:
                names.add(found)
                used.update(found.names, *(identifiers(source) for source in found.code))
        elif isinstance(part, ast.expr):
            names.whole = names.whole or strings.reaches_all(part)
        elif isinstance(part, ast.Import):
            names.modules |= {alias.name for alias in part.names}
        elif isinstance(part, ast.ImportFrom):
            names.modules.add("." * part.level + (part.module or ""))
    try:
        module = ast.Module([node], [])
        ast.fix_missing_locations(module)
        code = compile(module, "<cell>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    except (SyntaxError, ValueError):
        return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            _collect(inner, used, names, lazy)
    return used - _OWN


def _collect(code: CodeType, used: set[str], names: Names, lazy: bool) -> None:
    if lazy and code.co_name == "__annotate__":
        return
    for step in dis.get_instructions(code):
        if step.opname in _READS:
            used.add(step.argval)
        elif step.opname == "STORE_GLOBAL":
            names.binds.add(step.argval)
            names.unseen.add(step.argval)
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            _collect(inner, used, names, lazy)


def type_parameters(node: ast.stmt) -> set[str]:
    """Return the names between the brackets of `def f[T]`."""
    return {parameter.name for parameter in getattr(node, "type_params", ())}


def defaults_of(arguments: ast.arguments) -> list[ast.expr]:
    """Return the default values of parameters, which are evaluated with the definition."""
    return [*arguments.defaults, *(default for default in arguments.kw_defaults if default is not None)]

"""Which names hide in a cell's strings: magics, shell commands, `eval`, `df.query`, SQL.

Strings that are Python are handed back to be read as such. In other strings every identifier counts that names
something in the namespace. Where nothing can be known (`eval(text)`, `globals()`), the reason is given instead.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field

from nbcache.tracking.code.strings import (
    FORMULAS,
    QUERYING,
    SQL,
    at_names,
    fields,
    identifiers,
    is_bare,
    is_formula,
    is_sql,
)

__all__ = ["SESSION", "StringNames", "asks_shell", "in_call", "is_space", "looked_up", "reaches_all"]

_EXPANDED = re.compile(r"\{([^{}]+)\}|\$\$?([^\W\d]\w*)")

_PYTHON_MAGICS = frozenset(
    {"time", "timeit", "prun", "memit", "mprun", "lprun", "capture", "pyinstrument", "scalene", "python_time"}
)
_STATE_MAGICS = frozenset(
    [
        "alias",
        "alias_magic",
        "aimport",
        "autoawait",
        "autocall",
        "automagic",
        "autoreload",
        "bookmark",
        "cache_cells",
        "cache_clear",
        "cache_explain",
        "cache_info",
        "cache_panel",
        "cache_trust",
        "cd",
        "colors",
        "conda",
        "config",
        "debug",
        "dhist",
        "env",
        "gui",
        "load_ext",
        "logoff",
        "logon",
        "logstart",
        "logstop",
        "macro",
        "mamba",
        "matplotlib",
        "micromamba",
        "pastebin",
        "pip",
        "popd",
        "precision",
        "pushd",
        "pylab",
        "reload_ext",
        "rehashx",
        "set_env",
        "unalias",
        "unload_ext",
        "uv",
        "xmode",
    ]
)
_WHOLE_MAGICS = frozenset(
    {"who", "who_ls", "whos", "reset", "reset_selective", "store", "xdel", "psearch", "rerun", "recall", "rep"}
)
_SHELL_METHODS = frozenset({"system", "getoutput", "getoutput_ex", "system_piped", "system_raw"})
SESSION = frozenset({"In", "Out", "_ih", "_oh", "_dh", "_i", "_ii", "_iii"})
_ASKING = frozenset({"input", "getpass", "breakpoint", "set_trace", "raw_input"})


@dataclass(slots=True)
class StringNames:
    """What one call hides.

    Attributes
    ----------
    code : sources that run in the namespace
    names : names that may be read
    binds : names that are bound
    whole : why the whole namespace may be read
    asks : why the cell waits for its user
    state : magics that change the session
    queries : whether a text may name variables with an @
    tables : whether a text that is SQL may name tables
    commands : texts for a shell, in which IPython replaces `{expression}` and `$name`
    scripts : whole texts for a shell, as they are
    """

    code: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    binds: set[str] = field(default_factory=set)
    whole: str = ""
    asks: str = ""
    state: list[str] = field(default_factory=list)
    queries: bool = False
    tables: bool = False
    commands: list[str] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)


def looked_up(node: ast.AST) -> set[str] | None:
    """Return the names that an expression takes out of the namespace one by one; `None` for any other expression.

    `globals()["name"]`, `get_ipython().user_ns["name"]`, `"{name}".format(**globals())`, `"%(name)s" % globals()`.
    """
    match node:
        case ast.Subscript(value=space, slice=ast.Constant(value=str(name))) if is_space(space):
            return {name}
        case ast.Call(
            func=ast.Attribute(value=space, attr="get"), args=[ast.Constant(value=str(name)), *_], keywords=[]
        ) if is_space(space):
            return {name}
        case ast.Call(
            func=ast.Attribute(value=ast.Constant(value=str(text)), attr="format"),
            args=[],
            keywords=[ast.keyword(arg=None, value=space)],
        ) if is_space(space):
            return fields(text)
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(text)), attr="format_map"), args=[space]) if (
            is_space(space)
        ):
            return fields(text)
        case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Mod(), right=space) if is_space(space):
            return fields(text)
        case ast.Attribute(value=ast.Subscript() as module, attr=name) if reaches_all(module):
            return {name}
    return None


def is_space(node: ast.AST) -> bool:
    """Tell whether an expression is the namespace itself."""
    match node:
        case ast.Call(func=ast.Name(id="globals" | "locals" | "vars"), args=[], keywords=[]):
            return True
        case ast.Attribute(value=owner, attr="user_ns" | "user_global_ns"):
            return _is_get_ipython(owner)
        case ast.Subscript():
            return bool(reaches_all(node))
    return False


def reaches_all(node: ast.AST) -> str:
    """Say why an expression that is no call reaches the whole namespace; empty when it does not."""
    match node:
        case ast.Attribute(attr="user_ns" | "user_global_ns" | "user_module"):
            return f"{node.attr} is the whole namespace"
        case ast.Subscript(
            value=ast.Attribute(value=ast.Name(id="sys"), attr="modules"),
            slice=ast.Constant(value="__main__") | ast.Name(id="__name__"),
        ):
            return "sys.modules['__main__'] holds the whole namespace"
    return ""


def in_call(call: ast.Call, inside: bool = False) -> StringNames | None:
    """Find what a call hides; `None` for an ordinary one. `inside` a function, `locals()` is its own business."""
    function = call.func
    if isinstance(function, ast.Attribute):
        return _method(call, function)
    if not isinstance(function, ast.Name):
        return None
    name = function.id
    if name in ("eval", "exec"):
        return _evaluated(call, name)
    if name == "globals" or (name in ("locals", "vars", "dir") and not call.args and not inside):
        return StringNames(whole=f"{name}() reads the whole namespace")
    if name == "get_ipython":  # `get_ipython().method(...)` is told apart by `asks_shell`
        return StringNames(whole="get_ipython() hands over the whole session")
    if name in _ASKING:
        return StringNames(asks=f"{name}() waits for an answer")
    if name in SQL:
        return _words(call)
    return _formula(call) if name in FORMULAS else None


def asks_shell(node: ast.AST) -> bool:
    """Tell whether an expression is `get_ipython().name`: one thing of the session, and not all of it."""
    return isinstance(node, ast.Attribute) and _is_get_ipython(node.value)


def _method(call: ast.Call, function: ast.Attribute) -> StringNames | None:
    owner, name = function.value, function.attr
    if _is_get_ipython(owner):
        return _of_shell(call, name)
    if name in _ASKING:
        return StringNames(asks=f"{name}() waits for an answer")
    if isinstance(owner, ast.Name) and owner.id == "sys" and name in ("_getframe", "_current_frames"):
        return StringNames(whole=f"sys.{name}() reaches the whole namespace")
    if isinstance(owner, ast.Name) and owner.id == "inspect" and name in ("currentframe", "stack"):
        return StringNames(whole=f"inspect.{name}() reaches the whole namespace")
    if name in QUERYING:
        named = {found for text in _texts(call) for found in at_names(text)}
        tables = _words(call) if name in SQL else StringNames()
        return StringNames(names=named | _bare(call, owner) | tables.names, queries=True, tables=tables.tables)
    if name in SQL:
        return _words(call)
    return _formula(call) if name in FORMULAS else None


def _formula(call: ast.Call) -> StringNames:
    """The functions and variables in a formula; those that name columns are no names of the cell."""
    return StringNames(names={word for text in _texts(call) if is_formula(text) for word in identifiers(text)})


def _bare(call: ast.Call, owner: ast.expr) -> set[str]:
    """`pd.eval("a + b")` names variables without an @."""
    if isinstance(owner, ast.Name) and is_bare(owner.id):
        return {word for text in _texts(call) for word in identifiers(text)}
    return set()


def _texts(call: ast.Call) -> list[str]:
    """The string constants anywhere in the arguments of a call."""
    arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
    parts = [part for argument in arguments for part in ast.walk(argument)]
    return [part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]


def _words(call: ast.Call) -> StringNames:
    """The words of SQL; where the text is made elsewhere, it may be any of the cell's."""
    texts = _texts(call)
    return StringNames(
        names={word for text in texts if is_sql(text) for word in identifiers(text)},
        tables=not texts and bool(call.args or call.keywords),
    )


def _evaluated(call: ast.Call, name: str) -> StringNames | None:
    if len(call.args) > 1 or call.keywords:  # its own namespace, whose parts are in plain sight
        return None
    first = call.args[0] if call.args else None
    if isinstance(first, ast.Constant) and isinstance(first.value, str):
        return StringNames(code=[first.value])
    return StringNames(whole=f"{name}() of a computed text may read anything")


def _is_get_ipython(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "get_ipython"


def _of_shell(call: ast.Call, name: str) -> StringNames | None:
    texts = [part.value if isinstance(part, ast.Constant) else None for part in call.args]
    if name in _SHELL_METHODS:
        found = _expanded(texts[0] if texts else None)
        found.commands = [text for text in texts if isinstance(text, str)]
        return found
    if name in ("run_line_magic", "magic") and texts:
        return _line_magic(texts[0], texts[1] if len(texts) > 1 else "")
    if name == "run_cell_magic" and len(texts) > 2:
        return _cell_magic(texts[0], texts[1], texts[2])
    if name in ("ev", "ex", "run_cell"):
        return (
            StringNames(code=[texts[0]])
            if texts and isinstance(texts[0], str)
            else StringNames(whole=f"{name}() may read anything")
        )
    if name in ("push", "drop_by_id", "del_var", "reset", "user_global_ns"):
        return StringNames(whole=f"get_ipython().{name}() reaches the whole namespace")
    return None


def _expanded(text: object) -> StringNames:
    """A text in which IPython replaces `{expression}` and `$name`."""
    if not isinstance(text, str):
        return StringNames(whole="a computed command may read anything")
    found = StringNames()
    for expression, name in _EXPANDED.findall(text):
        found.names |= identifiers(expression) if expression else {name}
    return found


def _line_magic(name: object, line: object) -> StringNames:
    if not isinstance(name, str) or not isinstance(line, str):
        return StringNames(whole="a computed magic may read anything")
    if name in _WHOLE_MAGICS:
        return StringNames(whole=f"%{name} reads the whole namespace")
    if name == "run" and re.search(r"(^|\s)-i(\s|$)", line):
        return StringNames(whole="%run -i reads the whole namespace")
    found = _expanded(line)
    if name in _STATE_MAGICS:
        found.state.append(f"%{name}")
    elif name in _PYTHON_MAGICS:
        return StringNames(code=[_without_options(line)] if line.strip() else [])
    elif name in ("sx", "system", "sc", "cat", "ls", "run", "writefile", "notebook", "save", "history", "hist"):
        pass
    else:
        found.names |= identifiers(line)
    return found


def _cell_magic(name: object, line: object, body: object) -> StringNames:
    if not isinstance(name, str) or not isinstance(line, str) or not isinstance(body, str):
        return StringNames(whole="a computed magic may read anything")
    found = _expanded(line)
    if name in _PYTHON_MAGICS:
        statements = [part for part in [_without_options(line)] if name in ("time", "timeit", "prun") and part]
        found.code += [*statements, body]
        if name == "capture":
            found.binds |= {word for word in line.split() if word.isidentifier()}
    elif name in ("cache_cell",):
        found.code.append(body)
    elif name in ("writefile", "file"):
        found.state.append(f"%%{name}")  # it says whether the file was there
    elif name in ("html", "HTML", "markdown", "latex", "svg", "SVG", "javascript", "js"):
        pass
    elif name in ("bash", "sh", "script", "system", "sx", "!", "perl", "ruby", "python", "python3", "pypy"):
        found.binds |= set(re.findall(r"--(?:out|err)[ =](\w+)", line))
        plain = name in ("bash", "sh") and not re.search(r"--(?:bg|proc)\b", line)
        (found.scripts if plain else found.commands).append(body)
    else:
        found.names |= identifiers(line) | identifiers(body)
    return found


def _without_options(line: str) -> str:
    """Drop the options in front of a statement, such as `-n 10 -r 3` of `%timeit`."""
    return re.sub(r"^\s*(?:-(?:[a-zA-Z]+)(?:\s*\d+)?\s+|--[\w-]+(?:[= ]\S+)?\s+)*", "", line)

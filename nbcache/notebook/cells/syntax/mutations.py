"""Which statements are made for what they change: a call such as `pd.set_option(...)`, a part that is assigned."""

from __future__ import annotations

import ast
import re
from typing import NamedTuple

# Words that a function of a library begins with when it is called for what it changes.
_CHANGING = re.compile(
    r"set(?!p$|tle)\w*"
    r"|(?:use|enable|disable|register|unregister|init|install|patch|activate|deactivate|configure|config|apply|login"
    r"|extension|reset|unset)(?:_\w+|[A-Z]\w*)?"
    r"|addHandler|removeHandler|addFilter|removeFilter|for_type\w*|parallel_config|parallel_backend|umask"
    r"|basicConfig|filterwarnings|simplefilter|resetwarnings|captureWarnings|pandas|addfont|addLevelName|load_dotenv"
    r"|add_type|field_size_limit|chdir|fchdir|putenv|ion|ioff|output_notebook"
)
# The same where nothing is called on the way: `sys.path.append(...)`, and not `Thread(...).start()`.
_CHANGING_A_PART = re.compile(r"start|append|extend|insert|update")
# The same where what they return is taken: what stood before.
_CHANGING_AND_TELLING = re.compile(r"umask|field_size_limit|seterr|seterrcall|setlocale|setprofile|settrace|signal")


OWN = "a name of its own"
"""Stands for a name that belongs to a function, and means something else in the namespace."""


class Touched(NamedTuple):
    """What a statement assigns, or calls for what that changes.

    Attributes
    ----------
    root : the name that it begins with
    text : as it stands in the cell
    given : the name that its first argument begins with, where it has more than one; else empty
    """

    root: str
    text: str
    given: str = ""


# Decorators that hand what they decorate to somebody.
_REGISTERING = re.compile(r"(?:register|listens_for|callback|route|on_\w+|subscribe|validates)(?:_\w+|[A-Z]\w*)?")


def _root_of(node: ast.expr) -> str:
    """The name that a chain of attributes, items and calls begins with; empty for any other expression."""
    while not isinstance(node, ast.Name):
        match node:
            case ast.Attribute(value=inner) | ast.Subscript(value=inner) | ast.Call(func=inner):
                node = inner
            case _:
                return ""
    return node.id


def registered_by(decorator: ast.expr) -> Touched | None:
    """The root and the text of a decorator that registers what it decorates; `None` for others."""
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    root, last = _root_of(called), _last_name(called)
    return Touched(root, f"@{ast.unparse(called)}") if root and _REGISTERING.fullmatch(last) else None


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def changed_by(call: ast.expr, taken: bool = False) -> Touched | None:
    """The root and the text of a call that may be made for what it changes; `None` for others.

    Parameters
    ----------
    taken : whether somebody takes what it returns
    """
    if not isinstance(call, ast.Call):
        return None
    called = call.func
    root, last = _root_of(called), _last_name(called)
    if root == "copyreg" and last == "pickle":
        return Touched(root, "copyreg.pickle()")
    if (
        root in ("setattr", "delattr")
        and isinstance(called, ast.Name)
        and call.args
        and (root := _root_of(call.args[0]))
    ):
        return Touched(root, ast.unparse(call))
    if taken:
        changes = _CHANGING_AND_TELLING.fullmatch(last) is not None
    else:
        part = _is_path(called) and _CHANGING_A_PART.fullmatch(last) is not None
        changes = part or _CHANGING.fullmatch(last) is not None
    if not root or not changes:
        return None
    given = _root_of(call.args[0]) if call.args and len(call.args) + len(call.keywords) > 1 else ""
    return Touched(root, f"{ast.unparse(called)}()", given)


def _is_path(node: ast.expr) -> bool:
    """Whether it is attributes of a name and nothing else."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)


def changed_place(target: ast.expr) -> Touched | None:
    """The root and the text of something that is assigned inside of something else; `None` for names."""
    root = "" if isinstance(target, ast.Name) else _root_of(target)
    return Touched(root, ast.unparse(target)) if root else None

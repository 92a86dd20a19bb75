"""What is a library's name bound to: nothing to say while it is what the package made, else its full name or content.

Code that reads `np.mean` counts with those words, and the package with its version. Whoever puts something else there
has changed what the code does: another module's function counts by its full name, the user's own by its code, a value
by its content. What a package makes only when it is first asked for counts as its own from the first look on.
"""

from __future__ import annotations

import sys
from functools import partial
from types import (
    BuiltinFunctionType,
    ClassMethodDescriptorType,
    FunctionType,
    MethodDescriptorType,
    MethodType,
    MethodWrapperType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import Any

from nbcache.hashing.attributes import held_by
from nbcache.tracking import classes, packages
from nbcache.tracking.snapshots import fixed, snapshot_of
from nbcache.tracking.wrappers import inner_functions

__all__ = [
    "C_CALLABLES",
    "DATA",
    "LIBRARY",
    "OTHER",
    "STAND_INS",
    "USERS",
    "foreign_name",
    "full_name",
    "is_left_alone",
    "is_stand_in",
    "kind_of",
    "made_on_demand",
    "other_function",
    "was_made_on_demand",
]

# What a value at a library's name is: made by the user, a library's by name, plain data, or none of our business.
USERS, LIBRARY, DATA, OTHER = "users", "library", "data", "other"

C_CALLABLES = (
    BuiltinFunctionType,
    MethodDescriptorType,
    WrapperDescriptorType,
    MethodWrapperType,
    ClassMethodDescriptorType,
)
_HEAP_TYPE = 1 << 9
_PLAIN_DATA = frozenset(("list", "dict", "set", "bytearray"))
# Data that people put beside a library's functions; by the module and name of their type.
_TABULAR = frozenset(
    (
        *("numpy.ndarray", "pandas.DataFrame", "pandas.Series", "pandas.core.frame.DataFrame"),
        *("pandas.core.series.Series", "polars.dataframe.frame.DataFrame", "polars.series.series.Series"),
    )
)
# Modules whose objects stand in for something, as tests put them there: what they answer is in them.
STAND_INS = frozenset(("unittest.mock", "mock.mock"))
# What the interpreter and the import system keep for themselves; some of it differs between equal machines.
_LEFT_ALONE = {
    "sys": frozenset(
        (
            *("path", "modules", "meta_path", "path_hooks", "path_importer_cache", "pycache_prefix", "warnoptions"),
            *("executable", "prefix", "base_prefix", "exec_prefix", "base_exec_prefix", "orig_argv", "flags"),
            *("ps1", "ps2", "ps3", "last_value", "last_type", "last_traceback", "last_exc"),
        )
    ),
    "os": frozenset(("environ", "environb")),
}


def is_left_alone(module: ModuleType, name: str) -> bool:
    """Tell whether a name belongs to the interpreter's own bookkeeping."""
    return name in _LEFT_ALONE.get(str(module.__dict__.get("__name__")), ())


def kind_of(value: object) -> str:
    """Say what is bound to a library's name: `USERS`, `LIBRARY` (known by its full name), `DATA`, or `OTHER`."""
    cls = type(value)
    if cls is FunctionType:
        return USERS if _is_users_function(value) else LIBRARY  # type: ignore[arg-type]
    if issubclass(cls, ModuleType):
        return USERS if packages.home_of_module(value).kind == "local" else LIBRARY  # type: ignore[arg-type]
    if issubclass(cls, C_CALLABLES):
        return LIBRARY
    if issubclass(cls, type):
        return USERS if _is_users_class(value) else LIBRARY  # type: ignore[arg-type]
    if cls is MethodType:
        return USERS if kind_of(value.__func__) == USERS or kind_of(value.__self__) == USERS else LIBRARY  # type: ignore[attr-defined]
    wrapped = _wrapped(value)
    if _is_users_class(cls) or any(kind_of(part) == USERS for part in wrapped):
        return USERS
    if fixed(value):
        return LIBRARY if full_name(value)[1] else DATA
    if wrapped:
        return LIBRARY
    if cls.__module__ == "builtins" and cls.__name__ in _PLAIN_DATA:
        return DATA if snapshot_of(value) is not None else OTHER
    if is_stand_in(value):
        return DATA
    return DATA if f"{cls.__module__}.{cls.__qualname__}" in _TABULAR else OTHER


def is_stand_in(value: object) -> bool:
    """Tell whether a value is a mock: it stands for something, and what it answers is in it."""
    return type(value).__module__ in STAND_INS


def foreign_name(module: ModuleType, name: str, value: object) -> tuple[str, ...]:
    """Give the full name of a library's value, or nothing where it is what its package made under this name."""
    if was_made_on_demand(module, name):
        return ()
    home = str(module.__dict__.get("__name__"))
    if issubclass(type(value), ModuleType):
        full = str(value.__dict__.get("__name__"))
        return () if full == f"{home}.{name}" else ("module", full)
    found = full_name(value)
    top = home.partition(".")[0].removeprefix("_")
    own = found[0].partition(".")[0].removeprefix("_") in (top, "", "builtins")
    return () if own and found[1].rpartition(".")[2] == name else found


# Names that were not there when a key was made for the first time; the run that follows makes the package make them.
_on_demand: set[tuple[str, str]] = set()


def made_on_demand(module: ModuleType, name: str) -> None:
    """Remember that a package makes this name when it is first asked for."""
    _on_demand.add((str(module.__dict__.get("__name__")), name))


def was_made_on_demand(module: ModuleType, name: str) -> bool:
    """Tell whether the name was absent when it was first looked at: what is there now is taken for the package's."""
    return (str(module.__dict__.get("__name__")), name) in _on_demand


def full_name(value: object) -> tuple[str, str]:
    """Give the module and the qualified name of a function, a class or a method, past any trick of its own."""
    cls = type(value)
    if issubclass(cls, type):
        return str(classes.module_of(value)), _text(type.__dict__["__qualname__"].__get__(value))  # type: ignore[arg-type]
    if cls is MethodType:
        return full_name(value.__func__)  # type: ignore[attr-defined]
    owner: Any = getattr(value, "__self__", None)
    owner = getattr(value, "__objclass__", None) if owner is None or issubclass(type(owner), ModuleType) else owner
    if owner is not None:
        kind = owner if issubclass(type(owner), type) else type(owner)
        return str(classes.module_of(kind)), f"{classes.name_of(kind)}.{_text(getattr(value, '__name__', ''))}"
    module = getattr(value, "__module__", None)
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", None)
    return module if type(module) is str else "", _text(name)


def other_function(owner: type, name: str, value: object) -> tuple[str, ...]:
    """Give the full name of a function that stands on a class and was defined elsewhere, or under another name."""
    if type(value) is not FunctionType or name in classes.SPECIAL:
        return ()
    module, known = full_name(value)
    home = str(classes.module_of(owner)).partition(".")[0]
    return () if known.rpartition(".")[2] == name and module.partition(".")[0] == home else (module, known)


def _text(value: object) -> str:
    return value if type(value) is str else ""


def _is_users_function(function: FunctionType) -> bool:
    """Tell whether a function is the user's, or a library's wrapper around one of those."""
    if packages.is_local(function.__globals__):
        return True
    for cell in function.__closure__ or ():
        try:
            inner = cell.cell_contents
        except ValueError:  # still empty
            continue
        if type(inner) is FunctionType and packages.is_local(inner.__globals__):
            return True
    return False


def _is_users_class(cls: type) -> bool:
    module = classes.module_of(cls)
    if type(module) is not str or module == "builtins" or not cls.__flags__ & _HEAP_TYPE:
        return False
    known = sys.modules.get(module)
    if issubclass(type(known), ModuleType):
        return packages.is_local(known.__dict__)
    return module != "" and packages.home_of_name(module).kind == "local"


def _wrapped(value: object) -> list[object]:
    """Give the functions that an object only wraps, those of partials and of vectorized functions included."""
    parts = inner_functions(value)
    if isinstance(value, partial):
        parts.append(value.func)
    content = held_by(value)
    if content is not None and content.get("pyfunc") is not None:
        parts.append(content["pyfunc"])
    return parts

"""What can be returned in place of a value that cannot be stored?

An expression of `value` that gives the same content as something that can: found by what the type of the value
offers, and by name for a few types that offer nothing of the kind. No attribute of the value itself is read.
"""

from __future__ import annotations

import collections.abc as abc
import io
import sys
import weakref
from collections.abc import Callable
from itertools import islice
from typing import Any

__all__ = ["advice_for"]

_LOOKED_AT = 50
_GENERAL = "return what it was made from, such as its data or a path, or leave the function uncached."
_LIVE = "make it where it is used, and return the data that it gives, or leave the function uncached."

# By the name of a class, or of a base of it; what has no content of its own is to be made where it is used.
_BY_NAME = {
    "builtins.frame": "traceback.extract_stack(value)",
    "_contextvars.ContextVar": "value.get(None)",
    "_csv.Dialect": "{name: getattr(value, name) for name in ('delimiter', 'quotechar', 'lineterminator', 'quoting')}",
    "_ctypes._Pointer": "value.contents.value",
    "_ctypes.Array": "value[:]",
    "cv2.KeyPoint": "(value.pt, value.size, value.angle, value.response, value.octave, value.class_id)",
    "_queue.SimpleQueue": "[value.get() for _ in range(value.qsize())]",
    "sqlite3.Row": "dict(value)",
    "_thread._local": "dict(value.__dict__)",
    "_struct.Struct": "value.format",
    "ipywidgets.widgets.widget.Widget": "value.get_state()",
    "kiwisolver.Variable": "(value.name(), value.value())",
    "lxml.etree._Element": "lxml.etree.tostring(value)",
    "lxml.etree._ElementTree": "lxml.etree.tostring(value)",
    "numpy.finfo": "value.dtype",
    "pint.facets.plain.quantity.PlainQuantity": "(value.magnitude, str(value.units))",
    "pint.facets.plain.unit.PlainUnit": "str(value)",
    "re.Match": "(value.group(), value.groups(), value.span())",
    "builtins.SuperLU": "(value.L, value.U, value.perm_r, value.perm_c)",
    "threading.Event": "value.is_set()",
    "xgboost.core.DMatrix": "value.get_data()",
}
_MADE_FROM = "return what it was made from ({}), or leave the function uncached."
_TEXTS = {
    "PIL.ImageFont.FreeTypeFont": _MADE_FROM.format("the path of the font and its size"),
    "PIL.ImageDraw.ImageDraw": _MADE_FROM.format("the image that it draws on"),
    "bokeh.model.model.Model": _MADE_FROM.format("the data that it shows"),
    "unittest.mock.NonCallableMock": _MADE_FROM.format("its attributes"),
    "jinja2.environment.Template": _MADE_FROM.format("its text"),
    "polars.sql.context.SQLContext": _MADE_FROM.format("its frames"),
}


def advice_for(value: object, holds: str = "") -> str:
    """What to do about a result that cannot be stored.

    Parameters
    ----------
    holds : the name of the type in it that is known to be the cause
    """
    expression = _expression(value)
    if expression:
        return f"return {expression}, or leave the function uncached."
    for base in type(value).__mro__:
        if text := _TEXTS.get(_name_of(base)):
            return text
    if _is_live(type(value)):
        return _LIVE
    part = _first_part(value)
    if part is not None:
        expression = _expression(part)
        return f"return {expression} in place of each {_name_of(type(part))} in it, or leave the function uncached."
    if holds.rpartition(".")[2] in ("lock", "RLock") and "__dict__" in dir(type(value)):
        return f"leave the {holds} out in a method __getstate__ of its class, or leave the function uncached."
    return _GENERAL


def _first_part(value: object, depth: int = 2) -> object:
    kind = type(value)
    if not depth or kind not in (list, tuple, dict, set):
        return None
    inner: Any = value.values() if kind is dict else value  # type: ignore[attr-defined]
    for part in islice(inner, _LOOKED_AT):
        if _expression(part):
            return part
        if (found := _first_part(part, depth - 1)) is not None:
            return found
    return None


def _name_of(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _expression(value: object) -> str:
    """Give an expression of `value`; "" where none is known."""
    kind = type(value)
    if kind.__module__ == "builtins" and kind.__name__ in ("dict", "list", "tuple", "set", "str", "int", "float"):
        return ""
    for base in kind.__mro__:
        if text := _BY_NAME.get(_name_of(base)):
            return text
    return next((text for fits, text in _RULES if fits(kind)), "")


def _offers(*names: str) -> Callable[[type], bool]:
    return lambda kind: all(callable(getattr(kind, name, None)) for name in names)


def _is_array(kind: type) -> bool:
    array = getattr(sys.modules.get("numpy"), "ndarray", None)
    return array is not None and issubclass(kind, array)


def _is_live(kind: type) -> bool:
    """Whether it is something that works, and not something that is."""
    return any(_offers(*names)(kind) for names in _WORKING)


# What programs hold while they work: locks, pools, sockets, connections.
_WORKING = (
    *(("acquire", "release"), ("submit", "shutdown"), ("recv", "send"), ("execute", "commit"), ("connect", "dispose")),
    *(("execute", "sql"), ("raw_sql", "list_tables"), ("namelist", "extractall")),
)

_RULES: tuple[tuple[Callable[[type], bool], str], ...] = (
    (lambda kind: issubclass(kind, memoryview), "bytes(value)"),
    (lambda kind: issubclass(kind, weakref.ref), "value()"),
    (lambda kind: issubclass(kind, (weakref.WeakValueDictionary, weakref.WeakKeyDictionary)), "dict(value)"),
    (lambda kind: issubclass(kind, weakref.WeakSet), "set(value)"),
    (lambda kind: issubclass(kind, io.IOBase) or _offers("read", "readline")(kind), "value.read()"),
    (_is_array, "numpy.asarray(value)"),
    (_offers("hexdigest"), "value.hexdigest()"),
    (lambda kind: hasattr(kind, "__wrapped__") or kind.__name__ == "_lru_cache_wrapper", "value.__wrapped__"),
    (_offers("read_all"), "value.read_all()"),
    (_offers("to_dicts"), "value.to_dicts()"),
    (_offers("detach", "backward"), "value.detach()"),
    (_offers("state_dict", "load_state_dict"), "value.state_dict()"),
    (_offers("to_numpy"), "value.to_numpy()"),
    (_offers("__iter__", "__next__"), "list(value)"),
    (lambda kind: issubclass(kind, abc.Mapping), "dict(value)"),
    (lambda kind: issubclass(kind, abc.Sequence), "list(value)"),
)
"""Whether it holds for a type, and the expression."""

"""Which objects are nothing but their attributes, so that to set these anew is what pickle does, and all it does?"""

from __future__ import annotations

import abc
import copyreg
import keyword
import sys
from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["filler", "is_plain", "named", "takes"]

_HEAP_TYPE = 1 << 9  # of CPython's Include/object.h: a class that was made while Python ran
# A class that says any of this itself may make more of an object than its attributes.
_OWN_WAYS = (
    *("__new__", "__reduce__", "__reduce_ex__", "__getstate__", "__setstate__", "__getnewargs__", "__getnewargs_ex__"),
    *("__getattribute__", "__getattr__", "__del__", "__class__"),
)


def named(module: str, name: str) -> Any:
    """Return what a module that is loaded holds under a name now; None for nothing."""
    held: Any = sys.modules.get(module)
    for part in name.split("."):
        held = getattr(held, part, None)
    return held


def is_plain(kind: Any) -> bool:
    """Tell whether pickle takes objects of a class for their attributes."""
    if (type(kind) is not type and type(kind) is not abc.ABCMeta) or kind in copyreg.dispatch_table:
        return False
    if copyreg._slotnames(kind):  # type: ignore[attr-defined]
        return False
    return all(
        base.__flags__ & _HEAP_TYPE and not any(name in base.__dict__ for name in _OWN_WAYS)
        for base in kind.__mro__[:-1]
    )


def takes(kind: Any, names: Iterable[str]) -> bool:
    """Tell whether attributes of these names can be set past the class: no property is in between."""
    for name in names:
        for base in kind.__mro__:
            held = base.__dict__.get(name)
            if held is not None and (hasattr(type(held), "__set__") or hasattr(type(held), "__delete__")):
                return False
    return True


def filler(kind: Any, names: tuple[str, ...], *, held: bool) -> Callable[..., None]:
    """Return a function that sets the attributes of many objects: it is given them, and the values of each attribute.

    It is written out, because an assignment costs Python a fraction of what a call of `setattr` does.

    Parameters
    ----------
    held : whether it is given containers and keys too, and puts each object into its own

    Raises
    ------
    ValueError
        A name cannot be written out.
    """
    if not all(type(n) is str and n.isascii() and n.isidentifier() and not keyword.iskeyword(n) for n in names):
        raise ValueError(names)
    columns = [f"v{place}" for place in range(len(names))]
    own = kind.__setattr__ is not object.__setattr__  # such as a frozen dataclass, which refuses
    sets = [f"put(o, {n!r}, {v})" if own else f"o.{n} = {v}" for n, v in zip(names, columns, strict=True)]
    if held:
        columns += ["h", "k"]
        sets.append("h[k] = o")
    given = ", ".join(["o", *columns])
    source = f"def fill({given}):\n for {given} in zip({given}):\n  {'; '.join(sets) or 'pass'}\n"
    space: dict[str, Any] = {"put": object.__setattr__}
    exec(compile(source, "<nbcache copies>", "exec"), space)
    made: Callable[..., None] = space["fill"]
    return made

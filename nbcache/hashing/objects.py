"""Objects of any class: their own key, their state, or what pickle would take from them.

A class is known by its full name; with a code hook the user's classes count by their code too.
"""

from __future__ import annotations

import copyreg
import enum
import sys
import threading
from collections.abc import Callable, Iterable
from itertools import islice
from operator import attrgetter, length_hint
from types import GetSetDescriptorType
from typing import Any

from nbcache.errors import CacheError, told
from nbcache.hashing import attributes
from nbcache.hashing.containers import mappings, sequences, sets, write_attributes
from nbcache.hashing.immutable import ATOMS
from nbcache.hashing.walk import Family, Walk, name_of, unreadable, user_error

_HEAP_TYPE = 1 << 9
_LOOKED_AT = 1000
_IMMUTABLE = (tuple, str, int, float, bytes, complex)
_MOST = 1 << 22
_asking = threading.local()


def is_users(module: str | None) -> bool:
    """Tell whether a module is the user's own: neither of the standard library nor installed."""
    if not isinstance(module, str):  # classes that libraries make as they run may have none
        return False
    top = module.partition(".")[0]
    if top == "__main__":  # the notebook, even where its process was started as an installed module
        return True
    if top in sys.stdlib_module_names or top == "builtins":
        return False
    path = getattr(sys.modules.get(module), "__file__", None) or ""
    return "site-packages" not in path and "dist-packages" not in path


def importable(value: Any) -> str | None:
    """Return the full name under which `value` can be imported, if that gives this very object."""
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(name, str) or "<" in name:
        return None
    try:
        found = attrgetter(name)(sys.modules[module])
    except (KeyError, AttributeError):
        return None
    return f"{module}.{name}" if found is value else None


def full_name(value: Any, name: str) -> str:
    """Return the full name of what pickle knows by a bare name: that of the module that holds it."""
    home = getattr(value, "__module__", None)
    if isinstance(home, str) and _found(home, name) is value:
        return f"{home}.{name}"
    # Of several modules that hold it, the one with the shortest name: whichever were loaded first, it is the same.
    homes = [module for module in list(sys.modules) if _found(module, name) is value]
    if not homes:
        unreadable(value, "no module has it under its name")
    return f"{min(homes, key=lambda module: (module.count('.'), len(module), module))}.{name}"


def _found(module: str, name: str) -> object:
    first, *rest = name.split(".")
    found: Any = getattr(sys.modules.get(module), "__dict__", {}).get(first)  # a module asked by getattr may load more
    for part in rest:
        found = getattr(found, part, None)
    return found


def tag_of(walk: Walk, kind: type, how: str) -> bytes:
    """Name a class in the digest; a class of the user counts by its code too, when the walk asks for code."""
    tag = f"{how}:{name_of(kind)}".encode()
    if walk.code is None or not kind.__flags__ & _HEAP_TYPE or not is_users(kind.__module__):
        return tag
    # The digest of a class may hold instances of that class, which lead back here.
    asked: set[type] = _asking.__dict__.setdefault("kinds", set())
    if kind in asked:
        return tag
    asked.add(kind)
    try:
        return tag + b"\0" + walk.code(kind)
    finally:
        asked.discard(kind)


def family_of(walk: Walk, kind: Any) -> Family:
    """Find how the instances of a class without rules of its own are written."""
    if kind is object:
        return Family(b"sentinel", _sentinels, True)
    if hasattr(kind, "__cache_key__"):
        return Family(tag_of(walk, kind, "key"), _own_keys, True, _own_key)
    if issubclass(kind, enum.Enum):
        return Family(tag_of(walk, kind, "enum"), _members, True)
    if issubclass(kind, (set, frozenset)):
        return Family(tag_of(walk, kind, "set"), _set_like, True)
    if by_python(kind):
        if issubclass(kind, tuple) and kind.__getstate__ is object.__getstate__ and not kind.__dictoffset__:
            return Family(tag_of(walk, kind, "tuple"), _tuple_like, False)
        if _is_plain(kind):
            return Family(tag_of(walk, kind, "object"), _plain, True, _taken_apart)
    shared = not issubclass(kind, _IMMUTABLE)
    return Family(tag_of(walk, kind, "reduced"), _reduced, shared, _taken_apart)


def by_python(kind: Any) -> bool:
    """Tell whether Python itself says what pickle takes of an instance."""
    standard = kind.__reduce_ex__ is object.__reduce_ex__ and kind.__reduce__ is object.__reduce__
    return standard and kind not in copyreg.dispatch_table


def _is_plain(kind: Any) -> bool:
    return (
        kind.__getstate__ is object.__getstate__
        and not hasattr(kind, "__getnewargs_ex__")
        and not hasattr(kind, "__getnewargs__")
        and not issubclass(kind, (list, dict))
        and kind.__dictoffset__ != 0
        and _keeps_its_dict(kind)
        and not copyreg._slotnames(kind)  # type: ignore[attr-defined]
    )


def _keeps_its_dict(kind: Any) -> bool:
    """Tell whether `__dict__` of an instance is what it has, and not what a property of its class makes up."""
    said = next((vars(base)["__dict__"] for base in kind.__mro__ if "__dict__" in vars(base)), None)
    return isinstance(said, GetSetDescriptorType)


def _plain(walk: Walk, values: list[Any]) -> None:
    _taken_apart(values[0])  # refuses, once for all of them, what holds more than its attributes
    states = [value.__dict__ for value in values]
    names = attributes.left_out(type(values[0]))
    if names or len(states) <= _LOOKED_AT or attributes.lean(states[0], names) is not states[0]:
        states = [attributes.lean(state, names) for state in states]
    mappings(walk, states)


def _sentinels(walk: Walk, values: list[Any]) -> None:
    """A bare ``object()`` has no content: it is known by the name that a module of the user's gives it, if any does."""
    walk.below.extend([_name_in_modules(value) for value in values])


def _name_in_modules(value: object) -> str:
    for module, loaded in list(sys.modules.items()):
        if is_users(module):
            for name, held in list(getattr(loaded, "__dict__", {}).items()):
                if held is value:
                    return f"{module}.{name}"
    return ""


def _own_keys(walk: Walk, values: list[Any]) -> None:
    for value in values:
        walk.below.extend(_own_key(value))


def _own_key(value: Any) -> tuple[Any]:
    try:
        return (value.__cache_key__(),)
    except CacheError:
        raise
    except Exception as error:
        raise user_error("__cache_key__", value, error) from error


def _members(walk: Walk, values: list[Any]) -> None:
    for value in values:
        walk.below.extend((value._name_, value._value_))
    write_attributes(walk, list(map(attributes.given_to_member, values)))


def _tuple_like(walk: Walk, values: list[Any]) -> None:
    # A class may iterate in its own way: what its instances hold and where is known to the tuple alone.
    sequences(walk, [tuple.__getitem__(value, slice(None)) for value in values])


def _set_like(walk: Walk, values: list[Any]) -> None:
    base: Any = set if isinstance(values[0], set) else frozenset
    sets(walk, [list(base.__iter__(value)) for value in values])
    walk.below.extend([getattr(value, "__dict__", None) for value in values])


def _taken_apart(value: Any) -> Any:
    # Libraries register how tracebacks travel for all exceptions that are there when they are imported.
    reduce = None if isinstance(value, BaseException) else copyreg.dispatch_table.get(type(value))
    try:
        recipe = reduce(value) if reduce is not None else value.__reduce_ex__(4)
    except CacheError:
        raise
    except Exception as error:
        unreadable(value, f"its state cannot be read ({told(error)})")
    if isinstance(recipe, str) or (type(recipe) is tuple and 2 <= len(recipe) <= 6 and type(recipe[1]) is tuple):
        return recipe
    return unreadable(value, "what it gives to be pickled is not what pickle takes")


def _lean(state: Any, names: frozenset[str]) -> Any:
    """Give a state without what says nothing; no state and an empty one are the same."""
    if type(state) is tuple and len(state) == 2 and all(part is None or type(part) is dict for part in state):
        parts = [_lean(part, names) for part in state]  # attributes and slots
        return tuple(parts) if any(parts) else None
    return (attributes.lean(state, names) or None) if type(state) is dict else state


def _listed(value: Any, given: Any, own: Callable[[Any], Iterable[Any]]) -> list[Any]:
    """List what a value consists of: what it holds itself, or else what its class gives, which may have no end."""
    kind: Any = type(value)
    if by_python(kind):
        return list(own(value))
    limit = max(_MOST, length_hint(given, 0))
    items = list(islice(given, limit + 1))
    if len(items) > limit:
        unreadable(value, "what it says it consists of has no end")
    return items


def _with_what_led_to_it(state: Any, error: BaseException) -> Any:
    if error.__suppress_context__:
        return (state, error.__cause__, True)
    return state if error.__context__ is None else (state, error.__context__)


def _is_flat(parts: tuple[Any, ...], depth: int = 2) -> bool:
    """Tell whether a value consists of atoms: it cannot lead back to itself, and one is as good as two equal ones."""
    for part in parts:
        if type(part) not in ATOMS and not (type(part) is tuple and depth and _is_flat(part, depth - 1)):
            return False
    return True


def _reduced(walk: Walk, values: list[Any]) -> None:
    kind: Any = type(values[0])
    names = attributes.left_out(kind)
    users = is_users(kind.__module__)
    home = attributes.says_itself(kind)
    drops = walk.drops is not None and home is not object and is_users(home.__module__)
    unsaid = attributes.reduces_in_c(kind) or (users and attributes.reduced_by_python(kind))
    unsaid = unsaid and kind.__dictoffset__ != 0
    immutable = issubclass(kind, _IMMUTABLE)
    for value in values:
        reduced = _taken_apart(value)
        if isinstance(reduced, str):
            walk.facts("name", full_name(value, reduced))
            continue
        func, arguments, state, items, pairs = (*reduced, None, None, None)[:5]
        left = attributes.dropped(walk, value, state, names) if drops else None
        state = _lean(state, names)
        if state is None and unsaid:
            state = _lean(dict(value.__dict__), names) if users else attributes.public(value) or None
        if issubclass(kind, BaseException):
            state = _with_what_led_to_it(state, value)
        if func in (copyreg.__newobj__, copyreg.__newobj_ex__) and arguments[0] is type(value):  # type: ignore[attr-defined]
            func, arguments = func.__name__, arguments[1:]
        elif func is type(value):
            func = None
        elif (name := importable(func)) is not None:
            func = name
        content = (_listed(value, items, list.__iter__) or None) if items is not None else None
        entries = dict(_listed(value, pairs, dict.items)) if pairs is not None else None
        ordered = list(entries) if entries is not None and hasattr(kind, "move_to_end") else None
        parts = (func, arguments, state, content, entries, ordered, *((left,) if left else ()))
        if immutable and not _is_flat(parts) and walk.met(value):
            continue
        walk.facts("parts", func is None or isinstance(func, str))
        walk.below.append(parts)

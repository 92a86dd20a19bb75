"""What stands for an object that only holds a value for others, and whose own pickle says nothing of it.

Widgets and other objects with traits, memory that threads or processes share. They are asked for
what they hold at this moment; who is told of a change, and by what means, does not count.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nbcache.hashing import attributes, maps
from nbcache.hashing.objects import is_users
from nbcache.hashing.walk import name_of

#: How traitlets keeps what an instance has, who is told of changes, and how a widget reaches the browser.
_OF_TRAITS = frozenset(
    ("_trait_values", "_trait_notifiers", "_trait_validators", "_cross_validation_lock", "_model_id")
)
_TO_OTHERS = frozenset({"comm", "keys", "log", "parent", "config", "kernel"})


def _traits(value: Any) -> Any:
    """The traits that somebody has set to another value than their default, and other attributes of the user's."""
    said = value.traits()
    held = {name: part for name, part in value._trait_values.items() if name in said and name not in _TO_OTHERS}
    held = {
        name: part for name, part in held.items() if not (_is_inner(name, said[name]) or _is_default(said[name], part))
    }
    own = vars(value) if is_users(type(value).__module__) else attributes.public(value)
    return held, {name: part for name, part in own.items() if name not in _OF_TRAITS}


def _is_inner(name: str, trait: Any) -> bool:
    """Whether a library keeps a trait for itself."""
    return name[:1] == "_" and not is_users(getattr(trait.this_class, "__module__", None))


def _is_default(trait: Any, value: Any) -> bool:
    default = trait.default_value
    try:
        return type(value) is type(default) and bool(value == default)
    except Exception:  # arrays have no answer to that
        return False


def _parameters(value: Any) -> Any:
    """An object of param's: the name that it has got by a counter is no content."""
    held = dict(value.param.values())
    if str(held.get("name", "")).startswith(type(value).__name__):
        del held["name"]
    return held, attributes.public(value)


def _in_c(value: Any) -> Any:
    kind = type(value)
    return name_of(kind), bytes(value)


#: By the name of a class, or of a base of it.
CONTENT: Mapping[str, Callable[[Any], Any]] = {
    "traitlets.traitlets.HasTraits": _traits,
    "param.parameterized.Parameterized": _parameters,
    "mmap.mmap": lambda value: (maps.content_of(value), value.tell()),
    "multiprocessing.sharedctypes.SynchronizedBase": lambda value: _in_c(value.get_obj()),
    "multiprocessing.shared_memory.SharedMemory": lambda value: bytes(value.buf),
    "multiprocessing.managers.BaseProxy": lambda value: value._getvalue(),
}

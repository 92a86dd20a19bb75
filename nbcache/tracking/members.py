"""What do a class and a whole module reach: every member, each followed by what it is."""

from __future__ import annotations

import sys
from functools import partial
from types import FunctionType, ModuleType

from nbcache.hashing.attributes import given_to_member
from nbcache.tracking import classes
from nbcache.tracking.code.bytecode import short_digest
from nbcache.tracking.code.facts import facts_of
from nbcache.tracking.contents import fixed
from nbcache.tracking.resolution import MODULE_NAMES
from nbcache.tracking.walker import CodeWalker


def follow_class(reach: CodeWalker, cls: type) -> None:
    """Follow a class of the user's: its members, bases, annotations and metaclass."""
    name = classes.name_of(cls)
    reach.guards.table(cls, classes.dict_of(cls))
    reach.guards.cls(cls)
    _follow_name(reach, cls, name)
    members = list(classes.members_of(cls))
    bases = classes.bases_of(cls)
    written = classes.annotations_of(cls)
    annotations = [f"{key}: {classes.annotation_text(value)}" for key, value in written.items()]
    kinds = [f"{key} {type(value).__name__}" for key, value in members]
    said = [*map(classes.name_of, bases), "", *annotations, "", *kinds, *classes.further(cls)]
    digest = short_digest(*[text.encode("utf-8", "surrogatepass") for text in said])
    heads = ", ".join(map(classes.name_of, bases))
    reach.part(f"class {name}", digest, lambda: "; ".join([f"class {name}({heads})", *annotations]))
    for base in bases:
        reach.cls(base)
    if type(cls) is not type:
        reach.cls(type(cls))
    for annotation in written.values():
        for found in classes.classes_in(annotation):
            reach.cls(found)
    fields = classes.fields_of(cls)
    if fields is not None:
        label = f"{'members' if classes.is_enum(cls) else 'fields'} of {name}"
        get = partial(classes.fields_of, cls)
        rich = (_guard_members if classes.is_enum(cls) else _guard_fields)(reach, cls)
        reach.content(fields, label, (id(cls), "fields"), get, quiet=True, settled=not rich)
    for key, value in members:
        _follow_member(reach, cls, f"{name}.{key}", key, value)


def _follow_name(reach: CodeWalker, cls: type, name: str) -> None:
    """Count whether a class is still what its name stands for: what was pickled by name comes back as that.

    A module that is loaded anew has another class there, and who imported the old one goes on using it. IPython's
    autoreload makes the old one like the new one.
    """
    module = sys.modules.get(str(classes.module_of(cls)))
    if not isinstance(module, ModuleType) or module.__dict__.get("__name__") == "__main__":
        return
    found = module.__dict__.get(name)
    if found is None:
        return
    reach.guards.entry(module.__dict__, name, found)
    if found is not cls and not (isinstance(found, type) and _written_alike(cls, found)):
        reach.part(f"name {name}", short_digest(b"another"), lambda: "another object than the class in use")


def _written_alike(one: type, other: type) -> bool:
    """Whether two classes have members of the same names, and methods of the same code."""
    first, second = dict(classes.members_of(one)), dict(classes.members_of(other))
    return first.keys() == second.keys() and all(map(_told_alike, first.values(), map(second.get, first)))


def _told_alike(one: object, other: object) -> bool:
    if type(one) is not FunctionType or type(other) is not FunctionType:
        return type(one) is type(other)
    return facts_of(one.__code__).digest == facts_of(other.__code__).digest


def _guard_members(reach: CodeWalker, cls: type) -> bool:
    """Notice what is done to the members of an Enum that hold more than a value; tell whether it may be done inside."""
    inside = False
    named = classes.dict_of(cls)["_member_map_"]
    reach.guards.table(named, named)
    reach.guards.attributes("_value_", [member for member in named.values() if hasattr(member, "_value_")])
    for member in named.values():
        more = given_to_member(member)
        if more:
            reach.guards.table(member, member.__dict__, ordered=False)
        inside = inside or not all(map(fixed, (getattr(member, "_value_", None), *more.values())))
    return inside


def _guard_fields(reach: CodeWalker, cls: type) -> bool:
    """Notice what is done to the fields of a dataclass; tell whether it may be done inside."""
    fields = classes.dict_of(cls).get("__dataclass_fields__")
    if type(fields) is not dict:
        return False
    reach.guards.table(fields, fields)
    return any(getattr(field, "metadata", None) for field in fields.values())


def _follow_member(reach: CodeWalker, cls: type, label: str, key: str, value: object) -> None:
    reach.mark(b"member", key.encode())
    place = (id(cls), key)
    if type(value) is FunctionType:
        reach.function(value, f"method {label}")
    elif fixed(value) or not reach.looks_into(value):
        reach.cls(type(value))
        get = partial(classes.dict_of(cls).__getitem__, key)
        written = key.startswith("__")  # by Python or a library, at the class statement, and then left alone
        reach.content(value, f"class {label}", place, get, quiet=written, settled=written)
    else:
        reach.value(value, label, place, lambda: None, kind="method")


def follow_module(reach: CodeWalker, module: ModuleType, name: str) -> None:
    """Follow a whole module of the user's, because it is used as a value: all that it defines and holds."""
    content = module.__dict__
    names = [key for key in sorted(content) if key not in MODULE_NAMES]
    reach.part(f"module {name}", short_digest(*[key.encode() for key in names]), lambda: f"{len(names)} names")
    reach.guards.table(content, content)
    for key in names:
        reach.names.chain(content, (key,))

"""What is in a class: its members in order of name, without what Python and libraries write there themselves.

Some of what stands in a class's `__dict__` is written after the class statement (`copyreg` adds `__slotnames__`
at the first pickle, pydantic a schema that holds addresses): it is left out, because it says nothing about what
the user wrote and would make a fingerprint change by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from types import FunctionType, GetSetDescriptorType, MemberDescriptorType
from typing import Any

from nbcache.hashing.attributes import given_to_member

_read_dict = type.__dict__["__dict__"].__get__
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")

_WRITTEN_BY_PYTHON = """
    __doc__ __module__ __qualname__ __dict__ __weakref__ __slotnames__ __firstlineno__ __static_attributes__
    __annotations__ __annotations_cache__ __abstractmethods__ __orig_bases__ __parameters__
    __classcell__ __dataclass_fields__ __signature__ __subclasshook__ __type_params__ __conditional_annotations__
    _abc_impl _is_protocol _is_runtime_protocol __protocol_attrs__ __non_callable_proto_members__
    _member_names_ _member_map_ _value2member_map_ _unhashable_values_ _unhashable_values_map_ _hashable_values_
    _member_type_ _value_repr_ _new_member_ _use_args_ _sort_order_ _boundary_ _flag_mask_ _singles_mask_
    _all_bits_ _inverted_ _missing_ _generate_next_value_
"""
_WRITTEN_BY_LIBRARIES = """
    __pydantic_core_schema__ __pydantic_validator__ __pydantic_serializer__ __pydantic_complete__
    __pydantic_parent_namespace__ __pydantic_generic_metadata__ __pydantic_fields_complete__
    __pydantic_post_init__ __pydantic_setattr_handlers__ __pydantic_computed_fields__ __pydantic_decorators__
    __private_attributes__
    __attrs_own_setattr__ __attrs_props__ __attrs_base_of_slotted__ __mapper__ __table__ _sa_class_manager
    _sa_registry
"""
# What sympy deduces from the other members of a class and its bases, in an order that differs by process.
_DEDUCED = frozenset(("default_assumptions", "_explicit_class_assumptions", "_prop_handler"))
_WRITTEN_BY_OTHERS = frozenset((_WRITTEN_BY_PYTHON + _WRITTEN_BY_LIBRARIES).split())
_OF_DECORATORS = ("fields", "mode", "when_used", "alias")
_PRIVATE_ATTRIBUTES = ("default", "default_factory")
_FIELD_ATTRIBUTES = ("name", "default", "default_factory", "init", "repr", "hash", "compare", "kw_only")

#: What Python itself asks a class for, so that no code names it.
SPECIAL = frozenset(
    f"__{name}__"
    for name in (
        *("new", "init", "call", "repr", "str", "format", "bytes", "bool", "hash", "eq", "ne", "lt", "le", "gt", "ge"),
        *("len", "iter", "next", "contains", "getitem", "setitem", "delitem", "missing", "getattr", "getattribute"),
        *("setattr", "add", "radd", "iadd", "sub", "rsub", "mul", "rmul", "matmul", "truediv", "rtruediv", "floordiv"),
        *("mod", "pow", "and", "or", "xor", "invert", "neg", "abs", "round", "int", "float", "index", "enter", "exit"),
    )
)


def dict_of(cls: type) -> Mapping[str, Any]:
    """Give the live `__dict__` of a class, past any trick of its metaclass."""
    found: Mapping[str, Any] = _read_dict(cls)
    return found


def name_of(cls: type) -> str:
    """Give the qualified name of a class as the user writes it, past any trick of its metaclass."""
    try:
        name = type.__dict__["__qualname__"].__get__(cls)
    except (AttributeError, TypeError):
        return "?"
    return name.rpartition("<locals>.")[2] if type(name) is str else "?"


def module_of(cls: type) -> object:
    """Give the name of the module that a class says it belongs to."""
    try:
        module = type.__dict__["__module__"].__get__(cls)
        return "__main__" if module == "__mp_main__" else module  # spawned workers know the script by another name
    except (AttributeError, TypeError):
        return None


def bases_of(cls: type) -> tuple[type, ...]:
    """Give the direct bases, past any trick of its metaclass."""
    bases: tuple[type, ...] = type.__dict__["__bases__"].__get__(cls)
    return bases


def inherited(cls: type, names: Iterable[str]) -> Iterator[tuple[Mapping[str, Any], str, object]]:
    """Find what a class has or inherits under these names, and in which `__dict__` it stands."""
    tables = [dict_of(base) for base in type.__dict__["__mro__"].__get__(cls)]
    for name in names:
        for table in tables:
            if name in table:
                yield table, name, table[name]
                break


def is_enum(cls: type) -> bool:
    """Tell whether a class is an Enum with members."""
    return type(dict_of(cls).get("_member_map_")) is dict


def members_of(cls: type) -> Iterator[tuple[str, Any]]:
    """Yield what the user wrote in a class, in order of name; fields and enum members are `fields_of`'s."""
    content = dict_of(cls)
    enum_members = content.get("_member_map_")
    deduced = _DEDUCED if module_of(type(content.get("default_assumptions"))) == "sympy.core.assumptions" else ()
    for name in sorted(name for name in content if type(name) is str):
        value = content[name]
        if name in _WRITTEN_BY_OTHERS and not _user_function(name, value):
            continue
        if type(enum_members) is dict and (name in enum_members or not _user_function(name, value)):
            continue
        if name in deduced:
            continue
        if type(value) in (MemberDescriptorType, GetSetDescriptorType):
            continue  # a slot; `__slots__` itself is a member
        if type(value) is FunctionType and value.__globals__.get("__name__") == "typing":
            continue  # a protocol's __init__, which typing replaces at the first instance
        if name == "__hash__" and type(value) is FunctionType and _is_generated_by_attrs(value):
            continue  # it holds a number that differs by process; what it hashes is told by the fields
        if str(module_of(type(value))).startswith("sqlalchemy.") and "hybrid" not in str(module_of(type(value))):
            continue  # instrumented columns and registries, which change as tables are used: `fields_of` has them
        yield name, value


def _is_generated_by_attrs(function: FunctionType) -> bool:
    return function.__code__.co_filename.startswith("<attrs generated")


def _user_function(name: str, value: object) -> bool:
    """Tell whether a name that Python usually fills was written by the user (`_missing_`, `__subclasshook__`)."""
    function = value.__func__ if type(value) in (classmethod, staticmethod) else value  # type: ignore[attr-defined]
    if type(function) is not FunctionType:
        return False
    return function.__globals__.get("__name__") not in ("typing", "enum", "abc", "dataclasses", None)


def fields_of(cls: type) -> tuple[object, ...] | None:
    """Give members of an Enum, fields of a dataclass, columns of a table or a model's private fields; or `None`."""
    content = dict_of(cls)
    members = content.get("_member_map_")
    if type(members) is dict:
        return tuple(_member(name, member) for name, member in members.items())
    fields = content.get("__dataclass_fields__")
    if type(fields) is dict:
        return tuple(_field(field) for field in fields.values())
    table = content.get("__table__")
    if table is not None and str(module_of(type(table))).startswith("sqlalchemy."):
        return ("table", _ADDRESS.sub("", repr(table)))
    private = content.get("__private_attributes__")
    if type(private) is dict and private:
        return tuple((name, *_values_of(held, _PRIVATE_ATTRIBUTES)) for name, held in private.items())
    return None


def _member(name: str, member: object) -> tuple[object, ...]:
    """Describe a member of an Enum: its name, its value, and what else it was given."""
    more = given_to_member(member)
    return (name, getattr(member, "_value_", None), *((more,) if more else ()))


def _field(field: object) -> tuple[object, ...]:
    metadata = getattr(field, "metadata", None)
    return (*_values_of(field, _FIELD_ATTRIBUTES), dict(metadata) if metadata else None)


def _values_of(described: object, names: tuple[str, ...]) -> Iterator[object]:
    for name in names:
        value = getattr(described, name, None)
        yield "missing" if type(value).__name__ in ("_MISSING_TYPE", "PydanticUndefinedType") else value


def further(cls: type) -> Iterator[str]:
    """Say what else a class statement, or an assignment after it, has decided: for most classes nothing."""
    content = dict_of(cls)
    name = type.__dict__["__name__"].__get__(cls)
    if name != type.__dict__["__qualname__"].__get__(cls).rpartition(".")[2]:
        yield f"name {name}"
    abstract = content.get("__abstractmethods__")
    if abstract:
        yield f"abstract {' '.join(sorted(map(str, abstract)))}"
    written = content.get("__orig_bases__")
    if type(written) is tuple:
        yield f"bases {', '.join(map(annotation_text, written))}"
    boundary = content.get("_boundary_")
    if boundary is not None:
        yield f"boundary {getattr(boundary, '_name_', '')}"
    if content.get("_is_runtime_protocol") is True:
        yield "runtime protocol"
    yield from _decorated(content.get("__pydantic_decorators__"))


def _decorated(found: object) -> Iterator[str]:
    """Say what decorators of pydantic were given: which fields, when, and under what name."""
    for group in getattr(found, "__dataclass_fields__", ()):
        decorators = getattr(found, group, None)
        for name, decorator in decorators.items() if type(decorators) is dict else ():
            info = getattr(decorator, "info", None)
            given = [annotation_text(getattr(info, option, None)) for option in _OF_DECORATORS]
            yield f"{group} {name} {', '.join(given)}"


def annotations_of(cls: type) -> dict[str, Any]:
    """Give the annotations written in the class itself, unevaluated where Python keeps them so."""
    found = dict_of(cls).get("__annotations__")
    return found if type(found) is dict else {}


def annotation_text(value: object) -> str:
    """Spell an annotation without addresses."""
    if type(value) is str:
        return value
    if issubclass(type(value), type):
        return f"{module_of(value)}.{name_of(value)}"  # type: ignore[arg-type]
    try:
        return _ADDRESS.sub("", repr(value))
    except Exception as error:  # a repr of the user's: any error is possible, and none is ours to raise
        return f"{type(value).__name__} ({type(error).__name__})"


def classes_in(annotation: object, depth: int = 4) -> Iterator[type]:
    """Yield the classes that an annotation such as `list[Model] | None` names."""
    if type(annotation) is type or issubclass(type(annotation), type):
        yield annotation  # type: ignore[misc]
        return
    arguments = getattr(annotation, "__args__", None) if depth else None
    if type(arguments) is tuple:
        for argument in arguments:
            yield from classes_in(argument, depth - 1)

"""A namespace as text: the values and types of its names, and which of them reach one object.

Two namespaces are alike when their lines are equal. A line stands for one object: its number, its type, its content,
and the numbers of the objects that it holds. Numbers count the objects in the order in which a walk from the sorted
names meets them, so that they say who shares what and nothing about addresses. Arrays that lie in one memory are
numbered by their places in it. The walk knows nothing of nbcache.
"""

from __future__ import annotations

import contextlib
import copyreg
import hashlib
import io
import pathlib
import sys
import types
import weakref
from collections.abc import Callable, Collection, Mapping
from typing import Any

__all__ = ["differences", "lines_of", "names_of_user"]

_ATOMS = (type(None), bool, int, float, complex, str, bytes, type(Ellipsis), type(NotImplemented), range, slice)
_TOOLS = frozenset({"In", "Out", "get_ipython", "exit", "quit", "open", "cache_data"})
_UNSAID = frozenset(
    {"__dict__", "__weakref__", "__module__", "__doc__", "__firstlineno__", "__static_attributes__", "__annotations__"}
    | {"__annotate__", "__annotate_func__", "__annotations_cache__", "__abstractmethods__", "_abc_impl"}
    | {"__slotnames__"}  # pickle notes them on a class it meets
)
# What a library notes in an object, and nobody can tell by its answers: an address, the hash of a text
# (another one in each process), an empty dict made when it is asked for, a warning that was looked into.
_NOTED: Mapping[str, Callable[[object], bool]] = {
    "_mhash": lambda noted: True,
    "_stop_words_id": lambda noted: True,
    "_attrs": lambda noted: noted is None or noted == {},
    "_deprecated_key_to_warnings": lambda noted: noted == {},
    "_encoding": lambda noted: noted is None or noted == {},
    "_warned_capturable_if_run_uncaptured": lambda noted: True,
}
_Fields = list[tuple[str, object]]
_MOST = 300_000  # objects of one namespace


def names_of_user(namespace: Mapping[str, object]) -> list[str]:
    """The names that a user's cells have bound, as far as their spelling tells."""
    return sorted(name for name in namespace if name[0] != "_" and name not in _TOOLS)


def lines_of(
    namespace: Mapping[str, object], names: Collection[str] | None = None, by_type: Collection[str] = ()
) -> list[str]:
    """Write the graph below some names, one line an object.

    Parameters
    ----------
    names : by default all that `names_of_user` gives
    by_type : full names of types ("matplotlib.figure.Figure") whose instances count by their type and identity alone,
        those of subclasses too
    """
    walk = _Walk(namespace, frozenset(by_type))
    chosen = names_of_user(namespace) if names is None else sorted(names)
    lines = [f"{name} = {walk.refer(namespace[name])}" for name in chosen]
    return lines + walk.lines()


def differences(one: list[str], other: list[str]) -> list[str]:
    """What a person reads when two graphs differ: the lines that only one of them has; empty when they are alike."""
    mine, theirs = set(one), set(other)
    return [f"- {line}" for line in one if line not in theirs] + [f"+ {line}" for line in other if line not in mine]


def _is_plain(value: object) -> bool:
    """Atoms, and tuples of them: nobody changes these, so it says nothing which of them are one object."""
    return all(map(_is_plain, value)) if type(value) is tuple else type(value) in _ATOMS


class _Walk:
    def __init__(self, namespace: Mapping[str, object], by_type: frozenset[str], most: int = _MOST) -> None:
        self._namespace = namespace
        self._by_type = by_type
        self._most = most
        self._numbers: dict[int, int] = {}
        self._waiting: list[object] = []
        self._alive: list[object] = []  # what was made for the walk must not give its address to another
        self._arrays: list[tuple[int, int, int]] = []

    def refer(self, value: Any) -> str:
        """An atom as its text, anything else as a number."""
        kind = type(value)
        if kind in _ATOMS:
            return _atom(value)
        if kind is tuple and _is_plain(value):
            return f"({', '.join(map(self.refer, value))})"
        if issubclass(kind, types.ModuleType):  # not isinstance: it asks a proxy what it stands for
            return f"module {value.__name__}"
        if issubclass(kind, type) and value.__module__ != "__main__":
            return f"class {_name(value)}"
        if kind is types.BuiltinFunctionType and isinstance(value.__self__, types.ModuleType | type(None)):
            return f"builtin {value.__module__}.{value.__qualname__}"
        if value is self._namespace:
            return "the namespace"
        number = self._numbers.get(id(value))
        if number is None:
            number = self._numbers[id(value)] = len(self._numbers)
            self._waiting.append(value)
        return f"#{number}"

    def lines(self) -> list[str]:
        found = []
        for value in self._waiting:  # grows as the walk goes on
            if len(found) == self._most:
                found.append(f"more than {self._most} objects")
                break
            self._alive.append(value)
            fields = self._fields(value)
            self._alive.append(fields)
            inner = ", ".join(f"{label}: {self.refer(part)}" if label else self.refer(part) for label, part in fields)
            found.append(f"#{self._numbers[id(value)]} {_name(type(value))} {{{inner}}}")
        return found + self._memory()

    def _memory(self) -> list[str]:
        """Arrays that overlap, each by its distance from the first of them."""
        lines: list[str] = []
        group: list[tuple[int, int, int]] = []
        end = 0
        for start, stop, number in [*sorted(self._arrays), (sys.maxsize, sys.maxsize, -1)]:
            if group and start >= end:
                if len(group) > 1:
                    first = min(group, key=lambda one: one[2])
                    places = [f"#{one[2]} at {one[0] - first[0]}" for one in sorted(group, key=lambda one: one[2])]
                    lines.append(f"one memory: {', '.join(places)}")
                group = []
            group.append((start, stop, number))
            end = max(end, stop)
        return sorted(lines)

    # -- what an object holds --------------------------------------------------------------------------------------

    def _fields(self, value: Any) -> _Fields:
        kind = type(value)
        if any(_name(base) in self._by_type for base in kind.__mro__):
            return []
        if kind in weakref.ProxyTypes:
            return [("stands for", _behind(value))]
        for base in kind.__mro__:
            rule = _RULES.get(_name(base))
            if rule is not None:
                return [*rule(self, value), *_attributes(value, base)]
        return self._reduced(value)

    def array(self, value: Any) -> _Fields:
        start, stop = _bounds(value)
        if stop > start:
            self._arrays.append((start, stop, self._numbers[id(value)]))
        fields: _Fields = [("dtype", str(value.dtype)), ("shape", repr(value.shape))]
        if value.dtype.hasobject:
            return [*fields, *[("", one) for one in value.ravel().tolist()]]
        return [*fields, ("content", _digest(value.tobytes())), ("writeable", value.flags.writeable)]

    def set_like(self, value: Any) -> _Fields:
        if self._most < _MOST:  # within what a set is sorted by: sets inside count by their sizes
            return [("items", len(value))]
        return [("", one) for one in sorted(value, key=_sorted_by)]

    def instance(self, value: Any) -> _Fields:
        """Its attributes, where these are all there is."""
        kind = type(value)
        standard = kind.__reduce_ex__ is object.__reduce_ex__ and kind.__reduce__ is object.__reduce__
        if kind is object or not standard or kind in copyreg.dispatch_table:
            return self._reduced(value)
        try:
            object.__reduce_ex__(value, 4)
        except Exception:  # it holds more than Python can see, or its own state fails
            return self._reduced(value)
        return []

    def _reduced(self, value: Any) -> _Fields:
        reduce = copyreg.dispatch_table.get(type(value))
        try:
            parts = reduce(value) if reduce is not None else value.__reduce_ex__(4)
        except Exception as error:  # a lock, a socket: there is nothing to compare
            return [("not readable", type(error).__name__)]
        if isinstance(parts, str):
            return [("name", parts)]
        func, arguments, state, items, pairs = (*parts, None, None, None)[:5]
        fields: _Fields = [("made by", getattr(func, "__qualname__", str(func)))]
        fields += [("argument", one) for one in arguments]
        fields += [] if state is None or state == {} else [("state", state)]  # an empty one comes with a look at it
        fields += [("", one) for one in items or ()]
        return fields + [(f"[{self.refer(key)}]", one) for key, one in pairs or ()]

    def function(self, value: Any) -> _Fields:
        code = value.__code__
        said = _code_text(code) if value.__module__ == "__main__" else f"{value.__module__}".encode()
        fields: _Fields = [("name", value.__qualname__), ("code", _digest(said))]
        fields += [("here", value.__globals__ is self._namespace), ("defaults", value.__defaults__)]
        fields += [("keywords", value.__kwdefaults__)]
        return fields + list(zip(code.co_freevars, value.__closure__ or (), strict=True))

    def a_class(self, value: Any) -> _Fields:
        said = {name: part for name, part in vars(value).items() if name not in _UNSAID}
        slots = (types.MemberDescriptorType, types.GetSetDescriptorType)
        fields: _Fields = [("name", value.__qualname__), *[("base", base) for base in value.__bases__]]
        return fields + [(name, part) for name, part in sorted(said.items()) if not isinstance(part, slots)]


def _behind(proxy: Any) -> object:
    """The object that a weak proxy stands for; `None` when it is gone."""
    try:
        return proxy.__reduce_ex__.__self__
    except ReferenceError:
        return None


def _sorted_by(item: object) -> str:
    walk = _Walk({}, frozenset(), most=100)
    return "\n".join([walk.refer(item), *walk.lines()])


def _attributes(value: Any, base: type) -> _Fields:
    """What an instance holds beside the content that its rule has written."""
    plain = type | staticmethod | classmethod | pathlib.PurePath
    if base.__module__ in ("pandas", "polars", "torch") or issubclass(base, plain):
        return []
    own = getattr(value, "__dict__", {})
    own = own if isinstance(own, Mapping) else {}  # an object of a native library may answer to any name
    slots = {}
    for name in copyreg._slotnames(type(value)):  # type: ignore[attr-defined]
        with contextlib.suppress(Exception):  # an empty one may be asked of a `__getattr__` that fails
            slots[name] = getattr(value, name)
    return [(f".{name}", part) for name, part in sorted({**own, **slots}.items()) if not _is_noted(name, part)]


def _is_noted(name: str, part: object) -> bool:
    return name in _NOTED and _NOTED[name](part)


def _frame(value: Any) -> _Fields:
    labels = list(value.columns)
    columns: _Fields = [("column", [value.iloc[:, place].array, labels[place]]) for place in range(len(labels))]
    return [("index", value.index), ("columns", value.columns), *_plain(columns), ("attrs", repr(value.attrs))]


def _plain(columns: _Fields) -> _Fields:
    """Columns by content: whether two frames lie in one memory is pandas' own business since it copies on write."""
    return [(f"column {label!r}", _elements(content)) for _, (content, label) in columns]  # type: ignore[misc]


def _elements(content: Any) -> str:
    kind = getattr(content.dtype, "kind", "O")
    if kind in "biufcmM" and (plain := sys.modules["numpy"].asarray(content)).dtype.kind in "biufcmM":
        return _digest(str(content.dtype).encode() + plain.tobytes())
    return _digest(f"{content.dtype} {[repr(one) for one in content.tolist()]}".encode())


def _series(value: Any) -> _Fields:
    return [("index", value.index), ("name", repr(value.name)), ("content", _elements(value.array))]


def _index(value: Any) -> _Fields:
    return [
        ("names", repr(list(value.names))),
        ("content", _elements(value.array) if value.nlevels == 1 else str(value.tolist())),
    ]


def _tensor(value: Any) -> _Fields:
    bare = value.detach()
    fields: _Fields = [("dtype", str(value.dtype)), ("shape", str(tuple(value.shape)))]
    fields += [("content", _digest(bare.contiguous().reshape(-1).numpy().tobytes())), ("grad", value.grad)]
    return [
        *fields,
        ("requires_grad", value.requires_grad),
        ("memory of", value.untyped_storage().data_ptr() and bare.numpy()),
    ]


def _cell(value: types.CellType) -> _Fields:
    try:
        return [("holds", value.cell_contents)]
    except ValueError:
        return []


def _buffer(value: io.BytesIO | io.StringIO) -> _Fields:
    return [("closed", True)] if value.closed else [("content", value.getvalue()), ("at", value.tell())]


def _pairs(value: Any) -> _Fields:
    return [part for key, one in dict.items(value) for part in (("key", key), ("value", one))]


_Rule = Callable[[_Walk, Any], _Fields]
_RULES: dict[str, _Rule] = {
    "list": lambda _, value: [("", one) for one in list.__iter__(value)],
    "tuple": lambda _, value: [("", one) for one in tuple.__iter__(value)],
    "dict": lambda _, value: _pairs(value),
    "collections.defaultdict": lambda _, value: [("default", value.default_factory), *_pairs(value)],
    "collections.OrderedDict": lambda _, value: [
        part for pair in value.items() for part in (("key", pair[0]), ("value", pair[1]))
    ],
    "mappingproxy": lambda _, value: _pairs(dict(value)),
    "set": lambda walk, value: walk.set_like(value),
    "frozenset": lambda walk, value: walk.set_like(value),
    "collections.deque": lambda _, value: [("maxlen", value.maxlen), *[("", one) for one in value]],
    "bytearray": lambda _, value: [("content", bytes(value))],
    **{
        name: lambda _, value: [("path", str(value))]  # it remembers its own text once it was asked for
        for name in ("pathlib.PurePath", "pathlib._local.PurePath")
    },
    "array.array": lambda _, value: [("kind", value.typecode), ("content", value.tobytes())],
    "_io.BytesIO": lambda _, value: _buffer(value),
    "_io.StringIO": lambda _, value: _buffer(value),
    "function": lambda walk, value: walk.function(value),
    "method": lambda _, value: [("self", value.__self__), ("function", value.__func__)],
    "builtin_function_or_method": lambda _, value: [("self", value.__self__), ("name", value.__name__)],
    "cell": lambda _, value: _cell(value),
    "property": lambda _, value: [("get", value.fget), ("set", value.fset), ("delete", value.fdel)],
    "staticmethod": lambda _, value: [("function", value.__func__)],
    "classmethod": lambda _, value: [("function", value.__func__)],
    "functools.partial": lambda _, value: [
        ("function", value.func),
        ("args", value.args),
        ("keywords", value.keywords),
    ],
    "type": lambda walk, value: walk.a_class(value),
    "numpy.ndarray": lambda walk, value: walk.array(value),
    # Not by its whole pickle: what it was seeded with before is nothing that it draws from.
    "numpy.random.mtrand.RandomState": lambda _, value: [("state", repr(value.get_state(legacy=False)["state"]))],
    "numpy.generic": lambda _, value: [("value", repr(value))],
    "pandas.DataFrame": lambda _, value: _frame(value),
    "pandas.Series": lambda _, value: _series(value),
    "pandas.Index": lambda _, value: _index(value),
    "pandas.core.frame.DataFrame": lambda _, value: _frame(value),
    "pandas.core.series.Series": lambda _, value: _series(value),
    "pandas.core.indexes.base.Index": lambda _, value: _index(value),
    "polars.dataframe.frame.DataFrame": lambda _, value: [("content", str(value.schema) + repr(value.rows()))],
    "polars.series.series.Series": lambda _, value: [("content", f"{value.name} {value.dtype} {value.to_list()}")],
    "torch.Tensor": lambda _, value: _tensor(value),
    "object": lambda walk, value: walk.instance(value),
}


def _atom(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:80]}... ({len(text)}, {_digest(text.encode())})"


def _name(kind: type) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _constant(value: object) -> bytes:
    """A constant of code; a set has its order from the hashes of this process."""
    return repr(sorted(map(repr, value)) if isinstance(value, frozenset) else value).encode()


def _code_text(code: types.CodeType) -> bytes:
    constants = [_code_text(one) if isinstance(one, types.CodeType) else _constant(one) for one in code.co_consts]
    return repr((code.co_code, constants, code.co_names, code.co_varnames, code.co_freevars)).encode()


def _bounds(value: Any) -> tuple[int, int]:
    """The addresses between which the elements of an array lie."""
    if not value.size:
        return 0, 0
    start = stop = value.__array_interface__["data"][0]
    for length, stride in zip(value.shape, value.strides, strict=True):
        start += min(0, (length - 1) * stride)
        stop += max(0, (length - 1) * stride)
    return start, stop + value.itemsize

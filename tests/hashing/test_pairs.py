"""Pairs of values that must agree, and pairs that must differ, in their digest."""

from __future__ import annotations

import array
import collections
import copy
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import functools
import io
import math
import pathlib
import pickle
import random
import re
import types
import uuid
import zoneinfo
from typing import Any, NamedTuple

import pytest

from nbcache.hashing.hasher import digest

np = pytest.importorskip("numpy")
pd = pytest.importorskip("pandas")


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Level(enum.IntEnum):
    LOW = 1


class Mode(enum.Flag):
    A = 1
    B = 2


class Word(str):
    pass


class Whole(int):
    pass


class Point(NamedTuple):
    x: int
    y: int


class Pixel(NamedTuple):
    x: int
    y: int


@dataclasses.dataclass
class Model:
    rate: float
    layers: list[int] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Twin:
    rate: float
    layers: list[int] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    name: str


class Plain:
    def __init__(self, **state: Any) -> None:
        self.__dict__.update(state)


class Other(Plain):
    pass


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self, a: Any, b: Any = None) -> None:
        self.a = a
        if b is not None:
            self.b = b


class WithState:
    def __init__(self, kept: Any, dropped: Any) -> None:
        self.kept, self.dropped = kept, dropped

    def __getstate__(self) -> Any:
        return {"kept": self.kept}


class Reduced:
    def __init__(self, kept: Any) -> None:
        self.kept = kept

    def __reduce__(self) -> Any:
        return Reduced, (self.kept,)


class Keyed:
    def __init__(self, key: Any, noise: Any) -> None:
        self.key, self.noise = key, noise

    def __cache_key__(self) -> Any:
        return self.key


class Bag(list):
    pass


class Registry(dict):
    pass


class Tags(set):
    pass


class Tool:
    def __init__(self, size: int) -> None:
        self.size = size

    def run(self) -> int:
        return self.size

    def stop(self) -> int:
        return -self.size


def make(step: Any) -> Any:
    def add(x: Any) -> Any:
        return x + step

    return add


def with_default(step: Any) -> Any:
    def add(x: Any, step: Any = step) -> Any:
        return x + step

    return add


def with_keyword(step: Any) -> Any:
    def add(x: Any, *, step: Any = step) -> Any:
        return x + step

    return add


def cycle(value: Any) -> list[Any]:
    ring = [value]
    ring.append(ring)
    return ring


def knot(value: Any) -> Plain:
    one, two = Plain(value=value), Plain(value=value)
    one.other, two.other = two, one
    return one


def shared(part: Any) -> list[Any]:
    return [part, part]


def apart(part: Any) -> list[Any]:
    return [part, copy.deepcopy(part)]


def at(stream: Any, position: int) -> Any:
    stream.seek(position)
    return stream


def advanced(generator: Any, draw: str) -> Any:
    getattr(generator, draw)()
    return generator


def frame(**columns: Any) -> Any:
    return pd.DataFrame(columns or {"a": [1, 2, 3], "b": ["x", "y", "z"]})


def with_attrs(value: Any, **attrs: Any) -> Any:
    value.attrs.update(attrs)
    return value


def unaligned(values: Any) -> Any:
    raw = np.zeros(values.nbytes + 1, "u1")[1:]
    view = raw.view(values.dtype).reshape(values.shape)
    view[...] = values
    return view


def read_only(values: Any) -> Any:
    values.flags.writeable = False
    return values


class Tagged(np.ndarray):
    """An array of the user's own kind."""


STRUCT = np.dtype([("a", "i4"), ("b", "f8")])
PADDED = np.dtype([("a", "i1"), ("b", "f8")], align=True)
BASE = np.arange(24.0).reshape(4, 6)


def padded(noise: int) -> Any:
    values = np.frombuffer(bytes([noise]) * (PADDED.itemsize * 2), PADDED).copy()
    values["a"], values["b"] = [1, 2], [3.0, 4.0]
    return values


def masked_int(under: int) -> Any:
    values = pd.array([1, under, 3], dtype="Int64")
    values._mask[1] = True
    return values


two_lambdas = (lambda x: x + 1, lambda x: x + 2)
zone = zoneinfo.ZoneInfo

AGREE: list[tuple[str, Any, Any]] = [
    ("an int", 10**40, 10**40),
    ("a nan", math.nan, float("nan")),
    ("a text built otherwise", "abc" * 2, "".join(["abc", "abc"])),
    ("a shared and an equal text", ["ab" * 9] * 2, ["".join(["ab"] * 9) for _ in range(2)]),
    ("shared and equal tuples", [(1, 2)] * 2, [tuple(range(1, 3)), tuple(range(1, 3))]),
    ("a dict in another order", {"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ("a nested dict in another order", [{"a": {"x": 1, "y": 2}}], [{"a": {"y": 2, "x": 1}}]),
    (
        "rows of dicts in other orders",
        [{"a": 1, "b": 2}] * 1 + [{"b": 3, "a": 4}],
        [{"b": 2, "a": 1}, {"a": 4, "b": 3}],
    ),
    ("a dict of mixed keys", {1: "a", "1": "b", None: 3, (1, "x"): 4}, {(1, "x"): 4, None: 3, "1": "b", 1: "a"}),
    ("a set in another order", {8, 0, 16, 24}, {24, 16, 0, 8}),
    ("a set of tuples", {(1, "a"), (2, "b")}, {(2, "b"), (1, "a")}),
    ("a set of mixed types", {1, "a", None, 2.5}, {2.5, None, "a", 1}),
    (
        "a frozenset of frozensets",
        frozenset({frozenset({1, 2}), frozenset({3})}),
        frozenset({frozenset({3}), frozenset({2, 1})}),
    ),
    ("a counter", collections.Counter("abca"), collections.Counter("caab")),
    ("a defaultdict", collections.defaultdict(list, a=[1]), collections.defaultdict(list, a=[1])),
    ("key views", {"a": 1, "b": 2}.keys(), {"b": 3, "a": 4}.keys()),
    ("a decimal", decimal.Decimal("1.10"), decimal.Decimal("1.10")),
    ("a fraction", fractions.Fraction(2, 4), fractions.Fraction(1, 2)),
    ("a path", pathlib.PurePosixPath("a/b"), pathlib.PurePosixPath("a//b")),
    (
        "a time zone",
        dt.datetime(2024, 1, 1, tzinfo=zone("Europe/Paris")),
        dt.datetime(2024, 1, 1, tzinfo=zone.no_cache("Europe/Paris")),
    ),
    ("a pattern", re.compile("a+", re.I), re.compile("a+", re.IGNORECASE)),
    ("a dataclass", Model(0.1, [1]), Model(0.1, [1])),
    ("a slotted frozen dataclass", Frozen("a"), Frozen("a")),
    ("an object", Plain(a=1, b=2), Plain(b=2, a=1)),
    ("a slotted object", Slotted(1, [2]), Slotted(1, [2])),
    ("what __getstate__ leaves out", WithState(1, 2), WithState(1, 3)),
    ("a __reduce__", Reduced([1]), Reduced([1])),
    ("a __cache_key__", Keyed("k", 1), Keyed("k", 2)),
    ("a cycle", cycle(1), cycle(1)),
    ("a knot of objects", knot(1), knot(1)),
    ("a function made twice", make(1), make(1)),
    ("a partial", functools.partial(int, base=2), functools.partial(int, base=2)),
    ("a bound method", Tool(1).run, Tool(1).run),
    ("a builtin method", [1].append, [1].append),
    ("a strided view", BASE[::2, ::3], BASE[::2, ::3].copy()),
    ("a reversed view", np.arange(5)[::-1], np.arange(5)[::-1].copy()),
    ("a broadcast view", np.broadcast_to(np.arange(3), (4, 3)), np.broadcast_to(np.arange(3), (4, 3)).copy()),
    ("a column view", BASE[:, 1:3], BASE[:, 1:3].copy()),
    ("an F-ordered copy", BASE.T, np.asfortranarray(BASE.T)),
    ("a large strided view", np.arange(600_000)[::2], np.arange(0, 600_000, 2)),
    ("unaligned memory", unaligned(np.arange(4.0)), np.arange(4.0)),
    ("read-only memory", read_only(np.arange(4)), np.arange(4)),
    ("an object array", np.array(["a", [1], None], dtype=object), np.array(["a", [1], None], dtype=object)),
    ("gaps in a struct", padded(1), padded(255)),
    ("a masked array without mask", np.ma.array([1, 2]), np.ma.array([1, 2], mask=[False, False])),
    ("a numpy scalar", np.float32(1.5), np.float32(1.5)),
    ("a numpy generator", np.random.default_rng(3), np.random.default_rng(3)),
    ("a python generator of numbers", random.Random(3), random.Random(3)),
    ("a frame", frame(), frame()),
    ("a frame put together", frame(a=[1, 2], b=[3, 4]), pd.concat([frame(a=[1, 2]), frame(b=[3, 4])], axis=1)),
    ("a frame of another layout", pd.DataFrame(BASE, copy=False), pd.DataFrame(np.asfortranarray(BASE), copy=False)),
    ("what lies under NA", masked_int(7), masked_int(8)),
    ("a series of objects", pd.Series([[1], "a"], dtype=object), pd.Series([[1], "a"], dtype=object)),
    ("a byte stream", at(io.BytesIO(b"abc"), 1), at(io.BytesIO(b"abc"), 1)),
    ("an exception", ValueError("a", 1), ValueError("a", 1)),
    ("a namespace", types.SimpleNamespace(a=1, b=2), types.SimpleNamespace(b=2, a=1)),
    ("an array.array", array.array("d", [1, 2]), array.array("d", [1, 2])),
    ("a memoryview of a step", memoryview(b"abcd")[::2], memoryview(b"ac")),
]

DIFFER: list[tuple[str, Any, Any]] = [
    ("int and float", 1, 1.0),
    ("int and bool", 1, True),
    ("int and text", 1, "1"),
    ("text and bytes", "1", b"1"),
    ("bool and float", True, 1.0),
    ("None and text", None, "None"),
    ("None and False", None, False),
    ("empty text and None", "", None),
    ("zeros of two signs", 0.0, -0.0),
    ("nan and inf", math.nan, math.inf),
    ("complex and float", 1 + 0j, 1.0),
    ("complex signs", complex(0.0, 0.0), complex(0.0, -0.0)),
    ("huge ints", 2**200, 2**200 + 1),
    ("int signs", 2**64, -(2**64)),
    ("an int subclass", Whole(1), 1),
    ("a text subclass", Word("a"), "a"),
    ("a text subclass inside", [Word("a")], ["a"]),
    ("a text subclass as key", [{"a": 1}, {Word("a"): 1}], [{"a": 1}, {"a": 1}]),
    ("Ellipsis and NotImplemented", ..., NotImplemented),
    ("joined texts", ["a", "b"], ["ab"]),
    ("moved border", ["ab", "c"], ["a", "bc"]),
    ("texts that look like structure", ["a', 'b"], ["a", "b"]),
    ("list and tuple", [1, 2], (1, 2)),
    ("set and frozenset", {1}, frozenset({1})),
    ("set and list", {1}, [1]),
    ("nested and flat", [[1, 2], [3]], [[1], [2, 3]]),
    ("deeper", [[1]], [[[1]]]),
    ("empty containers", [], ()),
    ("empty dict and set", {}, set()),
    ("an empty list more", [[], []], [[]]),
    ("mixed in lists", [1, 1.0], [1.0, 1]),
    ("bool in a long list", [1] * 300, [1] * 299 + [True]),
    ("float in a long list", [1] * 300, [1] * 299 + [1.0]),
    ("zero signs in a long list", [0.0] * 300, [0.0] * 299 + [-0.0]),
    ("an int subclass in a long list", [1] * 300, [1] * 299 + [Whole(1)]),
    ("equal tuples of other types", [(1,), (1,)], [(1,), (True,)]),
    ("tuples of int and float", [(1,), (1,)], [(1,), (1.0,)]),
    ("list order", [1, 2], [2, 1]),
    ("a tuple and its list of pairs", {"a": 1}, [("a", 1)]),
    ("dict keys of other types", {1: "a"}, {True: "a"}),
    ("dict keys 1 and '1'", {1: "a"}, {"1": "a"}),
    ("swapped values", {"a": 1, "b": 2}, {"a": 2, "b": 1}),
    ("a key more", {"a": 1}, {"a": 1, "b": None}),
    ("other keys in rows", [{"a": 1}, {"b": 2}], [{"a": 1}, {"a": 2}]),
    ("an OrderedDict in another order", collections.OrderedDict(a=1, b=2), collections.OrderedDict(b=2, a=1)),
    ("OrderedDict and dict", collections.OrderedDict(a=1), {"a": 1}),
    ("Counter and dict", collections.Counter("a"), {"a": 1}),
    ("default factories", collections.defaultdict(list), collections.defaultdict(set)),
    ("deque and list", collections.deque([1]), [1]),
    ("deque lengths", collections.deque([1], 3), collections.deque([1], 4)),
    ("chain maps", collections.ChainMap({"a": 1}, {"b": 2}), collections.ChainMap({"b": 2}, {"a": 1})),
    ("proxy and dict", types.MappingProxyType({"a": 1}), {"a": 1}),
    ("views of other values", {"a": 1}.values(), {"a": 2}.values()),
    ("views of other items", {"a": 1}.items(), {"a": 2}.items()),
    ("key view and item view", {"a": 1}.keys(), {"a": 1}.items()),
    ("a list subclass", Bag([1]), [1]),
    ("a dict subclass", Registry(a=1), {"a": 1}),
    ("a set subclass", Tags({1}), {1}),
    ("a shared list", shared([1]), apart([1])),
    ("a shared dict", shared({"a": 1}), apart({"a": 1})),
    ("a shared object", shared(Plain(a=1)), apart(Plain(a=1))),
    ("a shared array", shared(np.arange(3)), apart(np.arange(3))),
    ("which of two is shared", (lambda a, b: [a, b, a])([1], [1]), (lambda a, b: [a, b, b])([1], [1])),
    ("a cycle and its unrolling", cycle(1), [1, cycle(1)]),
    ("cycles of other values", cycle(1), cycle(2)),
    ("bytes and bytearray", b"a", bytearray(b"a")),
    ("bytes and memoryview", b"a", memoryview(b"a")),
    ("memoryview formats", memoryview(b"abcd"), memoryview(b"abcd").cast("i")),
    ("memoryview shapes", memoryview(b"abcd").cast("B", (2, 2)), memoryview(b"abcd")),
    ("array.array types", array.array("i", [1]), array.array("I", [1])),
    ("array.array values", array.array("i", [1]), array.array("i", [2])),
    ("decimals of other precision", decimal.Decimal("1.0"), decimal.Decimal("1.00")),
    ("decimal and float", decimal.Decimal(1), 1.0),
    ("fraction and int", fractions.Fraction(1), 1),
    ("ranges", range(3), range(0, 3, 2)),
    ("range and list", range(2), [0, 1]),
    ("slices", slice(1), slice(0, 1)),
    ("path and text", pathlib.PurePosixPath("a"), "a"),
    ("path types", pathlib.PurePosixPath("a"), pathlib.PureWindowsPath("a")),
    ("paths", pathlib.Path("a"), pathlib.Path("b")),
    ("date and datetime", dt.date(2024, 1, 1), dt.datetime(2024, 1, 1)),
    ("naive and aware", dt.datetime(2024, 1, 1), dt.datetime(2024, 1, 1, tzinfo=dt.UTC)),
    ("time zones", dt.datetime(2024, 1, 1, tzinfo=zone("UTC")), dt.datetime(2024, 1, 1, tzinfo=dt.UTC)),
    (
        "equal instants",
        dt.datetime(2024, 1, 1, 1, tzinfo=zone("Europe/Paris")),
        dt.datetime(2024, 1, 1, tzinfo=zone("UTC")),
    ),
    ("folds", dt.datetime(2024, 1, 1, fold=0), dt.datetime(2024, 1, 1, fold=1)),
    ("time and its microsecond", dt.time(1), dt.time(1, microsecond=1)),
    ("durations", dt.timedelta(1), dt.timedelta(1, 0, 1)),
    ("zones by name", zone("Europe/Paris"), zone("Europe/Berlin")),
    ("uuid and its text", uuid.UUID(int=1), str(uuid.UUID(int=1))),
    ("uuids", uuid.UUID(int=1), uuid.UUID(int=2)),
    ("patterns", re.compile("a"), re.compile("b")),
    ("pattern flags", re.compile("a"), re.compile("a", re.I)),
    ("pattern kinds", re.compile("a"), re.compile(b"a")),
    ("enum members", Colour.RED, Colour.BLUE),
    ("enum and its value", Level.LOW, 1),
    ("flags", Mode.A, Mode.A | Mode.B),
    ("enum class and other", Colour, Level),
    ("enums of one name", enum.Enum("E", {"A": 1}).A, enum.Enum("E", {"A": 2}).A),
    ("named tuple and tuple", Point(1, 2), (1, 2)),
    ("named tuples of two classes", Point(1, 2), Pixel(1, 2)),
    ("dataclass values", Model(0.1), Model(0.2)),
    ("dataclass types", Model(0.1), Twin(0.1)),
    ("dataclass inside", Model(0.1, [1]), Model(0.1, [1, 2])),
    ("dataclass and its dict", Model(0.1, []), {"rate": 0.1, "layers": []}),
    ("frozen dataclasses", Frozen("a"), Frozen("b")),
    ("object state", Plain(a=1), Plain(a=2)),
    ("object attributes", Plain(a=1), Plain(b=1)),
    ("object class", Plain(a=1), Other(a=1)),
    ("attribute types", Plain(a=1), Plain(a=True)),
    ("slots", Slotted(1, 2), Slotted(1, 3)),
    ("an unset slot", Slotted(1), Slotted(1, 2)),
    ("what __getstate__ keeps", WithState(1, 0), WithState(2, 0)),
    ("what __reduce__ gives", Reduced(1), Reduced(2)),
    ("cache keys", Keyed(1, 0), Keyed(2, 0)),
    ("cache key types", Keyed(1, 0), Keyed(1.0, 0)),
    ("two lambdas on one line", *two_lambdas),
    ("closures", make(1), make(10)),
    ("closure types", make(1), make(1.0)),
    ("defaults", with_default(1), with_default(2)),
    ("keyword defaults", with_keyword(1), with_keyword(2)),
    ("constants of other types", lambda: 1, lambda: 1.0),
    ("constants of tuples", lambda: (1,), lambda: (True,)),
    ("names read", lambda x: x.real, lambda x: x.imag),
    ("function and its name", make, "make"),
    ("partials", functools.partial(int, base=2), functools.partial(int, base=3)),
    ("partial arguments", functools.partial(max, 1), functools.partial(max, 2)),
    ("methods", Tool(1).run, Tool(1).stop),
    ("method owners", Tool(1).run, Tool(2).run),
    ("builtin methods", ",".join, ";".join),
    ("builtins", min, max),
    ("unbound builtins", str.upper, str.lower),
    ("classes", Plain, Other),
    ("class and instance", int, 0),
    ("types", int, float),
    ("generic aliases", list[int], list[str]),
    ("modules", math, re),
    ("exceptions", ValueError("a"), TypeError("a")),
    ("exception arguments", ValueError("a"), ValueError("b")),
    ("byte stream positions", at(io.BytesIO(b"abc"), 0), at(io.BytesIO(b"abc"), 1)),
    ("byte stream contents", io.BytesIO(b"abc"), io.BytesIO(b"abd")),
    ("text stream positions", at(io.StringIO("abc"), 0), at(io.StringIO("abc"), 1)),
    ("byte and text streams", io.BytesIO(b"a"), io.StringIO("a")),
    ("random states", random.Random(1), advanced(random.Random(1), "random")),
    ("array dtypes", np.array([1, 2], "i4"), np.array([1, 2], "i8")),
    ("array signs", np.zeros(2, "i4"), np.zeros(2, "u4")),
    ("float and int zeros", np.zeros(2, "f8"), np.zeros(2, "i8")),
    ("shapes", np.zeros((2, 3)), np.zeros((3, 2))),
    ("flat and column", np.zeros(3), np.zeros((3, 1))),
    ("empty shapes", np.zeros((0, 2)), np.zeros((0, 3))),
    ("memory orders", BASE, np.asfortranarray(BASE)),
    ("an array and its transpose", np.tile([1, 2, 3], (3, 1)), np.tile([1, 2, 3], (3, 1)).T.copy()),
    ("byte orders", np.array([1], "<i4"), np.array([1], ">i4")),
    ("swapped bytes", np.array([1], "<i4"), np.array([1 << 24], ">i4")),
    ("one element", np.arange(600_000), np.arange(600_000) + (np.arange(600_000) == 300_001)),
    ("one element of a view", np.arange(600_000)[::2], (np.arange(600_000) + (np.arange(600_000) == 300_000))[::2]),
    ("array and scalar", np.array(1.0), np.float64(1.0)),
    ("scalar and float", np.float64(1.0), 1.0),
    ("scalar types", np.int32(1), np.int64(1)),
    ("numpy text and text", np.str_("a"), "a"),
    ("array and list", np.array([1, 2]), [1, 2]),
    ("array and subclass", np.zeros((1, 1)), np.zeros((1, 1)).view(Tagged)),
    ("struct fields", np.zeros(1, STRUCT), np.zeros(1, [("a", "i4"), ("c", "f8")])),
    ("struct values", np.array([(1, 2.0)], STRUCT), np.array([(1, 3.0)], STRUCT)),
    ("time units", np.array([0], "M8[s]"), np.array([0], "M8[ms]")),
    ("time and duration", np.array([0], "M8[s]"), np.array([0], "m8[s]")),
    ("scalar time units", np.datetime64(0, "s"), np.datetime64(0, "ms")),
    ("text widths", np.array(["a"], "U1"), np.array(["a"], "U2")),
    ("object contents", np.array([[1], None], object), np.array([[2], None], object)),
    ("object and typed", np.array([1, 2], object), np.array([1, 2])),
    ("masks", np.ma.array([1, 2], mask=[0, 1]), np.ma.array([1, 2], mask=[1, 0])),
    ("under a mask", np.ma.array([1, 2], mask=[0, 1]), np.ma.array([1, 3], mask=[0, 1])),
    ("fill values", np.ma.array([1], fill_value=1), np.ma.array([1], fill_value=2)),
    ("masked and not", np.ma.array([1, 2]), np.array([1, 2])),
    ("dtypes themselves", np.dtype("i4"), np.dtype("i8")),
    ("numpy generators", np.random.default_rng(1), advanced(np.random.default_rng(1), "random")),
    ("bit generators", np.random.Generator(np.random.PCG64(1)), np.random.Generator(np.random.MT19937(1))),
    ("random states of numpy", np.random.RandomState(1), advanced(np.random.RandomState(1), "rand")),
    ("ufuncs", np.add, np.subtract),
    ("frame values", frame(a=[1, 2]), frame(a=[1, 3])),
    ("frame dtypes", frame(a=[1, 2]), frame(a=[1.0, 2.0])),
    ("frame columns", frame(a=[1]), frame(b=[1])),
    ("frame column order", frame(a=[1], b=[2]), frame(b=[2], a=[1])),
    ("frame index", frame(a=[1, 2]), pd.DataFrame({"a": [1, 2]}, index=[1, 0])),
    ("frame index name", frame(), frame().rename_axis("i")),
    ("frame columns name", frame(), frame().rename_axis("c", axis=1)),
    ("frame attrs", frame(), with_attrs(frame(), unit="m")),
    ("frame and series", frame(a=[1]), pd.Series([1], name="a")),
    ("series name", pd.Series([1]), pd.Series([1], name="a")),
    ("series attrs", pd.Series([1]), with_attrs(pd.Series([1]), a=1)),
    ("a text in a frame", frame(s=["a", "bc"]), frame(s=["ab", "c"])),
    ("a text and none", pd.Series(["a", None]), pd.Series(["a", ""])),
    ("object and str column", pd.Series(["a"], dtype=object), pd.Series(["a"], dtype="str")),
    ("string dtypes", pd.Series(["a"], dtype="string"), pd.Series(["a"], dtype="str")),
    ("objects in a column", pd.Series([1, "1"], dtype=object), pd.Series(["1", 1], dtype=object)),
    ("nan and None in a column", pd.Series([math.nan], dtype=object), pd.Series([None], dtype=object)),
    ("range and index", pd.RangeIndex(2), pd.Index([0, 1])),
    ("index names", pd.Index([1], name="a"), pd.Index([1], name="b")),
    ("index and series", pd.Index([1]), pd.Series([1])),
    ("categories", pd.Categorical(["a"], ["a", "b"]), pd.Categorical(["a"], ["a", "c"])),
    ("category order", pd.Categorical(["a"], ["a", "b"]), pd.Categorical(["a"], ["b", "a"])),
    ("ordered categories", pd.Categorical(["a"], ["a"]), pd.Categorical(["a"], ["a"], ordered=True)),
    (
        "time zones of a column",
        pd.Series(pd.to_datetime(["2024"]).tz_localize("UTC")),
        pd.Series(pd.to_datetime(["2024"]).tz_localize("Europe/Paris")),
    ),
    ("time units of a column", pd.Series([0], dtype="M8[s]"), pd.Series([0], dtype="M8[ns]")),
    ("frequencies", pd.date_range("2024", periods=3), pd.DatetimeIndex(list(pd.date_range("2024", periods=3)))),
    ("missing integers", pd.array([1, None], dtype="Int64"), pd.array([1, 0], dtype="Int64")),
    ("integer dtypes", pd.array([1], dtype="Int64"), pd.array([1], dtype="Int32")),
    ("NA and NaT", pd.NA, pd.NaT),
    ("timestamps and datetimes", pd.Timestamp("2024"), dt.datetime(2024, 1, 1)),
    ("timestamps' zones", pd.Timestamp("2024"), pd.Timestamp("2024", tz="UTC")),
    ("timestamps' nanoseconds", pd.Timestamp("2024"), pd.Timestamp("2024") + pd.Timedelta(1, "ns")),
    ("periods", pd.Period("2024", "Y"), pd.Period("2024-01", "M")),
    ("intervals", pd.Interval(0, 1), pd.Interval(0, 1, closed="left")),
    ("interval arrays", pd.arrays.IntervalArray.from_breaks([0, 1, 2]), pd.arrays.IntervalArray.from_breaks([0, 1, 3])),
    ("sparse columns", pd.arrays.SparseArray([0, 1]), pd.arrays.SparseArray([1, 0])),
    ("sparse fill values", pd.arrays.SparseArray([0, 1], fill_value=0), pd.arrays.SparseArray([0, 1], fill_value=1)),
    ("multi-index levels", pd.MultiIndex.from_tuples([(1, "a")]), pd.MultiIndex.from_tuples([(1, "b")])),
    (
        "multi-index names",
        pd.MultiIndex.from_tuples([(1, 2)], names=["a", "b"]),
        pd.MultiIndex.from_tuples([(1, 2)], names=["a", "c"]),
    ),
    ("multi-index and tuples", pd.MultiIndex.from_tuples([(1, 2)]), pd.Index([(1, 2)], tupleize_cols=False)),
]


@pytest.mark.parametrize(("one", "other"), [pair[1:] for pair in AGREE], ids=[pair[0] for pair in AGREE])
def test_these_agree(one: Any, other: Any) -> None:
    assert digest(one) == digest(other)
    assert digest([one, 1]) == digest([other, 1])
    assert digest({"k": one}) == digest({"k": other})


@pytest.mark.parametrize(("one", "other"), [pair[1:] for pair in DIFFER], ids=[pair[0] for pair in DIFFER])
def test_these_differ(one: Any, other: Any) -> None:
    assert digest(one) != digest(other)
    assert digest([one]) != digest([other])
    assert digest((one, "x")) != digest((other, "x"))
    assert digest({"k": one}) != digest({"k": other})
    assert digest(Plain(part=one)) != digest(Plain(part=other))


def test_all_values_of_the_table_are_told_apart() -> None:
    digests: dict[bytes, list[str]] = {}
    for name, one, other in DIFFER:
        digests.setdefault(digest(one), []).append(name)
        digests.setdefault(digest(other), []).append(name)
    assert all(len(value) == 16 for value in digests)
    assert len(digests) > 0.7 * 2 * len(DIFFER)


UNPICKLED = [pair for pair in AGREE + DIFFER if "lambda" not in pair[0] and not callable(pair[1])]


@pytest.mark.parametrize("value", [pair[1] for pair in UNPICKLED], ids=[pair[0] for pair in UNPICKLED])
def test_a_value_and_its_pickled_self_agree(value: Any) -> None:
    try:
        again = pickle.loads(pickle.dumps(value))
    except (TypeError, pickle.PicklingError, AttributeError):
        return  # cannot be pickled at all: a view of a dict, a memoryview
    assert digest(again) == digest(value)

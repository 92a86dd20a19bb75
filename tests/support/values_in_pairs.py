"""What the pairs of values in the tests of hashing are made of: classes of the user's, and ways to make values."""

from __future__ import annotations

import copy
import dataclasses
import enum
import zoneinfo
from typing import Any, NamedTuple

import pytest

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
    def __init__(self, kept: Any, dropped: Any = None) -> None:
        self.kept, self.dropped = kept, dropped

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


def nested(value: Any) -> Any:
    for _ in range(200):
        value = [value]
    return value


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

"""Values through bytes and back: equal, of the same type, sharing what they shared, and with large memory outside."""

from __future__ import annotations

import collections
import copyreg
import dataclasses
import datetime
import decimal
import enum
import fractions
import gc
import io
import pathlib
import pickle
import socket
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from roundtrip import LARGE, outside, returned

import __main__
from nbcache.entries.serialize import WRITABLE, dumps
from nbcache.errors import UnstorableResultError


class Colour(enum.Enum):
    RED = 1


@dataclasses.dataclass
class Point:
    x: int
    near: list[Point] = dataclasses.field(default_factory=list)


class Slotted:
    __slots__ = ("a",)

    def __init__(self, a: int) -> None:
        self.a = a

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Slotted) and self.a == other.a

    def __repr__(self) -> str:
        return f"Slotted({self.a})"


PLAIN = [
    None, True, 1, -(1 << 200), 1.5, float("inf"), 1j, "text", "\ud800", b"bytes", bytearray(b"x"), ..., NotImplemented,
    (), (1, (2, "a")), [1, [2]], {"a": {1, 2}}, frozenset((1,)), range(3), slice(1, 2),
    datetime.date(2020, 1, 2), datetime.datetime(2020, 1, 2, tzinfo=datetime.UTC), datetime.timedelta(1),
    decimal.Decimal("1.10"), fractions.Fraction(1, 3), pathlib.Path("a/b"), uuid.UUID(int=5),
    collections.OrderedDict(b=1, a=2), collections.Counter("aab"), collections.deque([1], maxlen=3),
    Colour.RED, Point(1, [Point(2)]), Slotted(3), len, dict, Point, datetime.datetime,
]  # fmt: skip


@pytest.mark.parametrize("value", PLAIN, ids=repr)
def test_plain_values_come_back_equal(value: object) -> None:
    back = returned(value)
    assert back == value
    assert type(back) is type(value)


def test_shared_references_stay_shared() -> None:
    row = [1]
    back = returned({"a": row, "b": row, "c": [row]})
    back["a"].append(2)
    assert back["b"] == [1, 2] and back["c"][0] is back["a"]


def test_cycles_come_back() -> None:
    point = Point(1)
    point.near.append(point)
    back = returned(point)
    assert back.near[0] is back


def test_an_array_met_twice_is_one_array() -> None:
    array = np.arange(LARGE)
    back = returned([array, array])
    assert back[0] is back[1]
    assert len(dumps([array, array]).buffers) == 1


# --- big bytes


@pytest.mark.parametrize("kind", [bytes, bytearray])
def test_big_bytes_are_outside_of_the_stream(kind: type) -> None:
    blob = kind(b"x" * (2 << 20))
    value = {"a": blob, "b": [blob, 1]}
    outside(value)
    back = returned(value)
    assert back == value and type(back["a"]) is kind
    assert back["a"] is back["b"][0]


def test_big_bytes_and_arrays_together() -> None:
    value = (b"x" * (2 << 20), np.arange(LARGE), bytearray(3 << 20))
    back = returned(value)
    assert back[0] == value[0] and (back[1] == value[1]).all() and back[2] == value[2]


def test_a_ready_made_picklebuffer_stays_outside() -> None:
    """Cells pickle by themselves and hand over buffers."""
    array = np.arange(LARGE)
    stream, (buffer,) = b"inner", [pickle.PickleBuffer(array)]
    found = outside((stream, [buffer]))
    assert len(found.buffers) == 1 and found.kinds == bytes([WRITABLE])
    assert bytes(returned((stream, [buffer]))[1][0]) == array.tobytes()


# --- classes and functions


@pytest.fixture
def in_main() -> Iterator[type]:
    """A class as a notebook defines it."""

    class Model:
        def __init__(self) -> None:
            self.weights = [1]

    Model.__module__, Model.__qualname__ = "__main__", "Model"
    __main__.Model = Model  # type: ignore[attr-defined]
    yield Model
    del __main__.Model  # type: ignore[attr-defined]


def test_an_object_of_main_comes_back_as_that_class(in_main: type) -> None:
    assert type(returned(in_main())) is in_main


def test_it_does_so_beside_a_lambda(in_main: Any) -> None:
    model = in_main()
    model.rule = lambda x: x + 1
    back = returned(model)
    assert type(back) is in_main and back.rule(1) == 2


def test_lambdas_and_local_classes_come_back() -> None:
    class Local:
        def double(self, x: int) -> int:
            return 2 * x

    assert returned(lambda x: x + 1)(1) == 2
    assert returned(Local()).double(4) == 8


def test_arrays_beside_a_lambda_are_still_outside() -> None:
    found = dumps({"f": lambda: 1, "a": np.arange(LARGE)})
    assert sum(b.nbytes for b in found.buffers) == LARGE * 8


def test_a_reducer_the_user_registers_later_counts() -> None:
    class Odd:
        def __reduce__(self) -> Any:
            raise TypeError("not this way")

    copyreg.pickle(Odd, lambda odd: (int, ("7",)))
    try:
        assert returned(Odd()) == 7
    finally:
        del copyreg.dispatch_table[Odd]


# --- what cannot be stored


class Hostile:
    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __reduce__(self) -> Any:
        raise self.error


def deep() -> list[Any]:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (threading.Lock(), "lock"),
        ({"a": [threading.RLock()]}, "RLock"),
        ((i for i in range(3)), "generator"),
        (memoryview(b"x"), "memoryview"),
        (sys._getframe(), "frame"),
        (Hostile(ValueError("boom")), "Hostile"),
        (Hostile(MemoryError()), "Hostile"),
        (Hostile(RecursionError()), "Hostile"),
        (deep(), "list"),
    ],
    ids=["lock", "nested lock", "generator", "memoryview", "frame", "error", "memory", "recursion", "deep"],
)
def test_what_cannot_be_pickled_is_named(value: object, named: str) -> None:
    with pytest.raises(UnstorableResultError, match=named):
        dumps(value)


def test_how_deep_a_value_may_be_does_not_depend_on_the_depth_of_the_call() -> None:
    value: list[Any] = []
    for _ in range(400):
        value = [value]

    def below(depth: int) -> bytes:
        return below(depth - 1) if depth else dumps(value).stream

    assert below(sys.getrecursionlimit() // 2) == below(0)


def test_open_files_and_sockets_are_named() -> None:
    with open(__file__) as text, open(__file__, "rb") as raw, socket.socket() as link:
        for value, named in ((text, "TextIOWrapper"), (raw, "BufferedReader"), (link, "socket")):
            with pytest.raises(UnstorableResultError, match=named):
                dumps(value)


def test_files_in_memory_are_values() -> None:
    assert returned(io.BytesIO(b"abc")).read() == b"abc"


def test_an_interrupt_is_not_swallowed() -> None:
    with pytest.raises(KeyboardInterrupt):
        dumps(Hostile(KeyboardInterrupt()))


# --- the collector


def test_the_collector_is_on_again_after_a_big_load() -> None:
    value = [[i] for i in range(20_000)]
    assert gc.isenabled()
    assert returned(value) == value
    assert gc.isenabled()


def test_a_collector_that_is_off_stays_off() -> None:
    gc.disable()
    try:
        returned([[i] for i in range(20_000)])
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_no_guest_is_imported_for_a_value_of_somebody_else() -> None:
    program = (
        "import sys; from nbcache.entries.serialize import dumps, loads; loads(*dumps({'a': [1, b'x']}));"
        "print([m for m in ('numpy', 'pandas', 'polars', 'pyarrow', 'torch', 'cloudpickle') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

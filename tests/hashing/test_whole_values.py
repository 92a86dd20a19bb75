"""No part of a value is left out of its digest, and nothing that only its use leaves behind gets in."""

from __future__ import annotations

import bz2
import collections
import datetime
import decimal
import enum
import functools
import gzip
import io
import lzma
import ntpath
import posixpath
import random
import re
import sys
import tarfile
import tempfile
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nbcache import UnhashableArgumentError, cache_data
from nbcache.errors import UnhashableValueError
from nbcache.hashing.hasher import digest

np = pytest.importorskip("numpy")
pd = pytest.importorskip("pandas")


def subclass(base: type) -> type:
    return type("Own", (base,), {})


def function() -> Any:
    def own() -> int:
        return 1

    return own


BUILT_IN: dict[str, Callable[[], Any]] = {
    "BytesIO": lambda: io.BytesIO(b"data"),
    "StringIO": lambda: io.StringIO("data"),
    "BytesIO, derived": lambda: subclass(io.BytesIO)(b"data"),
    "TextIOWrapper": lambda: io.TextIOWrapper(io.BytesIO(b"data")),
    "OrderedDict": lambda: collections.OrderedDict(a=1),
    "Counter": lambda: collections.Counter("aab"),
    "defaultdict, derived": lambda: subclass(collections.defaultdict)(list, a=[1]),
    "deque, derived": lambda: subclass(collections.deque)([1]),
    "list, derived": lambda: subclass(list)([1]),
    "set, derived": lambda: subclass(set)([1]),
    "str, derived": lambda: subclass(str)("a"),
    "datetime, derived": lambda: subclass(datetime.datetime)(2024, 1, 1),
    "date, derived": lambda: subclass(datetime.date)(2024, 1, 1),
    "timedelta, derived": lambda: subclass(datetime.timedelta)(1),
    "Decimal, derived": lambda: subclass(decimal.Decimal)("1.5"),
    "Random, derived": lambda: subclass(random.Random)(1),
    "function": function,
    "exception": lambda: ValueError("a"),
    "masked array": lambda: np.ma.array([1, 2], mask=[0, 1]),
    "array, derived": lambda: np.arange(3).view(subclass(np.ndarray)),
    "frame, derived": lambda: subclass(pd.DataFrame)({"a": [1]}),
}


@pytest.mark.parametrize("kind", BUILT_IN)
def test_an_attribute_set_on_an_instance_of_a_built_in_type_counts(kind: str) -> None:
    def named(name: str | None) -> Any:
        value = BUILT_IN[kind]()
        if name is not None:
            value.name_of_file = name
        return value

    assert digest(named("a.csv")) == digest(named("a.csv"))
    assert len({digest(named(name)) for name in (None, "a.csv", "a.xlsx")}) == 3


def test_an_attribute_of_a_sparse_matrix_a_polars_frame_and_an_image_counts() -> None:
    sparse, polars, image = map(pytest.importorskip, ("scipy.sparse", "polars", "PIL.Image"))
    for make in (lambda: sparse.eye(3).tocsr(), lambda: polars.DataFrame({"a": [1]}), lambda: image.new("L", (2, 2))):
        plain, noted, other = make(), make(), make()
        noted.note, other.note = "a", "b"
        assert len({digest(plain), digest(noted), digest(other)}) == 3


# What use leaves behind


class Lazy:
    def __init__(self, count: int) -> None:
        self.count = count
        self.lock = threading.Lock()
        self.again = threading.RLock()

    @functools.cached_property
    def words(self) -> list[int]:
        return list(range(self.count))


class LazySlots(Lazy):
    __slots__ = ("more",)


@pytest.mark.parametrize("kind", [Lazy, LazySlots])
def test_a_cached_property_that_was_read_and_a_lock_say_nothing(kind: type[Lazy]) -> None:
    fresh, read, other = kind(3), kind(3), kind(4)
    assert read.words == [0, 1, 2]
    assert digest(fresh) == digest(read) != digest(other)


def test_looking_at_an_exception_does_not_change_its_digest() -> None:
    error = ValueError("a")
    before = digest(error)
    assert error.__dict__ == {}
    assert digest(error) == before


class Tally(collections.Counter):  # type: ignore[type-arg]
    unit = ""


def test_what_a_subclass_adds_to_a_class_that_says_itself_what_to_pickle_counts() -> None:
    one, other = Tally(a=1), Tally(a=1)
    assert digest(one) == digest(other)
    other.unit = "m"
    assert digest(one) != digest(other)


def test_the_cause_of_an_exception_counts() -> None:
    one, same, other = ValueError("a"), ValueError("a"), ValueError("a")
    one.__cause__, same.__cause__, other.__cause__ = KeyError("k"), KeyError("k"), KeyError("l")
    assert digest(one) == digest(same)
    assert len({digest(one), digest(other), digest(ValueError("a"))}) == 3


def test_the_global_generators_go_by_name_and_others_by_state() -> None:
    for shared, own in (
        (np.random.mtrand._rand, np.random.RandomState),
        (random.random.__self__, random.Random),  # type: ignore[attr-defined]
    ):
        before = digest(shared)
        shared.random()
        assert digest(shared) == before
        one, again, moved = own(1), own(1), own(1)
        moved.random()
        assert digest(one) == digest(again) != digest(moved)


# Names


def test_functions_of_one_name_in_two_modules_are_two() -> None:
    ndimage, signal = map(pytest.importorskip, ("scipy.ndimage", "scipy.signal"))
    pairs = [
        (posixpath.join, ntpath.join),
        (np.diagonal, np.linalg.diagonal),
        (np.trace, np.linalg.trace),
        (ndimage.convolve, signal.convolve),
        (re.escape, __import__("html").escape),
    ]
    for one, other in pairs:
        assert digest(one) != digest(other)
        assert digest(functools.partial(one, 1)) != digest(functools.partial(other, 1))
        assert digest({"f": one}) != digest({"f": other})


def test_a_ufunc_made_from_a_function_counts_by_that_function() -> None:
    one, again, other = (np.frompyfunc(eval(f"lambda a: a + {n}"), 1, 1) for n in (1, 1, 2))
    assert digest(one) == digest(again) != digest(other)
    assert digest(np.add) != digest(np.subtract) != digest(one)


def test_a_class_without_a_module_has_a_digest() -> None:
    def odd(**members: Any) -> Any:
        kind = type("Odd", (), members)
        kind.__module__ = None  # type: ignore[assignment]
        return kind

    assert digest(odd(a=1)()) == digest(odd(a=1)())
    assert digest(odd(a=1)) != digest(odd(a=2))


# Streams


def spooled() -> Any:
    stream = tempfile.SpooledTemporaryFile(mode="w+")
    stream.write("one")
    stream.seek(0)
    return stream


def temporary() -> Any:
    stream = tempfile.NamedTemporaryFile("w+", suffix=".txt")
    stream.write("one")
    stream.seek(0)
    return stream


@pytest.fixture
def streams(tmp_path: Path) -> dict[str, Callable[[], Any]]:
    paths = {name: str(tmp_path / f"a.{name}") for name in ("txt", "gz", "bz2", "xz", "zip", "tar")}
    Path(paths["txt"]).write_text("one")
    for module, name in ((gzip, "gz"), (bz2, "bz2"), (lzma, "xz")):
        with module.open(paths[name], "wb") as file:  # type: ignore[attr-defined]
            file.write(b"one")
    with zipfile.ZipFile(paths["zip"], "w") as archive:
        archive.write(paths["txt"], "a.txt")
    with tarfile.open(paths["tar"], "w") as tar:
        tar.add(paths["txt"], "a.txt")
    return {
        "text over bytes": lambda: io.TextIOWrapper(io.BytesIO(b"one")),
        "buffered bytes": lambda: io.BufferedReader(io.BytesIO(b"one")),  # type: ignore[arg-type]
        "gzip": lambda: gzip.open(paths["gz"]),
        "gzip as text": lambda: gzip.open(paths["gz"], "rt"),
        "gzip over bytes": lambda: gzip.GzipFile(fileobj=io.BytesIO(gzip.compress(b"one"))),
        "bz2": lambda: bz2.open(paths["bz2"]),
        "xz": lambda: lzma.open(paths["xz"]),
        "member of a zip": lambda: zipfile.ZipFile(paths["zip"]).open("a.txt"),
        "text of a zip": lambda: io.TextIOWrapper(zipfile.ZipFile(paths["zip"]).open("a.txt")),
        "member of a tar": lambda: tarfile.open(paths["tar"]).extractfile("a.txt"),
        "spooled": spooled,
        "temporary": temporary,
        "file": lambda: open(paths["txt"]),
    }


def test_every_stream_that_can_go_back_counts_by_position_and_content(streams: dict[str, Callable[[], Any]]) -> None:
    for name, make in streams.items():
        with make() as stream:
            start = digest(stream)
            assert digest(stream) == start, name
            first = stream.read(1)
            moved = digest(stream)
            assert moved != start, name
            assert (first + stream.read())[1:] in ("ne", b"ne"), name
            assert digest(stream) not in (start, moved), name


def test_streams_of_other_content_differ(streams: dict[str, Callable[[], Any]]) -> None:
    for name in ("text over bytes", "buffered bytes"):
        kind = type(streams[name]())
        assert digest(kind(io.BytesIO(b"one"))) != digest(kind(io.BytesIO(b"two")))


def test_the_output_of_the_process_goes_by_name() -> None:
    assert digest({"to": sys.stdout}) == digest({"to": sys.stdout}) != digest({"to": sys.stderr})


# Somebody else's columns


def test_the_state_of_somebody_elses_column_counts() -> None:
    class UnitArray(pd.arrays.NumpyExtensionArray):  # type: ignore[misc, name-defined]
        unit = ""

    def lengths(unit: str) -> Any:
        column = UnitArray(np.array([1.0, 2.0]))
        column.unit = unit
        return column

    assert digest(lengths("m")) == digest(lengths("m")) != digest(lengths("km"))


def test_whole_numbers_of_one_size_are_one_dtype() -> None:
    wide = np.dtype(np.longlong)
    assert digest(np.arange(3, dtype=wide)) == digest(np.arange(3, dtype=np.dtype(wide.str)))


# Refusals


class Unlucky(datetime.tzinfo):
    def __reduce__(self) -> Any:
        return (_fails, (self,), {"a": _Surprise()})


def _fails(*given: Any) -> None: ...


class _Surprise(io.RawIOBase):
    @property
    def closed(self) -> bool:
        raise ZeroDivisionError("no")


def test_whatever_a_rule_runs_into_names_the_argument(cache: object) -> None:
    @cache_data
    def load(source: Any) -> int:
        return 1

    with pytest.raises(UnhashableArgumentError, match=r"argument 'source'[\s\S]*ZeroDivisionError: no"):
        load(Unlucky())


@pytest.mark.parametrize(
    "make",
    [
        lambda: Model(threading.Lock()),
        lambda: {"a": [Model([threading.Lock()])]},
        lambda: Model(sys._getframe()),
        lambda: (i for i in "ab"),
        lambda: Model(threading.local()),
        lambda: Model([_Surprise()]),
    ],
)
def test_the_advice_of_a_refusal_can_be_followed_as_it_is_printed(make: Callable[[], Any]) -> None:
    value = make()
    try:
        digest(value)
    except UnhashableValueError as error:
        assert digest(value, {error.holder: lambda found: "known"})


class Model:
    def __init__(self, held: Any) -> None:
        self.held = held


def test_the_notes_of_a_dtype_count() -> None:
    def noted(note: int) -> Any:
        return np.zeros(2, np.dtype("f8", metadata={"unit": note}))

    assert digest(noted(1)) == digest(noted(1)) != digest(noted(2))
    assert digest(noted(1).dtype) != digest(noted(2).dtype)
    below = [np.dtype([("a", noted(note).dtype)]) for note in (1, 2)]
    assert digest(np.zeros(2, below[0])) != digest(np.zeros(2, below[1]))


def test_hooks_of_torch_count_by_what_they_are() -> None:
    torch = pytest.importorskip("torch")

    def hooked(*hooks: Any, **more: bool) -> Any:
        module, tensor, other = (
            torch.nn.Identity(),
            torch.ones(1, requires_grad=True),
            torch.ones(1, requires_grad=True),
        )
        for hook in hooks:
            module.register_forward_pre_hook(hook, **more)
            tensor.register_hook(hook)
            other.register_post_accumulate_grad_hook(hook)
        return module, tensor, other

    for one, other, bare in zip(hooked(print), hooked(print), hooked(), strict=True):
        assert digest(one) == digest(other) != digest(bare)
    assert digest(hooked(print, repr)[0]) != digest(hooked(repr, print)[0])
    assert digest(hooked(print)[0]) != digest(hooked(print, with_kwargs=True)[0])


def test_a_module_of_torch_that_says_itself_what_it_is_counts_by_that() -> None:
    torch = pytest.importorskip("torch")

    class Reduced(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, size: int) -> None:
            super().__init__()
            self.size = size

        def __reduce__(self) -> Any:
            return type(self), (self.size,)

    assert digest(Reduced(1)) == digest(Reduced(1)) != digest(Reduced(2))


def test_changed_tags_of_an_image_count_and_a_look_at_them_does_not() -> None:
    image = pytest.importorskip("PIL.Image").new("L", (1, 1))
    before = digest(image)
    image.getexif()
    assert digest(image) == before
    image.getexif()[0x010E] = "mine"
    noted = digest(image)
    assert noted != before
    image.getexif()._ifds[0x8825] = {1: "N"}
    assert digest(image) not in (before, noted)


def test_what_a_member_of_an_enum_was_given_counts() -> None:
    class Unit(enum.Flag):
        METER = 1

        def __init__(self, value: int) -> None:
            self._held = [value]

    before = digest(Unit.METER)
    assert ~Unit.METER is not None and digest(Unit.METER) == before
    Unit.METER._held.append(2)
    assert digest(Unit.METER) != before

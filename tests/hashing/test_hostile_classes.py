"""Classes whose methods raise, lie, recurse or return rubbish.

No call with their instances ends in anything but its value or a refusal that names the argument, and none goes on for
ever.
"""

from __future__ import annotations

import copy
import enum
import functools
import itertools
import pickle
import types
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import PurePosixPath
from typing import Any

import pytest

from nbcache import UnhashableArgumentError, UserHashError, cache_data
from nbcache.errors import UnhashableValueError
from nbcache.hashing.hasher import digest
from nbcache.hashing.summary import summary

pytestmark = pytest.mark.filterwarnings("ignore")

METHODS = (
    *("__reduce__", "__reduce_ex__", "__getstate__", "__eq__", "__hash__", "__len__", "__iter__", "__getattr__"),
    *("__getattribute__", "__array__", "__dataframe__", "__array_interface__", "__arrow_c_stream__", "__bool__"),
    *("__repr__", "__str__", "__getnewargs__", "__getnewargs_ex__", "__fspath__", "__await__", "__call__"),
    *("__index__", "__class__", "__dict__", "__wrapped__", "__name__", "__nbcache__", "__cache_key__", "items"),
    *("keys", "values", "shape", "dtype"),
)


class SilentError(Exception):
    def __str__(self) -> str:
        raise RuntimeError


class Rubbish:
    def __repr__(self) -> str:
        raise SilentError


def _raise(error: type[Exception]) -> Any:
    raise error


#: What a method does instead of what it is for, by its own name.
DEEDS: dict[str, Callable[[str], Callable[..., Any]]] = {
    "raises": lambda name: lambda *given: _raise(ValueError),
    "raises what cannot be told": lambda name: lambda *given: _raise(SilentError),
    "recurses": lambda name: lambda self, *given: getattr(self, name)(*given),
    "returns itself": lambda name: lambda self, *given: self,
    "returns a new one": lambda name: lambda self, *given: copy.copy(self) if name == "__len__" else type(self)(),
    "returns nothing": lambda name: lambda *given: None,
    "returns a number": lambda name: lambda *given: 7,
    "returns rubbish": lambda name: lambda *given: Rubbish(),
    "returns a wrong recipe": lambda name: lambda *given: (int, "5"),
    "returns a long recipe": lambda name: lambda *given: (1,) * 9,
    "does not end": lambda name: lambda *given: itertools.count(),
}
BASES: dict[str, type] = {kind.__name__: kind for kind in (object, dict, list, tuple, set, int, str, Exception)}


def made(method: str, deed: str, base: type, as_property: bool = False) -> Any:
    """An instance of a class in which one method does what it should not; None where there can be none."""
    does: Any = DEEDS[deed](method)
    try:
        value = type("Hostile", (base,), {method: property(does) if as_property else does})()
        value.known = [1]
    except Exception:
        return None
    return value


def shapes(*methods: str) -> Iterator[tuple[str, Any]]:
    for method, deed, (name, base) in itertools.product(methods, DEEDS, BASES.items()):
        for as_property in (False, True):
            value = made(method, deed, base, as_property)
            if value is not None:
                yield f"{name} whose {method} {'(a property) ' if as_property else ''}{deed}", value


@pytest.mark.parametrize("method", METHODS)
def test_every_digest_is_one_or_a_refusal(method: str) -> None:
    # Arrange
    wrong = {}
    # Act
    for shape, value in shapes(method):
        for held in (value, [value, {"a": value}], types.SimpleNamespace(part=value)):
            try:
                digest(held)
            except (UnhashableValueError, UserHashError) as error:
                error.__cause__ = error.__context__ = None  # dask has these pickled, however deep they are
                pickle.loads(pickle.dumps(error.with_traceback(None)))
            except Exception as error:
                wrong[shape] = repr(type(error))
    # Assert
    assert wrong == {}


@pytest.mark.parametrize(
    "method",
    ["__reduce__", "__getattribute__", "__iter__", "__hash__", "__repr__", "__class__", "__dict__", "__len__", "items"],
)
def test_every_call_gives_its_value_or_names_the_argument(method: str, cache: object) -> None:
    # Arrange
    @cache_data
    def ask(given: Any) -> int:
        return 1

    wrong = {}
    # Act
    for shape, value in shapes(method):
        keys = {"as a key": {value: 1}} if hashable(value) else {}
        for place, held in {"": value, "in a list": [value], **keys}.items():
            try:
                assert ask(held) == 1
                ask.explain(held)
            except (UnhashableArgumentError, UserHashError) as error:
                assert "argument 'given'" in str(error)
            except Exception as error:
                wrong[f"{shape} {place}"] = repr(type(error))
    # Assert
    assert wrong == {}


@pytest.mark.parametrize("method", ["__reduce_ex__", "__getattribute__", "__repr__", "__class__", "__setstate__"])
def test_every_result_and_every_global_reaches_the_caller(method: str, cache: object) -> None:
    # Arrange
    @cache_data
    def give(number: int) -> Any:
        return held

    @cache_data
    def use(number: int) -> int:
        return number if held is None else 1

    wrong = {}
    # Act
    for shape, value in shapes(method):
        held = value
        try:
            give(1)
            use(1)
            str(use.explain(1))
        except Exception as error:
            wrong[shape] = repr(type(error))
    # Assert
    assert wrong == {}


def hashable(value: object) -> bool:
    try:
        return isinstance(hash(value), int)
    except Exception:
        return False


# What leads back to itself


def with_itself(kind: type, *content: Any) -> Any:
    value = type(f"Own{kind.__name__}", (kind,), {})(*content)
    value.me = value
    return value


def two_texts() -> Any:
    kind = type("Text", (str,), {})
    first, second = kind("a"), kind("b")
    first.following, second.before = second, first
    return first


def a_view(name: str) -> Any:
    held: dict[str, Any] = {"a": 1}
    held["view"] = getattr(held, name)()
    return held


def a_proxy() -> Any:
    held: dict[str, Any] = {}
    held["shown"] = types.MappingProxyType(held)
    return held


def a_memory() -> Any:
    remembered: Any = functools.lru_cache(abs)
    remembered.__wrapped__ = remembered
    return remembered


def a_member() -> Any:
    member = enum.Enum("Color", ["RED"]).RED
    member._value_ = member
    return member


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(make, id=name)
        for name, make in {
            "text": lambda: with_itself(str, "a"),
            "number": lambda: with_itself(int, 1),
            "tuple": lambda: with_itself(tuple, (1,)),
            "frozenset": lambda: with_itself(frozenset, (1,)),
            "path": lambda: with_itself(PurePosixPath, "a"),
            "fraction": lambda: with_itself(Fraction, 1),
            "two texts": two_texts,
            "values": lambda: a_view("values"),
            "items": lambda: a_view("items"),
            "proxy": a_proxy,
            "memory": a_memory,
            "member": a_member,
        }.items()
    ],
)
def test_what_leads_back_to_itself_has_a_digest(make: Callable[[], Any]) -> None:
    assert digest(make()) == digest(make())


def test_equal_immutable_values_are_one_however_often_they_stand_there() -> None:
    kind = type("Text", (str,), {})
    one = kind("a")
    assert digest([one, one]) == digest([kind("a"), kind("a")])
    told = kind("a")
    told.note = 1
    assert digest([one, told]) != digest([told, one])


# What does not end


class Endless:
    def __getstate__(self) -> Any:
        return {"next": Endless()}


class Doubling:
    def __reduce__(self) -> Any:
        return Doubling, ([Doubling(), Doubling()],)


class There:
    def __reduce__(self) -> Any:
        return There, ({"back": Back()},)


class Back:
    def __reduce__(self) -> Any:
        return Back, (There(),)


class Beside:
    def __getstate__(self) -> Any:
        return types.SimpleNamespace(rest=[{"next": Beside()}])


class Keyed:
    def __cache_key__(self) -> Any:
        return Keyed()


class Counting:
    def __reduce__(self) -> Any:
        return list, (), None, itertools.count()


@pytest.mark.parametrize("kind", [Endless, Doubling, There, Beside, Keyed, Counting], ids=lambda kind: kind.__name__)
def test_what_makes_ever_new_objects_is_refused(kind: type) -> None:
    with pytest.raises(UnhashableValueError, match=r"without end|has no end"):
        digest([kind()])


class Node:
    """A long chain that is there, whose links say themselves what they hold."""

    def __init__(self, following: Any) -> None:
        self.following = following

    def __getstate__(self) -> Any:
        return Wrapped(self.following)


class Wrapped:
    def __init__(self, held: Any) -> None:
        self.held = held

    def __reduce__(self) -> Any:
        return Wrapped, (self.held,)


def test_a_chain_that_is_long_and_ends_has_a_digest() -> None:
    def chain(last: str) -> Any:
        value: Any = last
        for _ in range(3000):
            value = Node(value)
        return value

    assert digest(chain("a")) == digest(chain("a")) != digest(chain("b"))


@pytest.mark.parametrize("kind", [list, tuple, set, dict], ids=lambda kind: kind.__name__)
def test_a_container_counts_by_what_it_holds_and_not_by_how_it_iterates(kind: Any) -> None:
    own = type("Own", (kind,), {name: lambda self: itertools.count() for name in ("__iter__", "keys", "items")})
    one, same, other = ({1: 2}, {1: 2}, {1: 3}) if kind is dict else ([1], [1], [2])
    assert digest(own(one)) == digest(own(same)) != digest(own(other))


class Growing(dict):
    """An item for every name that it is asked for."""

    def __getattr__(self, name: str) -> Any:
        return self.setdefault(name, Growing())


@pytest.mark.parametrize("place", [lambda value: value, lambda value: [value], lambda value: {"a": value}])
def test_a_value_that_makes_an_item_of_each_name_that_it_is_asked_for_stays_as_it_is(place):
    value = Growing(a=1)

    @cache_data
    def told(given: Any, other: list[int]) -> int:
        return len(value)

    found = place(value), [1]
    assert told(*found) == 1 and told(*found) == 1
    told.explain(*found)
    told.entries()
    summary(value)

    assert value == {"a": 1}


class Hiding(type):
    def __getattribute__(cls, name: str) -> Any:
        if name == "__module__":
            raise AttributeError(name)
        return type.__getattribute__(cls, name)


@pytest.mark.parametrize("place", [lambda value: value, lambda value: [value], lambda value: {"a": value}])
def test_an_instance_of_a_class_that_hides_its_module_is_refused_by_name(place: Any, cache: object) -> None:
    class Hidden(metaclass=Hiding):
        pass

    @cache_data
    def ask(given: Any) -> int:
        return 1

    with pytest.raises(UnhashableArgumentError, match="argument 'given'"):
        ask(place(Hidden()))

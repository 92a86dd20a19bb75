"""Every shape of decorator, below `cache_data` and above it, gives what it gives without a cache."""

from __future__ import annotations

import asyncio
import functools
import inspect
import threading
from collections.abc import Callable
from contextlib import ContextDecorator
from typing import Any

import pytest

from nbcache import UncacheableFunctionError, cache_data

Function = Callable[..., Any]
Call = tuple[tuple[Any, ...], dict[str, Any]]


def injecting(function: Function) -> Function:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function("connection", *args, **kwargs)

    return wrapper


def injecting_by_name(function: Function) -> Function:
    @functools.wraps(function)
    def wrapper(b: int = 5) -> Any:
        return function(a="given", b=b)

    return wrapper


def renaming(function: Function) -> Function:
    @functools.wraps(function)
    def wrapper(left: Any, right: Any = 7) -> Any:
        return function(a=left, b=right)

    return wrapper


def swapping(function: Function) -> Function:
    @functools.wraps(function)
    def wrapper(a: Any, b: Any = 0) -> Any:
        return function(b, a)

    return wrapper


def with_own_option(function: Function) -> Function:
    @functools.wraps(function)
    def wrapper(*args: Any, times: int = 1, **kwargs: Any) -> Any:
        return [function(*args, **kwargs)] * times

    return wrapper


def with_own_default(function: Function) -> Function:
    @functools.wraps(function)
    def wrapper(a: Any = None, b: Any = "own") -> Any:
        return function("none" if a is None else a, b)

    return wrapper


def passing_on(function: Function) -> Function:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def counting_arguments(function: Function) -> Function:
    """What it returns depends on how much the caller gave, so no default may be filled in."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return len(args) + len(kwargs), function(*args, **kwargs)

    return wrapper


def telling_how_it_was_called(function: Function) -> Function:
    """What it returns depends on which arguments were given by name."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return args, sorted(kwargs), function(*args, **kwargs)

    return wrapper


def telling_later(function: Function) -> Function:
    """What looks at the arguments is a function inside."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return (lambda: (len(args), function(*args, **kwargs)))()

    return wrapper


def passing_on_later(function: Function) -> Function:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return (lambda: function(*args, **kwargs))()

    return wrapper


def dropping_keywords(function: Function) -> Function:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args)

    return wrapper


def taking_an_option_out(function: Function) -> Function:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        times = kwargs.pop("times", 1)
        return [function(*args, **kwargs)] * times

    return wrapper


def turning_round(function: Function) -> Function:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        args = args[::-1]
        return function(*args, **kwargs)

    return wrapper


def binding_itself(function: Function) -> Function:
    """What gets the arguments as they are is the signature, which tells how much was given."""
    signature = inspect.signature(function)

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        given = len(bound.arguments)
        bound.apply_defaults()
        return given, function(*bound.args, **bound.kwargs)

    return wrapper


def writing_down(function: Function) -> Function:
    """Somebody else gets the arguments as they are, too."""

    def note(*args: Any, **kwargs: Any) -> int:
        return len(args)

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return note(*args, **kwargs), function(*args, **kwargs)

    return wrapper


def saying_its_signature(function: Function) -> Function:
    """A signature that is said and not kept: more parameters, other defaults."""

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return len(args), function(*args, **kwargs)

    wrapper.__signature__ = inspect.signature(lambda a, b=99, c=None: a)  # type: ignore[attr-defined]
    return wrapper


def saying_less(function: Function) -> Function:
    def wrapper(a: Any, b: Any = 7) -> Any:
        return function(a, b)

    wrapper.__signature__ = inspect.signature(lambda a: a)  # type: ignore[attr-defined]
    return wrapper


def saying_less_of_a_partial(function: Function) -> Function:
    return functools.partial(saying_less(function), b=8)


class Saying:
    """An object that says another signature than the one it is called by."""

    def __init__(self, function: Function) -> None:
        self.function = function

    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(lambda a, b=99: a)

    def __call__(self, a: Any, b: Any = 7) -> Any:
        return self.function(a, b)


class Proxy:
    """One that has all the attributes of what it wraps."""

    def __init__(self, wrapped: Function) -> None:
        self.__wrapped__ = wrapped

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__wrapped__, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return len(args), self.__wrapped__(*args, **kwargs)


class Disguised(Proxy):
    """One that says that it is a function."""

    __class__ = property(lambda self: type(self.__wrapped__))  # type: ignore[assignment]


def by_wrapt(function: Function) -> Function:
    wrapt = pytest.importorskip("wrapt")

    def told(wrapped: Function, instance: Any, args: Any, kwargs: Any) -> Any:
        return len(args), sorted(kwargs), wrapped(*args, **kwargs)

    return wrapt.decorator(told)(function)  # type: ignore[no-any-return]


def bound_method(function: Function) -> Function:
    class Model:
        @passing_on
        def go(self, a: Any, b: Any = 0) -> Any:
            return function(a, b)

    return Model().go  # type: ignore[no-any-return]


class Telling:
    """A decorator that is a class, and tells which arguments were given by name."""

    def __init__(self, function: Function) -> None:
        functools.update_wrapper(self, function)
        self.function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return sorted(kwargs), self.function(*args, **kwargs)


def without_wraps(function: Function) -> Function:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return "bare", function(*args, **kwargs)

    return wrapper


def with_arguments(factor: int) -> Callable[[Function], Function]:
    def decorate(function: Function) -> Function:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return [function(*args, **kwargs)] * factor

        return wrapper

    return decorate


class Repeated:
    """A decorator that is a class, with a call of its own."""

    def __init__(self, function: Function) -> None:
        functools.update_wrapper(self, function)
        self.function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return [self.function(*args, **kwargs)] * 2


class Around(ContextDecorator):
    def __enter__(self) -> Around:
        return self

    def __exit__(self, *error: object) -> None:
        return None


def binding_first(function: Function) -> Function:
    return functools.partial(function, "bound")


def stacked(function: Function) -> Function:
    return counting_arguments(with_own_option(renaming(function)))


ONE = [((1,), {}), ((1, 2), {}), ((1,), {"b": 2})]
BY_NAME = [*ONE, ((), {"a": 1}), ((), {"b": 3, "a": 1})]
SHAPES: list[tuple[Function, list[Call]]] = [
    (injecting, [((), {}), ((2,), {}), ((), {"b": 2})]),
    (injecting_by_name, [((), {}), ((2,), {}), ((), {"b": 2})]),
    (renaming, [((1,), {}), ((1, 2), {}), ((), {"left": 1}), ((1,), {"right": 2})]),
    (swapping, BY_NAME),
    (with_own_option, [*BY_NAME, ((1,), {"times": 2}), ((1, 2), {"times": 3})]),
    (with_own_default, [((), {}), *BY_NAME, ((), {"b": 4})]),
    (passing_on, BY_NAME),
    (counting_arguments, BY_NAME),
    (telling_how_it_was_called, BY_NAME),
    (telling_later, BY_NAME),
    (passing_on_later, BY_NAME),
    (dropping_keywords, [((1,), {}), ((1, 2), {}), ((1,), {"b": 2})]),
    (taking_an_option_out, [*BY_NAME, ((1,), {"times": 2}), ((1, 2), {"times": 3})]),
    (turning_round, BY_NAME),
    (binding_itself, BY_NAME),
    (writing_down, BY_NAME),
    (saying_its_signature, BY_NAME),
    (saying_less, BY_NAME),
    (saying_less_of_a_partial, [((1,), {}), ((1,), {"b": 3}), ((), {"a": 1})]),
    (Saying, BY_NAME),
    (Proxy, BY_NAME),
    (Disguised, BY_NAME),
    (by_wrapt, BY_NAME),
    (bound_method, BY_NAME),
    (Telling, BY_NAME),
    (without_wraps, BY_NAME),
    (with_arguments(2), BY_NAME),
    (with_arguments(3), BY_NAME),
    (Repeated, BY_NAME),
    (Around(), BY_NAME),
    (binding_first, [((), {}), ((2,), {}), ((), {"b": 2})]),
    (stacked, [((1,), {}), ((1, 2), {"times": 2}), ((), {"left": 1, "right": 2})]),
    (functools.lru_cache, BY_NAME),
    (functools.singledispatch, [((1,), {}), ((1, 2), {}), ((1,), {"b": 2})]),
]
NAMES = [getattr(shape, "__name__", type(shape).__name__) for shape, _ in SHAPES]


RUNS: list[Any] = []


def _plain() -> Function:
    def foo(a: Any, b: Any = 0) -> Any:
        RUNS.append((a, b))
        return {"a": a, "b": b}

    return foo


@pytest.mark.parametrize(("shape", "calls"), SHAPES, ids=NAMES)
class TestShapes:
    def test_below(self, cache: Any, shape: Function, calls: list[Call]) -> None:
        for args, kwargs in calls:
            wanted = shape(_plain())(*args, **kwargs)
            RUNS.clear()
            cached = cache_data(shape(_plain()))
            assert cached(*args, **kwargs) == wanted
            assert cached(*args, **kwargs) == wanted
            assert len(RUNS) == 1
            cached.clear()

    def test_below_all_calls_of_one_function(self, cache: Any, shape: Function, calls: list[Call]) -> None:
        plain, cached = shape(_plain()), cache_data(shape(_plain()))
        for args, kwargs in [*calls, *reversed(calls)]:
            assert cached(*args, **kwargs) == plain(*args, **kwargs)

    def test_above(self, cache: Any, shape: Function, calls: list[Call]) -> None:
        plain, decorated = shape(_plain()), shape(cache_data(_plain()))
        for args, kwargs in [*calls, *reversed(calls)]:
            assert decorated(*args, **kwargs) == plain(*args, **kwargs)

    def test_a_call_that_is_wrong_is_wrong(self, cache: Any, shape: Function, calls: list[Call]) -> None:
        with pytest.raises(TypeError):
            shape(_plain())(1, 2, 3, 4, unknown=5)
        with pytest.raises(TypeError):
            cache_data(shape(_plain()))(1, 2, 3, 4, unknown=5)


@pytest.mark.parametrize(
    "shape",
    [passing_on, passing_on_later, with_arguments(2), Repeated, Around(), bound_method, functools.lru_cache],
)
def test_one_call_written_in_two_ways_is_one_where_the_wrapper_cannot_tell(cache: Any, shape: Function) -> None:
    cached = cache_data(shape(_plain()))
    for args, kwargs in [((1, 0), {}), *BY_NAME[:1], ((), {"a": 1}), ((), {"b": 0, "a": 1})]:
        cached(*args, **kwargs)
    assert cached.info().misses == 1


@pytest.mark.parametrize("shape", [passing_on, counting_arguments, Telling])
def test_what_is_left_out_of_the_key_is_left_out_below_every_wrapper(cache: Any, shape: Function) -> None:
    @cache_data
    @shape
    def query(sql: str, _connection: Any) -> str:
        return sql

    query("select", threading.Lock())
    assert query("select", threading.Lock())
    assert query.info().hits == 1
    query("other", threading.Lock())
    assert query.info().misses == 2


def test_what_a_wrapper_puts_in_shifts_what_is_left_out(cache: Any) -> None:
    @cache_data
    @injecting
    def query(_connection: Any, sql: str) -> str:
        return sql

    assert [query("one"), query("two")] == ["one", "two"]


class Scaled:
    """A decorator that is a class, with a setting of its own."""

    def __init__(self, function: Function, factor: int) -> None:
        functools.update_wrapper(self, function)
        self.function, self.factor = function, factor

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return [self.factor, self.function(*args, **kwargs)]


def test_the_state_of_a_decorator_that_is_an_object_counts(cache: Any) -> None:
    scaled = Scaled(_plain(), 1)
    cached, other = cache_data(scaled), cache_data(Scaled(_plain(), 2))

    @cache_data
    def using(a: Any) -> Any:
        return scaled(a)

    assert [cached(1)[0], cached(1)[0], other(1)[0], using(1)[0]] == [1, 1, 2, 1]
    scaled.factor = 3
    assert [cached(1)[0], cached(1)[0], using(1)[0]] == [3, 3, 3]
    assert (cached.info().misses, cached.info().hits) == (2, 2)


def test_a_memo_in_a_decorator_that_is_an_object_lets_calls_hit(cache: Any) -> None:
    class Memo(Scaled):
        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            self.factor += 1
            return self.__dict__.setdefault(repr(args), self.function(*args, **kwargs))

    cached = cache_data(Memo(_plain(), 0))
    for _ in range(3):
        cached(1), cached(2)
    assert (cached.info().misses, cached.info().hits) == (2, 4)


def test_a_wrong_call_names_the_function_as_the_plain_one_does(cache: Any) -> None:
    class Model:
        def go(self, a: int) -> int:
            return a

    class Cached:
        @cache_data
        def go(self, a: int) -> int:
            return a

    with pytest.raises(TypeError) as plain:
        Model().go()  # type: ignore[call-arg]
    with pytest.raises(TypeError) as cached:
        Cached().go()  # type: ignore[call-arg]
    assert str(cached.value) == str(plain.value).replace("Model", "Cached")


def _awaited_passing_on(function: Function) -> Function:
    @functools.wraps(function)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        return [await function(*args, **kwargs)]

    return wrapper


def _awaited_injecting(function: Function) -> Function:
    @functools.wraps(function)
    async def wrapper(b: Any = 3) -> Any:
        return await function("given", b)

    return wrapper


@pytest.mark.parametrize(
    ("shape", "calls"), [(_awaited_passing_on, BY_NAME), (_awaited_injecting, [((), {}), ((2,), {}), ((), {"b": 2})])]
)
def test_async_shapes(cache: Any, shape: Function, calls: list[Call]) -> None:
    runs: list[Any] = []

    async def foo(a: Any, b: Any = 0) -> Any:
        runs.append(a)
        return a, b

    cached, outside = cache_data(shape(foo)), shape(cache_data(foo))
    assert inspect.iscoroutinefunction(cached.__wrapped__)
    for args, kwargs in calls:
        runs.clear()
        wanted = asyncio.run(shape(foo)(*args, **kwargs))
        assert asyncio.run(cached(*args, **kwargs)) == wanted
        assert asyncio.run(cached(*args, **kwargs)) == wanted
        assert asyncio.run(outside(*args, **kwargs)) == wanted


@pytest.mark.parametrize("shape", [lambda function: function, passing_on, Repeated, binding_first, stacked])
def test_a_generator_function_is_refused_below_whatever_shape_says_that_it_wraps_it(shape: Function) -> None:
    def numbers(a: Any, b: Any = 0) -> Any:
        yield a

    with pytest.raises(UncacheableFunctionError, match="generator function"):
        cache_data(shape(numbers))

"""`cache_data`: its parameters, its methods, and what a call promises."""

from __future__ import annotations

import copy
import functools
import inspect
import pickle
import threading
import warnings
from datetime import timedelta
from typing import Any

import cloudpickle
import numpy as np
import pytest

import nbcache
from nbcache import (
    AwaitableResultError,
    CacheError,
    CacheWarning,
    InvalidParameterError,
    InvalidSizeError,
    InvalidTTLError,
    UncacheableFunctionError,
    UnhashableArgumentError,
    cache_data,
)


def test_a_second_call_is_a_hit(calls, cache):
    @cache_data
    def square(x):
        calls(x)
        return x * x

    assert [square(3), square(3), square(4)] == [9, 9, 16]
    assert calls.made == [3, 4]


def test_the_decorator_takes_options_or_nothing_or_empty_brackets(cache):
    def one():
        return 1

    assert [cache_data(one)(), cache_data()(one)(), cache_data(ttl=60)(one)()] == [1, 1, 1]


@pytest.mark.parametrize(
    "calls_alike",
    [
        ["foo(1)", "foo(bar=1)", "foo(1, 'fast')", "foo(1, mode='fast')", "foo(mode='fast', bar=1)"],
        ["many(1, 2, k=3, j=4)", "many(1, 2, j=4, k=3)"],
        ["foo({'a': 1, 'b': 2})", "foo({'b': 2, 'a': 1})"],
        ["foo({'x', 'y', 'z'})", "foo({'z', 'y', 'x'})"],
        ["foo([1, 2.5, None])", "foo([1, 2.5, None])"],
    ],
)
def test_equal_calls_share_one_entry(calls_alike, calls, cache):
    @cache_data
    def foo(bar, mode="fast"):
        calls()
        return repr(bar)

    @cache_data
    def many(*args, **kwargs):
        calls()
        return args, kwargs

    for text in calls_alike:
        eval(text, {"foo": foo, "many": many})
    assert len(calls) == 1


def test_different_values_never_share_an_entry(calls, cache):
    values = [1, 1.0, True, "1", b"1", None, 0.0, -0.0, 0, False, ["a", "b"], ["ab"], ("a", "b"), {"a": "b"}, 1j, (1,),
              (True,), (1.0,), [], (), {}, set(), frozenset(), "", b""]  # fmt: skip

    @cache_data
    def kind(value):
        calls()
        return repr(value)

    for value in values * 2:
        assert kind(value) == repr(value)
    assert len(calls) == len(values)


def test_parameters_with_an_underscore_are_left_out_of_the_key(calls, cache):
    @cache_data
    def query(sql, _connection, **options):
        calls(sql)
        return sql

    query("a", object())
    query("a", threading.Lock(), _hidden=object())
    query("a", None)
    assert calls.made == ["a"]
    query("a", None, seen=1)
    assert len(calls) == 2


def test_a_miss_returns_the_very_object_and_a_hit_an_independent_one(cache):
    made = []

    @cache_data(track=False)
    def rows(n):
        made.append([[n], {"n": n}])
        return made[-1]

    first = rows(1)
    assert first is made[0]
    first[0].append("mutated")
    second = rows(1)
    assert second == [[1], {"n": 1}]
    second[1].clear()
    assert rows(1) == [[1], {"n": 1}]


def test_shared_references_inside_a_value_stay_shared(cache):
    @cache_data
    def pair():
        row = [1]
        return {"a": row, "b": row}

    pair()
    hit = pair()
    assert hit["a"] is hit["b"]


def test_none_is_cached_and_exceptions_are_not(calls, cache):
    @cache_data
    def nothing():
        calls()

    @cache_data
    def broken():
        calls()
        raise KeyError("x")

    assert [nothing(), nothing()] == [None, None]
    assert len(calls) == 1
    for _ in range(2):
        with pytest.raises(KeyError):
            broken()
    assert len(calls) == 3


def test_an_interrupt_is_not_cached(calls, cache):
    @cache_data
    def stopped():
        calls()
        if len(calls) == 1:
            raise KeyboardInterrupt
        return "done"

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert stopped() == stopped() == "done"
    assert len(calls) == 2


def test_clear_forgets_all_or_one_call(calls, cache):
    @cache_data
    def foo(bar):
        calls(bar)
        return bar

    foo(1), foo(2)
    assert foo.clear(1) is None
    foo(1), foo(2)
    assert calls.made == [1, 2, 1]
    foo.clear()
    foo(1), foo(2)
    assert calls.made == [1, 2, 1, 1, 2]


def test_clear_of_everything_reaches_every_function_and_the_disk(calls, cache, restart):
    @cache_data(persist="disk")
    def foo(bar):
        calls(bar)
        return bar

    @cache_data
    def other():
        calls("other")

    foo(1), other()
    cache_data.clear()
    restart()
    foo(1), other()
    assert calls.made == [1, "other", 1, "other"]


def test_clear_where_finds_entries_by_some_of_their_arguments(calls, cache):
    @cache_data
    def load(year, month=1):
        calls((year, month))
        return year * month

    load(2023), load(2024), load(2024, 2)
    load.clear_where(year=2024)
    load(2023), load(2024), load(2024, month=2)
    assert calls.made == [(2023, 1), (2024, 1), (2024, 2), (2024, 1), (2024, 2)]
    with pytest.raises(TypeError, match="week"):
        load.clear_where(week=1)


@pytest.mark.parametrize("method", ["clear", "is_cached", "refresh", "explain"])
def test_an_impossible_signature_is_a_type_error(method, cache):
    @cache_data
    def foo(bar):
        return bar

    with pytest.raises(TypeError, match="foo"):
        getattr(foo, method)(1, 2, 3)


def test_a_wrong_call_reads_like_the_function_s_own(cache):
    @cache_data
    def foo(bar):
        return bar

    with pytest.raises(TypeError, match=r"foo\(\) missing 1 required positional argument: 'bar'"):
        foo()


def test_is_cached_looks_without_counting_or_computing(calls, cache):
    @cache_data
    def foo(bar):
        calls()

    assert not foo.is_cached(1)
    foo(1)
    assert foo.is_cached(1)
    assert (foo.info().hits, foo.info().misses, len(calls)) == (0, 1, 1)


def test_refresh_computes_and_stores_and_keeps_the_old_value_when_it_fails(calls, cache):
    @cache_data(track=False)
    def feed():
        calls()
        if len(calls) == 3:
            raise OSError("down")
        return len(calls)

    assert (feed(), feed.refresh(), feed()) == (1, 2, 2)
    with pytest.raises(OSError, match="down"):
        feed.refresh()
    assert feed() == 2


def test_a_ttl_counts_from_the_write_and_is_not_sliding(calls, cache, clock):
    @cache_data(ttl="1m")
    def price():
        calls()
        return len(calls)

    assert price() == 1
    clock.move(40)
    assert price() == 1
    clock.move(19)
    assert price() == 1
    clock.move(2)
    assert price() == 2


def test_a_ttl_holds_on_disk_across_a_restart(calls, cache, clock, restart):
    @cache_data(ttl=60, persist="disk")
    def price():
        calls()
        return len(calls)

    price()
    restart()
    clock.move(59)
    assert price() == 1
    restart()
    clock.move(2)
    assert price() == 2


def test_the_ttl_in_force_is_that_of_the_reader(calls, cache, clock, restart):
    def price():
        calls()
        return len(calls)

    cache_data(ttl=1000, persist="disk")(price)()
    clock.move(100)
    assert cache_data(ttl=50, persist="disk")(price)() == 2


def test_a_ttl_of_zero_never_keeps(calls, cache):
    @cache_data(ttl=0)
    def now():
        calls()

    now(), now()
    assert len(calls) == 2
    assert now.info().entries == 0


def test_expired_values_leave_memory_though_nothing_is_called(cache, clock):
    @cache_data(ttl=10)
    def price():
        return bytes(1000)

    price()
    clock.move(11)
    cache.tiers.look()
    assert list(cache.tiers.memory.entries()) == []
    assert cache_data.entries() == []


def test_the_least_recently_used_entry_goes_first(calls, cache, clock):
    @cache_data(max_entries=2)
    def foo(bar):
        calls(bar)

    foo(1), clock.move(1), foo(2), clock.move(1), foo(1), clock.move(1), foo(3)
    foo(1), foo(3)
    assert calls.made == [1, 2, 3]
    foo(2)
    assert calls.made == [1, 2, 3, 2]


def test_max_entries_holds_on_disk_too(calls, cache, clock, restart):
    @cache_data(max_entries=2, persist="disk")
    def foo(bar):
        calls(bar)

    for bar in (1, 2, 3):
        foo(bar)
        clock.move(1)
    restart()
    assert foo.info().entries == 2
    foo(3), foo(2)
    assert calls.made == [1, 2, 3]


def test_max_size_evicts_and_keeps_one_oversized_value_with_one_warning(calls, cache, clock):
    @cache_data(max_size="2KB", track=False)
    def blob(n):
        calls(n)
        return bytes(n)

    blob(900), clock.move(1), blob(901), clock.move(1), blob(902)
    assert blob.info().entries == 2
    with pytest.warns(CacheWarning, match="max_size") as caught:
        blob(5000)
    assert len(caught) == 1
    assert blob.info().entries == 1
    blob(5000)
    assert calls.made == [900, 901, 902, 5000]


def test_persisted_values_survive_a_restart_and_others_do_not(calls, cache, restart):
    @cache_data(persist=True)
    def kept(x):
        calls("kept")
        return {"x": x}

    @cache_data
    def lost(x):
        calls("lost")

    kept(1), lost(1)
    restart()
    assert kept(1) == {"x": 1}
    lost(1)
    assert calls.made == ["kept", "lost", "lost"]


def test_the_setting_persist_decides_for_functions_that_say_nothing(calls, cache, restart):
    @cache_data
    def follows():
        calls("follows")

    @cache_data(persist=False)
    def never():
        calls("never")

    nbcache.NBCache.instance().persist = "disk"
    follows(), never()
    restart()
    follows(), never()
    assert calls.made == ["follows", "never", "never"]


def test_a_session_s_results_never_reach_the_disk(cache, restart):
    nbcache.NBCache.instance().persist = "disk"

    @cache_data(scope="session")
    def secret():
        return "x"

    secret()
    restart()
    assert secret.info().entries == 0


def test_cache_if_decides_what_is_kept(calls, cache):
    @cache_data(cache_if=lambda rows: len(rows) > 0)
    def search(text):
        calls()
        return [text] if text else []

    assert [search(""), search(""), search("a"), search("a")] == [[], [], ["a"], ["a"]]
    assert len(calls) == 3


@pytest.mark.parametrize("persist", [False, "disk"])
def test_hits_come_in_plain_memory_if_asked_for(calls, cache, persist):
    numpy = pytest.importorskip("numpy")

    @cache_data(copy=True, persist=persist)
    def ones(size):
        calls()
        return numpy.ones(size)

    @cache_data(persist=persist)
    def mapped(size):
        return numpy.ones(size)

    ones(1 << 18), mapped(1 << 18)
    first, second = ones(1 << 18), ones(1 << 18)
    first[:] = 0

    assert second.sum() == ones(1 << 18).sum() == 1 << 18
    assert len(calls) == 1
    assert _is_plain(second)
    assert not _is_plain(mapped(1 << 18))


def test_a_function_decorated_again_gets_its_hits_in_the_new_way(cache):
    numpy = pytest.importorskip("numpy")

    def ones(size):
        return numpy.ones(size)

    cache_data(ones)(1 << 18)
    cache_data(ones)(1 << 18)

    assert _is_plain(cache_data(copy=True)(ones)(1 << 18))
    assert not _is_plain(cache_data(ones)(1 << 18))


def _is_plain(array):
    """Whether the memory below an array is a bytearray."""
    while getattr(array, "base", None) is not None:
        array = array.base
    return isinstance(getattr(array, "obj", array), bytearray)


def test_a_cache_if_that_fails_costs_a_warning_and_never_the_value(cache):
    @cache_data(cache_if=lambda rows: rows["missing"])
    def search():
        return {}

    with pytest.warns(CacheWarning, match="cache_if raised KeyError"):
        assert search() == {}


def test_hash_funcs_decide_how_a_type_is_hashed(calls, cache):
    class Model:
        def __init__(self, name):
            self.name, self.lock = name, threading.Lock()

    @cache_data(hash_funcs={Model: lambda model: model.name})
    def predict(model):
        calls(model.name)

    predict(Model("a")), predict(Model("a")), predict(Model("b"))
    assert calls.made == ["a", "b"]


def test_an_unreadable_argument_names_function_argument_type_and_the_ways_out(cache):
    @cache_data
    def train(model):
        return model

    with pytest.raises(UnhashableArgumentError) as caught:
        train({"inner": threading.Lock()})
    text = str(caught.value)
    for word in ("train()", "'model'", "lock", "_model", "hash_funcs"):
        assert word in text
    assert str(pickle.loads(pickle.dumps(caught.value))) == text


def test_a_generator_function_is_refused_with_advice(cache):
    def rows():
        yield 1

    async def later():
        yield 1

    for function in (rows, later):
        with pytest.raises(UncacheableFunctionError, match="return a list"):
            cache_data(function)


def test_a_coroutine_from_a_plain_function_is_closed_and_refused(cache):
    async def later():
        return 1

    @cache_data
    def plain():
        return later()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(AwaitableResultError, match="async def"):
            plain()


def test_an_unstorable_result_is_returned_with_one_warning(calls, cache):
    @cache_data
    def lock():
        calls()
        return threading.Lock()

    with pytest.warns(CacheWarning, match=r"lock\(\) is not cached") as caught:
        assert isinstance(lock(), type(threading.Lock()))
    assert len(caught) == 1
    assert caught[0].filename == __file__


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"ttl": "5"}, InvalidTTLError),
        ({"ttl": "1M"}, InvalidTTLError),
        ({"ttl": "1 month"}, InvalidTTLError),
        ({"ttl": "inf"}, InvalidTTLError),
        ({"ttl": "NaT"}, InvalidTTLError),
        ({"ttl": float("nan")}, InvalidTTLError),
        ({"ttl": -1}, InvalidTTLError),
        ({"ttl": timedelta(seconds=-1)}, InvalidTTLError),
        ({"ttl": True}, InvalidTTLError),
        ({"ttl": [1]}, InvalidTTLError),
        ({"max_entries": 0}, InvalidParameterError),
        ({"max_entries": -1}, InvalidParameterError),
        ({"max_entries": 1.5}, InvalidParameterError),
        ({"max_entries": "3"}, InvalidParameterError),
        ({"max_entries": True}, InvalidParameterError),
        ({"max_size": "10"}, InvalidSizeError),
        ({"max_size": "1e9"}, InvalidSizeError),
        ({"max_size": "1,000KB"}, InvalidSizeError),
        ({"max_size": "0.5B"}, InvalidSizeError),
        ({"max_size": "1PB"}, InvalidSizeError),
        ({"max_size": 0}, InvalidSizeError),
        ({"max_size": -5}, InvalidSizeError),
        ({"max_size": 1.5}, InvalidSizeError),
        ({"max_size": True}, InvalidSizeError),
        ({"persist": "yes"}, InvalidParameterError),
        ({"persist": np.zeros(2)}, InvalidParameterError),
        ({"replay": Unprintable()}, InvalidParameterError),
        ({"hash_funcs": {Unprintable(): len}}, InvalidParameterError),
        ({"persist": 1}, InvalidParameterError),
        ({"persist": 0}, InvalidParameterError),
        ({"show_spinner": 3}, InvalidParameterError),
        ({"show_time": "yes"}, InvalidParameterError),
        ({"hash_funcs": 3}, InvalidParameterError),
        ({"hash_funcs": {int: 3}}, InvalidParameterError),
        ({"hash_funcs": {3: len}}, InvalidParameterError),
        ({"scope": "user"}, InvalidParameterError),
        ({"refresh_mode": "later"}, InvalidParameterError),
        ({"refresh_mode": "background"}, InvalidParameterError),
        ({"refresh_mode": "background", "ttl": 0}, InvalidParameterError),
        ({"persist": "disk", "scope": "session"}, InvalidParameterError),
        ({"track": 1}, InvalidParameterError),
        ({"replay": "text"}, InvalidParameterError),
        ({"cache_if": 3}, InvalidParameterError),
        ({"copy": 1}, InvalidParameterError),
    ],
)
def test_bad_parameters_are_refused_at_decoration_with_advice(options, error):
    with pytest.raises(error) as caught:
        cache_data(**options)
    assert "\nWhy: " in str(caught.value) and "\nDo: " in str(caught.value)
    assert isinstance(caught.value, CacheError)


def test_an_unknown_parameter_is_a_type_error():
    with pytest.raises(TypeError):
        cache_data(time_to_live=3)
    with pytest.raises(TypeError):
        cache_data(len, 60)


def test_the_wrapper_keeps_name_doc_signature_and_the_function(cache):
    @cache_data
    def foo(bar: int, *, mode: str = "fast") -> int:
        """Foo."""
        return bar

    assert (foo.__name__, foo.__doc__, foo.__module__) == ("foo", "Foo.", __name__)
    assert str(inspect.signature(foo)) == "(bar: 'int', *, mode: 'str' = 'fast') -> 'int'"
    assert foo.__wrapped__(3) == 3
    assert foo.info().misses == 0


@cache_data
def importable(x):
    return x + 1


def test_the_wrapper_travels_by_name_by_value_and_by_copy(calls, cache):
    assert pickle.loads(pickle.dumps(importable)) is importable
    assert copy.deepcopy(importable) is importable

    @cache_data(ttl=60)
    def local(n):
        return 1 if n == 0 else n * local(n - 1)

    for travel in (pickle, cloudpickle):
        arrived = travel.loads(travel.dumps(local))
        assert arrived(5) == 120
        assert arrived.__name__ == "local"
    assert pickle.loads(pickle.dumps(cache_data)) is cache_data


class Account:
    def __init__(self, balance):
        self.balance = balance

    @cache_data
    def doubled(self, plus=0):
        return self.balance * 2 + plus

    @classmethod
    @cache_data
    def inner(cls, x):
        return cls.__name__, x

    @cache_data
    @classmethod
    def outer(cls, x):
        return cls.__name__, x

    @staticmethod
    @cache_data
    def static_inner(x):
        return x

    @cache_data
    @staticmethod
    def static_outer(x):
        return x

    @property
    @cache_data
    def inner_property(self):
        return [self.balance]

    @cache_data
    @property
    def outer_property(self):
        return [self.balance]


class Savings(Account):
    pass


def test_a_method_is_keyed_by_the_state_of_its_instance(cache):
    one, same, other = Account(1), Account(1), Account(5)
    assert (one.doubled(), same.doubled(), other.doubled()) == (2, 2, 10)
    assert (Account.doubled.info().misses, Account.doubled.info().hits) == (2, 1)
    one.balance = 7
    assert one.doubled() == 14


def test_clear_on_an_instance_forgets_its_call_or_every_instance(cache):
    one, other = Account(1), Account(5)
    one.doubled(1), other.doubled(1)
    one.doubled.clear(1)
    assert (one.doubled.is_cached(1), other.doubled.is_cached(1)) == (False, True)
    one.doubled.clear()
    assert not other.doubled.is_cached(1)


@pytest.mark.parametrize("name", ["inner", "outer"])
def test_a_classmethod_is_cached_per_class_in_either_order(name, cache):
    assert getattr(Account, name)(1) == ("Account", 1)
    assert getattr(Savings, name)(1) == ("Savings", 1)
    assert getattr(Account(3), name)(1) == ("Account", 1)
    row = next(row for row in cache_data.info() if row.name.endswith(f"Account.{name}"))
    assert (row.misses, row.hits) == (2, 1)


@pytest.mark.parametrize("name", ["static_inner", "static_outer"])
def test_a_staticmethod_is_cached_in_either_order(name, cache):
    assert getattr(Account, name)(4) == getattr(Account(1), name)(4) == 4
    assert sum(row.hits for row in cache_data.info()) == 1


@pytest.mark.parametrize("name", ["inner_property", "outer_property"])
def test_a_property_is_cached_in_either_order(name, cache):
    account = Account(3)
    assert getattr(account, name) == getattr(Account(3), name) == [3]
    assert sum(row.hits for row in cache_data.info()) == 1


class Adder:
    def __init__(self, n):
        self.n = n

    def __call__(self, x):
        return x + self.n


def test_callables_partials_and_builtins_can_be_cached(cache):
    assert cache_data(Adder(3))(1) == cache_data(Adder(3))(1) == 4
    assert cache_data(Adder(4))(1) == 5
    assert cache_data(functools.partial(pow, 2))(5) == 32
    assert cache_data(functools.partial(pow, 3))(2) == 9
    assert cache_data(len)([1, 2]) == 2
    assert cache_data(max)(1, 5, 3) == 5


def test_info_and_entries_are_frozen_rows(cache, clock):
    @cache_data(ttl=60)
    def foo(bar, mode="fast"):
        return bar

    foo(1), foo(1, mode="slow"), foo(1)
    info = foo.info()
    assert info.name == f"{__name__}.{foo.__qualname__}"
    assert (info.entries, info.hits, info.misses, info.last_used) == (2, 1, 2, clock())
    assert [row.arguments for row in sorted(foo.entries(), key=lambda row: row.arguments)] == ["1", "1, mode='slow'"]
    row = next(row for row in foo.entries() if row.arguments == "1")
    assert (row.created, row.expires, row.hits, row.tier) == (clock(), clock() + 60, 1, "memory")
    assert row.seconds_to_compute >= 0
    with pytest.raises(AttributeError):
        row.hits = 3
    assert info in cache_data.info()


def test_entries_of_earlier_sessions_are_listed(cache, restart):
    @cache_data(persist="disk")
    def foo(bar):
        return bar

    foo(1)
    restart()
    assert [(row.arguments, row.tier) for row in foo.entries()] == [("1", "disk")]
    assert foo.info().entries == 1


def test_the_off_switch_computes_always_and_stores_nothing(calls, cache):
    @cache_data
    def foo():
        calls()

    foo(), foo()
    nbcache.NBCache.instance().off = True
    foo(), foo()
    assert len(calls) == 3
    foo.clear()
    foo.refresh(), foo.map([], n_jobs=1, progress=False)
    nbcache.NBCache.instance().off = False
    assert (len(calls), foo.is_cached()) == (4, False)


async def test_a_ttl_of_zero_keeps_no_refresh_either(calls, cache):
    @cache_data(ttl=0)
    def foo():
        calls()
        return 1

    @cache_data(ttl=0)
    async def bar():
        calls()
        return 2

    assert (foo.refresh(), await bar.refresh()) == (1, 2)
    assert (len(calls), foo.info().entries, bar.info().entries) == (2, 0, 0)


def test_decorating_a_cached_function_again_wraps_the_function_itself(calls, cache):
    @cache_data(ttl=10)
    def foo():
        calls()
        return 1

    again = cache_data(ttl=20)(foo)
    assert again.__wrapped__ is foo.__wrapped__
    again(), again()
    assert len(calls) == 1


def test_recursion_ends(cache):
    @cache_data
    def fib(n):
        return n if n < 2 else fib(n - 1) + fib(n - 2)

    assert fib(60) == 1548008755920


def test_a_call_that_calls_itself_with_the_same_key_does_not_hang(cache):
    @cache_data
    def walk(path, _depth=0):
        return [path] if _depth > 2 else [*walk(path, _depth + 1), _depth]

    assert walk("a") == ["a", 2, 1, 0]


def test_errors_and_warnings_are_importable_and_survive_pickling():
    for name in nbcache.__all__:
        kind: Any = getattr(nbcache, name)
        if isinstance(kind, type) and issubclass(kind, CacheError):
            assert str(pickle.loads(pickle.dumps(kind("what happened")))) == "what happened"
    assert issubclass(CacheWarning, UserWarning)


def test_time_saved_is_less_what_hits_cost_and_the_table_says_when_caching_does_not_pay(cache):
    from nbcache.notebook.magics.info import functions_table

    @cache_data(track=False)
    def total(numbers):
        return 1

    numbers = list(range(200_000))
    for _ in range(4):
        total(numbers)
    info = total.info()
    assert info.hits == 3
    assert info.seconds_saved < 0
    assert "costs more than it saves" in str(functions_table([info]))

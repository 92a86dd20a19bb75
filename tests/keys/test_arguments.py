"""Which calls are equal: arguments bound, left out, hashed by the user, refused."""

from __future__ import annotations

import pickle
import threading

import pytest

from nbcache import UnhashableArgumentError, cache_data


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

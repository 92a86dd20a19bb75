"""`cache_data`: its parameters, and what it refuses."""

from __future__ import annotations

import pickle
import warnings
from datetime import timedelta
from typing import Any

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
    cache_data,
)


def test_the_decorator_takes_options_or_nothing_or_empty_brackets(cache):
    def one():
        return 1

    assert [cache_data(one)(), cache_data()(one)(), cache_data(ttl=60)(one)()] == [1, 1, 1]


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
        ({"outputs": "file"}, InvalidParameterError),
        ({"outputs": True}, InvalidParameterError),
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


def test_decorating_a_cached_function_again_wraps_the_function_itself(calls, cache):
    @cache_data(ttl=10)
    def foo():
        calls()
        return 1

    again = cache_data(ttl=20)(foo)
    assert again.__wrapped__ is foo.__wrapped__
    again(), again()
    assert len(calls) == 1


def test_errors_and_warnings_are_importable_and_survive_pickling():
    for name in nbcache.__all__:
        kind: Any = getattr(nbcache, name)
        if isinstance(kind, type) and issubclass(kind, CacheError):
            assert str(pickle.loads(pickle.dumps(kind("what happened")))) == "what happened"
    assert issubclass(CacheWarning, UserWarning)

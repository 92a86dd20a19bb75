"""What a call gives: hits and misses, copies of values, and what is not kept."""

from __future__ import annotations

import threading

import pytest

from nbcache import CacheWarning, cache_data


def test_a_second_call_is_a_hit(calls, cache):
    @cache_data
    def square(x):
        calls(x)
        return x * x

    assert [square(3), square(3), square(4)] == [9, 9, 16]
    assert calls.made == [3, 4]


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


def test_an_unstorable_result_is_returned_with_one_warning(calls, cache):
    @cache_data
    def lock():
        calls()
        return threading.Lock()

    with pytest.warns(CacheWarning, match=r"lock\(\) is not cached") as caught:
        assert isinstance(lock(), type(threading.Lock()))
    assert len(caught) == 1
    assert caught[0].filename == __file__


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

"""The cached map, and cached functions in worker processes."""

from __future__ import annotations

import multiprocessing
import os

import joblib
import numpy as np
import pytest
from joblib.externals.loky import get_reusable_executor

from nbcache import NBCache, cache_data


@pytest.fixture(autouse=True)
def fresh_workers(surroundings):
    """Workers read the environment when they start: those of another test have another store."""
    yield
    get_reusable_executor().shutdown(wait=True)


@cache_data(persist="disk")
def square(x):
    return x * x, os.getpid()


@cache_data
def cube(x):
    return x**3, os.getpid()


@cache_data(persist="disk")
def picky(x):
    if x == 2:
        raise ValueError("two is too much")
    return x


def test_map_returns_a_list_in_order_and_answers_hits_at_once(calls, cache):
    @cache_data(track=False)
    def double(x, plus=0):
        calls(x)
        return [x * 2 + plus]

    double(3)
    assert double.map([1, 2, 3], backend="threading", n_jobs=2) == [[2], [4], [6]]
    assert sorted(calls.made) == [1, 2, 3]
    assert double.map([1, 2], [10, 20], backend="threading") == [[12], [24]]
    assert double.map([]) == []


def test_equal_calls_of_a_map_are_computed_once_and_come_back_independent(calls, cache):
    @cache_data(track=False)
    def double(x):
        calls(x)
        return [x * 2]

    first, second, third = double.map([1, 1, 1], backend="threading", n_jobs=3)
    assert len(calls) == 1
    first.append("mutated")
    assert second == third == [2] and second is not third


@pytest.mark.parametrize("function", [square, cube])
def test_workers_compute_and_the_results_are_hits_afterwards(function, cache):
    results = function.map([1, 2, 3, 4], n_jobs=2)
    power = 2 if function is square else 3
    assert [value for value, _ in results] == [x**power for x in (1, 2, 3, 4)]
    assert all(pid != os.getpid() for _, pid in results)
    assert [function(x) for x in (1, 2, 3, 4)] == results
    assert function.map([1, 2, 3, 4], n_jobs=2) == results


def test_a_function_of_a_notebook_travels_to_workers_by_value(cache):
    def make():
        @cache_data(persist="disk")
        def fact(n):
            return (1 if n == 0 else n * fact(n - 1)[0]), os.getpid()

        return fact

    fact = make()
    results = fact.map([3, 5], n_jobs=2)
    assert [value for value, _ in results] == [6, 120]
    assert {pid for _, pid in results} - {os.getpid()}
    assert fact(5) == results[1]


def test_the_first_exception_is_raised_and_finished_results_are_kept(cache):
    with pytest.raises(ValueError, match="two is too much"):
        picky.map([1, 2, 3], n_jobs=1)
    assert picky.is_cached(1)
    assert not picky.is_cached(2)


@cache_data
def choosy(x):
    if x == 2:
        raise ValueError("two is too much")
    return x


@cache_data
async def awaited(x):
    return x, os.getpid()


def test_what_workers_finished_beside_an_exception_is_kept(cache):
    with pytest.raises(ValueError, match="two is too much") as caught:
        choosy.map([1, 2, 3], n_jobs=2, backend="loky", progress=False)
    assert "In a worker process" in caught.value.__notes__[0]
    assert [choosy.is_cached(x) for x in (1, 2, 3)] == [True, False, True]


@pytest.mark.parametrize("backend", ["loky", "threading"])
async def test_coroutines_are_awaited_though_a_loop_is_running(backend, cache):
    results = awaited.map([1, 2, 1], n_jobs=2, backend=backend, progress=False)
    assert [x for x, _ in results] == [1, 2, 1]
    assert await awaited(2) == results[1]
    assert (awaited.is_cached(1), awaited.info().hits > 0) == (True, True)


def test_map_follows_joblib_s_active_configuration(calls, cache):
    @cache_data(track=False)
    def where(x):
        calls(x)
        return os.getpid()

    with joblib.parallel_config(backend="threading", n_jobs=2):
        assert set(where.map([1, 2])) == {os.getpid()}


def test_a_method_is_mapped_over_its_arguments(cache):
    class Model:
        def __init__(self, n):
            self.n = n

        @cache_data(track=False)
        def times(self, x):
            return self.n * x

    assert Model(3).times.map([1, 2], backend="threading") == [3, 6]


def test_joblib_parallel_shares_the_store(cache):
    computed = joblib.Parallel(n_jobs=2)(joblib.delayed(square)(x) for x in (7, 8))
    assert [square(7), square(8)] == computed


@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_multiprocessing_shares_the_store(method, cache):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} here")
    with multiprocessing.get_context(method).Pool(1) as pool:
        computed = pool.map(square, [5, 6])
    assert [square(5), square(6)] == computed


def test_a_worker_takes_over_the_settings_of_the_process_that_sent_it(cache, tmp_path):
    NBCache.instance().persist = "disk"

    def make():
        @cache_data
        def here(x):
            return os.getpid()

        return here

    here = make()
    computed = joblib.Parallel(n_jobs=2)(joblib.delayed(here)(x) for x in (1, 2))
    assert all(pid != os.getpid() for pid in computed)
    assert [here(1), here(2)] == computed


def total(values):
    return float(values.sum())


@pytest.mark.parametrize("persist", [None, "disk"])
def test_large_arrays_that_joblib_hands_over_in_files_are_hits_afterwards(persist, cache):
    summed = cache_data(persist=persist, show_spinner=False)(total)
    arrays = [np.full(200_000, float(number)) for number in range(4)]

    expected = [float(200_000 * number) for number in range(4)]
    assert summed.map(arrays, n_jobs=2, progress=False) == expected

    assert [summed.is_cached(array.copy()) for array in arrays] == [True] * 4
    assert summed.map(arrays, n_jobs=2, progress=False) == expected and summed.info().misses == 4


@pytest.mark.parametrize("persist", [None, "disk"])
@pytest.mark.parametrize("wrap", ["plain", "list", "dict", "tuple"])
def test_a_large_array_that_a_worker_returns_is_no_view_of_a_file(persist, wrap, cache):
    array = np.arange(200_000.0)
    given = {"plain": array, "list": [array], "dict": {"a": [array]}, "tuple": (1, array)}[wrap]

    @cache_data(persist=persist, show_spinner=False, track=False)
    def some(value):
        while not hasattr(value, "dtype"):
            value = value["a"] if isinstance(value, dict) else value[-1]
        return value[:100_000]

    (computed,) = some.map([given], n_jobs=2, progress=False)

    for found in (computed, some(given)):
        assert type(found) is np.ndarray and (found == array[:100_000]).all()
    assert some.info().misses == 1


@pytest.mark.parametrize("persist", [None, "disk"])
def test_a_buffer_that_is_filled_again_and_again_leaves_no_wrong_entry(persist, cache):
    """The workers of joblib get what is in it when a batch is sent; no result of that may stand for what was before."""
    summed = cache_data(persist=persist, show_spinner=False, track=False)(total)

    def filled():
        buffer = np.zeros(1000)
        for number in range(24):
            buffer[:] = number
            yield buffer

    summed.map(filled(), n_jobs=2, batch_size=4, progress=False)

    assert [summed(np.full(1000, float(number))) for number in range(24)] == [1000.0 * number for number in range(24)]

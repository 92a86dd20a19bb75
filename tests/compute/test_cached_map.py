"""A map at its edges: every backend, errors, streams, what is sent to workers and what comes back."""

from __future__ import annotations

import itertools
import os
import pickle
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from joblib.externals.loky import get_reusable_executor

from nbcache import CallFailedError, NBCache, cache_data
from nbcache.compute.parcels import Parcel
from nbcache.compute.workers import Outcome, Sent, opened, run
from nbcache.engine.cache import Cache
from nbcache.notebook.display.progress import Progress


@pytest.fixture(autouse=True)
def fresh_workers(surroundings: None) -> Iterator[None]:
    yield
    get_reusable_executor().shutdown(wait=True)


def double(x: int) -> list[int]:
    return [2 * x]


class QueryFailedError(Exception):
    """Its constructor takes more than a text, so that a pickle of it cannot be loaded."""

    def __init__(self, table: str, column: str) -> None:
        super().__init__(f"{table}: no column {column}")


@cache_data
def cube(x: int) -> int:
    return x**3


@cache_data(persist="disk")
def asked(x: int) -> int:
    if x == 2:
        raise QueryFailedError("flights", "gate")
    return x


BACKENDS = ["loky", "threading", "sequential", "multiprocessing"]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("return_as", ["list", "generator"])
def test_every_backend_gives_the_results_in_order(cache: Cache, backend: str, return_as: Any) -> None:
    cube(3)
    assert list(cube.map([1, 2, 3, 2, 4], n_jobs=2, backend=backend, return_as=return_as)) == [1, 8, 27, 8, 64]
    assert cube.is_cached(4)


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_error_says_in_which_call_it_was_and_finished_results_are_kept(cache: Cache, backend: str) -> None:
    with pytest.raises((QueryFailedError, CallFailedError), match="flights: no column gate") as caught:
        asked.map([1, 2], n_jobs=2, backend=backend)
    assert any("asked(2)" in note for note in caught.value.__notes__)
    assert asked.is_cached(1)


@pytest.mark.parametrize("backend", BACKENDS)
def test_errors_can_stand_in_the_place_of_results(cache: Cache, backend: str) -> None:
    first, error, again, last = asked.map([1, 2, 2, 3], n_jobs=2, backend=backend, on_error="return")
    assert (first, last) == (1, 3)
    assert isinstance(error, QueryFailedError | CallFailedError) and again is error


def test_a_stream_raises_where_the_error_stands(calls: Any, cache: Cache) -> None:
    @cache_data(track=False)
    def picky(x: int) -> int:
        if x == 3:
            raise ValueError("three")
        return x

    results = picky.map([1, 2, 3, 4], n_jobs=1, backend="sequential", return_as="generator")

    assert [next(results), next(results)] == [1, 2]
    with pytest.raises(ValueError, match="three"):
        next(results)


@pytest.mark.parametrize("backend", ["sequential", "threading", "multiprocessing"])
def test_a_stream_reads_its_arguments_as_they_are_needed(cache: Cache, backend: str) -> None:
    results = cube.map(itertools.count(), n_jobs=2, backend=backend, return_as="generator")
    assert list(itertools.islice(results, 5)) == [0, 1, 8, 27, 64]
    results.close()


def test_a_stream_of_hits_runs_ahead_of_nobody(cache: Cache) -> None:
    read: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(100):
            read.append(number)
            yield number

    for number in range(100):
        cube(number)
    results = cube.map(numbers(), return_as="generator")

    assert next(results) == 0 and next(results) == 1
    assert len(read) <= 3
    results.close()


def test_a_list_of_few_misses_does_not_hold_the_arguments_of_hits(cache: Cache) -> None:
    import gc
    import weakref

    class Big:
        def __init__(self, number: int) -> None:
            self.number = number

        def __cache_key__(self) -> int:
            return self.number

    alive: list[weakref.ref[Big]] = []
    most = 0

    def pieces() -> Iterator[Big]:
        nonlocal most
        for number in range(50):
            piece = Big(number)
            alive.append(weakref.ref(piece))
            yield piece
            del piece
            if number % 10 == 9:
                gc.collect()
                most = max(most, sum(one() is not None for one in alive))

    @cache_data(track=False)
    def number_of(piece: Big) -> int:
        return piece.number

    assert number_of.map(pieces(), n_jobs=1, backend="sequential") == list(range(50))
    assert number_of.map(pieces(), n_jobs=1, backend="sequential") == list(range(50))
    assert most < 10


def test_an_interrupt_loses_only_what_was_running(calls: Any, cache: Cache) -> None:
    @cache_data(track=False)
    def stopped(x: int) -> int:
        if x == 5 and len(calls) < 6:
            calls(x)
            raise KeyboardInterrupt
        calls(x)
        return x

    with pytest.raises(KeyboardInterrupt):
        stopped.map(range(10), n_jobs=1, backend="sequential")
    assert [stopped.is_cached(number) for number in range(6)] == [True] * 5 + [False]

    assert stopped.map(range(10), n_jobs=1, backend="sequential") == list(range(10))
    assert sorted(calls.made) == sorted([*range(10), 5])


@pytest.mark.parametrize("wrong", [{"on_error": "ignore"}, {"return_as": "tuple"}])
def test_a_misspelt_option_is_an_error_before_anything_runs(cache: Cache, wrong: Any) -> None:
    with pytest.raises(ValueError, match="map\\(\\) takes"):
        cube.map([1], **wrong)
    assert not cube.is_cached(1)


def test_misses_that_workers_computed_are_counted(cache: Cache) -> None:
    cube.map([1, 2, 3], n_jobs=2, backend="loky")
    assert (cube.info().misses, cube.info().hits) == (3, 0)


def test_what_the_disk_did_not_take_comes_back_from_the_worker_and_is_not_computed_again(
    cache: Cache, restart: Callable[[], Cache], tmp_path: Path
) -> None:
    NBCache.instance().max_disk_size = "1MB"
    restart()

    @cache_data(persist="disk", track=False)
    def large(x: int) -> bytes:
        with open(tmp_path / "computed", "a") as file:
            file.write(f"{x}\n")
        return bytes([x]) * 2_000_000

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert large.map([1, 2, 3], n_jobs=2, backend="loky") == [bytes([x]) * 2_000_000 for x in (1, 2, 3)]
    assert sorted((tmp_path / "computed").read_text().split()) == ["1", "2", "3"]


@pytest.mark.parametrize("persist", ["disk", None])
@pytest.mark.parametrize("backend", ["sequential", "loky"])
def test_a_hit_of_a_map_is_a_plain_hit(
    backend: str, persist: Any, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    doubled = cache_data(persist=persist)(double)
    assert doubled.map([1, 2, 3], n_jobs=2, backend=backend) == [[2], [4], [6]]
    monkeypatch.setattr(cache, "find", lambda *given: pytest.fail("not found in memory at once"))
    first, second, third = doubled.map([1, 2, 1], n_jobs=2, backend=backend)

    assert (first, second, third) == ([2], [4], [2]) and first is not third
    assert (doubled.info().hits, doubled.info().misses) == (3, 3)


def test_a_map_after_a_change_of_the_function_computes_anew(cache: Cache) -> None:
    made = {"factor": 2}

    @cache_data
    def times(x: int) -> int:
        return x * made["factor"]

    assert times.map([1, 2], n_jobs=1, backend="sequential") == [2, 4]
    made["factor"] = 3
    assert times.map([1, 2], n_jobs=1, backend="sequential") == [3, 6]
    times.clear()
    assert not times.is_cached(1) and times.map([1], n_jobs=1, backend="sequential") == [3]


# -- what is sent, and what comes back


class Function:
    """Stands for a cached function, with as much to carry as a test wants."""

    def __init__(self, size: int) -> None:
        self.globals = os.urandom(size)

    def compute_apart(self, *args: Any) -> Outcome:
        return Outcome("value", len(self.globals))

    compute_here = compute_apart


def test_a_large_function_is_written_once_and_taken_away_again() -> None:
    sent = Sent(Function(100_000), "loky")  # type: ignore[arg-type]
    first, second = pickle.dumps(sent), pickle.dumps(sent)
    assert first == second and len(first) < 1000
    path = Path(pickle.loads(first) and sent.__reduce__()[1][4])
    assert path.stat().st_mode & 0o077 == 0

    sent.close()
    assert not path.exists()
    assert run(pickle.loads(first), 0, ())[0] == 0  # a worker that has it needs the file no more


class Large:
    """Stands for a cached function with large results."""

    def compute_apart(self, *args: Any) -> Outcome:
        return Outcome("value", bytes(3_000_000))

    compute_here = compute_apart


def sent_elsewhere(function: Any, backend: str) -> tuple[Sent, Any]:
    """A function as it arrives in another process."""
    sent = Sent(function, backend)
    arrived = pickle.loads(pickle.dumps(sent))
    arrived.home = -1
    return sent, arrived


def test_a_large_result_comes_back_through_a_file_that_is_gone_afterwards() -> None:
    sent, arrived = sent_elsewhere(Large(), "loky")
    _, parcel = run(arrived, 0, ())
    assert isinstance(parcel, Parcel) and len(pickle.dumps(parcel)) < 1000
    assert os.stat(parcel.path).st_mode & 0o077 == os.stat(os.path.dirname(parcel.path)).st_mode & 0o077 == 0

    assert opened(parcel) == Outcome("value", bytes(3_000_000))
    assert not os.path.exists(parcel.path)
    sent.close()
    assert not os.path.exists(os.path.dirname(parcel.path))


def test_a_large_result_that_was_changed_on_the_way_is_not_loaded() -> None:
    sent, arrived = sent_elsewhere(Large(), "loky")
    _, parcel = run(arrived, 0, ())
    assert isinstance(parcel, Parcel)
    with open(parcel.path, "r+b") as file:
        file.write(b"other")
    with pytest.raises(ValueError, match="not what was sent"):
        opened(parcel)
    sent.close()


def test_where_workers_may_be_on_other_machines_a_large_result_is_sent() -> None:
    _, arrived = sent_elsewhere(Large(), "dask")
    content = run(arrived, 0, ())[1]
    assert isinstance(content, bytes) and opened(content).payload == bytes(3_000_000)


def test_a_file_that_was_changed_on_the_way_is_not_loaded() -> None:
    sent = Sent(Function(100_000), "loky")  # type: ignore[arg-type]
    content = pickle.dumps(sent)
    path = Path(sent.__reduce__()[1][4])
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(ValueError, match="not what was sent"):
        pickle.loads(content)
    sent.close()


@pytest.mark.parametrize("backend", ["dask", "ray", "anything"])
def test_where_workers_may_be_on_other_machines_the_function_travels_itself(backend: str) -> None:
    content = pickle.dumps(Sent(Function(100_000), backend))  # type: ignore[arg-type]
    assert len(content) > 100_000


def test_an_outcome_that_never_left_the_process_is_taken_as_it_is() -> None:
    value = object()
    assert opened(Outcome("value", value)).payload is value


def test_a_map_leaves_the_classes_of_a_notebook_as_they_were(python: Callable[..., str]) -> None:
    printed = python(
        """
        from nbcache import cache_data

        FACTOR = 3

        class Point:
            def __init__(self, a):
                self.a = a
            def scaled(self):
                return self.a * FACTOR

        def check(persist):
            @cache_data(persist=persist, show_spinner=False)
            def point(i):
                return Point(i)
            before = Point.scaled
            made = point.map([1, 2], n_jobs=2, progress=False)
            return Point.scaled is before, [type(one) is Point for one in made], [one.a for one in made]

        if __name__ == "__main__":
            for persist in ("memory", "disk", None):
                persist = None if persist == "memory" else persist
                print(check(persist))
                FACTOR += 1
                print(Point(2).scaled())
        """
    )
    kept = "(True, [True, True], [1, 2])"
    assert printed.splitlines() == [kept, "8", kept, "10", kept, "12"]


def test_a_function_has_one_token_for_dask_before_and_after_calls(cache: Cache) -> None:
    tokenize = pytest.importorskip("dask.tokenize").tokenize

    @cache_data
    def foo(x: int) -> int:
        return x

    before = tokenize(foo, ensure_deterministic=True)
    foo(1)
    assert tokenize(foo, ensure_deterministic=True) == before

    @cache_data
    def other(x: int) -> int:
        return x + 1

    assert tokenize(other, ensure_deterministic=True) != before


# -- the line


def test_the_line_says_how_many_were_cached_and_how_long_it_will_take(clock: Any) -> None:
    line = Progress(100, clock)
    for what, count in (("hit", 20), ("computed", 4), ("failed", 1)):
        for _ in range(count):
            line.advance(what)
    clock.move(10)
    assert str(line).endswith("25 of 100 calls · 20 cached · 4 computed · 1 failed · about 30 s left")
    assert str(line).startswith("██████ ")


def test_without_a_total_the_line_only_counts(clock: Any) -> None:
    line = Progress(None, clock)
    line.advance("computed")
    assert str(line) == "1 call · 1 computed"

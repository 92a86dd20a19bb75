"""The state of a seeded global generator counts, and a hit leaves the generator where the run left it."""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import pytest
from counted import cached

from nbcache.engine.cache import Cache
from nbcache.tracking.observations.generators import mersenne_twister
from nbcache.tracking.observations.generators.draws import SEEDED_STATE, UNSEEDED
from nbcache.tracking.observations.generators.global_generators import ALL


class Library(NamedTuple):
    draw: Callable[[], float]
    seed: Callable[..., object]
    state: Callable[[], Any]
    put: Callable[[Any], object]


def library(name: str) -> Library:
    if name == "random":
        return Library(lambda: random.random(), lambda *one: random.seed(*one), random.getstate, random.setstate)
    if name == "gauss":
        return Library(lambda: random.gauss(0, 1), lambda *one: random.seed(*one), random.getstate, random.setstate)
    if name == "numpy":
        seed = lambda *one: np.random.seed(*one)
        return Library(lambda: float(np.random.rand()), seed, np.random.get_state, lambda one: np.random.set_state(one))
    if name == "numpy normal":
        seed = lambda *one: np.random.seed(*one)
        put = lambda one: np.random.set_state(one)
        return Library(lambda: float(np.random.randn()), seed, np.random.get_state, put)
    torch = pytest.importorskip("torch")
    seed = lambda *one: torch.manual_seed(*one) if one else torch.seed()
    return Library(lambda: torch.rand(1).item(), seed, torch.get_rng_state, lambda one: torch.set_rng_state(one))


NAMES = ["random", "gauss", "numpy", "numpy normal", "torch"]


@pytest.fixture(params=NAMES)
def lib(request: pytest.FixtureRequest) -> Iterator[Library]:
    lib = library(request.param)
    lib.seed()
    yield lib
    lib.seed()


def test_cached_and_uncached_draws_give_the_same_numbers(lib: Library, cache: Cache, calls: Any) -> None:
    foo = cached(lambda: (lib.draw(), lib.draw(), lib.draw()), calls)
    lib.seed(1)
    plain = [lib.draw() for _ in range(9)]

    for runs in (2, 2):
        lib.seed(1)
        found = [*foo(), *(lib.draw() for _ in range(3)), *foo()]
        assert found == plain
        assert len(calls) == runs


def test_a_loop_of_draws_is_all_hits_the_second_time(lib: Library, cache: Cache, calls: Any) -> None:
    foo = cached(lib.draw, calls)
    lib.seed(1)
    first = [foo() for _ in range(200)]

    lib.seed(1)

    assert [foo() for _ in range(200)] == first
    assert len(calls) == len(set(first)) == 200


def test_another_seed_is_a_miss_and_the_old_one_a_hit(lib: Library, cache: Cache, calls: Any) -> None:
    foo = cached(lib.draw, calls)
    lib.seed(1)
    first = foo()

    lib.seed(2)
    assert foo() != first
    lib.seed(1)
    assert foo() == first
    assert len(calls) == 2


def test_a_generator_that_nobody_seeded_does_not_count(lib: Library, cache: Cache, calls: Any) -> None:
    foo = cached(lib.draw, calls)
    first = foo()

    drawn = lib.draw()

    assert (foo(), len(calls)) == (first, 1)
    assert lib.draw() != drawn
    assert "not seeded, its state does not count" in str(foo.explain())


def test_a_seed_after_an_unseeded_draw_is_a_miss(lib: Library, cache: Cache, calls: Any) -> None:
    foo = cached(lib.draw, calls)
    foo()
    lib.seed(1)
    plain = lib.draw()

    lib.seed(1)

    assert (foo(), len(calls)) == (plain, 2)


def test_a_seed_taken_back_is_none(lib: Library, cache: Cache, calls: Any) -> None:
    foo = cached(lib.draw, calls)
    first = foo()

    before = lib.state()
    lib.seed(1)
    lib.draw()
    lib.put(before)

    assert (foo(), len(calls)) == (first, 1)


def test_a_run_that_seeds_first_does_not_rest_on_the_state_and_leaves_its_own(
    lib: Library, cache: Cache, calls: Any
) -> None:
    def seed_and_draw() -> float:
        lib.seed(7)
        return lib.draw()

    foo = cached(seed_and_draw, calls)
    lib.seed(7)
    plain = [lib.draw(), lib.draw()]

    for seed in ((), (1,), (2,)):
        lib.seed(*seed)
        assert [foo(), lib.draw()] == plain
    assert len(calls) == 1


def test_a_run_that_draws_before_it_seeds_rests_on_the_state(lib: Library, cache: Cache, calls: Any) -> None:
    def draw_and_seed() -> float:
        drawn = lib.draw()
        lib.seed(7)
        return drawn

    foo = cached(draw_and_seed, calls)
    lib.seed(7)
    after = lib.draw()
    lib.seed(1)
    first = foo()
    assert lib.draw() == after

    lib.seed(2)
    assert foo() != first
    lib.seed(1)
    assert (foo(), lib.draw(), len(calls)) == (first, after, 2)


def test_a_cached_call_inside_passes_the_state_on(lib: Library, cache: Cache, calls: Any) -> None:
    inner = cached(lib.draw, calls)
    outer = cached(lambda: (lib.draw(), inner(), lib.draw()), calls)
    lib.seed(1)
    plain = [lib.draw() for _ in range(4)]

    for count in (2, 2):
        lib.seed(1)
        assert [*outer(), lib.draw()] == plain
        assert len(calls) == count
    lib.seed(1)
    lib.draw()
    assert (inner(), len(calls)) == (plain[1], 2)
    lib.seed(2)
    assert outer()[0] != plain[0]


def test_a_hit_inside_a_run_moves_the_generator_of_the_run(lib: Library, cache: Cache, calls: Any) -> None:
    inner = cached(lib.draw, calls)
    outer = cached(lambda: (inner(), lib.draw()), calls)
    lib.seed(1)
    plain = [lib.draw() for _ in range(3)]
    lib.seed(1)
    inner()

    lib.seed(1)
    assert [*outer(), lib.draw()] == plain
    lib.seed(1)
    assert [*outer(), lib.draw()] == plain
    assert len(calls) == 2


def test_draws_in_a_thread_of_the_run_count(lib: Library, cache: Cache, calls: Any) -> None:
    foo = cached(lambda: ThreadPoolExecutor(1).submit(lib.draw).result(), calls)
    lib.seed(1)
    first = foo()

    lib.seed(2)

    assert foo() != first


def test_a_run_that_draws_nothing_does_not_rest_on_a_generator(lib: Library, cache: Cache, calls: Any) -> None:
    foo = cached(lambda: 1, calls)
    lib.seed(1)
    foo()

    lib.seed(2)
    foo()

    assert len(calls) == 1
    assert "generator" not in str(foo.explain())


def test_a_miss_names_the_generator(lib: Library, cache: Cache, calls: Any) -> None:
    foo = cached(lib.draw, calls)
    lib.seed(1)
    foo()

    lib.seed(2)

    assert "changed: random generator" in str(foo.explain())


@pytest.mark.parametrize("lines", [("import random", "random.seed({})", "random.random()"),
                                   ("from random import *", "seed({})", "random()"),
                                   ("import numpy as np", "np.random.seed({})", "np.random.rand()"),
                                   ("from numpy.random import seed, rand", "seed({})", "rand()")])  # fmt: skip
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_seed_counts_whenever_it_was_given_and_after_a_restart(
    python: Callable[..., str], lines: tuple[str, str, str], when: str
) -> None:
    imports, seed, draw = lines
    load = "from nbcache import cache_data"

    def session(number: int) -> str:
        given = seed.format(number)
        head = f"{imports}\n{given}\n{load}" if when == "before" else f"{imports}\n{load}\n{given}"
        return python(
            f"{head}\n@cache_data(show_spinner=False, persist='disk')\ndef foo():\n"
            f"    print('runs', end=' ')\n    return float({draw})\nprint(foo(), float({draw}))\n"
        )

    first = session(1)
    assert first.startswith("runs ")
    assert session(1) == first.removeprefix("runs ")
    other = session(2)
    assert other.startswith("runs ")
    assert other != first


@pytest.mark.parametrize("seed", [0, 1, 2**40, "text", b"bytes", 1.5, -3])
@pytest.mark.parametrize("drawn", [0, 1, 313, 2000])
def test_a_seed_shows_in_the_state_of_a_twister(seed: Any, drawn: int) -> None:
    generator = random.Random(seed)
    for _ in range(drawn):
        generator.random()

    assert mersenne_twister.was_seeded(mersenne_twister.of_random(generator), 16)


@pytest.mark.parametrize("drawn", [0, 1, 2000])
def test_no_seed_shows_in_a_state_from_the_system(drawn: int) -> None:
    generator = random.Random()
    for _ in range(drawn):
        generator.random()

    assert not mersenne_twister.was_seeded(mersenne_twister.of_random(generator), 16)


def test_a_state_is_read_in_memory_as_the_library_tells_it() -> None:
    ours, theirs = random.Random(3), np.random.RandomState(3)
    for _ in range(1000):
        ours.gauss(0, 1)
        theirs.standard_normal()
        assert mersenne_twister.of_random(ours)[:2500] == mersenne_twister._state_of_random(ours)
        assert mersenne_twister.of_numpy(theirs) == mersenne_twister._state_of_numpy(theirs)


@pytest.mark.parametrize("bits", ["PCG64", "Philox", "SFC64", "MT19937"])
def test_another_bit_generator_below_numpy_s_global_one(bits: str, cache: Cache, calls: Any) -> None:
    old = np.random.get_bit_generator()
    try:
        foo = cached(lambda: float(np.random.rand()), calls)
        np.random.set_bit_generator(getattr(np.random, bits)(3))
        first = [foo(), float(np.random.rand())]
        np.random.set_bit_generator(getattr(np.random, bits)(3))
        assert [foo(), float(np.random.rand())] == first
        assert len(calls) == 1
    finally:
        np.random.set_bit_generator(old)
        np.random.seed()


def test_an_unknown_generator_counts_as_unseeded() -> None:
    assert SEEDED_STATE.digest("another.library") == UNSEEDED


@pytest.mark.parametrize("library", [random, np.random], ids=["random", "numpy.random"])
def test_functions_that_see_seeds_are_found_by_their_names(library: Any, cache: Cache, calls: Any) -> None:
    cached(lambda: 1, calls)()

    function = library.seed

    assert pickle.loads(pickle.dumps(function)) is function


def test_a_generator_that_cannot_be_read_does_not_break_the_call(
    cache: Cache, calls: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> bytes:
        raise RuntimeError

    monkeypatch.setitem(ALL, "random", ALL["random"]._replace(state=fail))
    foo = cached(lambda: random.random(), calls)

    random.seed(1)

    assert foo() == foo()


def test_seeing_seeds_changes_no_key(python: Callable[..., str]) -> None:
    printed = python(
        """
        from nbcache import cache_data
        @cache_data(show_spinner=False)
        def foo():
            print("runs", end=" ")
            np.random.seed(1)
            return float(np.random.rand())
        import numpy as np
        foo(); foo(); foo()
        """
    )

    assert printed.split() == ["runs"]


@pytest.mark.parametrize(
    ("name", "seed", "draw"),
    [
        ("numpy", "numpy.random.seed(5)", "numpy.random.rand()"),
        ("torch", "torch.manual_seed(5)", "torch.rand(1).item()"),
    ],
)
def test_a_seed_is_left_where_the_library_is_not_loaded_yet(
    name: str, seed: str, draw: str, python: Callable[..., str]
) -> None:
    pytest.importorskip(name)
    program = f"""
        from nbcache import cache_data

        @cache_data(persist="disk", show_spinner=False)
        def seeded():
            import {name}
            {seed}

        seeded()
        import {name}
        print({draw}, seeded.info().hits)
    """
    (first, misses), (second, hits) = python(program).split(), python(program).split()
    assert (misses, hits) == ("0", "1") and first == second

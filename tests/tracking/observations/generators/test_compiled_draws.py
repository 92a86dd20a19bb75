"""Functions compiled by numba draw from generators of their own: a seed that compiled code gave them counts."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest
from counted import cached

from nbcache.engine.cache import Cache
from nbcache.tracking.observations.generators.draws import leave

numba = pytest.importorskip("numba")


def _numpy_seed(number: int) -> None:
    np.random.seed(number)


def _numpy_draws(count: int) -> float:
    last = 0.0
    for _ in range(count):
        last = np.random.randn()
    return last


def _random_seed(number: int) -> None:
    random.seed(number)


def _random_draws(count: int) -> float:
    last = 0.0
    for _ in range(count):
        last = random.random()
    return last


NAMES = ["numpy.random in compiled functions", "random in compiled functions"]


def unseed() -> None:
    for name in NAMES:
        leave(name, b"")


class Compiled(NamedTuple):
    seed: Callable[[int], None]
    draw: Callable[..., float]


@pytest.fixture(scope="module")
def compiled() -> dict[str, Compiled]:
    both = ((_numpy_seed, _numpy_draws), (_random_seed, _random_draws))
    return {name: Compiled(*map(numba.njit, one)) for name, one in zip(NAMES, both, strict=True)}


@pytest.fixture(params=NAMES)
def lib(request: pytest.FixtureRequest, compiled: dict[str, Compiled]) -> Iterator[Compiled]:
    unseed()
    yield compiled[request.param]
    unseed()


def test_cached_and_uncached_draws_give_the_same_numbers(lib: Compiled, cache: Cache, calls: Any) -> None:
    foo = cached(lambda: [lib.draw(1), lib.draw(1), lib.draw(1)], calls)
    lib.seed(1)
    plain = [lib.draw(1) for _ in range(9)]

    for runs in (2, 2):
        lib.seed(1)
        found = [*foo(), *(lib.draw(1) for _ in range(3)), *foo()]
        assert found == plain
        assert len(calls) == runs


def test_another_seed_is_a_miss_and_the_old_one_a_hit(lib: Compiled, cache: Cache, calls: Any) -> None:
    foo = cached(lambda: lib.draw(1), calls)
    lib.seed(1)
    first = foo()

    lib.seed(2)
    assert foo() != first
    lib.seed(1)
    assert foo() == first
    assert len(calls) == 2


def test_a_generator_that_nobody_seeded_does_not_count(lib: Compiled, cache: Cache, calls: Any) -> None:
    lib.draw(1)  # compiled
    foo = cached(lambda: lib.draw(1), calls)
    unseed()
    first = foo()

    unseed()

    assert (foo(), len(calls)) == (first, 1)
    assert "not seeded, its state does not count" in str(foo.explain())


def test_a_seed_counts_after_any_number_of_draws(lib: Compiled, cache: Cache, calls: Any) -> None:
    foo = cached(lambda: lib.draw(30_000), calls)
    lib.seed(1)
    plain = [lib.draw(30_000), lib.draw(1)]

    for _ in range(2):
        lib.seed(1)
        assert [foo(), lib.draw(1)] == plain
    lib.seed(2)

    assert foo() != plain[0]
    assert len(calls) == 2


def test_a_run_that_seeds_leaves_its_own_state(lib: Compiled, cache: Cache, calls: Any) -> None:
    def seed_and_draw() -> float:
        lib.seed(7)
        return lib.draw(20_000)

    foo = cached(seed_and_draw, calls)
    plain = [seed_and_draw(), lib.draw(1)]
    unseed()

    for _ in range(3):
        assert [foo(), lib.draw(1)] == plain

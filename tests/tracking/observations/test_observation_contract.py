"""The promises of an observation, held by every kind: the table of sights is that of the random programs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from random_observations import SIGHTS, WAYS, Pair, Program, known_sights, world

from nbcache import registry
from nbcache.engine.cache import Cache
from nbcache.engine.tiers import open_tiers

KINDS = [kind for kind in SIGHTS if kind in known_sights()]
#: What belongs to a thread: a thread that a run starts has its own, and so has one of a pool.
OF_A_THREAD = frozenset({"print options", "decimal", "context variable"})


@pytest.fixture(autouse=True)
def own_world(surroundings: None) -> Iterator[None]:
    with world():
        yield


class Seen:
    """A program with one sight, and the world that it looks at."""

    def __init__(self, kind: str, way: str) -> None:
        self.kind, self.name = kind, f"{kind.split()[0]}_seen"
        self.program = Program([(kind, self.name, way)])
        self.set(1)
        self.pair = Pair(self.program)

    def set(self, value: int) -> None:
        SIGHTS[self.kind].settle(self.name, value)

    def call(self) -> tuple[Any, bool]:
        """The answer, and whether it was a hit."""
        before = self.pair.runs.count
        answer = self.pair.cached["foo"]()
        return answer, self.pair.runs.count == before


@pytest.mark.parametrize(
    ("kind", "way"),
    [(kind, way) for kind in KINDS for way in WAYS if not (way in ("thread", "pool") and kind in OF_A_THREAD)],
)
def test_a_change_is_a_miss_and_a_change_back_a_hit(kind: str, way: str) -> None:
    seen = Seen(kind, way)
    first, hit = seen.call()
    assert not hit
    seen.set(1)
    assert seen.call() == (first, True)

    seen.set(0)
    changed, hit = seen.call()
    assert not hit and changed != first

    seen.set(1)
    assert seen.call() == (first, True)


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_kernel_finds_it(kind: str) -> None:
    seen = Seen(kind, "body")
    first, _ = seen.call()
    registry.replace_cache(Cache(open_tiers()))
    seen.pair = Pair(seen.program)

    seen.set(1)
    assert seen.call() == (first, True)
    seen.set(2)
    assert seen.call()[1] is SIGHTS[kind].two


@pytest.mark.parametrize("kind", KINDS)
def test_a_cached_function_that_is_a_hit_passes_it_to_the_one_around(kind: str) -> None:
    seen = Seen(kind, "cached")
    seen.pair.cached["cached_0"]()
    seen.set(1)
    first, hit = seen.call()
    assert not hit

    seen.set(0)
    changed, hit = seen.call()
    assert not hit and changed != first


@pytest.mark.parametrize("kind", KINDS)
def test_explain_names_it_below_the_key_and_when_it_has_changed(kind: str) -> None:
    seen = Seen(kind, "body")
    seen.call()
    foo = seen.pair.cached["foo"]
    seen.set(1)
    assert foo.explain().hit
    rests = str(foo.explain())

    seen.set(0)
    found = foo.explain()

    assert not found.hit and found.changed
    words = [seen.name, seen.name.upper(), *WORDS.get(kind, ())]
    assert any(word in line for word in words for line in found.changed), found.changed
    assert any(word in rests for word in words) or kind in OPTIONS, rests


@pytest.mark.parametrize("kind", KINDS)
def test_looking_and_explaining_leave_the_world_alone(kind: str) -> None:
    seen = Seen(kind, "body")
    seen.call()
    seen.set(1)
    before = sorted(os.listdir()), dict(os.environ)
    foo = seen.pair.cached["foo"]

    assert foo.is_cached() and foo.explain().hit and foo.is_cached()
    assert seen.call()[1]
    assert (sorted(os.listdir()), dict(os.environ)) == before


def test_a_run_that_sees_nothing_has_no_observations() -> None:
    from nbcache import cache_data

    @cache_data
    def foo(x: int) -> int:
        return x + 1

    foo(1)
    (entry,) = foo.entries()
    meta = registry.the_cache().tiers.peek(entry.address, False).meta  # type: ignore[union-attr]
    assert meta.plain


#: Options count only where they differ from what a fresh process has, so that a default is no line of its own.
OPTIONS = frozenset({"print options", "pandas options", "decimal", "matplotlib"})
WORDS: dict[str, tuple[str, ...]] = {
    "level": ("nbx.random",),
    "random": ("random",),
    "randint": ("random",),
    "numpy random": ("random",),
    "print options": ("numpy", "precision"),
    "pandas options": ("pandas", "max_rows"),
    "decimal": ("decimal", "prec"),
    "matplotlib": ("matplotlib", "dpi"),
    "context variable": ("asked",),
    "widget": ("widget",),
    "sqlite in memory": ("books",),
    "duckdb in memory": ("tables",),
    "warning": ("warning filters",),
    "timezone": ("timezone",),
}

"""A cached function may call itself as deep as without the cache."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from nbcache import cache_data
from nbcache.compute import recursion


@pytest.fixture(autouse=True)
def limit() -> Iterator[None]:
    """Hold a small limit, so that a test is quick; the one of before comes back."""
    before = sys.getrecursionlimit()
    depth = 0
    while True:
        try:
            sys._getframe(depth)
        except ValueError:
            break
        depth += 1
    sys.setrecursionlimit(depth + 400)
    yield
    assert sys.getrecursionlimit() == depth + 400
    sys.setrecursionlimit(before)


def _down(n: int) -> int:
    return 0 if n == 0 else 1 + _down(n - 1)


@cache_data(show_spinner=False)
def down(n: int) -> int:
    return 0 if n == 0 else 1 + down(n - 1)


@cache_data(persist="disk")
def kept(n: int) -> int:
    return 0 if n == 0 else 1 + kept(n - 1)


@cache_data
async def awaited(n: int) -> int:
    return 0 if n == 0 else 1 + await awaited(n - 1)


class Stairs:
    @cache_data
    def down(self, n: int) -> int:
        return 0 if n == 0 else 1 + self.down(n - 1)


SHAPES: dict[str, Callable[[int], int]] = {
    "a function": down,
    "kept on disk": kept,
    "a method": lambda n: Stairs().down(n),
    "awaited": lambda n: asyncio.run(awaited(n)),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_recursion_is_as_deep_as_without_the_cache(shape: str) -> None:
    assert _down(340) == SHAPES[shape](340) == 340


def test_recursion_without_an_end_is_the_error_that_it_is_without_the_cache() -> None:
    @cache_data
    def endless(n: int) -> int:
        return endless(n + 1)

    with pytest.raises(RecursionError):
        endless(0)


def test_a_function_cached_at_the_bottom_of_plain_recursion_is_called() -> None:
    @cache_data
    def leaf(n: int) -> int:
        return n + 1

    def plain(n: int) -> int:
        return leaf(n) if n == 0 else plain(n - 1)

    assert plain(330) == 1


def test_a_limit_that_the_program_sets_meanwhile_stays() -> None:
    given = [recursion.make_room(recursion.SHALLOW + 1 + one) for one in range(3)]
    ours, own = sys.getrecursionlimit(), sys.getrecursionlimit() + 1000
    sys.setrecursionlimit(own)
    assert recursion.make_room(recursion.SHALLOW + 4) == 0
    recursion.give_back(given.pop())
    assert sys.getrecursionlimit() == own
    sys.setrecursionlimit(ours)
    for frames in given:
        recursion.give_back(frames)


def test_threads_that_go_deep_at_the_same_time_leave_the_limit_as_it_was() -> None:
    start, found = threading.Barrier(4), []

    def dive() -> None:
        start.wait()
        found.append(Stairs().down(60))

    threads = [threading.Thread(target=dive) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [60] * 4

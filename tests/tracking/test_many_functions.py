"""The key of an object that holds many functions takes as many steps as it has parts, however they lead back to it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from nbcache.hashing import hasher
from nbcache.tracking.argument_code import ArgumentCode, digest_followed


class Registry:
    """Handlers of an interpreter, a context of mpmath: each handler knows the registry."""


def by_closure(count: int) -> Any:
    made = Registry()
    for number in range(count):

        def handler(number: int = number) -> Any:
            return made, number

        setattr(made, f"handle_{number}", handler)
    return made


def by_default(count: int) -> Any:
    made = Registry()
    for number in range(count):

        def handler(number: int = number, me: Any = made) -> Any:
            return me, number

        setattr(made, f"handle_{number}", handler)
    return made


def by_table(count: int) -> Any:
    table: dict[str, Any] = {}
    for number in range(count):

        def handler(number: int = number) -> Any:
            return table, number

        table[f"handle_{number}"] = handler
    return table


def in_a_circle(count: int) -> Any:
    cells: list[Any] = [None] * count

    def made(number: int) -> Any:
        return lambda: cells[(number + 1) % count]

    cells[:] = map(made, range(count))
    return cells


def by_method(count: int) -> Any:
    made = Registry()
    for number in range(count):
        setattr(made, f"handle_{number}", wrapped(made.__init__, number))
    return made


def wrapped(function: Any, number: int) -> Any:
    def called() -> Any:
        return function, number

    return called


SHAPES = [by_closure, by_default, by_table, in_a_circle, by_method]


def steps(work: Callable[[], object]) -> int:
    """Count the calls of Python functions that `work` takes: the same on every machine."""
    count = 0

    def counted(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(counted)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("code", [None, ArgumentCode])
def test_twice_the_functions_take_about_twice_the_steps(shape: Any, code: Any) -> None:
    few, many = shape(40), shape(160)
    digest_followed(shape(3))
    once = steps(lambda: digest_followed(few, None, code and code()))
    more = steps(lambda: digest_followed(many, None, code and code()))
    assert more < 6 * once  # four times as many, and something to spare: 16 for a square, 64 for a cube


@pytest.mark.parametrize("shape", SHAPES)
def test_equal_ones_have_one_key_and_others_another(shape: Any) -> None:
    assert digest_followed(shape(5)) == digest_followed(shape(5)) != digest_followed(shape(6))


def test_one_changed_handler_among_many_is_another_key() -> None:
    def registry(answer: Any) -> Any:
        made = by_closure(10)
        made.handle_7 = answer
        return made

    one, same, other = (registry(eval(f"lambda: {n}")) for n in (1, 1, 2))
    assert digest_followed(one) == digest_followed(same) != digest_followed(other)


def test_what_a_handler_holds_counts_though_its_registry_was_met() -> None:
    def registry(held: Any) -> Any:
        made = by_closure(5)
        made.last = lambda: (made, held)
        return made

    class Box:
        def __init__(self, content: int) -> None:
            self.content = content

    assert digest_followed(registry(Box(1))) == digest_followed(registry(Box(1)))
    assert digest_followed(registry(Box(1))) != digest_followed(registry(Box(2)))


def test_two_functions_that_change_places_are_another_key() -> None:
    def box(content: list[int]) -> Any:
        return lambda: content

    class Held:
        def __init__(self, content: int) -> None:
            self.content = content

    one, two = box(Held(1)), box(Held(2))  # type: ignore[arg-type]
    assert digest_followed([one, two]) != digest_followed([two, one])


GRAPHS = {
    "a deep chain": lambda n: deep(n),
    "a wide fan": lambda n: [[number] for number in range(n)],
    "a circle of dicts": lambda n: circle(n),
    "many small objects": lambda n: [small(number) for number in range(n)],
    "all hold all": lambda n: all_hold_all(int(n**0.5)),
}


def deep(count: int) -> Any:
    value: Any = []
    for _ in range(count):
        value = {"next": value}
    return value


def circle(count: int) -> Any:
    ring: list[dict[str, Any]] = [{} for _ in range(count)]
    for place, part in enumerate(ring):
        part["next"] = ring[place - 1]
    return ring[0]


def small(number: int) -> Any:
    made = Registry()
    made.number = number  # type: ignore[attr-defined]
    return made


def all_hold_all(count: int) -> Any:
    parts = [Registry() for _ in range(count)]
    for part in parts:
        part.all = list(parts)  # type: ignore[attr-defined]
    return parts


@pytest.mark.parametrize("graph", GRAPHS)
def test_a_graph_four_times_as_large_takes_four_times_the_steps(graph: str) -> None:
    few, many = GRAPHS[graph](500), GRAPHS[graph](2000)
    once, more = steps(lambda: hasher.digest(few)), steps(lambda: hasher.digest(many))
    assert more < 6 * max(once, 100)


def test_a_million_small_objects_are_written_in_columns() -> None:
    many = [small(number) for number in range(200_000)]
    assert steps(lambda: hasher.digest(many)) < 1000

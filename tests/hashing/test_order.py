"""Sets and dicts with keys of any kind: an order by content, at costs that grow with the size of the value only."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

from nbcache.hashing.hasher import digest
from nbcache.hashing.walk import Walk


class Node:
    """Known by its identity to a set, and by what it holds to a digest."""

    def __init__(self, name: str, **held: Any) -> None:
        self.name = name
        self.__dict__.update(held)


@pytest.fixture
def met(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many values each level of each walk had: what a digest costs, on a machine of any speed."""
    sizes: list[int] = []
    level = Walk._level

    def counted(walk: Walk, values: list[Any]) -> None:
        sizes.append(len(values))
        level(walk, values)

    monkeypatch.setattr(Walk, "_level", counted)
    return sizes


def cost(met: list[int], value: object) -> int:
    met.clear()
    digest(value)
    return sum(met)


def sets_in_dicts(size: int, depth: int = 5) -> object:
    """Make dicts whose keys are objects that hold sets of objects that hold such dicts, all of one graph."""
    every = [Node(f"{number}") for number in range(size)]
    for level in range(depth):
        every = [
            Node(f"{level} {number}", members={*every[:size]}, table=dict.fromkeys(every, number))
            for number in range(size)
        ]
    return {*every}


def ring(size: int) -> object:
    """Make functions' kind of graph: each of many holds the set of all of them."""
    every = [Node(f"{number}") for number in range(size)]
    for node in every:
        node.__dict__["all"] = {*every}
    return {*every}


def equal_parts(size: int) -> object:
    """Make elements that look the same at any depth, each of which reaches all others."""
    every = [Node("same") for _ in range(size)]
    for node in every:
        node.__dict__["all"] = {*every}
    return {*every}


def nested_sets(size: int, depth: int = 8) -> object:
    inner: Any = frozenset({("a", None), ("b", 1)})
    for number in range(depth):
        inner = frozenset({("left", number, inner), ("right", None, inner)})
    return [inner for _ in range(size)]


def hub_of_a_set(size: int) -> object:
    """Make what knows the set of its parts, of which each knows it: a tree, a graph, a register of listeners."""
    hub = Node("hub", all=set())
    hub.__dict__["all"].update(Node(f"{number}", hub=hub) for number in range(size))
    return hub


def hub_of_a_dict(size: int) -> object:
    hub = Node("hub", names={}, table={})
    for number in range(size):
        part = Node(f"{number}", hub=hub)
        hub.__dict__["names"][part.name] = hub.__dict__["table"][part] = part
    return hub


def references(value: object) -> int:
    """How many parts a value has, each shared one once, with what refers to it: what the digest has to look at."""
    seen, rest, found = set(), [value], 0
    while rest:
        part = rest.pop()
        found += 1
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, Node):
            rest.append(part.__dict__)
        elif isinstance(part, dict):
            rest += [*part.keys(), *part.values()]
        elif isinstance(part, (set, frozenset, list, tuple)):
            rest += part
    return found


@pytest.mark.parametrize("make", [sets_in_dicts, ring])
@pytest.mark.parametrize("size", [2, 6, 12])
def test_sets_in_dicts_in_sets_cost_a_multiple_of_their_size(make: Any, size: int, met: list[int]) -> None:
    value = make(size)

    assert cost(met, value) < 100 * references(value) + 40_000


@pytest.mark.parametrize("make", [hub_of_a_set, hub_of_a_dict])
def test_elements_that_lead_back_to_what_holds_them_are_looked_at_alone(make: Any, met: list[int]) -> None:
    assert cost(met, make(400)) < 12 * 400


@pytest.mark.parametrize("make", [hub_of_a_set, hub_of_a_dict])
def test_what_an_element_leads_back_to_counts_by_content(make: Any) -> None:
    one, same, other = make(20), make(20), make(20)
    next(iter(other.__dict__.get("all") or other.table)).hub = Node("hub")

    assert digest(one) == digest(same) != digest(other)


def test_elements_of_sets_within_sets_lead_back_to_what_holds_them() -> None:
    def made(last: object) -> object:
        hub = Node("hub", all=set())
        for number in range(6):
            parts = {Node(f"{number} {place}", hub=hub, all=hub.__dict__["all"]) for place in range(6)}
            hub.__dict__["all"].add(frozenset({*parts, None}))
        hub.__dict__["last"] = last
        return hub

    assert digest(made(1)) == digest(made(1)) != digest(made(2))


def test_elements_that_look_the_same_cost_no_more_than_a_walk_has_to_spare(met: list[int]) -> None:
    assert cost(met, equal_parts(60)) < 100_000


def test_frozensets_in_frozensets_cost_no_more_than_the_looks_at_each(met: list[int]) -> None:
    assert cost(met, nested_sets(1)) < 100_000


@pytest.mark.parametrize(
    "pair",
    [
        ({(1, None), ("a", 2)}, {(1, None), ("a", 3)}),
        ({frozenset({(1, None), (2, "b")}), "x"}, {frozenset({(1, None), (2, "c")}), "x"}),
        ({(*range(500), None), (*range(500), 1.0)}, {(*range(500), None), (*range(500), 2.0)}),
        ({(*range(5000), "a", None), "x"}, {(*range(5000), "b", None), "x"}),
    ],
    ids=["tuples", "frozensets", "late difference", "later difference"],
)
def test_a_difference_in_any_element_is_another_digest(pair: tuple[Any, Any]) -> None:
    one, other = pair

    assert digest(one) != digest(other)
    assert digest(dict.fromkeys(one, 0)) != digest(dict.fromkeys(other, 0))


PROGRAM = """
from nbcache.hashing.hasher import digest
class Node:
    def __init__(self, name, **held):
        self.name = name
        self.__dict__.update(held)
deep = {Node(f"{n}", tail={Node(f"{n} {m}", more={(m, None), ("x", n)}) for m in range(9)}) for n in range(9)}
late = {tuple([*range(2000), name, None]) for name in "abcdefgh"}
later = {Node("same", content=[*range(300), Node(name)]) for name in "abcdefgh"}
within = {frozenset({(name, None), *[(number, 1.5) for number in range(200)]}) for name in "abcdefgh"}
print([digest(value).hex() for value in (deep, late, later, within, dict.fromkeys(later, 1))])
"""


def test_the_order_is_that_of_the_content_whatever_the_seed_of_hashes_and_the_addresses() -> None:
    found = {
        subprocess.run(
            [sys.executable, "-c", f"filler = [object() for _ in range({1000 * seed})]\n{PROGRAM}"],
            env={**os.environ, "PYTHONHASHSEED": str(seed), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in (1, 2, 3)
    }

    assert len(found) == 1

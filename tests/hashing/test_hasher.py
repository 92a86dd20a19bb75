"""A value in, a digest out: by full content, the same in every process."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hashed import Model, in_another_process

from nbcache.hashing.hasher import digest


def test_digests_are_the_same_under_every_hash_seed() -> None:
    source = """
        import collections, dataclasses, datetime, decimal, enum, functools, pathlib, random, zoneinfo
        import numpy as np, pandas as pd

        class Colour(enum.Enum):
            RED = "red"

        @dataclasses.dataclass
        class Node:
            name: str
            near: set = dataclasses.field(default_factory=set)
            __hash__ = object.__hash__

        one, two = Node("one"), Node("two")
        one.near |= {two, Node("three")}
        two.near |= {one}
        values = [
            {"a", "b", "c", "d"}, frozenset({("a", 1), ("b", 2.5), None}), {frozenset({"x", "y"}), frozenset({"z"})},
            {"k": {"m": 1, "l": {"p", "q"}}}, {("a", 1): 2, "b": 3, None: 4, 2.5: 1, Colour.RED: 5},
            collections.Counter("hello"), Colour.RED, Colour, one, [one, two], {one},
            functools.partial(sorted, key=len), lambda x, y={"u", "v"}: x in {"s", "t", "w"},
            Node, np.array([{"a", "b"}, "c"], dtype=object), pd.DataFrame({"a": ["x", "y"], "b": [1, 2]}),
            pd.Series(["x", "y"], dtype="category"), random.Random(1), decimal.Decimal("1.5"),
            datetime.datetime(2024, 1, 1, tzinfo=zoneinfo.ZoneInfo("UTC")), pathlib.PurePosixPath("a/b"),
            {"a", "b"} | {1, 2.5},
        ]
        print([digest(value).hex() for value in values])
    """
    assert in_another_process(source, 0) == in_another_process(source, 1) == in_another_process(source, 4242)


def test_a_digest_has_sixteen_bytes() -> None:
    assert len(digest(1)) == len(digest([1])) == len(digest(Model())) == 16


def test_values_in_known_containers_and_alone_are_worked_out_alike() -> None:
    value = {"a": [1, {"b": 2}], "c": (1, 2)}
    first = digest(value)
    assert digest(value) == first == digest(copy.deepcopy(value))
    value["a"][1]["b"] = 3
    assert digest(value) != first


def test_a_very_deep_value_has_a_digest() -> None:
    def nest(depth: int, leaf: object) -> object:
        for _ in range(depth):
            leaf = [leaf]
        return leaf

    assert digest(nest(20_000, 1)) == digest(nest(20_000, 1))
    assert digest(nest(20_000, 1)) != digest(nest(20_000, 2))
    assert digest(nest(20_000, 1)) != digest(nest(20_001, 1))


def test_a_tuple_shared_at_every_depth_does_not_take_for_ever() -> None:
    def fold(leaf: object) -> object:
        for _ in range(40):
            leaf = (leaf, leaf)
        return leaf

    assert digest(fold(1)) == digest(fold(1)) != digest(fold(2))


FOLDS: dict[str, Callable[[Any, int], Any]] = {
    "a set and a set of it": lambda leaf, n: frozenset([leaf, n, frozenset([leaf])]),
    "sets in tuples": lambda leaf, n: (frozenset([leaf, n]), frozenset([leaf, -1 - n])),
    "tuples in sets": lambda leaf, n: frozenset([(leaf, n), (n, leaf)]),
}


@pytest.mark.parametrize("fold", FOLDS.values(), ids=FOLDS)
def test_what_is_shared_at_every_depth_of_sets_does_not_take_for_ever(fold: Callable[[Any, int], Any]) -> None:
    def folded(leaf: object, turned: bool = False) -> object:
        for n in range(40):
            leaf = fold(leaf, n)
            # made in another order, and of copies that are not shared
            leaf = frozenset(reversed(list(leaf))) if turned and isinstance(leaf, frozenset) else leaf
        return leaf

    assert digest(folded("a")) == digest(folded("a", turned=True)) != digest(folded("b"))
    assert digest(folded(-5)) != digest(folded(-5.0))


def test_objects_in_sets_that_refer_to_each_other_have_a_digest() -> None:
    one, two = Model(name="one"), Model(name="two")
    one.near, two.near = {two, one}, {one, two}
    assert digest(one) == digest(copy.deepcopy(one))
    assert digest(one) != digest(two)


def test_many_types_on_one_level_are_told_apart() -> None:
    kinds = [type(f"Kind{place}", (Model,), {}) for place in range(300)]
    values = [kind(a=1) for kind in kinds]
    swapped = [values[1], values[0], *values[2:]]
    assert digest(values) == digest([kind(a=1) for kind in kinds])
    assert digest(values) != digest(swapped)


# Code


def test_the_code_hook_is_asked_for_functions_classes_and_modules() -> None:
    asked: list[object] = []

    def code(value: object) -> bytes:
        asked.append(value)
        return b"0" * 16

    def function() -> None: ...

    digest([function, Model, Model.__init__], code=code)
    assert function in asked
    assert Model in asked
    assert Model.__init__ in asked


def test_the_code_of_its_class_counts_for_an_object() -> None:
    assert digest(Model(a=1), code=lambda value: b"1") != digest(Model(a=1), code=lambda value: b"2")
    assert digest([1, {"a": "b"}], code=lambda value: b"1") == digest([1, {"a": "b"}], code=lambda value: b"2")


def test_a_class_whose_code_leads_to_its_own_instance_ends() -> None:
    instance = Model(a=1)

    def code(value: object) -> bytes:
        return digest(instance, code=code)

    assert digest(instance, code=code) == digest(instance, code=code)


def test_an_edited_method_changes_a_class_given_as_value() -> None:
    def make(result: int) -> type:
        class Local:
            size = 3

            def run(self) -> int:
                return result

        return Local

    assert digest(make(1)) == digest(make(1)) != digest(make(2))


def test_a_recursive_closure_has_a_digest() -> None:
    def make(step: int) -> Any:
        def down(n: int) -> int:
            return down(n - step) if n > 0 else 0

        return down

    assert digest(make(1)) == digest(make(1)) != digest(make(2))


# Imports and summaries


def test_hashing_imports_no_guest() -> None:
    guests = ("numpy", "pandas", "polars", "pyarrow", "torch", "scipy", "PIL", "joblib", "IPython", "asyncio")
    source = f"digest([1, {{'a': object}}, lambda: 1]); print([name for name in {guests!r} if name in sys.modules])"
    assert in_another_process(source, 0).strip() == "[]"

"""What a user says of a type: `hash_funcs` and `__cache_key__`."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from hashed import Child, Model

from nbcache.errors import UserHashError
from nbcache.hashing.hasher import digest

# hash_funcs


def test_a_hash_function_stands_for_the_values_of_its_type() -> None:
    funcs = {Model: lambda model: model.name}
    assert digest(Model(name="a", noise=1), funcs) == digest(Model(name="a", noise=2), funcs)
    assert digest(Model(name="a"), funcs) != digest(Model(name="b"), funcs)
    assert digest([{"k": Model(name="a", x=threading.Lock())}], funcs) == digest([{"k": Model(name="a")}], funcs)


def test_a_hash_function_goes_by_exact_type_and_then_by_bases() -> None:
    funcs = {Model: lambda model: "base", Child: lambda model: model.name}
    assert digest(Child(name="a"), funcs) != digest(Child(name="b"), funcs)
    assert digest(Child(name="a"), {Model: lambda model: 1}) == digest(Child(name="b"), {Model: lambda model: 1})


def test_types_with_equal_hash_results_stay_apart() -> None:
    funcs = {Model: lambda model: 1, "_thread.lock": lambda lock: 1}
    results = {digest(Model(), funcs), digest(Child(), funcs), digest(threading.Lock(), funcs), digest(1, funcs)}
    assert len(results) == 4


@pytest.mark.parametrize("key", [f"{Model.__module__}.Model", Model])
def test_a_type_can_be_given_by_name(key: Any) -> None:
    assert digest(Model(a=1), {key: lambda model: 0}) == digest(Model(a=2), {key: lambda model: 0})


def test_builtin_types_can_be_given_too_and_may_return_their_own_type() -> None:
    lower = {str: str.lower}
    assert digest("ABC", lower) == digest("abc", lower) != digest("abd", lower)
    assert digest({"K": ["ABC"]}, lower) == digest({"k": ["abc"]}, lower)
    assert digest([1.04] * 300, {float: lambda x: round(x, 1)}) == digest([1.0] * 300, {float: lambda x: round(x, 1)})


def test_hash_functions_for_other_types_change_nothing() -> None:
    for value in (1, "a", [1, "a"], [1] * 300, {"a": {1, 2}}, Child(a=1)):
        assert digest(value, {complex: abs}) == digest(value, {complex: repr})


def test_what_a_hash_function_returns_is_hashed_fully() -> None:
    inner = {Model: lambda model: [model.part], complex: lambda value: value.real}
    assert digest(Model(part=1 + 2j), inner) == digest(Model(part=1 + 3j), inner)
    assert digest(Model(part=1j), {Model: lambda model: [model.part]}) != digest(
        Model(part=2j), {Model: lambda m: [m.part]}
    )


def test_a_failing_hash_function_is_named_with_the_type() -> None:
    def broken(model: Model) -> Any:
        raise RuntimeError("no such layer")

    with pytest.raises(UserHashError, match=r"(?s)broken.*Model.*no such layer"):
        digest([Model()], {Model: broken})


def test_a_failing_cache_key_is_named_with_the_type() -> None:
    class Broken:
        def __cache_key__(self) -> Any:
            raise RuntimeError("not ready")

    with pytest.raises(UserHashError, match=r"(?s)__cache_key__.*Broken.*not ready"):
        digest(Broken())

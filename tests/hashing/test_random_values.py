"""Values made at random: equal ones agree, in every process, and any change is seen."""

from __future__ import annotations

import copy
import pickle
import struct
from typing import Any

from hashed import Model, in_another_process
from hypothesis import given, settings
from hypothesis import strategies as st

from nbcache.hashing.hasher import digest

# Random values
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.complex_numbers()
    | st.text(max_size=5)
    | st.binary(max_size=5)
    | st.decimals(allow_nan=False)
    | st.datetimes()
    | st.uuids()
    | st.sampled_from([..., range(3), int, len])
)
keys = st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.tuples(st.integers(), st.text(max_size=2))


def grow(inner: Any) -> Any:
    return (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(keys, inner, max_size=4)
        | st.sets(keys, max_size=4)
        | st.frozensets(keys, max_size=3)
        | st.builds(lambda part: Model(part=part), inner)
        | st.builds(lambda part: [part, part], inner)
    )


values = st.recursive(leaves, grow, max_leaves=12)


@settings(max_examples=200, deadline=None)
@given(values)
def test_copies_of_any_value_agree(value: Any) -> None:
    expected = digest(value)
    assert digest(value) == expected
    assert digest(copy.deepcopy(value)) == expected
    assert digest(pickle.loads(pickle.dumps(value))) == expected


@settings(max_examples=200, deadline=None)
@given(values, values)
def test_two_values_agree_only_when_they_are_written_alike(one: Any, other: Any) -> None:
    assert (digest(one) == digest(other)) == (canonical(one) == canonical(other))


@settings(max_examples=100, deadline=None)
@given(values, values)
def test_any_change_inside_changes_the_digest(value: Any, part: Any) -> None:
    nested = [value, {"k": [part]}]
    before = digest(nested)
    nested[1]["k"].append(None)
    assert digest(nested) != before
    nested[1]["k"].pop()
    assert digest(nested) == before


def canonical(value: Any, met: dict[int, int] | None = None) -> str:
    """Write a random value down, slowly and plainly, sharing included."""
    met = {} if met is None else met
    kind = type(value).__name__
    if isinstance(value, (list, dict, set, Model)):
        if id(value) in met:
            return f"<{met[id(value)]}>"
        met[id(value)] = len(met)
    if isinstance(value, Model):
        return f"Model({canonical(value.part, met)})"
    if isinstance(value, (list, tuple)):
        return f"{kind}[{', '.join(canonical(part, met) for part in value)}]"
    if isinstance(value, (set, frozenset)):
        return f"{kind}[{', '.join(sorted(canonical(part, met) for part in value))}]"
    if isinstance(value, dict):
        items = sorted(value.items(), key=lambda item: canonical(item[0]))
        return f"dict[{', '.join(f'{canonical(key)}: {canonical(part, met)}' for key, part in items)}]"
    if isinstance(value, float):
        return struct.pack("<d", value).hex()
    if isinstance(value, complex):
        return struct.pack("<dd", value.real, value.imag).hex() + "j"
    return f"{kind} {value!r}"


def test_random_values_have_the_same_digests_under_another_hash_seed() -> None:
    source = """
        import random
        rng = random.Random(7)
        def leaf():
            return rng.choice([None, True, rng.random(), rng.randrange(10**20), str(rng.random()), b"x", (1, "a")])
        def value(depth):
            if depth == 0 or rng.random() < 0.2:
                return leaf()
            kind = rng.randrange(5)
            parts = [value(depth - 1) for _ in range(rng.randrange(4))]
            if kind == 0: return parts
            if kind == 1: return tuple(parts)
            if kind == 2: return {str(rng.random()): part for part in parts}
            if kind == 3: return {leaf(): part for part in parts}
            return frozenset(leaf() for _ in range(5))
        print([digest(value(5)).hex() for _ in range(300)])
    """
    assert in_another_process(source, 1) == in_another_process(source, 2)

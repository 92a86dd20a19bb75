"""Bytes from others: nothing but a genuine entry, whole and in its place, is ever unpickled."""

from __future__ import annotations

import os
import pickle
import random
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packing import ADDRESS, META, opened, packed, write

from nbcache.entries import layout
from nbcache.entries.entry import Address, Entry
from nbcache.entries.keyfile import Secret
from nbcache.entries.safe import UnsafeEntryError
from nbcache.entries.signing import Keyring
from nbcache.entries.verified import VerifiedFiles
from nbcache.errors import DamagedEntryError, ForeignEntryError

PREFIX = 24
SECRET = Secret(b"k" * 32)
KEYS = Keyring([SECRET])
OTHER = Keyring.ephemeral()
loaded: list[str] = []


def record(name: str) -> str:
    """What a planted pickle would run."""
    loaded.append(name)
    return name


class Canary:
    """Loading it is noticed."""

    def __init__(self, name: str = "canary") -> None:
        self.name = name

    def __reduce__(self) -> Any:
        return record, (self.name,)


@pytest.fixture(autouse=True)
def nothing_loaded() -> Iterator[None]:
    """No test of this room may unpickle a canary."""
    loaded.clear()
    yield
    assert loaded == []


SMALL = {
    "keep": (1, "text"),
    "copy": {"a": 1},
    "load": [Canary()],
    "buffer": {"canary": Canary(), "array": np.arange(200)},
    "shallow": pd.DataFrame({"a": [1.0], "s": ["x"]}),
}


def refused(data: Any, address: Address = ADDRESS, keyring: Keyring = KEYS, **options: Any) -> bool:
    """Whether opening is refused in the one way that is a miss."""
    try:
        Entry.open(data, address, keyring, **options)
    except (DamagedEntryError, ForeignEntryError):
        return True
    return False


@pytest.mark.parametrize("name", SMALL)
def test_a_flip_of_any_byte_is_noticed(name: str) -> None:
    genuine = packed(SMALL[name], KEYS)
    for place in range(len(genuine)):
        for flip in (0x01, 0x80):
            altered = bytearray(genuine)
            altered[place] ^= flip
            assert refused(bytes(altered)), f"byte {place} of {len(genuine)}"


@pytest.mark.parametrize("name", SMALL)
def test_a_cut_at_any_length_is_noticed(name: str) -> None:
    genuine = packed(SMALL[name], KEYS)
    assert all(refused(genuine[:length]) for length in range(len(genuine)))


@pytest.mark.parametrize("more", [b"\0", b"x", bytes(4096), b"\x89NBCACHE"])
def test_bytes_behind_the_end_are_noticed(more: bytes) -> None:
    assert refused(packed([Canary()], KEYS) + more)
    assert refused(packed({"c": Canary(), "a": np.arange(200)}, KEYS) + more)


@pytest.mark.parametrize(
    "address",
    [
        Address("module.other", ADDRESS.key),
        Address(ADDRESS.owner, "0" * 40),
        Address(ADDRESS.owner, ADDRESS.key + "-" + "0" * 16),
        Address(ADDRESS.owner + ADDRESS.key, ""),
    ],
)
def test_a_genuine_entry_under_another_address_is_refused(address: Address) -> None:
    with pytest.raises(DamagedEntryError, match="belongs to"):
        Entry.open(packed([Canary()], KEYS), address, KEYS)


def test_two_genuine_entries_cannot_be_spliced() -> None:
    one, two = ([Canary("first"), np.arange(200)], [Canary("other"), np.arange(200)[::-1]])
    first, second = packed(one, KEYS), packed(two, KEYS)
    assert len(first) == len(second)
    differing = [place for place in range(len(first)) if first[place] != second[place]]
    for cut in differing[1:]:
        assert refused(first[:cut] + second[cut:])


def test_the_header_of_one_entry_means_nothing_before_the_body_of_another() -> None:
    pieces = [Entry.of([Canary(name)], META).pack(ADDRESS, KEYS) for name in ("first", "other")]
    assert refused(b"".join([pieces[0][0], *pieces[1][1:]]))


def test_buffers_of_another_entry_are_refused(tmp_path: Path) -> None:
    first = Entry.of(np.arange(300_000), META).pack(ADDRESS, KEYS)
    second = Entry.of(np.arange(300_000) + 1, META).pack(ADDRESS, KEYS)
    spliced = write(tmp_path / "spliced", [*first[:-1], second[-1]])
    with pytest.raises(DamagedEntryError, match="buffers were altered"):
        opened(spliced, KEYS)


@pytest.mark.parametrize("version", [0, 2, 0xFFFF])
def test_no_other_version_is_read(version: int) -> None:
    genuine = packed([Canary()], KEYS)
    with pytest.raises(DamagedEntryError, match="version"):
        Entry.open(genuine[:8] + struct.pack("<H", version) + genuine[10:], ADDRESS, KEYS)


# --- planted


def plants() -> dict[str, bytes]:
    """Files that somebody without the key can make."""
    evil = pickle.dumps([Canary()])
    genuine = packed([Canary()], OTHER)
    own_id = bytes.fromhex(KEYS.id)
    return {
        "a pickle": evil,
        "nothing": b"",
        "zeros": bytes(5000),
        "a prefix": genuine[:PREFIX],
        "another key": genuine,
        "another key under our name": genuine[:16] + own_id + genuine[24:],
        "no signature": packed([Canary()], KEYS)[:PREFIX] + evil,
        "a long header": genuine[:12] + struct.pack("<I", 0xFFFFFFFF) + own_id + evil,
        "a header as long as the file": genuine[:12] + struct.pack("<I", len(genuine) - 56) + own_id + genuine[24:],
        "deep nesting": genuine[:16] + own_id + b"[" * 100_000,
        "deep pickle": b"\x80\x05" + b"(" * 100_000,
    }


@pytest.mark.parametrize("name", plants())
@pytest.mark.parametrize("trust", ["sign", "strict", "safe"])
def test_a_planted_file_is_never_run(tmp_path: Path, name: str, trust: str) -> None:
    path = write(tmp_path / "planted", [plants()[name]])
    memo = VerifiedFiles(lambda: tmp_path / "memo", KEYS)
    with pytest.raises((DamagedEntryError, ForeignEntryError)):
        opened(path, KEYS, trust=trust, memo=memo)
    with pytest.raises((DamagedEntryError, ForeignEntryError)):
        Entry.peek(plants()[name], KEYS)


def test_a_planted_system_command_does_not_run(tmp_path: Path) -> None:
    class Command:
        def __reduce__(self) -> Any:
            return os.system, (f"touch {tmp_path / 'executed'}",)

    for data in (pickle.dumps(Command()), packed(Command(), OTHER)):
        assert refused(data) and refused(data, trust="safe")
    assert not (tmp_path / "executed").exists()


def test_another_key_is_foreign_and_not_damage() -> None:
    with pytest.raises(ForeignEntryError):
        Entry.open(packed([Canary()], OTHER), ADDRESS, KEYS)


def test_an_entry_of_an_older_key_is_ours() -> None:
    ring = Keyring([Secret.fresh(), SECRET])
    assert Entry.open(packed([1, [2]], KEYS), ADDRESS, ring).value() == [1, [2]]


def test_a_colliding_key_name_is_not_enough() -> None:
    stranger = Keyring.ephemeral()
    stranger.id, stranger.ids = KEYS.id, KEYS.ids
    with pytest.raises(DamagedEntryError, match="signature"):
        Entry.open(packed([Canary()], stranger), ADDRESS, KEYS)


# --- headers that a key of ours signed and that lie: a bug of ours, or of a friend who shares the key


def signed(sections: Any, buffers: Any, facts: Any = None, rest: bytes = b"") -> bytes:
    """An entry with a genuine signature over any header."""
    import json

    text = json.dumps({"facts": facts, "sections": sections, "buffers": buffers}).encode()
    prefix = struct.pack("<8sHHI8s", b"\x89NBCACHE", 1, 0, len(text), bytes.fromhex(KEYS.id))
    return prefix + text + KEYS.sign(b"entry/v1", prefix, text) + rest


EMPTY = [[0, ""]] * 5


@pytest.mark.parametrize(
    ("sections", "buffers", "facts"),
    [
        ([[1 << 62, ""]] * 5, [0, ""], {}),
        (EMPTY, [1 << 62, ""], {}),
        (EMPTY, [-4096, ""], {}),
        ([[-10, ""], [10, ""], [0, ""], [0, ""], [0, ""]], [0, ""], {}),
        ([[True, ""]] * 5, [0, ""], {}),
        ([[0.0, ""]] * 5, [0, ""], {}),
        ([], [0, ""], {}),
        (EMPTY * 2, [0, ""], {}),
        (EMPTY, [0, "not hex"], {}),
        (EMPTY, [0, ""], None),
        (EMPTY, [0, ""], {}),
        (EMPTY, [0, ""], []),
        (None, None, None),
        (EMPTY, {"a": 1}, {}),
    ],
)
def test_a_signed_header_that_lies_is_refused_and_takes_no_memory(sections: Any, buffers: Any, facts: Any) -> None:
    assert refused(signed(sections, buffers, facts))


@pytest.mark.parametrize(
    "rows",
    [[(0, 1 << 62, 0x77)], [(64, 8, 0x77), (0, 8, 0x77)], [(0, 10, 0x77), (5, 5, 0x77)], [(0, 10, 0)], [(0, 8, 0x77)]],
)
def test_a_table_that_lies_is_refused(rows: list[tuple[int, int, int]]) -> None:
    table = b"".join(struct.pack("<QQB", *row) for row in rows)
    with pytest.raises(DamagedEntryError):
        layout.unpack_table(table, 10)
    with pytest.raises(DamagedEntryError):
        layout.unpack_table(table[:-1], 10)


# --- files that are no files


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DamagedEntryError, match="plain file"):
        opened(tmp_path / "pipe", KEYS)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DamagedEntryError, match="plain file"):
        opened(tmp_path, KEYS)


def test_a_hard_link_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "entry", [packed([Canary()], KEYS)])
    os.link(path, tmp_path / "second name")
    with pytest.raises(DamagedEntryError, match="hard link"):
        opened(path, KEYS)


def test_a_closed_descriptor_is_damage_and_not_a_crash() -> None:
    assert refused(10_000)


def test_a_sparse_file_takes_no_memory(tmp_path: Path) -> None:
    path = write(tmp_path / "sparse", [packed([Canary()], KEYS)])
    os.truncate(path, 1 << 40)
    with pytest.raises(DamagedEntryError, match="bytes instead of"):
        opened(path, KEYS)


# --- safe mode: nothing that could run code


HARMLESS = [
    None, 1, "a", [1, (2, {"b": {3}})], b"x" * (2 << 20), bytearray(b"x"), 1j, range(3), frozenset((1,)),
    np.arange(5), np.arange(300_000.0), np.array(["a"]), np.array([1], "M8[s]"), {"a": np.ones((2, 3), order="F")},
    np.float64(2), np.broadcast_to(1, (2, 2)), pd.Timestamp(0).to_pydatetime(), Path("a"),
]  # fmt: skip


@pytest.mark.parametrize("value", HARMLESS, ids=lambda value: repr(value)[:30])
def test_plain_values_and_arrays_load_in_safe_mode(value: Any) -> None:
    back = Entry.open(packed(value, KEYS), ADDRESS, KEYS, trust="safe").value()
    assert type(back) is type(value)
    assert repr(back) == repr(value)


@pytest.mark.parametrize(
    "value",
    [
        Canary(), [Canary()], len, Canary, os.system, np.array([Canary()], dtype=object), lambda: 1, np.zeros,
        pd.DataFrame({"a": [1]}), np.zeros(3000, [("a", "f8")]), OSError("x"), {"deep": [(Canary(),)]},
    ],
    ids=lambda value: getattr(value, "__name__", None) or repr(value)[:30],
)  # fmt: skip
def test_everything_else_is_a_silent_miss(value: object) -> None:
    with pytest.raises(UnsafeEntryError):
        Entry.open(packed(value, KEYS), ADDRESS, KEYS, trust="safe")


# --- fuzzing


GENUINE = [packed(SMALL[name], KEYS) for name in SMALL]


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(GENUINE), st.randoms(use_true_random=False), st.binary(max_size=100), st.integers(1, 6))
def test_no_mixture_of_bytes_is_taken_for_an_entry(
    genuine: bytes, chance: random.Random, noise: bytes, steps: int
) -> None:
    altered = bytearray(genuine)
    for _ in range(steps):
        start = chance.randrange(len(altered) + 1)
        stop = min(len(altered), start + chance.choice((0, 1, 8, 64, 1000)))
        source = chance.choice(GENUINE)
        other = chance.randrange(len(source))
        altered[start:stop] = chance.choice((noise, source[other : other + stop - start], bytes(stop - start), b""))
    if bytes(altered) not in GENUINE:
        assert refused(bytes(altered))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_any_signed_header_is_read_or_refused(text: bytes) -> None:
    prefix = struct.pack("<8sHHI8s", b"\x89NBCACHE", 1, 0, len(text), bytes.fromhex(KEYS.id))
    assert refused(prefix + text + KEYS.sign(b"entry/v1", prefix, text))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(JSON, JSON, JSON)
def test_any_signed_json_is_read_or_refused(sections: Any, buffers: Any, facts: Any) -> None:
    assert refused(signed(sections, buffers, facts))
    assert refused(signed(EMPTY, [0, ""], facts))

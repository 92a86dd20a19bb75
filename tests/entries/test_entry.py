"""Entries: made, owned, packed, opened, peeked at; and what they remember of verified files."""

from __future__ import annotations

import errno
import os
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from packing import ADDRESS, META, RECORDING, opened, packed, write
from threads import together

from nbcache import system
from nbcache.entries import opening
from nbcache.entries.entry import Address, Entry, Meta
from nbcache.entries.signing import Keyring
from nbcache.entries.verified import VerifiedFiles
from nbcache.errors import DamagedEntryError, UnstorableResultError

LARGE = 300_000


@pytest.fixture
def big(tmp_path: Path, keyring: Keyring) -> Path:
    """The file of an entry of 2.4 MB."""
    return write(tmp_path / "big.nbc", Entry.of(np.arange(LARGE), META).pack(ADDRESS, keyring))


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lengths of buffers that were hashed in files."""
    lengths: list[int] = []
    genuine = opening.digest_of_file

    def counted(descriptor: int, offset: int, length: int) -> bytes:
        lengths.append(length)
        return genuine(descriptor, offset, length)

    monkeypatch.setattr(opening, "digest_of_file", counted)
    return lengths


class Unloadable:
    def __reduce__(self) -> Any:
        return (int, ("not a number",))


VALUES = [
    None,
    5,
    "text",
    (1, ("a",)),
    [1, 2],
    {"a": [1]},
    {1, 2},
    b"x" * (2 << 20),
    bytearray(b"x" * 5),
    2.5,
    [[1]] * 3,
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:20])
def test_a_value_survives_pack_and_open(value: object, keyring: Keyring) -> None:
    entry = Entry.open(packed(value, keyring), ADDRESS, keyring)
    assert entry.value() == Entry.of(value, META).value() == value
    assert (entry.meta, entry.recording) == (META, RECORDING)


def test_an_opened_entry_packs_to_the_same_bytes(keyring: Keyring) -> None:
    first = packed(np.arange(LARGE), keyring)
    assert b"".join(Entry.open(first, ADDRESS, keyring).pack(ADDRESS, keyring)) == first


def test_the_first_piece_ends_with_the_signature(keyring: Keyring) -> None:
    head = Entry.of([1], META).pack(ADDRESS, keyring)[0]
    assert len(head) < 4096 and head[:8] == b"\x89NBCACHE"


def test_peeking_tells_the_facts_and_never_loads(keyring: Keyring) -> None:
    data = packed(Unloadable(), keyring)
    address, meta, size = Entry.peek(data, keyring)
    assert (address, meta, size) == (ADDRESS, META, len(data))
    assert meta.parts[1] == ("global ALPHA", "01", "0.1") and len(meta.parts) == 2


@pytest.mark.parametrize(
    "meta",
    [
        Meta("f", "", 0.0, None, 0.0),
        Meta("ü\ud800", "\ud83d" * 20, -1.5, float("inf"), 1e-9, "cell", (("\udcff/a b", "missing"),), (), "team"),
        Meta("f", "", 0.1 + 0.2, 1e300, 0.0, parts=tuple((f"global {i}", "d" * 32, "s" * 80) for i in range(5000))),
    ],
)
def test_any_facts_come_back_exactly(meta: Meta, keyring: Keyring) -> None:
    data = packed(1, keyring, meta=meta)
    assert Entry.open(data, ADDRESS, keyring).meta == meta == Entry.peek(data, keyring)[1]


def test_the_text_of_arguments_is_cut_and_not_an_obstacle(keyring: Keyring) -> None:
    meta = META._replace(arguments="x" * 1_000_000)
    assert len(Entry.open(packed(1, keyring, meta=meta), ADDRESS, keyring).meta.arguments) == 8192


def test_a_header_that_cannot_fit_is_unstorable(keyring: Keyring) -> None:
    with pytest.raises(UnstorableResultError):
        packed(1, keyring, address=Address("f" * 100_000, "0" * 40))


def test_the_size_is_what_the_value_and_the_recording_occupy(keyring: Keyring) -> None:
    array = Entry.of(np.arange(LARGE), META, b"12345")
    assert array.size == pytest.approx(LARGE * 8 + 5, abs=300)
    assert Entry.of("x" * 1000, META).size == sys.getsizeof("x" * 1000)
    assert Entry.of([1.5] * 1000, META).size > 1000 * 8 + 1000 * 24 - 100


# --- owning


def test_before_it_is_owned_an_entry_uses_the_callers_memory() -> None:
    array = np.arange(LARGE)
    entry = Entry.of(array, META)
    array[0] = 99
    assert entry.value()[0] == 99


@pytest.mark.parametrize("count", [10, 5000, LARGE])
def test_an_owned_entry_does_not_see_what_happens_to_the_callers_value(tmp_path: Path, count: int) -> None:
    array = np.arange(count)
    entry = Entry.of(array, META, RECORDING).owned(tmp_path)
    array[:] = -1
    assert entry.value()[0] == 0 and entry.recording == RECORDING
    assert os.listdir(tmp_path) == []


def test_owning_twice_changes_nothing(tmp_path: Path) -> None:
    entry = Entry.of(np.arange(LARGE), META).owned(tmp_path)
    assert entry.owned(tmp_path) is entry and entry.owned(None) is entry


def test_an_entry_from_a_message_is_moved_to_a_file(tmp_path: Path, keyring: Keyring) -> None:
    entry = Entry.open(packed(np.arange(LARGE), keyring), ADDRESS, keyring)
    owned = entry.owned(tmp_path)
    assert owned is not entry and owned.owned(tmp_path) is owned
    assert (owned.value() == np.arange(LARGE)).all()
    assert entry.owned(None) is entry and entry.owned(tmp_path / "gone") is entry


def test_a_message_that_changes_later_changes_nothing(keyring: Keyring) -> None:
    message = bytearray(packed([[1]], keyring))
    entry = Entry.open(message, ADDRESS, keyring)
    message[:] = bytes(len(message))
    assert entry.value() == [[1]]


# --- loading


def test_a_value_that_cannot_be_loaded_here_is_one_error(keyring: Keyring) -> None:
    entry = Entry.open(packed(Unloadable(), keyring), ADDRESS, keyring)
    with pytest.raises(DamagedEntryError, match="cannot be loaded here"):
        entry.value()


def test_a_file_changed_in_place_under_an_entry_is_one_error(big: Path, keyring: Keyring) -> None:
    entry = opened(big, keyring)
    os.truncate(big, 4096)
    with pytest.raises(DamagedEntryError, match="in place"):
        entry.value()


def test_an_entry_outlives_its_file(big: Path, keyring: Keyring) -> None:
    entry = opened(big, keyring)
    big.unlink()
    assert (entry.value() == np.arange(LARGE)).all()


def test_live_values_outlive_the_entry(big: Path, keyring: Keyring) -> None:
    value = opened(big, keyring).value()
    big.unlink()
    assert value[-1] == LARGE - 1


def test_threads_share_an_entry(big: Path, keyring: Keyring) -> None:
    entry = opened(big, keyring)
    wrong: list[object] = []

    def use(_: int) -> None:
        for _ in range(50):
            value = entry.value()
            value += 1
            if value[0] != 1 or value[-1] != LARGE:
                wrong.append(value)

    together(use, range(8))

    assert wrong == []


def test_an_error_of_ours_survives_pickling() -> None:
    error = pickle.loads(pickle.dumps(DamagedEntryError("why")))
    assert str(error) == "why"


# --- what is verified when


def test_buffers_are_hashed_at_each_open_without_a_memo(big: Path, keyring: Keyring, hashed: list[int]) -> None:
    opened(big, keyring)
    opened(big, keyring)
    assert hashed == [LARGE * 8] * 2


def test_with_a_memo_they_are_hashed_once(big: Path, keyring: Keyring, hashed: list[int], tmp_path: Path) -> None:
    memo = VerifiedFiles(lambda: tmp_path / "memo", keyring)
    opened(big, keyring, memo=memo)
    assert (opened(big, keyring, memo=memo).value() == np.arange(LARGE)).all()
    assert len(hashed) == 1


def test_the_next_kernel_does_not_hash_them_again(
    big: Path, keyring: Keyring, hashed: list[int], tmp_path: Path
) -> None:
    opened(big, keyring, memo=VerifiedFiles(lambda: tmp_path / "memo", keyring))
    opened(big, keyring, memo=VerifiedFiles(lambda: tmp_path / "memo", keyring))
    assert len(hashed) == 1
    assert (tmp_path / "memo").stat().st_mode & 0o777 == 0o700


LATE = (9 << 20) // 8
VALUES = {
    "no buffer": [1, "a"],
    "a small buffer": np.arange(1000),
    "a buffer digested first": np.arange(LARGE),
    "a buffer digested while it is written": np.arange(LATE),
    "many buffers": [np.arange(n) for n in (LATE, 200, 3, 0, 9000, LATE + 5)],
}


@pytest.mark.parametrize("name", list(VALUES))
@pytest.mark.parametrize("most", [1 << 40, 700_001], ids=["whole", "short"])
def test_what_is_written_is_what_is_packed(
    name: str, most: int, tmp_path: Path, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    def short(fd: int, batch: list[memoryview], place: int) -> int:
        return pwrite(fd, b"".join(batch)[:most], place)

    pwrite = system.write_at
    monkeypatch.setattr(system, "write_pieces_at", short)
    monkeypatch.setattr(system, "write_at", lambda fd, content, place: pwrite(fd, content[: most // 1000], place))
    packed = Entry.of(VALUES[name], META).packed(ADDRESS, keyring)
    path = tmp_path / "written"
    with open(path, "xb") as file:
        os.fchmod(file.fileno(), 0o600)
        packed.write_to(file.fileno())
    assert path.stat().st_size == packed.size
    assert path.read_bytes() == b"".join(Entry.of(VALUES[name], META).pack(ADDRESS, keyring))
    assert path.read_bytes() == b"".join(packed.blocks())
    np.testing.assert_equal(opened(path, keyring).value(), VALUES[name])


def test_a_disk_that_fills_up_while_a_value_is_digested_is_an_error(
    tmp_path: Path, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(fd: int, batch: list[memoryview], place: int) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    packed = Entry.of(np.arange(LATE), META).packed(ADDRESS, keyring)
    with open(tmp_path / "written", "xb") as file:
        with monkeypatch.context() as patched, pytest.raises(OSError, match="No space"):
            patched.setattr(system, "write_pieces_at", full)
            packed.write_to(file.fileno())
        packed.write_to(file.fileno())  # with room again it can be written after all
    assert (tmp_path / "written").read_bytes() == b"".join(packed.blocks())


def test_who_wrote_a_file_need_not_hash_it(tmp_path: Path, keyring: Keyring, hashed: list[int]) -> None:
    memo = VerifiedFiles(None, keyring)
    packed = Entry.of(np.arange(LARGE), META).packed(ADDRESS, keyring)
    path = write(tmp_path / "own", packed.blocks())
    with open(path, "rb") as file:
        memo.written(file.fileno(), packed.size, packed.mac)
    opened(path, keyring, memo=memo)
    assert hashed == []


def test_a_half_written_file_is_not_remembered(tmp_path: Path, keyring: Keyring) -> None:
    memo = VerifiedFiles(None, keyring)
    packed = Entry.of(np.arange(LARGE), META).packed(ADDRESS, keyring)
    path = write(tmp_path / "own", packed.blocks()[:-1])
    with open(path, "rb") as file:
        memo.written(file.fileno(), packed.size, packed.mac)
        assert not memo.holds(os.fstat(file.fileno()), packed.mac)


def test_a_rewrite_with_the_old_times_is_hashed_and_found(
    big: Path, keyring: Keyring, hashed: list[int], tmp_path: Path
) -> None:
    memo = VerifiedFiles(lambda: tmp_path / "memo", keyring)
    opened(big, keyring, memo=memo)
    facts = big.stat()
    with open(big, "r+b") as file:
        file.seek(-8, os.SEEK_END)
        file.write(b"\xff" * 8)
    os.utime(big, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    with pytest.raises(DamagedEntryError, match="altered"):
        opened(big, keyring, memo=memo)
    assert len(hashed) == 2


@pytest.mark.parametrize("damage", [b"", b"x" * 64, None])
def test_a_forged_record_only_costs_a_hash(
    big: Path, keyring: Keyring, hashed: list[int], tmp_path: Path, damage: bytes | None
) -> None:
    opened(big, keyring, memo=VerifiedFiles(lambda: tmp_path / "memo", keyring))
    (record,) = (tmp_path / "memo").iterdir()
    record.write_bytes(record.read_bytes()[:32] + bytes(32) if damage is None else damage)
    opened(big, keyring, memo=VerifiedFiles(lambda: tmp_path / "memo", keyring))
    assert len(hashed) == 2


def test_a_memo_that_cannot_be_written_only_costs_hashes(big: Path, keyring: Keyring, hashed: list[int]) -> None:
    opened(big, keyring, memo=VerifiedFiles(lambda: big / "below-a-file", keyring))
    opened(big, keyring, memo=VerifiedFiles(lambda: big / "below-a-file", keyring))
    assert len(hashed) == 2


def test_a_file_others_can_write_is_read_into_memory_each_time(
    big: Path, keyring: Keyring, hashed: list[int], tmp_path: Path
) -> None:
    big.chmod(0o660)
    memo = VerifiedFiles(lambda: tmp_path / "memo", keyring)
    entry = opened(big, keyring, memo=memo)
    with open(big, "r+b") as file:
        file.seek(-8, os.SEEK_END)
        file.write(b"\xff" * 8)
    assert entry.value()[-1] == LARGE - 1
    assert hashed == [] and not (tmp_path / "memo").exists()
    with pytest.raises(DamagedEntryError):
        opened(big, keyring, memo=memo)


def test_a_file_of_another_user_is_read_into_memory(
    big: Path, keyring: Keyring, hashed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert opened(big, keyring).value()[-1] == LARGE - 1
    assert hashed == []

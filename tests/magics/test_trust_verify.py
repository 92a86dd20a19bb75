"""`%cache_trust verify`: every file is read again, damage is set aside, and nothing is adopted by accident."""

from __future__ import annotations

import builtins
import os
import shutil
from pathlib import Path
from typing import Any

import planted
import pytest
from trusted import answering, computed, files, squared

from nbcache import cache_data, registry
from nbcache.entries.entry import Address, Entry
from nbcache.entries.signing import Keyring
from nbcache.errors import CacheError
from nbcache.inspection import verification
from nbcache.notebook.magics import trust


def test_verify_reads_every_byte_again_and_sets_damage_aside(tmp_path: Path) -> None:
    for n in range(5):
        squared(n)
    assert verification.verify().damaged == ()
    altered, moved, cut, linked = files(tmp_path / "store")[:4]
    content = bytearray(altered.read_bytes())
    content[-1] ^= 1
    altered.write_bytes(content)
    shutil.copyfile(altered.with_name(files(tmp_path / "store")[4].name), moved)
    cut.write_bytes(cut.read_bytes()[:-1])
    linked.unlink()
    linked.symlink_to("/dev/zero")

    shown = trust.command("verify")

    assert [Path(path) for path, _, _ in shown.rows] == [altered, moved, cut, linked]
    assert (
        "was altered" in shown.rows[0][1]
        and "it belongs to" in shown.rows[1][1]
        and "bytes instead of" in shown.rows[2][1]
    )
    assert all(".quarantine" in aside for _, _, aside in shown.rows)
    assert shown.caption.startswith("1 entry intact (") and "4 entries damaged" in shown.caption
    assert files(tmp_path / "store") == [path for path in files(tmp_path / "store") if path not in (altered, moved)]
    assert trust.command("verify").rows == ()


def test_verify_finds_what_the_memory_of_verified_files_hides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np

    @cache_data(persist="disk", show_spinner=False)
    def numbers() -> Any:
        return np.zeros(1 << 20, dtype=np.uint8)

    numbers()
    path = files(tmp_path / "store")[0]
    status = os.stat(path)
    with open(path, "r+b") as file:
        file.seek(status.st_size - 10)
        file.write(b"\x01")
    # Rot below the file system changes no times: as if they had been seen so at the last verification.
    disk = registry.the_cache().tiers.outer.disk
    with open(path, "rb") as file:
        mac = path.read_bytes()[:4096]
        length = int.from_bytes(mac[12:16], "little")
        disk._verified.remember(os.fstat(file.fileno()), mac[24 + length : 24 + length + 32])
    assert numbers.is_cached()

    assert [finding.why for finding in verification.verify().damaged] == ["its buffers were altered"]

    assert int(numbers().sum()) == 0


def test_verify_leaves_foreign_entries_alone(tmp_path: Path, other_store: Path) -> None:
    squared(1)
    shutil.copytree(other_store / "store" / "v1", tmp_path / "store" / "v1", dirs_exist_ok=True)

    found = verification.verify()

    assert (found.whole, found.foreign, found.damaged) == (1, 3, ())


# -- adopt ------------------------------------------------------------------------------------------------------------


def test_adopting_takes_a_typed_yes_after_a_sentence_that_says_what_it_means(
    other_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answering(monkeypatch, "yes")
    squared(1)

    shown = trust.command(f"adopt '{other_store / 'store'}'")

    assert "3 files signed with" in asked[0]
    assert "can run any code that its author chose" in asked[0]
    assert shown.caption == "2 entries adopted, 1 already here, 0 refused."
    assert squared(2) == {"square": 4} and squared(3) == {"square": 9}
    assert computed.count == 1


@pytest.mark.parametrize("answer", ["", "y", "no", "yes please", "adopt"])
def test_any_other_answer_adopts_nothing(answer: str, other_store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, answer)

    with pytest.raises(CacheError, match="the answer was not yes"):
        trust.command(f"adopt {other_store / 'store'}")

    squared(1)
    assert computed.count == 1


def test_where_nobody_can_be_asked_nothing_is_adopted(other_store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cannot(question: str = "") -> str:
        raise EOFError

    monkeypatch.setattr(builtins, "input", cannot)

    with pytest.raises(CacheError, match="nobody can be asked"):
        trust.command(f"adopt {other_store / 'store'}")


def test_foreign_entries_of_the_store_itself_can_be_adopted(
    tmp_path: Path, other_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(other_store / "store", tmp_path / "store")
    answering(monkeypatch, "yes")

    trust.command(f"adopt {tmp_path / 'store'}")

    squared(1)
    assert computed.count == 0


def test_adopting_loads_nothing_and_refuses_what_is_no_whole_entry(
    tmp_path: Path, other_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = tmp_path / "canary"
    stream = planted.streams(str(canary))["os.system"]
    whole, cut, swapped = files(other_store / "store")
    key = Keyring.load(other_store / "keys" / "key")
    address = Entry.peek(whole.read_bytes(), key)[0]
    whole.write_bytes(planted.envelope(stream, address, key))
    cut.write_bytes(cut.read_bytes()[:-1])
    swapped.write_bytes(planted.envelope(stream, Address("elsewhere", "0" * 40), key))
    answering(monkeypatch, "yes")

    shown = trust.command(f"adopt {other_store / 'store'}")

    assert shown.caption == "1 entry adopted, 0 already here, 2 refused."
    assert not canary.exists()
    # What was agreed to: its makers' code runs, once their value is asked for.
    for n in (1, 2, 3):
        squared(n)
    assert canary.exists()


@pytest.mark.parametrize("parts", [b"[1, 2]", b"[[1, 2, 3]]", b"[" * 100_000, b"{", b"null"])
def test_an_entry_whose_parts_are_nonsense_cannot_be_adopted(
    parts: bytes, other_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = files(other_store / "store")[0]
    key = Keyring.load(other_store / "keys" / "key")
    address = Entry.peek(path.read_bytes(), key)[0]
    path.write_bytes(planted.envelope(b"N.", address, key, parts=parts))
    answering(monkeypatch, "yes")

    shown = trust.command(f"adopt {other_store / 'store'}")

    assert shown.caption == "2 entries adopted, 0 already here, 1 refused."


def test_what_claims_our_key_must_have_our_signature_to_be_adopted(
    tmp_path: Path, other_store: Path, ring: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    squared(7)
    base = other_store / "store" / "v1"
    stranger = Keyring.load(other_store / "keys" / "key").id
    (base / stranger).rename(base / Keyring.load(ring).id)
    for path in files(other_store / "store"):
        path.write_bytes(path.read_bytes().replace(bytes.fromhex(stranger), bytes.fromhex(Keyring.load(ring).id), 1))
    answering(monkeypatch, "yes")

    shown = trust.command(f"adopt {other_store / 'store'}")

    assert shown.caption == "0 entries adopted, 0 already here, 3 refused."
    assert {why for _, why in shown.rows} == {"its signature is wrong"}


@pytest.mark.parametrize("kind", sorted(planted.hostile_files(Path("."))))
def test_hostile_files_cannot_be_adopted(
    kind: str, tmp_path: Path, other_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "a file that may not be read" and os.geteuid() == 0:
        kind = "an empty file"  # nothing is unreadable to root
    planted.hostile_files(tmp_path)[kind](files(other_store / "store")[0])
    answering(monkeypatch, "yes")

    shown = trust.command(f"adopt {other_store / 'store'}")

    assert shown.caption == "2 entries adopted, 0 already here, 1 refused."

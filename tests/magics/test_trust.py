"""`%cache_trust`: what it shows, what it changes, and that nothing is trusted by accident."""

from __future__ import annotations

import builtins
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import planted
import pytest
from processes import python_path

from nbcache import cache_data, registry
from nbcache.entries.entry import Address, Entry
from nbcache.entries.signing import Keyring
from nbcache.errors import CacheError, KeyFileError, UnknownNameError
from nbcache.inspection import trusted_keys, verification
from nbcache.notebook.display.tables import Table
from nbcache.notebook.magics import trust


class Counter:
    """Counts computations without being part of a key."""

    def __init__(self) -> None:
        self.count = 0

    def __cache_key__(self) -> str:
        return "counter"


computed = Counter()


@cache_data(persist="disk", show_spinner=False)
def squared(n: int) -> dict[str, int]:
    computed.count += 1
    return {"square": n * n}


@cache_data(show_spinner=False, persist=False)
def remembered(n: int) -> list[int]:
    computed.count += 1
    return [n]


@pytest.fixture(autouse=True)
def fresh() -> None:
    computed.count = 0


@pytest.fixture
def ring(tmp_path: Path) -> Path:
    """The key file of this test."""
    return tmp_path / "keys" / "key"


@pytest.fixture
def other_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of somebody else's, with the results of squared(1..3), and his key beside it."""
    theirs = tmp_path / "theirs"
    with monkeypatch.context() as patched:
        patched.setenv("NBCACHE_DIR", str(theirs / "store"))
        patched.setenv("NBCACHE_KEY_FILE", str(theirs / "keys" / "key"))
        again()
        for n in (1, 2, 3):
            squared(n)
    again()
    computed.count = 0
    return theirs


def again() -> None:
    """Forget what is in memory, and the settings that were read, as a new kernel would."""
    from nbcache.config import NBCache

    registry.replace_cache(None)
    NBCache.clear_instance()


def row(table: Table, name: str) -> str:
    return next(text for title, text in table.rows if title == name)


def files(folder: Path) -> list[Path]:
    return sorted((folder / "v1").glob("[0-9a-f]*/*/*.nbc"))


def answering(monkeypatch: pytest.MonkeyPatch, answer: str) -> list[str]:
    """Answer what is asked, and keep the questions."""
    asked: list[str] = []

    def ask(question: str = "") -> str:
        asked.append(question)
        return answer

    monkeypatch.setattr(builtins, "input", ask)
    return asked


# -- showing ----------------------------------------------------------------------------------------------------------


def test_a_look_makes_neither_a_key_nor_a_folder(tmp_path: Path, ring: Path) -> None:
    shown = trust.command("")

    assert row(shown, "signing key") == "made at the first use"
    assert row(shown, "owner and mode") == "made at the first entry"
    assert not ring.exists() and not (tmp_path / "store").exists()


def test_it_shows_key_store_owner_mode_and_counts(tmp_path: Path, ring: Path, other_store: Path) -> None:
    squared(1)
    squared(2)
    shutil.copytree(other_store / "store" / "v1", tmp_path / "store" / "v1", dirs_exist_ok=True)
    shown = trust.command("")
    stranger = Keyring.load(other_store / "keys" / "key").id

    assert row(shown, "signing key") == Keyring.load(ring).id
    assert row(shown, "key file") == f"{ring}, usable"
    assert row(shown, "store") == str(tmp_path / "store")
    assert row(shown, "owner and mode").endswith(", 0700")
    assert row(shown, "entries of ours").startswith("2 files, ")
    assert row(shown, "entries of other keys").startswith("3 files, ") and stranger in row(
        shown, "entries of other keys"
    )
    assert row(shown, "trust").startswith("sign: ")


def test_it_counts_what_was_set_aside(tmp_path: Path) -> None:
    squared(1)
    files(tmp_path / "store")[0].write_bytes(b"cut")
    again()
    with pytest.warns(UserWarning, match="set aside"):
        squared(1)

    assert row(trust.command(""), "set aside as damaged") == "1 file"


def test_it_says_why_a_key_file_or_a_store_is_not_used(tmp_path: Path, ring: Path) -> None:
    squared(1)
    ring.chmod(0o644)
    (tmp_path / "store").chmod(0o777)

    shown = trust.command("")

    assert "others may read or change it (mode 0644)" in row(shown, "key file")
    assert row(shown, "signing key") == "one of this session only"
    assert "other users may write into it (mode 0777)" in row(shown, "not used, because")


def test_it_is_a_table_in_a_notebook_and_text_in_a_terminal() -> None:
    shown = trust.command("")

    assert shown._repr_html_().startswith("<table>") and "signing key" in str(shown)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("bogus", "'bogus' is not one of: share, add, rotate, forget, verify, adopt"),
        ("share", "type: %cache_trust share FILE"),
        ("rotate now", "type: %cache_trust rotate"),
        ("add 'half", "cannot be read"),
        ("add nowhere", "There is no key to read at"),
        ("forget 0123", "'0123' is not one of the keys"),
        ("adopt nowhere", "holds no store of nbcache"),
        ("add ''", "An empty text names no file"),
    ],
)
def test_what_means_nothing_is_one_clear_line_and_changes_nothing(line: str, said: str, ring: Path) -> None:
    squared(1)
    before = ring.read_bytes()

    with pytest.raises(CacheError, match=said) as failure:
        trust.command(line)

    assert "\n" not in str(failure.value)
    assert ring.read_bytes() == before


def test_the_magic_turns_errors_into_one_line(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    shell.run_line_magic("load_ext", "nbcache")

    shell.run_cell("%cache_trust forget zzz")

    shown = capsys.readouterr()
    assert "UnknownNameError: 'zzz' is not one of the keys" in shown.out + shown.err
    assert "Traceback" not in shown.out + shown.err


# -- keys -------------------------------------------------------------------------------------------------------------


def test_a_shared_key_is_an_owner_only_file_that_is_never_overwritten(tmp_path: Path, ring: Path) -> None:
    squared(1)

    shown = trust.command("share 'for a colleague'")

    given = tmp_path / "for a colleague"
    assert given.stat().st_mode & 0o777 == 0o600
    assert Keyring.load(given).id == Keyring.load(ring).id
    assert "can make your kernels run code" in shown.caption
    ring.unlink()
    again()
    squared(1)
    with pytest.raises(KeyFileError, match="there is another key already"):
        trust.command("share 'for a colleague'")


def test_sharing_makes_a_first_key_where_there_is_none(tmp_path: Path, ring: Path) -> None:
    trust.command("share given")

    assert Keyring.load(tmp_path / "given").id == Keyring.load(ring).id


def test_an_added_key_is_used_at_once_and_memory_is_kept(tmp_path: Path, other_store: Path) -> None:
    shutil.copytree(other_store / "store", tmp_path / "store")
    kept = remembered(1)
    squared(7)
    assert computed.count == 2

    shown = trust.command(f"add {other_store / 'keys' / 'key'}")

    assert squared(2) == {"square": 4} and squared(7) == {"square": 49} and remembered(1) == kept
    assert computed.count == 2
    assert row(shown, "verifies too") == Keyring.load(other_store / "keys" / "key").id


def test_before_its_key_is_added_a_foreign_entry_is_a_silent_miss(
    tmp_path: Path, other_store: Path, recwarn: pytest.WarningsRecorder
) -> None:
    shutil.copytree(other_store / "store", tmp_path / "store")

    assert squared(2) == {"square": 4}

    assert computed.count == 1 and not recwarn.list


def test_after_a_rotation_old_entries_hit_and_new_ones_have_the_new_key(tmp_path: Path, ring: Path) -> None:
    squared(1)
    former = Keyring.load(ring).id

    shown = trust.command("rotate")
    squared(1)
    squared(2)

    assert computed.count == 2
    assert Keyring.load(ring).ids == (row(shown, "signing key"), former)
    assert {path.parent.parent.name for path in files(tmp_path / "store")} == {former, Keyring.load(ring).id}
    assert row(shown, "verifies too").startswith(f"{former}, until 20")


def test_a_forgotten_key_counts_for_nothing_at_once(tmp_path: Path, ring: Path, other_store: Path) -> None:
    shutil.copytree(other_store / "store", tmp_path / "store")
    trust.command(f"add {other_store / 'keys' / 'key'}")
    squared(1)
    squared(2)
    assert computed.count == 0
    stranger = Keyring.load(other_store / "keys" / "key").id

    trust.command(f"forget {stranger[:6]}")

    squared(1)
    assert computed.count == 1
    assert stranger not in Keyring.load(ring).ids


def test_forgetting_the_only_key_makes_a_fresh_one(ring: Path) -> None:
    squared(1)
    former = Keyring.load(ring).id

    trust.command(f"forget {former}")
    squared(1)

    assert Keyring.load(ring).id != former and computed.count == 2


def test_the_beginning_of_several_keys_names_none(ring: Path) -> None:
    squared(1)
    trust.command("rotate")

    with pytest.raises(UnknownNameError, match="''"):
        trust.command("forget ''")
    assert len(Keyring.load(ring).ids) == 2


@pytest.mark.parametrize("line", ["rotate", "forget 00", "share given"])
def test_a_key_file_that_is_not_used_is_not_changed_either(line: str, ring: Path) -> None:
    squared(1)
    ring.chmod(0o644)
    before = ring.read_bytes()

    with pytest.raises(KeyFileError, match="others may read or change it"):
        trust.command(line)

    assert ring.read_bytes() == before


# -- verify -----------------------------------------------------------------------------------------------------------


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
    assert shown.caption.startswith("1 entry whole (") and "4 entries damaged" in shown.caption
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
    assert "can run any code that whoever made these files chose" in asked[0]
    assert shown.caption == "2 entries adopted, 1 here already, 0 refused."
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

    assert shown.caption == "1 entry adopted, 0 here already, 2 refused."
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

    assert shown.caption == "2 entries adopted, 0 here already, 1 refused."


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

    assert shown.caption == "0 entries adopted, 0 here already, 3 refused."
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

    assert shown.caption == "2 entries adopted, 0 here already, 1 refused."


# -- the command line -------------------------------------------------------------------------------------------------


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "nbcache", *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": python_path()},
    )


def test_the_command_line_says_what_the_magic_says(tmp_path: Path, ring: Path) -> None:
    squared(1)

    shown = run("trust")
    verified = run("verify")
    files(tmp_path / "store")[0].write_bytes(b"")
    damaged = run("verify")
    wrong = run("trust", "forget", "zzz")

    assert shown.returncode == 0 and Keyring.load(ring).id in shown.stdout
    assert verified.returncode == 0 and "1 entry whole" in verified.stdout
    assert damaged.returncode == 1 and "it is empty" in damaged.stdout
    assert wrong.returncode == 1 and wrong.stderr.startswith("UnknownNameError: ")
    assert run("--help").returncode == 0 and run("-h").stdout.startswith("usage: ")
    assert run().returncode == 2 and run("bogus").stderr.startswith("usage: ")


def test_looking_at_trust_never_unpickles() -> None:
    for room in (trust, trusted_keys, verification):
        assert room.__file__ is not None
        source = Path(room.__file__).read_text(encoding="utf-8")
        assert "pickle" not in source.replace("unpickle", "") and ".value()" not in source and "restore" not in source

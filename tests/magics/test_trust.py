"""`%cache_trust`: what it shows, what it changes, and that nothing is trusted by accident."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from processes import python_path
from trusted import again, computed, files, remembered, row, squared

from nbcache.config import settings
from nbcache.entries.signing import Keyring
from nbcache.errors import CacheError, KeyFileError, UnknownNameError
from nbcache.inspection import trusted_keys, verification
from nbcache.notebook.magics import trust

# -- showing ----------------------------------------------------------------------------------------------------------


def test_a_look_makes_neither_a_key_nor_a_folder(tmp_path: Path, ring: Path) -> None:
    shown = trust.command("")

    assert row(shown, "signing key") == "created at the first use"
    assert row(shown, "owner and mode") == "created with the first entry"
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
    assert row(shown, "signed with your keys").startswith("2 files, ")
    assert row(shown, "signed with other keys").startswith("3 files, ") and stranger in row(
        shown, "signed with other keys"
    )
    assert row(shown, "trust").startswith("sign: ")


def test_it_counts_what_was_set_aside(tmp_path: Path) -> None:
    squared(1)
    files(tmp_path / "store")[0].write_bytes(b"cut")
    again()
    with pytest.warns(UserWarning, match="quarantined"):
        squared(1)

    assert row(trust.command(""), "quarantined as damaged") == "1 file"


def test_it_says_why_a_key_file_or_a_store_is_not_used(tmp_path: Path, ring: Path) -> None:
    squared(1)
    ring.chmod(0o644)
    (tmp_path / "store").chmod(0o777)

    shown = trust.command("")

    assert "others may read or change it (mode 0644)" in row(shown, "key file")
    assert row(shown, "signing key") == "one for this session only"
    assert "other users may write into it (mode 0777)" in row(shown, "not used, because")


def test_it_is_a_table_in_a_notebook_and_text_in_a_terminal() -> None:
    shown = trust.command("")

    assert shown._repr_html_().startswith("<style>") and "signing key" in str(shown)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "bogus",
            "%cache_trust has no command bogus. It has create, fingerprint, share, add, rotate, forget, verify, adopt.",
        ),
        ("share", "Write it as %cache_trust share FILE"),
        ("rotate now", "Write it as %cache_trust rotate"),
        ("add 'half", "never closed"),
        ("add nowhere", "There is no key to read at"),
        ("forget 0123", "'0123' is not one of the keys"),
        ("adopt nowhere", "is not a store of nbcache"),
        ("add ''", "The name of the file is empty"),
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
    assert "UsageError: 'zzz' is not one of the keys" in shown.out + shown.err
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
    assert row(shown, "also trusted") == Keyring.load(other_store / "keys" / "key").id


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
    assert row(shown, "also trusted").startswith(f"{former}, until 20")


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
    assert verified.returncode == 0 and "1 entry intact" in verified.stdout
    assert damaged.returncode == 1 and "it is empty" in damaged.stdout
    assert wrong.returncode == 1 and wrong.stderr.startswith("nbcache: ")
    assert run("--help").returncode == 0 and run("-h").stdout.startswith("usage: ")
    assert run().returncode == 2 and run("bogus").stderr.startswith("nbcache: bogus is not known.")


def test_looking_at_trust_never_unpickles() -> None:
    for room in (trust, trusted_keys, verification):
        assert room.__file__ is not None
        source = Path(room.__file__).read_text(encoding="utf-8")
        assert "pickle" not in source.replace("unpickle", "") and ".value()" not in source and "restore" not in source


def test_a_key_is_created_once(ring: Path) -> None:
    assert "Made the key" in str(trust.command("create"))
    before = ring.read_bytes()
    assert "There is a key already" in str(trust.command("create"))
    assert ring.read_bytes() == before


def test_those_who_share_a_key_see_the_same_fingerprint(tmp_path: Path, ring: Path) -> None:
    trust.command("create")
    (own,) = trust.command("fingerprint").rows
    trust.command(f"share {tmp_path}/shared")
    settings().key_file = str(tmp_path / "theirs")
    trust.command(f"add {tmp_path}/shared")

    theirs = trust.command("fingerprint").rows
    assert own in theirs and len(set(theirs)) == 2
    assert own[1].replace(" ", "") not in ring.read_text()

"""What an argument or an error said stays where it was said, and the key in its file."""

from __future__ import annotations

from pathlib import Path

import pytest
from kernels import Kernel

from nbcache import NBCache, cache_data, registry
from nbcache.hashing.hasher import digest
from nbcache.inspection import trusted_keys
from nbcache.keys.key import Key, same_arguments

PIN = "4711"


@cache_data(persist="disk")
def balance(pin: str) -> int:
    return 42


def stored_files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.nbc"))


def test_with_private_no_text_of_an_argument_is_kept_or_shown(tmp_path: Path) -> None:
    secret = "hunter2-4711"
    with Kernel(tmp_path / "store", tmp_path / "key", NBCACHE_PRIVATE="1") as kernel:
        kernel.value(f"typed({secret!r}) and None")
        shown = kernel.value(
            f"str([cache_data.entries(), cache_data.info(), typed.entries(), str(typed.explain({secret!r})),"
            f" str(typed.explain('other'))])"
        )
        kernel.value("files()[-1].write_bytes(files()[-1].read_bytes()[:-1]) and None")
        kernel.value("restart()")
        answer = kernel.ask(f"len(typed({secret!r}))")

    assert len(answer["warned"]) == 1
    assert secret not in shown + "".join(answer["warned"]) + answer["raised"]


@pytest.mark.parametrize("private", ["", "1"])
def test_errors_of_the_users_code_are_told_shortly_and_with_private_without_their_text(
    private: str, tmp_path: Path
) -> None:
    secret = "hunter2-4711"
    with Kernel(tmp_path / "store", tmp_path / "key", NBCACHE_PRIVATE=private) as kernel:
        answers = [kernel.ask(f"refused({secret!r}) and None")]
        answers.append(kernel.ask(f"fragile({secret!r}) and None"))
        kernel.value(f"fragile({secret!r}) and None")  # said once

    for answer in answers:
        assert not answer["raised"] and len(answer["warned"]) == 1
        assert "ValueError" in answer["warned"][0] and len(answer["warned"][0]) < 600
        assert (secret in answer["warned"][0]) == (not private)


def test_without_private_a_file_holds_an_argument_only_as_a_short_text(tmp_path: Path) -> None:
    secret = "s" * 100_000
    with Kernel(tmp_path / "store", tmp_path / "key") as kernel:
        kernel.value(f"len(typed({secret!r}[:50000]))")
        header = kernel.value("files()[-1].read_bytes()[:8000].decode('latin-1')")

    assert "s" * 2000 not in header.partition("sections")[0]


def test_no_secret_of_the_key_appears_anywhere_but_in_its_file(tmp_path: Path) -> None:
    key = tmp_path / "key"
    with Kernel(tmp_path / "store", key) as kernel:
        kernel.value("(small(1), large(1), reading(victim.__file__)) and None")
        shown = kernel.value("repr([vars(victim), registry.the_cache().tiers.outer.disk.keyring])")
    secret = key.read_text().split()[-2]

    assert len(secret) == 64
    assert secret not in shown
    for path in tmp_path.rglob("*"):
        if path.is_file() and path != key:
            assert bytes.fromhex(secret) not in path.read_bytes() and secret.encode() not in path.read_bytes()


def test_with_private_nobody_without_the_key_finds_an_argument_by_trying(tmp_path: Path) -> None:
    NBCache.instance().private = True
    balance(PIN)
    state = balance._slow._jobs.state(registry.the_cache())
    found = digest(PIN)
    registry.replace_cache(None)
    NBCache.instance().private = False
    registry.the_cache()
    names = [Key(balance.owner, state.digest, (("pin", found),), branch="x" * 8).text]

    (path,) = stored_files(tmp_path / "store")
    assert found.hex().encode() not in path.read_bytes() and found not in path.read_bytes()
    assert not any(same_arguments(path.name)(name) for name in names)


def test_with_private_equal_calls_of_every_session_share_a_result_until_the_key_is_rotated(tmp_path: Path) -> None:
    NBCache.instance().private = True
    balance(PIN)
    registry.replace_cache(None)
    assert balance.is_cached(PIN) and not balance.is_cached("4712")
    assert "changed: pin" in str(balance.explain("4712"))

    trusted_keys.rotate()
    assert not balance.is_cached(PIN)


def test_a_shared_store_gets_no_text_of_what_a_function_reads(tmp_path: Path) -> None:
    NBCache.instance().store = f"file://{tmp_path}/shared"
    token = "sk-live-51H8"

    @cache_data(persist="disk")
    def fetch(day: int) -> int:
        return len(token) + day

    fetch(1)
    registry.replace_cache(None)

    (shared,) = stored_files(tmp_path / "shared")
    assert token.encode() not in shared.read_bytes()
    assert any(token.encode() in path.read_bytes() for path in stored_files(tmp_path / "store"))

"""The secret: made once, kept by its owner, refused when others could have put it there."""

from __future__ import annotations

import hmac
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from nbcache.entries import keyfile
from nbcache.entries.signing import Keyring, add_key, default_key_path, forget_key, key_id, rotate_key, share_key
from nbcache.errors import KeyFileError

NOW = 1_700_000_000.0
DAY = 86_400.0


@pytest.fixture
def ring(tmp_path: Path) -> Path:
    """The path of a key file that exists."""
    path = tmp_path / "state" / "keys" / "ring"
    Keyring.load(path)
    return path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_first_use_makes_an_owner_only_file(ring: Path) -> None:
    assert (mode(ring), mode(ring.parent)) == (0o600, 0o700)
    assert os.listdir(ring.parent) == ["ring"]


@pytest.mark.parametrize("umask", [0o000, 0o777])
def test_the_umask_does_not_decide_who_reads_the_secret(tmp_path: Path, umask: int) -> None:
    (tmp_path / "keys").mkdir()
    before = os.umask(umask)
    try:
        Keyring.load(tmp_path / "keys" / "ring")
    finally:
        os.umask(before)
    assert mode(tmp_path / "keys" / "ring") == 0o600


def test_the_next_use_finds_the_same_key(ring: Path) -> None:
    assert Keyring.load(ring).id == Keyring.load(ring).id


def test_without_a_path_the_key_is_in_the_state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyfile, "state_folder", lambda: tmp_path / "state")
    keys = Keyring.load()
    assert keys.path == default_key_path() == tmp_path / "state" / "keys" / "ring"
    assert keys.path.exists() and not keys.ephemeral_only


@pytest.mark.skipif(sys.platform != "linux", reason="the names of its variables are those of Linux")
def test_the_state_folder_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "one"))
    first = keyfile.state_folder()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "two"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert keyfile.state_folder() != first
    monkeypatch.delenv("XDG_STATE_HOME")
    assert str(keyfile.state_folder()).startswith(str(tmp_path / "home"))


def test_an_unwritable_state_folder_gives_keys_of_this_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr(keyfile, "state_folder", lambda: tmp_path / "file" / "state")
    assert Keyring.load().ephemeral_only


def test_a_given_key_file_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(KeyFileError, match="none can be made"):
        Keyring.load(tmp_path / "file" / "ring")


def test_racing_first_uses_end_with_one_key(tmp_path: Path) -> None:
    place = tmp_path / "keys" / "ring"
    program = (
        "import sys; from nbcache.entries.signing import Keyring; print('ready', flush=True); sys.stdin.readline();"
        f"print(Keyring.load({str(place)!r}).id)"
    )
    racers = [
        subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(6)
    ]
    for racer in racers:
        assert racer.stdout and racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin
        racer.stdin.write("go\n")
        racer.stdin.flush()
    found = {racer.communicate()[0].strip() for racer in racers}
    assert found == {Keyring.load(place).id}
    assert os.listdir(place.parent) == ["ring"]


def test_file_systems_without_links_get_a_key_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    made = Keyring.load(tmp_path / "ring")
    assert Keyring.load(tmp_path / "ring").id == made.id
    assert os.listdir(tmp_path) == ["ring"]


# --- hostile key files


def test_a_link_is_refused(ring: Path) -> None:
    link = ring.with_name("link")
    link.symlink_to(ring)
    with pytest.raises(KeyFileError, match="it is a link"):
        Keyring.load(link)


@pytest.mark.parametrize("bits", [0o644, 0o640, 0o660, 0o602])
def test_a_file_others_may_read_or_write_is_refused(ring: Path, bits: int) -> None:
    ring.chmod(bits)
    with pytest.raises(KeyFileError, match="chmod 600"):
        Keyring.load(ring)


def test_a_file_of_another_user_is_refused(ring: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(KeyFileError, match="another user"):
        Keyring.load(ring)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(KeyFileError, match="plain file"):
        Keyring.load(tmp_path / "pipe")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError):
        Keyring.load(tmp_path)


@pytest.mark.parametrize(
    "content", [b"", b"short", b"x" * 5000, b"nbcache-key-1 zz -\n", b"nbcache-key-1 00 -\n", b"\xff" * 64]
)
def test_a_file_without_a_key_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    place = tmp_path / "ring"
    place.write_bytes(content)
    place.chmod(0o600)
    with pytest.raises(KeyFileError):
        Keyring.load(place)
    assert place.read_bytes() == content


def test_a_relative_path_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(KeyFileError, match="full path"):
        Keyring.load("ring")


def test_a_raw_secret_of_32_bytes_is_a_key(tmp_path: Path) -> None:
    place = tmp_path / "raw"
    place.write_bytes(bytes(range(32)))
    place.chmod(0o600)
    assert Keyring.load(place).id == key_id(keyfile.Secret(bytes(range(32))))


def test_no_secret_is_ever_shown(ring: Path) -> None:
    secret = keyfile.read(ring)[0]
    shown = repr(Keyring.load(ring)) + repr(secret) + Keyring.load(ring).id
    assert secret.key.hex() not in shown and secret.key.hex()[:16] not in shown


# --- signatures


def test_a_signature_is_verified() -> None:
    keys = Keyring.ephemeral()
    assert keys.verify(b"purpose", keys.sign(b"purpose", b"a", b"b"), b"a", b"b")


@pytest.mark.parametrize("parts", [(b"ab",), (b"", b"ab"), (b"a", b"b", b""), (b"b", b"a"), (b"a",), ()])
def test_fields_cannot_be_moved_into_each_other(parts: tuple[bytes, ...]) -> None:
    keys = Keyring.ephemeral()
    assert not keys.verify(b"purpose", keys.sign(b"purpose", b"a", b"b"), *parts)


def test_a_signature_for_one_purpose_means_nothing_for_another() -> None:
    keys = Keyring.ephemeral()
    assert not keys.verify(b"state/v1", keys.sign(b"entry/v1", b"a"), b"a")


@pytest.mark.parametrize("mac", [b"", b"\0", bytes(32), bytes(64)])
def test_a_made_up_signature_is_refused(mac: bytes) -> None:
    assert not Keyring.ephemeral().verify(b"purpose", mac, b"a")


def test_signatures_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    genuine = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda a, b: compared.append(1) or genuine(a, b))
    Keyring([keyfile.Secret.fresh(), keyfile.Secret.fresh()]).verify(b"purpose", bytes(32), b"a")
    assert len(compared) == 2


# --- rings


def test_after_a_rotation_old_signatures_still_verify(ring: Path) -> None:
    old = Keyring.load(ring)
    mac = old.sign(b"p", b"a")
    fresh = rotate_key(ring, now=NOW)
    rotated = Keyring.load(ring, now=NOW + 29 * DAY)
    assert rotated.ids == (fresh, old.id)
    assert rotated.verify(b"p", mac, b"a") and not old.verify(b"p", rotated.sign(b"p", b"a"), b"a")


def test_a_month_after_a_rotation_the_old_key_is_over(ring: Path) -> None:
    mac = Keyring.load(ring).sign(b"p", b"a")
    rotate_key(ring, now=NOW)
    assert not Keyring.load(ring, now=NOW + 31 * DAY).verify(b"p", mac, b"a")


def test_a_shared_key_lets_two_users_read_each_other(ring: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "ring"
    shared = share_key(tmp_path / "shared", ring)
    assert add_key(tmp_path / "shared", other, signs=True) == shared == Keyring.load(other).id
    mac = Keyring.load(other).sign(b"p", b"a")
    assert Keyring.load(ring).verify(b"p", mac, b"a")
    assert mode(tmp_path / "shared") == 0o600


def test_an_added_key_verifies_and_does_not_sign(ring: Path, tmp_path: Path) -> None:
    own = Keyring.load(ring).id
    Keyring.load(tmp_path / "theirs")
    added = add_key(tmp_path / "theirs", ring)
    assert Keyring.load(ring).ids == (own, added)


def test_sharing_never_overwrites(ring: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("something else")
    with pytest.raises(KeyFileError):
        share_key(tmp_path / "taken", ring)
    assert (tmp_path / "taken").read_text() == "something else"


def test_a_forgotten_key_is_foreign(ring: Path) -> None:
    old = Keyring.load(ring)
    fresh = rotate_key(ring, now=NOW)
    assert forget_key(old.id, ring)
    assert Keyring.load(ring, now=NOW).ids == (fresh,)
    assert not forget_key(old.id, ring)


def test_forgetting_the_only_key_makes_a_fresh_one(ring: Path) -> None:
    old = Keyring.load(ring).id
    forget_key(old, ring)
    assert Keyring.load(ring).id != old


def test_a_ring_stays_within_its_limit(ring: Path) -> None:
    with pytest.raises(KeyFileError, match="forget an old key"):
        for _ in range(100):
            rotate_key(ring, now=NOW)
    assert ring.stat().st_size <= keyfile.MAX_FILE_BYTES


@pytest.mark.parametrize("length", [0, 1, 31, 32, 64, 65, 200])
def test_a_signature_is_the_hmac_of_the_standard(length: int) -> None:
    key = bytes(range(length))
    keyring = Keyring([keyfile.Secret(key)])
    subkey = hmac.digest(key, b"nbcache/entry/v1", "sha256")
    message = (3).to_bytes(8, "little") + b"one" + (0).to_bytes(8, "little")
    assert keyring.sign(b"entry/v1", b"one", b"") == hmac.digest(subkey, message, "sha256")
    assert keyring.id == hmac.digest(key, b"nbcache/key-id/v1", "sha256")[:8].hex()

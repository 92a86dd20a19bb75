"""Other users of the machine and of a server: they load only what a shared key has signed, and read nothing."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from pathlib import Path

import pytest
from attacks import NOBODY, SOMEBODY, own
from kernels import Kernel


def test_a_folder_of_another_user_is_not_used(ground: Path) -> None:
    shared = ground / "shared"
    shared.mkdir()
    own(ground, NOBODY)
    with Kernel(shared / "store", ground / "key", user=os.geteuid() or NOBODY) as first:
        first.value("small(1)")
    theirs = own(Path(tempfile.mkdtemp(dir=ground)), SOMEBODY) if os.geteuid() == 0 else ground
    with Kernel(shared / "store", theirs / "key2", user=SOMEBODY) as second:
        answer = second.ask("small(1)['n']")

        assert answer["value"] == 1 and not answer["raised"]
        assert len(answer["warned"]) == 1 and "belongs to another user" in answer["warned"][0]
        assert second.value("computed.count") == 1
        assert second.value("small(2)['n']") == 2


def test_a_folder_that_others_may_write_to_is_not_used(tmp_path: Path) -> None:
    with Kernel(tmp_path / "store", tmp_path / "key") as kernel:
        kernel.value("small(1)")
        (tmp_path / "store").chmod(0o777)
        kernel.value("restart()")

        answer = kernel.ask("small(1)['n']")

        assert answer["value"] == 1 and len(answer["warned"]) == 1
        assert "other users may write into it" in answer["warned"][0]
        assert kernel.value("computed.count") == 2


@pytest.mark.parametrize("shared", [False, True], ids=["without the key", "with the key"])
def test_users_load_each_others_entries_only_when_they_share_a_key(shared: bool, ground: Path) -> None:
    homes = [ground / "first", ground / "second"]
    users = (NOBODY, SOMEBODY) if os.geteuid() == 0 else (os.geteuid(), os.geteuid())
    for home, user in zip(homes, users, strict=True):
        home.mkdir()
        own(home, user)
    with Kernel(homes[0] / "store", homes[0] / "key", user=users[0]) as first:
        first.value("small(1)")
    # The second unpacks an archive of the first's store: the files are the second's own.
    shutil.copytree(homes[0] / "store", homes[1] / "store")
    if shared:
        shutil.copyfile(homes[0] / "key", homes[1] / "key")
        (homes[1] / "key").chmod(0o600)
    own(homes[1], users[1])

    with Kernel(homes[1] / "store", homes[1] / "key", user=users[1]) as second:
        assert second.value("small(1)['n']") == 1
        assert second.value("computed.count") == (0 if shared else 1)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o277])
def test_nobody_else_can_read_a_store_or_a_key(umask: int, ground: Path) -> None:
    own(ground, NOBODY)
    with Kernel(ground / "store", ground / "keys" / "key", user=NOBODY) as kernel:
        kernel.value(f"os.umask({umask}) and None")
        kernel.ask("(small(1), large(1), small.clear(1), small(2)) and None")
        kernel.value("restart()")

    for path in (ground / "store").rglob("*"):
        status = path.lstat()
        if path.name not in (".gitignore", "CACHEDIR.TAG"):
            assert not status.st_mode & 0o077, f"{path}: {stat.filemode(status.st_mode)}"
    assert not (ground / "store").stat().st_mode & 0o077
    assert stat.S_IMODE((ground / "keys" / "key").stat().st_mode) == 0o600


def test_a_key_that_others_can_read_is_not_used_and_nothing_is_lost(tmp_path: Path) -> None:
    key = tmp_path / "key"
    with Kernel(tmp_path / "store", key) as kernel:
        kernel.value("small(1)")
    key.chmod(0o644)

    with Kernel(tmp_path / "store", key) as kernel:
        answer = kernel.ask("small(1)['n']")

        assert answer["value"] == 1 and len(answer["warned"]) == 1
        assert "others may read or change it" in answer["warned"][0]
        assert kernel.value("computed.count") == 1


def test_a_key_in_the_store_or_the_working_folder_is_not_looked_for(tmp_path: Path) -> None:
    with Kernel(tmp_path / "store", tmp_path / "theirs") as stranger:
        stranger.value("small(1)")
    for place in ("key", "ring", "store/key", "store/ring", "store/v1/key", "store/v1/ring", ".nbcache/key"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        shutil.copyfile(tmp_path / "theirs", tmp_path / place)
        (tmp_path / place).chmod(0o600)

    with Kernel(tmp_path / "store", tmp_path / "ours" / "key") as kernel:
        kernel.value("small(1)")
        assert kernel.value("computed.count") == 1


@pytest.mark.parametrize("shared", [False, True], ids=["without the key", "with the key"])
def test_users_share_a_server_only_when_they_share_a_key(shared: bool, ground: Path) -> None:
    pytest.importorskip("fsspec")
    users = (NOBODY, SOMEBODY) if os.geteuid() == 0 else (os.geteuid(), os.geteuid())
    homes = [own_home(ground / name, user) for name, user in zip(("first", "second"), users, strict=True)]
    server = ground / "server"
    server.mkdir()
    server.chmod(0o777)
    url = f"file://{server}"
    with Kernel(homes[0] / "store", homes[0] / "key", user=users[0], NBCACHE_STORE=url) as first:
        first.value("os.umask(0) and None")  # the server is for both to write to
        first.value("small(1)")
        if shared:
            shutil.copyfile(homes[0] / "key", homes[1] / "key")
            (homes[1] / "key").chmod(0o600)
            own(homes[1], users[1])
        first.end()  # what waits for the server is sent by then

    with Kernel(homes[1] / "store", homes[1] / "key", user=users[1], NBCACHE_STORE=url) as second:
        assert second.value("small(1)['n']") == 1
        assert second.value("computed.count") == (0 if shared else 1)


def own_home(folder: Path, user: int) -> Path:
    folder.mkdir()
    return own(folder, user)

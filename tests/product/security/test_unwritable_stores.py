"""A store that cannot be written, or must not grow: every value is returned, and nothing else is touched."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from attacks import NOBODY, own
from kernels import Kernel


@contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """Mount a file system of 2 MB; False where this machine does not let us."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m,mode=755", "tmpfs", str(folder)], capture_output=True, check=False
    )
    try:
        yield mounted.returncode == 0
    finally:
        if mounted.returncode == 0:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_on_a_full_disk_every_value_is_returned_with_one_warning(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as real, Kernel(tmp_path / "disk" / "store", tmp_path / "key") as kernel:
        if not real:
            # A limit on the size of files stands in for the full disk.
            kernel.value("__import__('resource').setrlimit(__import__('resource').RLIMIT_FSIZE, (1000, 1000))")
        answers = [kernel.ask(f"filling({n}, 300_000) == bytes([{n}]) * 300_000") for n in range(12)]

        assert [answer["value"] for answer in answers] == [True] * 12
        assert [answer["raised"] for answer in answers] == [""] * 12
        warned = [message for answer in answers for message in answer["warned"]]
        assert len(warned) == 1 and "not stored on disk" in warned[0]
        assert kernel.value("[filling(n, 300_000)[0] for n in range(12)]") == list(range(12))
        assert kernel.value("computed.count") == 12
        assert kernel.value("cache_data.clear()") is None


def test_in_a_read_only_folder_old_hits_work_and_new_values_are_returned(ground: Path) -> None:
    own(ground, NOBODY)
    with Kernel(ground / "store", ground / "key", user=NOBODY) as kernel:
        kernel.value("small(1)")
        kernel.value("[os.chmod(folder, 0o500) for folder, _, _ in os.walk(store())] and None")
        kernel.value("restart()")

        assert kernel.value("small(1)['n']") == 1
        assert kernel.value("computed.count") == 1
        answers = [kernel.ask(f"small({n})['n']") for n in (2, 3, 2)]

        assert [answer["value"] for answer in answers] == [2, 3, 2]
        assert [answer["raised"] for answer in answers] == [""] * 3
        assert sum(len(answer["warned"]) for answer in answers) == 1
        assert kernel.value("computed.count") == 3
        kernel.value("[os.chmod(folder, 0o700) for folder, _, _ in os.walk(store())] and None")


@pytest.mark.parametrize(
    "trouble",
    [
        "__import__('shutil').rmtree(store())",
        "__import__('shutil').rmtree(store()) or store().write_text('a file')",
        "os.rename(store(), str(store()) + '-moved')",
    ],
    ids=["vanished", "became a file", "moved"],
)
def test_a_folder_that_vanishes_costs_no_value(trouble: str, tmp_path: Path) -> None:
    with Kernel(tmp_path / "store", tmp_path / "key") as kernel:
        kernel.value("[small(n) for n in range(3)] and None")
        kernel.value(f"({trouble}) and None")

        answer = kernel.ask("[small(n)['n'] for n in range(6)] + [int(large(1)[0])]")

        assert answer["value"] == [0, 1, 2, 3, 4, 5, 1] and not answer["raised"]
        assert len(answer["warned"]) <= 1


def test_with_no_descriptor_left_every_value_is_returned(tmp_path: Path) -> None:
    with Kernel(tmp_path / "store", tmp_path / "key") as kernel:
        kernel.value("[small(n) for n in range(3)] and None")
        kernel.value("restart()")
        kernel.value("[small(n) for n in range(3)] and None")
        exhaust = (
            "__import__('resource').setrlimit(__import__('resource').RLIMIT_NOFILE,"
            " (len(os.listdir('/dev/fd')) - 1, 4096))"
        )
        kernel.value(exhaust)

        answer = kernel.ask("[small(n)['n'] for n in range(6)]")

        assert answer["value"] == [0, 1, 2, 3, 4, 5] and not answer["raised"]
        assert len(answer["warned"]) <= 2


def test_a_folder_whose_name_is_too_long_costs_no_value(tmp_path: Path) -> None:
    with Kernel(tmp_path / ("n" * 300), tmp_path / "key") as kernel:
        answer = kernel.ask("[small(n)['n'] for n in range(3)]")

        assert answer["value"] == [0, 1, 2] and not answer["raised"]
        assert len(answer["warned"]) == 1


def test_the_bound_of_the_folder_holds_across_functions(tmp_path: Path) -> None:
    bound = 1 << 20
    with Kernel(tmp_path / "store", tmp_path / "key", NBCACHE_MAX_DISK_SIZE=str(bound)) as kernel:
        for call in ("filling", "other_filling"):
            assert kernel.value(f"[{call}(n, 50_000)[0] for n in range(40)]") == list(range(40))
        held = sum(path.stat().st_size for path in (tmp_path / "store").rglob("*.nbc"))

        assert 0.5 * bound < held <= bound
        kernel.value("restart()")
        kernel.value("computed.__init__()")
        assert kernel.value("other_filling(39, 50_000)[0]") == 39
        assert kernel.value("computed.count") == 0
        kernel.value("filling(0, 50_000)[0]")
        assert kernel.value("computed.count") == 1


def test_clearing_everything_touches_only_our_own_files(tmp_path: Path) -> None:
    store = tmp_path / "store"
    with Kernel(store, tmp_path / "key") as kernel:
        kernel.value("(small(1), large(1)) and None")
        outside = tmp_path / "precious"
        outside.mkdir()
        (outside / ("0" * 40 + ".nbc")).write_text("kept")
        (store / "notes.txt").write_text("kept")
        owner = kernel.value("str(files()[-1].parent)")
        (Path(owner) / "mine.txt").write_text("kept")
        (Path(owner).parent / ("f" * 32)).symlink_to(outside)

        kernel.value("cache_data.clear()")

        assert kernel.value("files()") == [] or kernel.value("[p for p in files() if not p.parent.is_symlink()]") == []
    kept = [outside / ("0" * 40 + ".nbc"), store / "notes.txt", Path(owner) / "mine.txt"]
    assert [path.read_text() for path in kept] == ["kept"] * 3

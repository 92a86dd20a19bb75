"""Private maps of a file: independent of each other, of descriptors, and of the file's name."""

from __future__ import annotations

import ctypes
import gc
import mmap
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nbcache.entries import mapping
from nbcache.entries.mapping import PrivateMaps, map_private, map_readonly
from nbcache.entries.section import FileSection, RamSection, arrange, in_order, spool
from nbcache.errors import DamagedEntryError

SIZE = 3 << 20


@pytest.fixture
def file(tmp_path: Path) -> Iterator[int]:
    """An open file of 3 MiB, of bytes that count up."""
    path = tmp_path / "file"
    path.write_bytes(bytes(range(256)) * (SIZE // 256))
    path.chmod(0o600)
    descriptor = os.open(path, os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


def address(view: memoryview) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(view))


def open_descriptors() -> int:
    return len(os.listdir("/dev/fd"))


def test_writes_stay_within_one_map(file: int) -> None:
    first, second = map_private(file, 0, SIZE), map_private(file, 0, SIZE)
    first[7] = 99
    assert (first[7], second[7], os.pread(file, 1, 7)) == (99, 7, b"\x07")


def test_a_range_may_start_anywhere(file: int) -> None:
    view = map_private(file, 5000, 300)
    assert (len(view), view[0], view[299]) == (300, 5000 % 256, 5299 % 256)


def test_a_readonly_map_cannot_be_written(file: int) -> None:
    view = map_readonly(file, 0, SIZE)
    with pytest.raises(TypeError):
        view[0] = 1
    assert view.readonly


def test_a_map_is_aligned_to_pages(file: int) -> None:
    assert address(map_private(file, 0, SIZE)) % mmap.PAGESIZE == 0


def test_a_map_outlives_the_name_and_the_descriptor(tmp_path: Path) -> None:
    path = tmp_path / "short-lived"
    path.write_bytes(b"x" * SIZE)
    descriptor = os.open(path, os.O_RDONLY)
    view = map_private(descriptor, 0, SIZE)
    os.close(descriptor)
    path.unlink()
    assert bytes(view[-3:]) == b"xxx"


def test_ten_thousand_live_maps_hold_no_descriptor(file: int) -> None:
    gc.collect()
    before = open_descriptors()
    views = [map_private(file, 0, SIZE) for _ in range(10_000)]
    views[5000][0] = 1
    assert open_descriptors() <= before
    assert views[4999][0] == 0


def test_the_memory_goes_with_the_last_view(file: int) -> None:
    maps = Path("/proc/self/maps")
    if not maps.exists():  # macOS: no list to look at; that nothing crashes is all that can be seen
        del map_private(file, 0, SIZE)[10:20][:]
        return
    view = map_private(file, 0, SIZE)
    place = f"{address(view):x}-"
    part = view[10:20]
    del view
    assert place in maps.read_text()
    del part
    gc.collect()
    assert place not in maps.read_text()


def test_a_map_beyond_the_end_of_the_file_is_refused(file: int) -> None:
    with pytest.raises((OSError, ValueError)):
        map_private(file, 0, SIZE + (1 << 20))


def test_a_failed_map_leaves_the_process_well(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path / "w", os.O_WRONLY | os.O_CREAT)  # cannot be mapped for reading
    os.ftruncate(descriptor, SIZE)
    for _ in range(20):
        with pytest.raises(OSError):
            map_private(descriptor, 0, SIZE)
    os.close(descriptor)
    gc.collect()


def test_a_map_that_nobody_holds_is_lent_again_without_what_was_written(file: int) -> None:
    maps = PrivateMaps(0, SIZE)
    places = set()
    for _ in range(5):
        view = memoryview(maps.lend(file)).cast("B")
        assert bytes(view[:3]) == b"\x00\x01\x02"
        view[0:3] = b"xyz"
        places.add(address(view))
        del view
    assert len(places) == (1 if sys.platform == "linux" else len(places))


def test_maps_held_at_once_are_different_ones(file: int) -> None:
    maps = PrivateMaps(0, SIZE)
    del (spare := [maps.lend(file)])[:]
    held = [memoryview(maps.lend(file)).cast("B") for _ in range(4)]
    for number, view in enumerate(held):
        view[0] = number + 100
    assert [view[0] for view in held] == [100, 101, 102, 103]
    assert spare == []


def test_a_map_is_not_lent_again_while_a_part_of_it_is_held(file: int) -> None:
    maps = PrivateMaps(0, SIZE)
    part = memoryview(maps.lend(file)).cast("B")[100:200]
    part[0] = 255
    other = memoryview(maps.lend(file)).cast("B")
    other[100] = 7
    assert part[0] == 255


def test_garbage_that_is_being_finalized_still_sees_its_own_bytes(file: int) -> None:
    maps = PrivateMaps(0, SIZE)
    seen = []

    class Holder:
        def __init__(self) -> None:
            self.myself = self
            self.lent = maps.lend(file)
            self.view = memoryview(self.lent).cast("B")
            self.view[0] = 99

        def __del__(self) -> None:
            taken = memoryview(maps.lend(file)).cast("B")  # as another thread could in this moment
            taken[0] = 1
            seen.append((self.view[0], address(taken) == address(self.view)))

    for _ in range(20):
        Holder()
    gc.collect()
    assert seen == [(99, False)] * 20


def test_a_value_brought_back_by_a_finalizer_keeps_its_bytes(file: int) -> None:
    maps = PrivateMaps(0, SIZE)
    kept: list[object] = []

    class Phoenix:
        def __init__(self) -> None:
            self.myself = self
            self.lent = maps.lend(file)
            memoryview(self.lent).cast("B")[0] = 99

        def __del__(self) -> None:
            kept.append(self.lent)

    for _ in range(20):
        Phoenix()
    gc.collect()
    for _ in range(5):
        memoryview(maps.lend(file)).cast("B")[0] = 1
    assert {memoryview(lent).cast("B")[0] for lent in kept} == {99}  # type: ignore[call-overload]
    assert len(kept) == 20


def test_threads_never_hold_the_same_map(file: int) -> None:
    maps = PrivateMaps(0, SIZE)

    def write(number: int) -> bool:
        right = True
        for step in range(300):
            view = memoryview(maps.lend(file)).cast("B")
            right &= view[0] == 0
            view[0] = number
            view[4096] = step % 256
            right &= (view[0], view[4096]) == (number, step % 256)
        return right

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(write, range(1, 9)))


def test_where_the_kernel_forgets_nothing_every_map_is_new(file: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapping, "_forgets_writes", lambda: False)
    monkeypatch.setattr(mapping, "_lent_type", mapping._lent_type.__wrapped__)
    maps = PrivateMaps(0, SIZE)
    for _ in range(5):
        view = memoryview(maps.lend(file)).cast("B")
        assert view[0] == 0
        view[0] = 9
        del view


def test_pages_that_are_locked_are_not_lent_again(file: int) -> None:
    maps = PrivateMaps(0, SIZE)
    view = memoryview(maps.lend(file)).cast("B")
    if ctypes.CDLL(None).mlock(ctypes.c_void_p(address(view)), ctypes.c_size_t(mmap.PAGESIZE)):
        pytest.skip("this user may not lock memory")
    view[0] = 9
    del view
    assert memoryview(maps.lend(file)).cast("B")[0] == 0


@pytest.mark.parametrize("start", [0, 3 << 12, 5 << 20])
def test_a_large_map_lies_as_its_bytes_lie_in_huge_pages(tmp_path: Path, start: int) -> None:
    span, huge = 40 << 20, 2 << 20
    with open(tmp_path / "large", "xb+") as file:
        file.truncate(start + span)
        os.pwrite(file.fileno(), b"first", start)
        os.pwrite(file.fileno(), b"last", start + span - 4)
        for writable in (mmap.PROT_READ | mmap.PROT_WRITE, mmap.PROT_READ):
            owner, before = mapping._overlay(file.fileno(), start, span, writable)
            assert (mapping._address(owner) + before) % huge == start % huge
            view = memoryview(owner)[before : before + span]
            assert (bytes(view[:5]), bytes(view[-4:])) == (b"first", b"last")
            assert len(map_private(file.fileno(), start, span)) == len(map_readonly(file.fileno(), start, span)) == span


def test_buffers_are_placed_apart_and_aligned() -> None:
    offsets, total = arrange([10, 0, 100, 70_000, 1])
    assert offsets == [0, 64, 64, 4096, 4096 + 70_016]
    assert total == 4096 + 70_016 + 1


def test_pieces_between_buffers_are_zeros() -> None:
    buffers = [memoryview(b"abc"), memoryview(b""), memoryview(b"d" * 70_000)]
    offsets, total = arrange([3, 0, 70_000])
    joined = b"".join(in_order(buffers, offsets))
    assert len(joined) == total
    assert joined[:4096] == b"abc" + bytes(4093)


def test_large_bytes_go_to_a_nameless_file(tmp_path: Path) -> None:
    section = spool([memoryview(b"z" * SIZE)], tmp_path)
    assert isinstance(section, FileSection)
    assert os.listdir(tmp_path) == []
    assert bytes(section.private()[:2]) == b"zz"


def test_a_nameless_file_works_without_the_special_flag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    section = spool([memoryview(b"z" * SIZE)], tmp_path)
    assert isinstance(section, FileSection)
    assert os.listdir(tmp_path) == []


def test_small_bytes_stay_in_memory(tmp_path: Path) -> None:
    assert isinstance(spool([memoryview(b"z" * 1000)], tmp_path), RamSection)


@pytest.mark.parametrize("folder", [None, Path("/nonexistent/folder"), Path(__file__)])
def test_without_a_usable_folder_the_bytes_are_copied(folder: Path | None) -> None:
    section = spool([memoryview(b"z" * SIZE)], folder)
    assert isinstance(section, RamSection)
    assert section.nbytes == SIZE


def test_a_full_disk_costs_nothing_but_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    section = spool([memoryview(b"z" * SIZE)], tmp_path)
    assert isinstance(section, RamSection)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("make", [lambda fd: FileSection(fd, 0, SIZE), lambda fd: RamSection(os.pread(fd, SIZE, 0))])
def test_private_bytes_never_reach_the_shared_ones(file: int, make: object) -> None:
    section = make(file)  # type: ignore[operator]
    written = section.private()
    written[0:3] = b"xyz"
    assert bytes(section.shared()[:3]) == bytes(section.private()[:3]) == b"\x00\x01\x02"
    assert section.shared().readonly


def test_a_file_that_was_cut_short_is_an_error_and_not_the_end_of_the_process(tmp_path: Path) -> None:
    path = tmp_path / "cut"
    path.write_bytes(b"x" * SIZE)
    descriptor = os.open(path, os.O_RDONLY)
    section = FileSection(descriptor, 0, SIZE)
    os.close(descriptor)
    os.truncate(path, 100)
    with pytest.raises(DamagedEntryError, match="changed in place"):
        section.private()


def test_when_no_more_maps_are_allowed_hits_are_copies(file: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(12, "Cannot allocate memory")

    section = FileSection(file, 5, SIZE - 5)
    monkeypatch.setattr("nbcache.entries.mapping._mapped", refuse)
    first = section.private()
    first[0] = 99
    assert (section.private()[0], len(first), first[-1]) == (5, SIZE - 5, 255)


def test_entries_beyond_half_of_the_descriptors_do_without_one(tmp_path: Path) -> None:
    program = f"""
import os, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
from nbcache.entries.section import FileSection
path = {str(tmp_path / "many")!r}
open(path, "wb").write(b"x" * {SIZE})
sections = []
for _ in range(200):
    descriptor = os.open(path, os.O_RDONLY)
    sections.append(FileSection(descriptor, 0, {SIZE}))
    os.close(descriptor)
views = [section.private() for section in sections]
views[199][0] = 1
assert views[198][0] == 120 and sections[199].shared()[0] == 120
print(len(os.listdir("/dev/fd")) <= 40)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "True", done.stderr

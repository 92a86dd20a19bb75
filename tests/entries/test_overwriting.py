"""Hits that adapt: who overwrites what a hit lends gets plain memory, who only reads gets maps."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from packing import META

from nbcache.entries.entry import Entry
from nbcache.entries.hits import copying, overwriting
from nbcache.entries.section import FileSection

SIZE = 3 << 20


@pytest.fixture(params=["told by the kernel", "by comparison"])
def told(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the kernel tells which pages were written."""
    if request.param == "by comparison":
        monkeypatch.setattr("nbcache.entries.hits.overwriting.tells_writes", lambda: False)
    elif not overwriting.tells_writes():
        pytest.skip("this system does not tell")
    return bool(request.param != "by comparison")


@pytest.fixture
def section(tmp_path: Path, told: bool) -> Iterator[FileSection]:
    path = tmp_path / "file"
    path.write_bytes(bytes(range(256)) * (SIZE // 256))
    descriptor = os.open(path, os.O_RDONLY)
    yield FileSection(descriptor, 0, SIZE)
    os.close(descriptor)


def read(view: memoryview) -> None:
    assert view[0] == 0 and view[-1] == 255


def overwrite(view: memoryview) -> None:
    view[:] = b"\xff" * len(view)


def write_a_little(view: memoryview) -> None:
    view[:100_000] = b"\xff" * 100_000


def hits(section: FileSection, use: Callable[[memoryview], None], count: int) -> memoryview:
    """Take and use so many; as in a notebook, each is held until the next is there."""
    for _ in range(count):
        view = section.private()
        assert view[:3] == b"\x00\x01\x02"
        use(view)
    return view


def is_a_map(view: memoryview) -> bool:
    return type(view.obj).__name__ == "Lent"


def test_what_is_overwritten_comes_in_plain_memory_from_the_third_hit_on(section: FileSection) -> None:
    held = hits(section, overwrite, 2)
    third = section.private()
    assert not is_a_map(third)
    assert third[:3] == b"\x00\x01\x02" and held[0] == 255


def test_what_is_only_read_stays_a_map(section: FileSection) -> None:
    assert all(is_a_map(hits(section, read, 1)) for _ in range(50))


def test_a_little_that_is_written_is_no_reason_to_copy_all(section: FileSection) -> None:
    hits(section, write_a_little, 10)
    assert is_a_map(section.private())


def test_what_is_let_go_at_once_is_looked_at_too(section: FileSection, told: bool) -> None:
    for _ in range(3):
        overwrite(section.private())
    assert is_a_map(section.private()) is not told


def test_holders_who_begin_to_write_late_are_noticed(section: FileSection) -> None:
    hits(section, read, 1000)
    hits(section, overwrite, 66)
    assert not is_a_map(section.private())


def test_holders_who_write_no_more_get_maps_again(section: FileSection) -> None:
    hits(section, overwrite, 3)
    assert not is_a_map(hits(section, read, 1))
    assert is_a_map(hits(section, read, 70))


def test_a_map_that_is_tried_again_and_overwritten_leads_back_to_copies(section: FileSection) -> None:
    hits(section, overwrite, 100)
    assert not is_a_map(section.private())


def test_copies_and_maps_share_nothing(section: FileSection) -> None:
    held = [hits(section, overwrite, 1) for _ in range(6)]
    for number, view in enumerate(held):
        view[0] = number
    assert [view[0] for view in held] == list(range(6))
    assert section.private()[0] == section.shared()[0] == 0


def test_a_system_that_stops_telling_costs_nothing(section: FileSection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overwriting, "_PAGEMAP", "/nonexistent/pagemap")
    for _ in range(5):
        overwrite(section.private())
    assert section.private()[:3] == b"\x00\x01\x02"


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel is Linux")
def test_linux_tells_pages_that_were_written(told: bool) -> None:
    assert told or not overwriting.tells_writes()


def test_arrays_of_an_entry_adapt_and_stay_independent(tmp_path: Path, told: bool) -> None:
    entry = Entry.of(np.arange(400_000.0), META).owned(tmp_path)
    _, make = entry.restore
    arrays: list[Any] = []
    for _ in range(6):
        arrays.append(make())
        arrays[-1] += 1
    assert all((array == np.arange(400_000.0) + 1).all() for array in arrays)
    assert make()[7] == 7 and make().flags.writeable
    assert {type(array.base).__name__ for array in arrays[2:]} == {"bytearray"}


def test_large_copies_are_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    content = memoryview(bytes(range(251)) * 140_000).toreadonly()  # 35 MB, of no round length
    for parallel_from in (1, 1 << 40):
        monkeypatch.setattr(copying, "_PARALLEL_FROM", parallel_from)
        copy = copying.copied(content)
        assert copy == content
        assert not copy.readonly

"""The journal of rows: listings are the same with it, without it, and with any other in its place."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from disk_stores import Shop, files_of, finished, leftovers_of
from store_contract import address_of, entry_of

from nbcache.entries.entry import Address, Entry, Meta
from nbcache.stores.disk import row_index
from nbcache.stores.disk.store import DiskStore

PARTS = (
    ("argument w", "e" * 32, "x],["),
    ("argument x", "a" * 32, '"],["'),
    ("argument y", "b" * 32, "'t\n\\"),
    ("code", "c" * 40, "f"),
    ("global g", "d", "1"),
)
METAS = [
    Meta("m.f", "f(1)", 1e9 + 0.1, None, 0.25),
    Meta("m.f", "f('é\t\x1f\n')", 1e9, 2e9, 1e-9, "value", (), PARTS),
    Meta("m.f", "f(2)", 1e9, None, 0.0, "value", (), PARTS[3:]),
    Meta("m.f", "f(3)", 1e9, None, 0.0, "value", (), PARTS[:3]),
    Meta("m.f", "", 1e9, None, 0.0, "trace", (("name", "file"),)),
    Meta("shown", "f(4)", 1e9, None, 3600.0, "cell", (("V", "variable"),), PARTS, "space", (("n", "k", b"\0data"),)),
]


def journal_of(shop: Shop) -> Path:
    (found,) = shop.folder.rglob(".rows")
    return found


def filled(shop: Shop) -> DiskStore:
    store = shop.open()
    for number, meta in enumerate(METAS):
        store.put(address_of(number), Entry.of(number, meta))
    store.put(Address("m.f", "../odd\nkey"), Entry.of(0, METAS[0]))
    return store


def rows_of(shop: Shop, owner: str | None = None) -> list[Any]:
    return sorted(shop.open().entries(owner), key=lambda row: row.address)


def without(shop: Shop) -> list[Any]:
    """The rows as they are without a journal."""
    for path in shop.folder.rglob(".rows"):
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    return rows_of(shop)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the entries' files that are opened."""
    names: list[str] = []
    plain = os.open

    def noted(path: Any, *rest: Any, **named: Any) -> int:
        if str(path).endswith(".nbc"):
            names.append(str(path))
        return plain(path, *rest, **named)

    monkeypatch.setattr(os, "open", noted)
    return names


def test_a_listing_reads_no_file_and_says_what_the_files_say(shop: Shop, opened: list[str]) -> None:
    filled(shop)

    found, again = rows_of(shop), opened.copy()

    assert again == []
    assert found == without(shop)
    assert [list(reversed(row.meta.parts)) for row in found] == [list(row.meta.parts)[::-1] for row in found]
    assert {row.meta._replace(parts=tuple(row.meta.parts)) for row in found} == set(METAS)


def test_files_without_a_row_are_read_once(shop: Shop, opened: list[str]) -> None:
    filled(shop)
    journal_of(shop).unlink()

    first = rows_of(shop)
    read = len(opened)
    second = rows_of(shop)

    assert first == second
    assert len(opened) == read == len(first)


def test_every_change_is_in_the_next_listing(shop: Shop, opened: list[str]) -> None:
    store = filled(shop)
    store.put(address_of(0), entry_of("new", created=5.0))
    store.delete(address_of(1))
    store.put(address_of(2), entry_of("trace", kind="trace"))
    store.put(address_of(7), entry_of("more"))

    found = rows_of(shop)

    assert opened == []
    assert found == without(shop)
    store.clear("m.f")
    store.put(address_of(9), entry_of(9))
    assert [row.address for row in rows_of(shop)] == [address_of(9)]


def _foreign(shop: Shop, journal: Path) -> None:
    """The journal of another key, which names the same files."""
    key = shop.key.read_bytes()
    shop.key.unlink()
    shop.folder = shop.folder.with_name("strange")
    filled(shop)
    strange = journal_of(shop).read_bytes()
    shop.folder = shop.folder.with_name("store")
    shop.key.unlink()
    shop.key.write_bytes(key)
    shop.key.chmod(0o600)
    journal.write_bytes(strange)


def _of_another_owner(shop: Shop, journal: Path) -> None:
    shop.open().put(address_of(1, "m.g"), entry_of(1, "m.g"))
    (other,) = [path for path in shop.folder.rglob(".rows") if path != journal]
    content = journal.read_bytes()
    shutil.copy(other, journal)
    other.write_bytes(content)


def _folder(shop: Shop, journal: Path) -> None:
    journal.unlink()
    journal.mkdir()


def _link(shop: Shop, journal: Path) -> None:
    content = journal.rename(shop.folder.parent / "elsewhere")
    journal.symlink_to(content)


def _second_name(shop: Shop, journal: Path) -> None:
    os.link(journal, shop.folder.parent / "second")


def _pipe(shop: Shop, journal: Path) -> None:
    journal.unlink()
    os.mkfifo(journal)


def _unsigned(shop: Shop, journal: Path) -> None:
    content = journal.read_bytes().replace(b"f(1)", b"f(9)").replace(b'"m.f"', b'"m.x"')
    journal.write_bytes(content)


DAMAGE: dict[str, Callable[[Shop, Path], Any]] = {
    "missing": lambda shop, journal: journal.unlink(),
    "empty": lambda shop, journal: journal.write_bytes(b""),
    "zeros": lambda shop, journal: journal.write_bytes(bytes(5000)),
    "text": lambda shop, journal: journal.write_bytes(b"hello\n" * 100),
    "deep": lambda shop, journal: journal.write_bytes(b"\n" + b"0" * 32 + b"[" * 100_000),
    "backwards": lambda shop, journal: journal.write_bytes(b"\n".join(journal.read_bytes().split(b"\n")[::-1])),
    "unsigned": _unsigned,
    "foreign": _foreign,
    "of another owner": _of_another_owner,
    "folder": _folder,
    "link": _link,
    "second name": _second_name,
    "pipe": _pipe,
    "others may read": lambda shop, journal: journal.chmod(0o644),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_any_other_journal_costs_time_and_nothing_else(shop: Shop, name: str) -> None:
    filled(shop)
    DAMAGE[name](shop, journal_of(shop))

    found = rows_of(shop)
    shop.open().put(address_of(8), entry_of(8))
    after = rows_of(shop)

    assert [row for row in after if row.address != address_of(8)] == found
    assert after == without(shop)
    assert shop.said == []


def test_a_cut_or_a_changed_byte_anywhere_changes_no_row(shop: Shop) -> None:
    filled(shop)
    journal = journal_of(shop)
    content, truth = journal.read_bytes(), rows_of(shop)
    for place in range(0, len(content), 37):
        for damaged in (content[:place], content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :]):
            journal.write_bytes(damaged)
            shop.open().put(address_of(1), Entry.of(1, METAS[1]))

            found = rows_of(shop)

            assert [row._replace(used=0.0) for row in found] == [row._replace(used=0.0) for row in truth]


def test_a_row_that_cannot_be_written_takes_the_journal_along(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    store = filled(shop)

    def full_for_rows(fd: int, content: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as full:
        full.setattr(row_index, "write_whole", full_for_rows)
        store.put(address_of(0), entry_of("new", created=5.0))
        assert list(shop.folder.rglob(".rows")) == []

    assert rows_of(shop) == without(shop)
    assert shop.said == []


def test_rows_of_other_files_of_the_same_name_do_not_count(shop: Shop) -> None:
    filled(shop)
    files = {path.name: path for path in files_of(shop.folder)}
    path = files[address_of(0).key + ".nbc"]
    content = path.read_bytes()
    # Kept under another name meanwhile, so that the new file has another number.
    path.rename(path.with_name("kept"))
    path.write_bytes(content)
    os.utime(path, (5.0, 5.0))

    (row,) = [row for row in rows_of(shop) if row.address == address_of(0)]

    assert row.used == 5.0


def test_what_was_changed_in_place_is_read_again(shop: Shop) -> None:
    filled(shop)
    path = next(path for path in files_of(shop.folder) if path.name.startswith(address_of(0).key))
    content = path.read_bytes()
    path.write_bytes(content[:40] + b"?" + content[41:])

    assert address_of(0) not in [row.address for row in rows_of(shop)]


def test_a_journal_of_files_that_are_gone_is_shortened(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_index, "_STEP", 4000)
    store = filled(shop)
    other = shop.open()
    lengths = []
    for number in range(200):
        (store, other)[number % 2].put(address_of(number % 3), entry_of(number, created=float(number)))
        lengths.append(journal_of(shop).stat().st_size)

    assert max(lengths) < 12_000
    assert rows_of(shop) == without(shop)
    assert leftovers_of(shop.folder) == []


def test_a_journal_that_is_too_long_is_begun_anew(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_index, "LONGEST", 3000)
    store = filled(shop)
    for number in range(40):
        store.put(address_of(number), entry_of(number))
        assert all(path.stat().st_size < 6000 for path in shop.folder.rglob(".rows"))

    assert rows_of(shop) == without(shop)


def test_many_files_are_told_by_their_numbers(shop: Shop, monkeypatch: pytest.MonkeyPatch, opened: list[str]) -> None:
    monkeypatch.setattr(row_index, "_CHECKED", 3)
    store = filled(shop)
    store.put(address_of(0), entry_of("new", created=5.0))

    found = rows_of(shop)

    assert opened == []
    assert found == without(shop)


def test_writers_that_race_and_are_killed_leave_right_rows(shop: Shop) -> None:
    program = """
    import random
    from nbcache.stores.disk import row_index
    row_index._STEP = 4000
    chance = random.Random(int(sys.argv[3]))
    store.put(address_of(0), entry_of(0))
    print("begun", flush=True)
    for step in range(100_000 if sys.argv[3] == "0" else 150):
        number = chance.randrange(20)
        if chance.random() < 0.3:
            store.delete(address_of(number))
        else:
            store.put(address_of(number), entry_of([step], created=float(step)))
        if chance.random() < 0.1:
            list(store.entries())
    """
    killed = shop.start(program, 0)
    others = [shop.start(program, number) for number in (1, 2)]
    assert killed.stdout is not None
    assert killed.stdout.readline() == "begun\n"

    finished(others)
    killed.kill()
    killed.communicate()

    assert rows_of(shop) == without(shop)

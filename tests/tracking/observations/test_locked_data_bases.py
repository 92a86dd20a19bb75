"""A data base that this process holds a lock on keeps it, whatever the cache reads of it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nbcache import cache_data
from nbcache.tracking.observations import reading
from nbcache.tracking.observations.reading import content_digest, is_sqlite

_WRITE = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], timeout=0)
try:
    connection.execute("insert into t values (2)")
    connection.commit()
except sqlite3.OperationalError as error:
    print(error)
"""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    path = tmp_path / "books.db"
    connection = sqlite3.connect(path)
    connection.execute("create table t (a)")
    connection.commit()
    connection.close()
    kept: dict[Any, int] = {}
    monkeypatch.setattr(reading, "_open", kept)
    yield path
    for descriptor in kept.values():
        os.close(descriptor)


def _write_elsewhere(path: Path) -> str:
    ran = subprocess.run([sys.executable, "-c", _WRITE, path], capture_output=True, text=True, check=True, timeout=60)
    return ran.stdout


def test_a_digest_of_a_data_base_takes_no_lock_away(path: Path) -> None:
    writer = sqlite3.connect(path)
    writer.execute("begin immediate")
    writer.execute("insert into t values (1)")

    first, is_one, again = content_digest(str(path)), is_sqlite(str(path)), content_digest(str(path))

    assert first == again
    assert is_one
    assert "locked" in _write_elsewhere(path)
    writer.rollback()
    writer.close()


def test_a_function_that_reads_a_data_base_takes_no_lock_away(path: Path, cache: Any) -> None:
    writer = sqlite3.connect(path)
    writer.execute("begin immediate")
    writer.execute("insert into t values (1)")

    @cache_data(show_spinner=False)
    def count() -> Any:
        connection = sqlite3.connect(path)
        try:
            return connection.execute("select count(*) from t").fetchone()[0]
        finally:
            connection.close()

    assert [count(), count()] == [0, 0]
    assert "locked" in _write_elsewhere(path)
    writer.commit()
    writer.close()
    assert count() == 1


def test_a_data_base_that_was_replaced_is_read_anew(path: Path, tmp_path: Path) -> None:
    before = content_digest(str(path))
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("create table t (a, b)")
    other.commit()
    other.close()

    os.replace(tmp_path / "other.db", path)

    assert content_digest(str(path)) != before


def test_few_descriptors_stay_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: dict[Any, int] = {}
    monkeypatch.setattr(reading, "_open", kept)
    monkeypatch.setattr(reading, "_MOST_OPEN", 3)
    for number in range(5):
        (tmp_path / f"{number}.db").write_bytes(b"SQLite format 3\0" + bytes(100))
        content_digest(str(tmp_path / f"{number}.db"))
    (tmp_path / "a.txt").write_text("text")
    content_digest(str(tmp_path / "a.txt"))

    assert len(kept) == 3
    for descriptor in kept.values():
        os.close(descriptor)

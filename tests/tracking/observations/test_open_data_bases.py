"""A data base in a file counts by the file, also where the connection to it was open before the run."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nbcache import cache_data


def _connection(path: Path) -> tuple[Any, Callable[[Any], Any]]:
    return sqlite3.connect(path), lambda held: held.execute("select count(*) from t").fetchone()[0]


def _engine(path: Path) -> tuple[Any, Callable[[Any], Any]]:
    sqlalchemy = pytest.importorskip("sqlalchemy")
    engine = sqlalchemy.create_engine(f"sqlite:///{path}")

    def count(held: Any) -> Any:
        with held.connect() as connection:
            return connection.execute(sqlalchemy.text("select count(*) from t")).scalar()

    return engine, count


def _sessions(path: Path) -> tuple[Any, Callable[[Any], Any]]:
    sqlalchemy = pytest.importorskip("sqlalchemy")
    engine, _ = _engine(path)

    def count(held: Any) -> Any:
        with held() as session:
            return session.scalar(sqlalchemy.text("select count(*) from t"))

    return __import__("sqlalchemy.orm").orm.sessionmaker(engine), count


@pytest.mark.parametrize("mode", ["delete", "wal"])
@pytest.mark.parametrize("opened", [_connection, _engine, _sessions])
def test_what_somebody_else_writes_is_a_miss_where_a_connection_was_open_already(
    opened: Any, mode: str, tmp_path: Path, cache: Any
) -> None:
    path = tmp_path / "books.db"
    writer = sqlite3.connect(path)
    writer.execute(f"pragma journal_mode={mode}")
    writer.execute("create table t (a)")
    writer.commit()
    held, count = opened(path)
    count(held)  # opens it, and engines keep it open

    @cache_data(show_spinner=False)
    def counted() -> Any:
        return count(held)

    found = [counted(), counted()]
    writer.execute("insert into t values (1)")
    writer.commit()
    found += [counted(), counted()]

    assert found == [0, 0, 1, 1]
    assert counted.info().misses == 2
    writer.close()

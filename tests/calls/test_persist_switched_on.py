"""Switching `persist` on keeps what is in memory: it is written at its next hit, and then survives a kill."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nbcache import cache_data
from nbcache.config import settings

Restart = Callable[[], Any]


def _load(calls: Any, **options: Any) -> Any:
    @cache_data(**options)
    def load(x: int, _calls: Any = calls) -> list[int]:
        _calls()
        return [x]

    return load


def test_by_argument_the_next_hit_writes(calls: Any, cache: Any, restart: Restart) -> None:
    _load(calls)(1)
    _load(calls, persist="disk")(1)
    restart()
    assert _load(calls, persist="disk")(1) == [1]
    assert len(calls) == 1


def test_by_the_setting_the_next_hit_writes(
    calls: Any, cache: Any, restart: Restart, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = _load(calls)
    load(1)
    load(1)  # the fast path knows it now
    monkeypatch.setattr(settings(), "persist", "disk")
    load(1)
    restart()
    _load(calls)(1)
    assert len(calls) == 1


def test_what_rests_on_a_file_is_written_with_its_trace(
    calls: Any, cache: Any, restart: Restart, tmp_path: Path
) -> None:
    path = tmp_path / "numbers.txt"
    path.write_text("1")

    def made(**options: Any) -> Any:
        @cache_data(**options)
        def read(_calls: Any = calls) -> Any:
            _calls()
            return path.read_text()

        return read

    made()()
    made(persist="disk")()
    restart()
    assert made(persist="disk")() == "1"
    assert len(calls) == 1
    path.write_text("22")
    assert made(persist="disk")() == "22"


def test_looking_writes_nothing(calls: Any, cache: Any, restart: Restart) -> None:
    _load(calls)(1)
    kept = _load(calls, persist="disk")
    assert kept.is_cached(1)
    assert kept.entries()[0].tier == "memory"
    restart()
    assert not kept.is_cached(1)


def test_a_clear_after_the_switch_removes_both(calls: Any, cache: Any, restart: Restart) -> None:
    _load(calls)(1)
    kept = _load(calls, persist="disk")
    kept(1)
    kept.clear()
    restart()
    kept(1)
    assert len(calls) == 2


def test_the_ttl_counts_from_the_run(calls: Any, cache: Any, clock: Any, restart: Restart) -> None:
    _load(calls, ttl=10)(1)
    clock.move(8)
    _load(calls, ttl=10, persist="disk")(1)
    restart()
    clock.move(3)
    assert not _load(calls, ttl=10, persist="disk").is_cached(1)


def test_a_cells_option_keeps_what_is_in_memory(shell: Any, cache: Any, restart: Restart) -> None:
    cell = "%%cache_cell numbers --persist {}\nimport time\nz = time.time_ns()"
    shell.run_line_magic("load_ext", "nbcache")
    shell.run_cell(cell.format("memory"))
    first = shell.user_ns["z"]
    shell.run_cell(cell.format("disk"))
    restart()
    shell.run_cell(cell.format("disk"))
    assert shell.user_ns["z"] == first

"""Real code does not trip the cache: over real libraries no error, no false miss, no wait, and no stale answer."""

from __future__ import annotations

from typing import Any

import pytest
from processes import reports_of

NAMES = (
    *("pandas", "polars", "sklearn", "torch", "matplotlib"),
    *("requests", "sqlalchemy", "pydantic", "attrs"),
)
Report = dict[str, Any]


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Report]]:
    """What three processes report, one after the other: the first, one after a restart, one that changes something."""
    folder = tmp_path_factory.mktemp("real")
    return reports_of(
        "real_functions.py",
        ("first", "restarted", "changed"),
        cwd=folder,
        options=("-W", "error::nbcache.CacheWarning"),
        NBCACHE_DIR=str(folder / "store"),
        NBCACHE_KEY_FILE=str(folder / "keys" / "key"),
        NBCACHE_PERSIST="disk",
    )


def reports(sessions: dict[str, dict[str, Report]], name: str) -> tuple[Report, Report, Report]:
    pytest.importorskip(name)
    found = sessions["first"][name], sessions["restarted"][name], sessions["changed"][name]
    assert [report.get("error") for report in found] == [None] * 3
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_second_call_is_a_hit_and_so_is_one_after_a_restart(
    name: str, sessions: dict[str, dict[str, Report]]
) -> None:
    first, restarted, _ = reports(sessions, name)

    assert first["first_missed"]
    assert not first["second_missed"]
    assert not restarted["first_missed"], restarted["text"]
    assert not restarted["second_missed"]


@pytest.mark.parametrize("name", NAMES)
def test_a_change_in_place_is_a_miss_that_is_explained(name: str, sessions: dict[str, dict[str, Report]]) -> None:
    _, _, changed = reports(sessions, name)

    assert changed["first_missed"]
    assert not changed["second_missed"]
    assert "changed: " in changed["text"]


@pytest.mark.parametrize("name", NAMES)
def test_the_first_key_does_not_read_whole_libraries(name: str, sessions: dict[str, dict[str, Report]]) -> None:
    # the best of three, and wide: some ten milliseconds where nobody else computes, many seconds where all is read
    assert min(report["key"] for report in reports(sessions, name)) < 1

"""Every parameter of `cache_data`, live: on the real clock, from real threads, and in a real second process."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
from processes import reports_of

from nbcache.calls.parameters import Parameters

OWN, THEIRS = ["here", 1], ["there", 0]
"""Computed once for three threads in this process; found as the other process made it."""

SEEN: dict[str, tuple[Any, Any]] = {
    "ttl, long": ([OWN], [THEIRS]),
    "ttl, short": ([OWN, True, OWN], [OWN, True, OWN]),
    "max_entries": ([False, True, True], [False, True, True]),
    "max_size": ([False, True, True], [False, True, True]),
    "persist, disk": ([OWN], [THEIRS]),
    "persist, False": ([OWN], [OWN]),
    "persist, None": ([OWN], [OWN]),
    "show_spinner": ([[OWN], ["Now False"]], [[THEIRS], []]),
    "show_spinner, False": ([[OWN], []], [[THEIRS], []]),
    "show_time": ([[OWN], ["Timed True"]], [[THEIRS], []]),
    "hash_funcs": ([OWN], [THEIRS]),
    "scope, session": ([OWN], [OWN]),
    "scope, global": ([OWN], [THEIRS]),
    "refresh_mode": ([True, True], [True, True]),
    "track": (OWN, OWN),
    "track, False": (OWN, THEIRS),
    "depends_on": ([[OWN], [OWN]], [[OWN], [THEIRS]]),
    "replay, all": (["loud", "loud\n"], ["loud", "loud\n"]),
    "replay, none": (["loud", "loud\n"], ["loud", ""]),
    "cache_if": ([["here", 3], OWN], [["here", 3], THEIRS]),
    "copy": ([True, True], [True, True]),
    "copy, False": ([True, True], [True, True]),
    "outputs": ([1, True], [0, True]),
    "outputs, None": ([1, False], [0, False]),
}


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder: Path = tmp_path_factory.mktemp("live")
    where = {"NBCACHE_DIR": str(folder / "store"), "NBCACHE_KEY_FILE": str(folder / "keys" / "key")}
    return reports_of("parameters_live.py", ("first", "second"), cwd=folder, **where)


@pytest.mark.parametrize("parameter", SEEN)
def test_a_parameter_does_what_it_says_in_two_processes(reports: Any, parameter: str) -> None:
    assert (reports["first"][parameter], reports["second"][parameter]) == SEEN[parameter]


def test_every_parameter_is_there(reports: Any) -> None:
    known = {name for name in inspect.signature(Parameters).parameters if not name.startswith("_")}
    assert known == {row.partition(",")[0] for row in SEEN}
    assert reports["first"].keys() == SEEN.keys()

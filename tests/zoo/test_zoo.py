"""Every type of the zoo, library by library: as an argument, as a result, as a followed global, and over a restart."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from zoo.checks import after_restart, as_global, as_key, as_result
from zoo.everything import families
from zoo.specimen import Family, Specimen

ALL = families()
SESSION = Path(__file__).resolve().parents[1] / "support" / "zoo" / "session.py"

pytestmark = pytest.mark.filterwarnings("ignore")
# All types of a library in one test: what surrounds a test costs more than most types.
every = pytest.mark.parametrize("family", ALL, ids=str)


def failing(family: Family, check: Callable[[Specimen], list[str]]) -> dict[str, list[str]]:
    """What does not hold, by type; a check that raises does not hold either."""
    found = {}
    for specimen in family.specimens:
        try:
            problems = check(specimen)
        except Exception as error:
            problems = [f"{type(error).__name__}: {error}"]
        if problems:
            found[str(specimen)] = problems
    return found


@every
def test_equal_content_has_one_key_and_every_difference_another(family: Family) -> None:
    assert failing(family, as_key) == {}


@every
def test_a_hit_is_equal_of_the_same_type_and_independent(family: Family, cache: Any) -> None:
    assert failing(family, as_result) == {}


@every
def test_to_use_a_global_is_no_miss_and_to_edit_it_is_one(family: Family, cache: Any) -> None:
    assert failing(family, as_global) == {}


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any]]:
    """What two processes report, with other hash seeds and imports in another order, on one store."""
    folder = tmp_path_factory.mktemp("zoo")
    found = []
    for seed, phase in ((1, "first"), (77, "restarted")):
        environment = {
            **os.environ,
            "NBCACHE_DIR": str(folder / "store"),
            "NBCACHE_KEY_FILE": str(folder / "keys" / "key"),
            "PYTHONHASHSEED": str(seed),
            "PYTHONPATH": os.pathsep.join([str(SESSION.parents[1]), str(SESSION.parents[3]), *filter(None, sys.path)]),
        }
        done = subprocess.run(
            [sys.executable, str(SESSION), phase],
            env=environment,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        found.append(json.loads(done.stdout.splitlines()[-1]))
    return found[0], found[1]


@pytest.mark.timeout(600)
@every
def test_after_a_restart_all_is_found_again(family: Family, sessions: Any) -> None:
    first, then = sessions
    assert failing(family, lambda one: after_restart(one, first[str(one)], then[str(one)])) == {}

"""Every type of the zoo: as an argument, as a result, as a global that is followed, and over a restart."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from zoo.checks import after_restart, as_global, as_key, as_result
from zoo.everything import specimens
from zoo.specimen import Specimen

ALL = specimens()
SESSION = Path(__file__).resolve().parents[1] / "support" / "zoo" / "session.py"

pytestmark = pytest.mark.filterwarnings("ignore")
every = pytest.mark.parametrize("specimen", ALL, ids=str)


@every
def test_equal_content_has_one_key_and_every_difference_another(specimen: Specimen) -> None:
    assert as_key(specimen) == []


@every
def test_a_hit_is_equal_of_the_same_type_and_independent(specimen: Specimen, cache: Any) -> None:
    assert as_result(specimen) == []


@every
def test_to_use_a_global_is_no_miss_and_to_edit_it_is_one(specimen: Specimen, cache: Any) -> None:
    assert as_global(specimen) == []


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
def test_after_a_restart_all_is_found_again(specimen: Specimen, sessions: Any) -> None:
    first, then = (session[str(specimen)] for session in sessions)
    assert after_restart(specimen, first, then) == []

"""A sweep that was killed goes on where it was: only what was running is computed again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from processes import SUPPORT, python_path

SCRIPT = str(SUPPORT / "killed_map.py")
RUNNING = 2


def sweep(folder: Path, who: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, SCRIPT, str(folder), who],
        env={**os.environ, "PYTHONPATH": python_path()},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="no signals here")
@pytest.mark.parametrize("who", ["worker", "parent"])
def test_a_killed_process_loses_only_what_was_running(who: str, tmp_path: Path) -> None:
    first = sweep(tmp_path, who)
    try:
        assert first.wait(90) != 0
    finally:
        os.killpg(first.pid, signal.SIGKILL)  # workers of joblib outlive a killed parent
    said, _ = sweep(tmp_path, "nobody").communicate(timeout=90)

    assert said == f"{[x * x for x in range(20)]}\n"
    times = Counter((tmp_path / "computed").read_text().split())
    assert set(times) == set(map(str, range(20)))
    assert times["7"] == 2 and sum(times.values()) <= 20 + RUNNING

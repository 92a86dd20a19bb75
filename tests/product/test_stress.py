"""Ten seconds of what `tests/support/stress.py` does for as long as it is told to."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from processes import SUPPORT, without_settings


def test_processes_that_race_and_are_killed_on_damaged_files_never_get_a_wrong_value(tmp_path: Path) -> None:
    command = [sys.executable, str(SUPPORT / "stress.py")]

    done = subprocess.run(
        [*command, "--seconds", "10", "--seed", "7", "--processes", "4", "--folder", str(tmp_path / "run")],
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
        env=without_settings(),
    )

    log = tmp_path / "run" / "log"
    assert done.returncode == 0, done.stdout + done.stderr + (log.read_text()[:5000] if log.exists() else "")
    assert "all well" in done.stdout

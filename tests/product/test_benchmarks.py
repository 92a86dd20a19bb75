"""The benchmarks run: two systems, one small case, and every form of the result."""

from __future__ import annotations

import importlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    for guest in ("matplotlib", "pandas", "polars"):
        pytest.importorskip(guest)
    folder = tmp_path_factory.mktemp("benchmark")
    shutil.copy(ROOT / "docs" / "speed.md", folder)
    command = [sys.executable, "benchmarks/run.py", "--quick", "--rounds", "1", "--only", "dict of 20",
               "--systems", "nbcache,lru_cache", "--folder", str(folder), "--page", str(folder / "speed.md"),
               "--out", str(folder / "results")]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stderr
    return folder / "results"


def test_every_form_of_the_result_is_written(results: Path) -> None:
    assert {file.name for file in results.iterdir()} == {"results.txt", "results.json", "results.md", "results.png"}


def test_nothing_failed_and_nothing_was_left_out(results: Path) -> None:
    found = json.loads((results / "results.json").read_text())

    assert found["failures"] == {}
    assert set(found["cases"]["dict of 20"]) == {"nbcache", "lru_cache"}


def test_results_of_nbcache_are_isolated_and_those_of_lru_cache_are_not(results: Path) -> None:
    leaks = json.loads((results / "results.json").read_text())["cases"]["leaks of a changed result (of 4)"]

    assert leaks["nbcache"]["time"] == [0.0]
    assert leaks["lru_cache"]["time"] == [4.0]


def test_the_text_says_which_targets_were_reached(results: Path) -> None:
    text = (results / "results.txt").read_text()

    assert "What was aimed at" in text
    assert "dict of 20, in empty wrappers" in text


def test_the_table_of_the_page_is_replaced_and_the_rest_of_it_kept(results: Path) -> None:
    old = (ROOT / "docs" / "speed.md").read_text(encoding="utf-8")
    new = (results.parent / "speed.md").read_text(encoding="utf-8")

    without_rows = [re.sub(r"^\|.*\n", "", text, flags=re.MULTILINE) for text in (old, new)]

    assert without_rows[0] == without_rows[1]
    assert len(re.findall(r"^\| hit: a dict of 20 \|", new, re.MULTILINE)) == 1
    assert "1 GB" not in new.split("<!-- table -->")[1].split("<!-- end of table -->")[0]


def test_the_guard_tells_rows_that_became_slower_by_a_tenth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    guard = importlib.import_module("guard")
    before = {"same": 1e-6, "slower": 1e-6, "faster": 1e-6, "noise": 5e-8, "gone": 1e-6}
    after = {"same": 1.05e-6, "slower": 1.2e-6, "faster": 0.5e-6, "noise": 5.8e-8, "new": 1.0}

    assert list(guard.lost(before, after)) == ["slower"]


def test_the_guard_measures_the_hits_and_moves_no_gigabytes(monkeypatch: pytest.MonkeyPatch) -> None:
    for guest in ("numpy", "pandas", "polars"):
        pytest.importorskip(guest)
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    names = importlib.import_module("guard").chosen(None)

    assert {"int", "dict of 20", "array 8 MB, write all", "1e5 small objects"} <= set(names)
    assert not [name for name in names if "GB" in name or "cold" in name or "miss" in name]


STARTS_ANOTHER = """
import subprocess, sys
other = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
print(other.pid, flush=True)
other.wait()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="groups of processes are POSIX")
def test_a_case_that_takes_too_long_is_ended_with_what_it_has_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    run = importlib.import_module("run")
    real, started = subprocess.Popen.communicate, []

    def too_long(process: subprocess.Popen[str], timeout: float | None = None) -> tuple[str, str]:
        if timeout is None:
            return real(process)
        started.append(int(process.stdout.readline()))
        raise subprocess.TimeoutExpired(process.args, timeout)

    monkeypatch.setattr(subprocess.Popen, "communicate", too_long)
    with pytest.raises(subprocess.TimeoutExpired):
        run._ended([sys.executable, "-c", STARTS_ANOTHER])
    # Ended, and reaped by whoever took it over; a zombie in between has no command line.
    line = Path(f"/proc/{started[0]}/cmdline")
    assert not line.exists() or not line.read_bytes()

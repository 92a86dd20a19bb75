"""A call that waits for another process says so, and ends with that process's result."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from nbcache.engine.cache import Cache
from nbcache.engine.hooks import hooks

_MODULE = """
import os, sys
from nbcache import cache_data

class Gate:
    def __call__(self):
        print("computing", flush=True)
        sys.stdin.readline()
        return os.getpid()
    def __cache_key__(self):
        return "gate"

gate = Gate()

@cache_data(persist="disk"{options})
def slow(x):
    return [x, gate()]
"""


@pytest.fixture
def begun(cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    """Begins a computation in another process; gives that process, and the function as it is here."""
    processes: list[subprocess.Popen[str]] = []
    monkeypatch.syspath_prepend(str(tmp_path))

    def begin(options: str) -> Any:
        (tmp_path / "waited_for.py").write_text(_MODULE.replace("{options}", options))
        sys.modules.pop("waited_for", None)
        process = subprocess.Popen(
            [sys.executable, "-c", "import waited_for; waited_for.slow(1)"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
        )  # fmt: skip
        processes.append(process)
        assert process.stdout is not None and process.stdout.readline() == "computing\n"
        import waited_for  # type: ignore[import-not-found]

        return process, waited_for.slow

    yield begin
    sys.modules.pop("waited_for", None)
    for process in processes:
        process.kill()
        process.communicate()


def test_a_call_that_waits_for_another_process_shows_a_line_while_it_does(
    begun: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    other, slow = begun("")
    shown: list[str] = []

    @contextmanager
    def note(message: str, show_time: bool) -> Iterator[None]:
        shown.append(message)
        other.stdin.write("go on\n")
        other.stdin.flush()
        yield
        shown.append("gone")

    monkeypatch.setattr(hooks, "spinner", note)

    assert slow(1) == [1, other.pid]
    assert shown == ["Waiting for another process, which is computing slow", "gone"]


def test_without_a_spinner_nothing_is_shown(begun: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    other, slow = begun(", show_spinner=False")
    monkeypatch.setattr(hooks, "spinner", lambda message, show_time: pytest.fail("shown"))
    other.stdin.write("go on\n")
    other.stdin.flush()

    assert slow(1) == [1, other.pid]

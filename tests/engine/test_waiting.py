"""A call that waits for another process says so, and ends with that process's result."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from nbcache.engine import driver
from nbcache.engine.cache import Cache
from nbcache.engine.hooks import hooks
from nbcache.engine.job import Computed, Description, Fetched, Job
from nbcache.engine.policy import Policy
from nbcache.keys.key import Key

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

_CHANGING = (
    _MODULE.split("@cache_data")[0]
    + """
import json, threading
kept = cache_data(persist="disk")
LOG, MEMO, COUNT = [], {}, 0

@kept
def appends(x):
    LOG.append(x)
    return gate()

@kept
def counts(x):
    global COUNT
    COUNT += 1
    return gate()

@kept
def remembers(x):
    MEMO[x] = 1
    pid = gate()
    MEMO[x, 2] = 1
    return pid

@kept
def fills_its_argument(x):
    x.append(1)
    return gate()

@kept
def fills_its_default(x, acc=[]):
    acc.append(x)
    return gate()

class Model:
    def __init__(self):
        self.n = 0

    @kept
    def counts_in_itself(self):
        self.n += 1
        return gate()

def closure():
    seen = []

    @kept
    def fills_its_closure(x):
        seen.append(x)
        return gate()

    return fills_its_closure

fills_its_closure = closure()
CALLS = {
    "appends": lambda: appends(1),
    "counts": lambda: counts(1),
    "remembers": lambda: remembers(1),
    "fills its argument": lambda: fills_its_argument([0]),
    "fills its default": lambda: fills_its_default(1),
    "counts in itself": lambda: Model().counts_in_itself(),
    "fills its closure": lambda: fills_its_closure(1),
}

def from_three_threads(name):
    found = []
    threads = [threading.Thread(target=lambda: found.append(CALLS[name]())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found

def serve():
    for line in sys.stdin:
        print(json.dumps(from_three_threads(line.strip())), flush=True)
"""
)


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
    assert shown == ["Waiting for another process, which is computing slow()", "gone"]


def test_without_a_spinner_nothing_is_shown(begun: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    other, slow = begun(", show_spinner=False")
    monkeypatch.setattr(hooks, "spinner", lambda message, show_time: pytest.fail("shown"))
    other.stdin.write("go on\n")
    other.stdin.flush()

    assert slow(1) == [1, other.pid]


@pytest.mark.filterwarnings("ignore:.* changes its argument")
def test_callers_in_two_processes_run_a_function_once_that_changes_things(
    cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "changing_things.py").write_text(_CHANGING)
    other = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", "import changing_things; changing_things.serve()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
    )  # fmt: skip
    assert other.stdin is not None and other.stdout is not None
    told = threading.Event()

    def tell(line: str) -> None:
        other.stdin.write(line + "\n")  # type: ignore[union-attr]
        other.stdin.flush()  # type: ignore[union-attr]

    @contextmanager
    def waiting(message: str, show_time: bool) -> Iterator[None]:
        if "another" in message.lower() and not told.is_set():
            told.set()
            tell("go on")
        yield

    monkeypatch.setattr(hooks, "spinner", waiting)
    try:
        import changing_things  # type: ignore[import-not-found]

        found = {}
        for name in changing_things.CALLS:
            told.clear()
            tell(name)
            assert other.stdout.readline() == "computing\n"
            found[name] = [*changing_things.from_three_threads(name), *json.loads(other.stdout.readline())]
    finally:
        sys.modules.pop("changing_things", None)
        other.kill()
        other.communicate()

    assert found == dict.fromkeys(found, [other.pid] * 6)


def test_what_a_call_has_waited_for_is_known_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "perf_counter", iter((1.0, 3.5)).__next__)
    job = Job(Key("f", b"", ()), Policy(), lambda: Computed(1), lambda: Description("", ()))

    class Free:
        def wait(self, waiting: Callable[[], None] | None = None) -> None:
            """Somebody has given it back meanwhile."""

        def release(self) -> None:
            """Nobody waits for it."""

    def steps() -> driver.Steps:
        yield driver.Lock(Free(), job)
        return Fetched(1, True, None)

    driver.drive(steps(), lambda job: None)
    assert job.waited == 2.5

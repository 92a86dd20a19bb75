"""What a worker takes over from the process that it works for, and what no pickle says."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nbcache import cache_data
from nbcache.calls.worker_settings import publish
from nbcache.config import settings
from nbcache.engine.cache import Cache
from nbcache.entries.keyfile import state_folder

SECRET = "redis://user:hunter2@127.0.0.1:1/0"


def local() -> Any:
    """A cached function that travels by value."""

    @cache_data
    def foo(x: int) -> int:
        return x + 1

    return foo


def settings_seen(pickled: bytes) -> dict[str, Any]:
    """What a process has for settings once it has loaded a cached function."""
    pickle.loads(pickled)
    return {name: getattr(settings(), name) for name in ("persist", "trust", "store", "dir")}


def ask(pickled: bytes, method: str) -> dict[str, Any]:
    with multiprocessing.get_context(method).Pool(1) as pool:
        return pool.apply(settings_seen, (pickled,))


@pytest.fixture
def chosen(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Settings of this session that no environment tells."""
    monkeypatch.setattr(settings(), "trust", "strict")
    monkeypatch.setattr(settings(), "store", SECRET)
    return settings()


def test_settings_that_a_killed_process_left_are_removed(chosen: Any) -> None:
    code = """
import os
from nbcache.calls.worker_settings import publish
print(publish(), flush=True)
os.kill(os.getpid(), 9)
"""
    killed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    left, stranger = (state_folder() / "workers" / f"{name}.json" for name in (killed.stdout.strip(), "another-1-1-1"))
    assert left.exists()
    stranger.touch()

    publish()

    assert not left.exists() and stranger.exists()


def test_no_pickle_of_a_function_holds_the_password_of_the_store(chosen: Any) -> None:
    foo = local()
    assert b"hunter2" not in pickle.dumps(foo)
    assert b"hunter2" not in pickle.dumps([foo, {"f": foo}])


def test_the_settings_lie_in_a_file_of_the_users_only(chosen: Any) -> None:
    path = state_folder() / "workers" / f"{publish()}.json"
    assert "hunter2" in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert publish() == path.stem  # once for each choice, not for each function


def test_another_choice_is_written_again(chosen: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    first = publish()
    monkeypatch.setattr(settings(), "persist", "disk")
    assert publish() != first


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_a_worker_takes_over_the_settings_of_the_process_that_it_works_for(chosen: Any, method: str) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} here")
    seen = ask(pickle.dumps(local()), method)
    assert (seen["trust"], seen["store"]) == ("strict", SECRET)


def test_a_pickle_of_a_process_that_is_gone_switches_nothing(cache: Cache, python: Callable[..., Any]) -> None:
    made = subprocess.run(
        [sys.executable, "-c", _MAKE], capture_output=True, check=True, env={**os.environ, "NBCACHE_TRUST": "sign"}
    ).stdout
    before = settings().trust
    seen = ask(bytes.fromhex(made.decode()), "spawn")
    assert (seen["trust"], seen["persist"]) == (before, settings().persist)


def test_a_pickle_of_another_living_process_switches_nothing(cache: Cache) -> None:
    maker = subprocess.Popen(
        [sys.executable, "-c", f"{_MAKE}\nimport sys; sys.stdout.flush(); sys.stdin.read()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert maker.stdout is not None and maker.stdin is not None
    try:
        made = maker.stdout.readline()
        seen = ask(bytes.fromhex(made), "spawn")
    finally:
        maker.stdin.close()
        maker.wait(10)
        maker.stdout.close()
    assert seen["persist"] == settings().persist != "disk"


def test_a_file_that_others_can_read_is_not_believed(chosen: Any) -> None:
    pickled = pickle.dumps(local())
    path = state_folder() / "workers" / f"{publish()}.json"
    path.chmod(0o644)
    try:
        assert ask(pickled, "spawn")["store"] != SECRET
    finally:
        path.chmod(0o600)


def test_the_file_is_gone_with_the_process(tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", _MAKE], capture_output=True, check=True, env=environment)
    assert list(tmp_path.rglob("*.json")) == []


_MAKE = """
import pickle
from nbcache import cache_data
from nbcache.config import settings
settings().persist = "disk"
def make():
    @cache_data
    def foo(x):
        return x
    return foo
print(pickle.dumps(make()).hex())
"""

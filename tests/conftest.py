"""Fixtures for every room: a cache of its own for each test, a clock that only moves when told, a real shell."""

from __future__ import annotations

import atexit
import builtins
import gc
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from clock import Clock
from process_state import left_behind, process_state
from processes import python_path

from nbcache import registry
from nbcache.config import NBCache
from nbcache.engine.cache import Cache
from nbcache.engine.tiers import open_tiers
from nbcache.stores.disk import lockfile


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the browser's tests come last: their driver keeps an event loop running in this thread from then on.

    An identifier that holds an address differs in every process: workers that share a run could not agree on the list.
    """
    if addresses := [item.nodeid for item in items if " at 0x" in item.nodeid]:
        raise pytest.UsageError(f"name the parameters of these tests: {addresses}")
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over what the imports of all test files made, in every full collection."""
    gc.collect()
    gc.freeze()


class Calls:
    """Counts real computations, and is no part of any key."""

    def __init__(self) -> None:
        self.made: list[Any] = []

    def __call__(self, call: Any = None) -> None:
        self.made.append(call)

    def __len__(self) -> int:
        return len(self.made)

    def __cache_key__(self) -> str:
        return "calls"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.fixture(scope="module", autouse=True)
def own_main() -> Iterator[None]:
    """Give the next file its own `__main__` back: a shell that lives for a whole file puts another one there."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Let a test fail that leaves options changed for the tests after it."""
    before = process_state()
    yield
    assert left_behind(before) == {}


@pytest.fixture(autouse=True)
def surroundings(nothing_left_behind: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give every test a working folder, a store and a key of its own, and close what it opened."""
    for name in [name for name in os.environ if name.startswith("NBCACHE_")]:
        if name != "NBCACHE_REQUIRE_ALL":
            monkeypatch.delenv(name)
    monkeypatch.setenv("NBCACHE_DIR", str(tmp_path / "store"))
    monkeypatch.setenv("NBCACHE_KEY_FILE", str(tmp_path / "keys" / "key"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    NBCache.clear_instance()
    registry.replace_cache(None)
    main = sys.modules["__main__"]
    yield
    forkserver = sys.modules.get("multiprocessing.forkserver")
    if forkserver is not None and forkserver._forkserver._forkserver_pid is not None:
        forkserver._forkserver._stop()  # its children have the environment of its start
    sys.modules["__main__"] = main  # a shell puts its own there
    vars(builtins).pop("_", None)  # with what a Python console showed last there, IPython keeps no outputs
    registry.replace_cache(None)
    NBCache.clear_instance()
    for file in list(lockfile._files.values()):  # of stores that the test opened itself
        file.close()


@pytest.fixture
def cache(surroundings: None, clock: Clock) -> Cache:
    """The cache that functions of this test use, on the test's clock."""
    cache = Cache(open_tiers(clock), clock)
    registry.replace_cache(cache)
    return cache


@pytest.fixture
def restart(cache: Cache, clock: Clock) -> Callable[[], Cache]:
    """Forget all that is in memory, as a new kernel would; what is on disk stays."""

    def again() -> Cache:
        fresh = Cache(open_tiers(clock), clock)
        registry.replace_cache(fresh)
        return fresh

    return again


@pytest.fixture
def python(tmp_path: Path) -> Callable[..., str]:
    """Run a program in a new Python process of this environment; return what it printed."""

    def run(source: str, *arguments: str, timeout: float = 60, **environment: str) -> str:
        program = tmp_path / "program.py"
        program.write_text(textwrap.dedent(source), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, str(program), *arguments],
            capture_output=True,
            text=True,
            timeout=timeout,
            env={**os.environ, "PYTHONPATH": python_path(), **environment},
            cwd=tmp_path,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture
def shell() -> Iterator[Any]:
    """A real IPython shell with nothing of nbcache in it."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell.instance(config=config)
    yield shell
    if "nbcache" in shell.extension_manager.loaded:
        shell.run_line_magic("unload_ext", "nbcache")
    # Not `reset`, here or at the end of the process: it collects all garbage, and there are hundreds of shells.
    atexit.unregister(shell.atexit_operations)
    shell.user_ns.clear()
    InteractiveShell.clear_instance()


@pytest.fixture(scope="module")
def one_kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One real kernel for the tests of a file: starting one costs more than most of them."""
    pytest.importorskip("nbclient")
    from live import live

    folder = tmp_path_factory.mktemp("kernel")
    with live(folder, NBCACHE_DIR=str(folder / "store"), NBCACHE_KEY_FILE=str(folder / "key")) as nb:
        nb.folder = folder
        yield nb


@pytest.fixture
def emptied_kernel(one_kernel: Any) -> Iterator[Any]:
    """That kernel with an empty namespace, an empty cache, and nobody who counts yet."""
    from live import RESET

    one_kernel(RESET)
    one_kernel("%reload_ext nbcache\n%cache_clear\nimport builtins; builtins.ran = []\ndel builtins")
    yield one_kernel
    one_kernel("%cache_cells off")

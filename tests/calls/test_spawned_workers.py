"""A script is another module in spawned workers, and yet its functions, classes and results are the same there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

_SCRIPT = """
import multiprocessing, sys, time
from nbcache import cache_data

class Point:
    def __init__(self, x):
        self.x = x

def helper(x):
    return x

@cache_data(persist="disk", show_spinner=False)
def load(point, function):
    return function(point.x), time.time_ns()

def work(x):
    return load(Point(x), helper)

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    with context.Pool(1) as pool:
        there = pool.apply(work, (1,))
    here = work(1)
    load.clear()
    with context.Pool(1) as pool:
        again = pool.apply(work, (1,))
    print(here == there, again != there, load.owner, [(row.name, row.entries) for row in cache_data.info()])
"""


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_parent_and_spawned_worker_share_results_and_clears(tmp_path: Path, method: str) -> None:
    script = tmp_path / "script.py"
    script.write_text(_SCRIPT)
    said = subprocess.run(
        [sys.executable, str(script), method], capture_output=True, text=True, check=True, cwd=tmp_path, timeout=120
    )
    assert said.stdout.split("\n")[0] == "True True __main__.load [('__main__.load', 1)]"


_SENDER = """
import cloudpickle, pathlib, sys
from nbcache import cache_data

FACTOR = 3

class Point:
    def __init__(self, x):
        self.x = x

    def scaled(self):
        return self.x * FACTOR

@cache_data(persist="disk", show_spinner=False)
def load(x):
    return Point(x)

if sys.argv[1] == "send":
    pathlib.Path("sent").write_bytes(cloudpickle.dumps(load))
else:
    hit = [load.is_cached(x) for x in (1, 2)]
    point, FACTOR = load(1), 4
    print(hit, type(point) is Point, point.scaled())
"""

_ENGINE = """
import pathlib, pickle

for x in (1, 2):
    load = pickle.loads(pathlib.Path("sent").read_bytes())
    assert load(x).scaled() == 3 * x and load.is_cached(x)
"""


def test_a_worker_that_is_no_child_stores_results_as_the_notebook_does(python: Callable[..., str]) -> None:
    """So are those of Ray, of Spark, and of dask on other machines."""
    python(_SENDER, "send")
    python(_ENGINE)

    assert python(_SENDER, "look") == "[True, True] True 4\n"

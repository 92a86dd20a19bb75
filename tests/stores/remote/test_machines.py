"""Two machines, which are processes with folders of their own, race on one key of a shared store."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from processes import SUPPORT, python_path

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "file":
        return f"file://{tmp_path}/shared"
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


def on(*kinds: str) -> pytest.MarkDecorator:
    """Run a test on stores of these kinds."""
    marked = [kind if kind == "file" else pytest.param(kind, marks=pytest.mark.server) for kind in kinds]
    return pytest.mark.parametrize("store_url", marked, indirect=True)


@pytest.fixture
def start(store_url: str, tmp_path: Path) -> Start:
    """Start a machine."""

    def begin(name: str, seconds: float, *calls: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(SUPPORT / "machine.py"), str(tmp_path), str(seconds), *calls],
            env={
                **os.environ,
                "NBCACHE_DIR": str(tmp_path / name),
                "NBCACHE_STORE": store_url,
                "PYTHONPATH": python_path(),
                **environment,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return begin


def computed(folder: Path) -> list[str]:
    path = folder / "computed"
    return path.read_text().splitlines() if path.exists() else []


def until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@on("file", "redis", "s3")
def test_two_machines_that_want_one_result_compute_it_once(start: Start, tmp_path: Path) -> None:
    one = start("one", 1.5, "load(1)")
    until(lambda: computed(tmp_path))
    two = start("two", 1.5, "load(1)")

    for machine in (one, two):
        said, trouble = machine.communicate(timeout=60)
        assert (said, trouble) == ("[[1]]\n", "")
    assert computed(tmp_path) == ["1"]


@on("redis", "s3")
def test_a_killed_machine_loses_its_lease(start: Start, tmp_path: Path) -> None:
    one = start("one", 60, "load(1)", LEASES_LAST="2")
    until(lambda: computed(tmp_path))
    one.kill()
    one.communicate()

    two = start("two", 0, "load(1)", LEASES_LAST="2")
    said, trouble = two.communicate(timeout=30)

    assert said == "[[1]]\n", trouble
    assert computed(tmp_path) == ["1", "1"]


@on("file")
def test_a_long_computation_keeps_its_lease(start: Start, tmp_path: Path) -> None:
    one = start("one", 4, "load(1)", LEASES_LAST="1.2")
    until(lambda: computed(tmp_path))
    two = start("two", 4, "load(1)", LEASES_LAST="1.2")

    assert [machine.communicate(timeout=60)[0] for machine in (one, two)] == ["[[1]]\n"] * 2
    assert computed(tmp_path) == ["1"]


@on("redis")
def test_machines_that_would_wait_for_each_other_both_go_on(start: Start, tmp_path: Path) -> None:
    one = start("one", 1, "first(1)")  # needs second(0)
    two = start("two", 1, "second(1)")  # needs first(0)
    three = start("three", 1, "first(2)")  # needs second(1), which needs first(0)

    assert [machine.communicate(timeout=90)[0] for machine in (one, two, three)] == [
        "[[1, 0]]\n", "[[1, 0]]\n", "[[2, 1, 0]]\n"
    ]  # fmt: skip
    assert sorted(computed(tmp_path)) == ["first 0", "first 1", "first 2", "second 0", "second 1"]

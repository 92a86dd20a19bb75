"""What a run did where nobody can look is said by `explain`, and changes nothing else."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from nbcache import cache_data
from nbcache.tracking.observations.observation import Observation
from nbcache.tracking.observations.recorder import recording

pytestmark = [
    pytest.mark.usefixtures("work_folder"),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork"),
    pytest.mark.filterwarnings("ignore"),  # from 3.12 on a fork beside threads gives a warning
]


def forked() -> str:
    """What a child process reads, which the run gets through a pipe."""
    source, sink = os.pipe()
    child = os.fork()
    if not child:
        os.write(sink, Path("a.txt").read_bytes())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(sink)
    with open(source) as pipe:
        return pipe.read()


def in_a_terminal() -> str:
    import pty

    child, terminal = pty.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
    os.close(terminal)
    return ""


def as_a_process() -> None:
    worker = multiprocessing.get_context("fork").Process(target=Path("a.txt").read_text)
    worker.start()
    worker.join()


def as_a_pool() -> None:
    with multiprocessing.get_context("fork").Pool(1) as pool:
        pool.map(os.path.exists, ["a.txt"])


def as_a_program() -> None:
    subprocess.run([sys.executable, "-I", "-S", "-c", ""], check=True)
    os.spawnlp(os.P_WAIT, "true", "true")


RUNS: dict[str, tuple[Callable[[], object], bool]] = {
    "fork": (forked, True),
    "a terminal": (in_a_terminal, True),
    "a process of multiprocessing": (as_a_process, False),
    "a pool": (as_a_pool, False),
    "a program": (as_a_program, False),
}


@pytest.mark.parametrize(("run", "said"), RUNS.values(), ids=RUNS)
def test_a_child_that_cannot_hand_back_what_it_sees_is_said_not_to_be_followed(
    run: Callable[[], object], said: bool
) -> None:
    @cache_data(show_spinner=False)
    def outer() -> object:
        return inner()

    @cache_data(show_spinner=False)
    def inner() -> object:
        return run()

    outer()

    for function in (inner, outer):
        told = function.explain()
        assert told.hit
        assert any("os.fork" in line for line in told.unfollowed) is said
        assert not any("os.fork" in line for line in told.depends_on)


def test_a_run_that_forks_is_a_hit_again() -> None:
    with recording() as seen:
        text = forked()

    assert text == "a"
    assert seen.steady()
    kinds = {one.kind for one in seen.observations if one != Observation("a.txt", "file")}
    assert kinds - {"warning"} == {"not followed"}  # since 3.12 a fork beside other threads warns

"""An error shows the user's lines, as it would without the cache."""

from __future__ import annotations

import asyncio
import io
import os
import pickle
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from processes import python_path

from nbcache import UncacheableFunctionError, UnhashableArgumentError, UserHashError, cache_data
from nbcache.compute.workers import Sent, opened, run
from nbcache.config import settings

PACKAGE = str(Path(cache_data.__class__.__call__.__code__.co_filename).parent)


def frames(call: Callable[[], object]) -> list[tuple[str, str]]:
    """The frames that an error of a call leaves behind the one in here: file and function."""
    try:
        call()
    except BaseException as error:
        return [(os.path.basename(one.filename), one.name) for one in traceback.extract_tb(error.__traceback__)[1:]]
    raise AssertionError("no error")


def ratio(n: int) -> float:
    return 1 / n


def nested(n: int) -> float:
    return cache_data(ratio)(n)


async def awaited(n: int) -> float:
    await asyncio.sleep(0)
    return 1 / n


class Point:
    def method(self, n: int) -> float:
        return 1 / n

    @property
    def size(self) -> float:
        return 1 / 0


class CachedPoint:
    @cache_data
    def method(self, n: int) -> float:
        return 1 / n

    @cache_data
    @property
    def size(self) -> float:
        return 1 / 0


SHAPES: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
    "a function": (lambda: ratio(0), lambda: cache_data(ratio)(0)),
    "kept on disk": (lambda: ratio(0), lambda: cache_data(persist="disk")(ratio)(0)),
    "a method": (lambda: Point().method(0), lambda: CachedPoint().method(0)),
    "a property": (lambda: Point().size, lambda: CachedPoint().size),
    "a refresh": (lambda: ratio(0), lambda: cache_data(ratio).refresh(0)),
    "a map": (lambda: ratio(0), lambda: cache_data(ratio).map([1, 0], n_jobs=1, progress=False)),
    "a map in threads": (
        lambda: ratio(0),
        lambda: cache_data(ratio).map([1, 0], n_jobs=2, backend="threading", progress=False),
    ),
    "a library's function": (lambda: pickle.loads(b"0"), lambda: cache_data(pickle.loads)(b"0")),
    "a missing file": (lambda: os.stat("missing"), lambda: cache_data(lambda: os.stat("missing"))()),
    "a missing variable": (lambda: os.environ["NO_SUCH"], lambda: cache_data(lambda: os.environ["NO_SUCH"])()),
}


# Functions of the system in whose place others stand, each in trouble.
STOOD_IN_FOR: dict[str, Callable[[], object]] = {
    "stat": lambda: os.stat("missing"),
    "lstat": lambda: os.lstat("missing"),
    "fstat": lambda: os.fstat(-1),
    "access": lambda: os.access("a\0b", os.R_OK),
    "readlink": lambda: os.readlink("missing"),
    "scandir": lambda: os.scandir("missing"),
}


@pytest.mark.parametrize("name", STOOD_IN_FOR)
def test_what_stands_in_for_a_function_of_the_system_leaves_no_frame(name: str) -> None:
    ours = os.path.basename(__file__), "<lambda>"

    assert frames(STOOD_IN_FOR[name]) == [ours]
    assert frames(cache_data(STOOD_IN_FOR[name])) == [ours]


@pytest.mark.parametrize("shape", SHAPES)
def test_an_error_shows_the_frames_that_the_undecorated_call_shows(shape: str) -> None:
    plain, cached = (frames(call) for call in SHAPES[shape])
    assert [name for name in cached if name[1] != "<lambda>"] == [name for name in plain if name[1] != "<lambda>"]


def test_a_cached_function_in_another_leaves_only_their_two_frames() -> None:
    assert [name for _, name in frames(lambda: cache_data(nested)(0))] == ["<lambda>", "nested", "ratio"]


def test_an_awaited_error_shows_the_frames_that_the_undecorated_one_shows() -> None:
    plain, cached = frames(lambda: asyncio.run(awaited(0))), frames(lambda: asyncio.run(cache_data(awaited)(0)))
    assert cached == plain


def test_a_streamed_map_raises_at_the_line_that_asks_for_the_next_result() -> None:
    results = cache_data(ratio).map([1, 0], n_jobs=1, progress=False, return_as="generator")
    assert [name for _, name in frames(lambda: list(results))] == ["<lambda>", "ratio"]


def _wrong_options() -> None:
    cache_data(ttl="5")


OURS: dict[str, Callable[[], object]] = {
    "an argument that cannot be hashed": lambda: cache_data(ratio)(threading.Lock()),  # type: ignore[arg-type]
    "a wrong parameter": _wrong_options,
    "a name that no parameter has": lambda: cache_data(tttl=5),  # type: ignore[call-overload]
    "something that is no function": lambda: cache_data("1h"),  # type: ignore[call-overload]
    "a clear with too much": lambda: cache_data(ratio).clear(1, 2, 3),
    "a clear of an unknown name": lambda: cache_data(ratio).clear_where(m=1),
}


@pytest.mark.parametrize("mistake", OURS)
def test_an_error_of_ours_is_one_exception_at_the_users_line(mistake: str) -> None:
    with pytest.raises(Exception) as caught:
        OURS[mistake]()
    text = "".join(traceback.format_exception(caught.value))
    assert PACKAGE not in text and "<nbcache" not in text
    assert text.count("Traceback (most recent call last)") == 1


def test_a_failing_hash_function_is_the_one_cause_and_shows_its_own_line() -> None:
    def digest(n: list[int]) -> int:
        return 1 // len(n)

    cached = cache_data(hash_funcs={list: digest})(lambda n: n)
    with pytest.raises(UserHashError) as caught:
        cached([])
    cause = caught.value.__cause__
    assert isinstance(cause, ZeroDivisionError) and cause.__cause__ is None
    assert [one.name for one in traceback.extract_tb(cause.__traceback__)] == ["digest"]


def test_the_setting_full_tracebacks_keeps_all_frames() -> None:
    settings().full_tracebacks = True
    assert "slowpath.py" in [file for file, _ in frames(lambda: cache_data(ratio)(0))]


def test_a_mistake_of_nbcache_keeps_its_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    cached = cache_data(ratio)
    monkeypatch.setattr(cached._slow._jobs, "state", None)
    assert "slowpath.py" in [file for file, _ in frames(lambda: cached(1))]


def _shown(shell: Any, source: str) -> list[str]:
    said = io.StringIO()
    with redirect_stdout(said):
        shell.run_cell(source)
    return said.getvalue().splitlines()


def test_ipython_shows_as_many_lines_as_without_the_cache(shell: Any) -> None:
    shell.run_cell("%load_ext nbcache\nimport threading\ndef same(f): return f")
    plain = _shown(shell, "@same\ndef f(n): return 1/n\nf(0)")
    assert len(_shown(shell, "@cache_data\ndef f(n): return 1/n\nf(0)")) == len(plain)
    in_plain_cell, in_cached_cell = _shown(shell, "\nf(0)"), _shown(shell, "%%cache_cell\nf(0)")
    assert len(in_cached_cell) <= len(in_plain_cell) + 1  # the line of the magic stands beside
    assert len(_shown(shell, "f(threading.Lock())")) <= len(plain)


def test_the_debugger_lands_in_the_users_frame(shell: Any) -> None:
    shell.run_cell("%load_ext nbcache\n@cache_data\ndef g(n): return 1/n")
    _shown(shell, "g(0)")
    trace = sys.last_traceback
    while trace.tb_next:
        trace = trace.tb_next
    assert trace.tb_frame.f_code.co_name == "g" and trace.tb_frame.f_back is not None


def test_a_note_of_a_worker_process_shows_the_users_lines() -> None:
    sent = Sent(cache_data(ratio), "loky")
    sent.home = -1  # as if this were a worker
    _, outcome = run(sent, 0, (0,))
    note = opened(outcome).payload.__notes__[-1]
    assert PACKAGE not in note and "return 1 / n" in note


def test_a_decorated_class_is_refused_and_a_class_that_is_called_is_not() -> None:
    with pytest.raises(UncacheableFunctionError, match="isinstance"):

        @cache_data
        class Spot:
            pass

    assert cache_data(Point)().method(1) == 1


def test_plain_python_prints_nothing_of_nbcache(tmp_path: Path) -> None:
    program = tmp_path / "own.py"
    program.write_text("from nbcache import cache_data\n@cache_data\ndef ratio(n): return 1/n\nratio(0)\n")
    environment = {**os.environ, "PYTHONPATH": python_path()}
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, env=environment)
    assert done.stderr.count("File ") == 2 and "nbcache" not in done.stderr


def test_an_unhashable_argument_has_no_cause_to_show() -> None:
    with pytest.raises(UnhashableArgumentError) as caught:
        cache_data(ratio)(threading.Lock())  # type: ignore[arg-type]
    assert caught.value.__suppress_context__ and caught.value.__cause__ is None

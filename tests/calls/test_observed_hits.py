"""Hits that rest on observations take the fast path too, and see on it whatever the slow one sees."""

from __future__ import annotations

import contextvars
import os
import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nbcache import cache_data
from nbcache.calls.slowpath import SlowPath

pytestmark = pytest.mark.usefixtures("cache")


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The calls that have taken the slow path."""
    taken: list[str] = []
    call = SlowPath._call

    def counting(self: SlowPath, bound: Any) -> Any:
        taken.append(self.name)
        return call(self, bound)

    monkeypatch.setattr(SlowPath, "_call", counting)
    return taken


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NBX_MODE", "a")
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "sub").mkdir()
    for path in (tmp_path / "a.txt", tmp_path / "sub"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    return tmp_path


def _rewrite(text: str) -> Callable[[], object]:
    return lambda: Path("a.txt").write_text(text)


def _read(name: str) -> str:
    try:
        return Path(name).read_text()
    except OSError:
        return "none"


# what a run sees, how that changes, and how it changes back
SEEN: dict[str, tuple[Callable[[], Any], Callable[[], object], Callable[[], object]]] = {
    "a file": (lambda: _read("a.txt"), _rewrite("bb"), _rewrite("a")),
    "a file that is missing": (
        lambda: _read("n.txt"),
        lambda: Path("n.txt").write_text("n"),
        lambda: Path("n.txt").unlink(),
    ),
    "presence": (
        lambda: os.path.exists("n.txt"),
        lambda: Path("n.txt").write_text("n"),
        lambda: Path("n.txt").unlink(),
    ),
    "size": (lambda: os.path.getsize("a.txt"), _rewrite("bb"), _rewrite("a")),
    "names in a folder": (
        lambda: sorted(os.listdir("sub")),
        lambda: Path("sub/x").write_text(""),
        lambda: Path("sub/x").unlink(),
    ),
    "a variable": (
        lambda: os.environ.get("NBX_MODE"),
        lambda: os.environ.update(NBX_MODE="b"),
        lambda: os.environ.update(NBX_MODE="a"),
    ),
    "a generator": (lambda: random.random(), lambda: random.seed(2), lambda: random.seed(1)),
}


@pytest.mark.parametrize("what", SEEN)
def test_a_change_is_seen_after_fast_hits_and_a_change_back_is_a_hit(what: str, folder: Path, slow: list[str]) -> None:
    see, change, back = SEEN[what]
    back() if what == "a generator" else None

    @cache_data(show_spinner=False)
    def seen(x: int) -> Any:
        return see()

    def repeated() -> list[Any]:
        found = []
        for _ in range(4):
            back() if what == "a generator" else None
            found.append(seen(1))
        return found

    first = repeated()
    before = len(slow)
    first += repeated()
    assert len(slow) == before
    assert len(set(map(repr, first))) == 1
    change()
    other = seen(1)
    assert other != first[0]
    back()

    assert seen(1) == first[0]
    assert seen.info().misses == 2


def test_a_fast_hit_leaves_a_generator_where_the_run_left_it(slow: list[str]) -> None:
    @cache_data(show_spinner=False)
    def drawn(x: int) -> float:
        return random.random()

    following = []
    for _ in range(4):
        random.seed(5)
        following.append((drawn(1), random.random()))

    assert len(set(following)) == 1
    assert len(slow) == 2


def test_a_fast_hit_tells_a_run_around_it_what_it_rests_on(folder: Path) -> None:
    @cache_data(show_spinner=False)
    def inner(x: int) -> str:
        return _read("a.txt")

    @cache_data(show_spinner=False)
    def outer(x: int) -> str:
        return inner(1) * 2

    for _ in range(4):
        inner(1)
    assert [outer(1) for _ in range(4)] == ["aa"] * 4
    _rewrite("b")()

    assert outer(1) == "bb"


def test_fast_hits_are_counted_and_end_with_a_clear(folder: Path, calls: Any) -> None:
    @cache_data(show_spinner=False)
    def read(x: int) -> str:
        calls(x)
        return _read("a.txt")

    for _ in range(5):
        read(1)
    assert read.info().hits == 4

    read.clear()
    read(1)

    assert len(calls) == 2


def test_the_least_recently_used_goes_first_where_hits_are_fast(folder: Path, calls: Any) -> None:
    @cache_data(show_spinner=False, max_entries=2)
    def read(x: int) -> str:
        calls(x)
        return _read("a.txt")

    for x in (1, 2, 1, 1, 1, 1, 3, 1):
        read(x)

    assert calls.made == [1, 2, 3]


def test_an_expired_result_is_computed_again_after_fast_hits(folder: Path, calls: Any, clock: Any) -> None:
    @cache_data(show_spinner=False, ttl="10s")
    def read(x: int) -> str:
        calls(x)
        return _read("a.txt")

    for _ in range(4):
        read(1)
    assert len(calls) == 1
    clock.move(11)

    read(1)

    assert len(calls) == 2


def test_a_hit_in_another_context_sees_the_value_there() -> None:
    asked = contextvars.ContextVar("asked", default=1)
    globals()["ASKED"] = asked

    @cache_data(show_spinner=False)
    def read(x: int) -> int:
        return ASKED.get()  # type: ignore[name-defined]  # noqa: F821

    assert [read(1), read(1), read(1)] == [1, 1, 1]

    def elsewhere() -> int:
        asked.set(2)
        return read(1)

    assert contextvars.copy_context().run(elsewhere) == 2
    assert read(1) == 1


TROUBLE: dict[str, Callable[[Path], object]] = {
    "gone": lambda path: path.unlink(),
    "a pipe": lambda path: (path.unlink(), os.mkfifo(path)),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "a link to itself": lambda path: (path.unlink(), path.symlink_to(path)),
}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes")
@pytest.mark.timeout(60)
@pytest.mark.parametrize("what", TROUBLE)
def test_a_fast_hit_meets_trouble_as_a_miss(what: str, folder: Path) -> None:
    @cache_data(show_spinner=False)
    def size(x: int) -> int:
        with open("a.txt", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
            return len(file.read())

    assert [size(1) for _ in range(4)] == [1] * 4
    TROUBLE[what](folder / "a.txt")

    if what == "a pipe":
        assert size(1) == 0
    else:
        with pytest.raises(OSError):
            size(1)


def test_fast_hits_that_rest_on_a_thousand_files_see_the_last_of_them(folder: Path, slow: list[str]) -> None:
    for number in range(1000):
        path = folder / "sub" / f"{number}.txt"
        path.write_text(str(number))
        os.utime(path, (1_000_000_000, 1_000_000_000))

    @cache_data(show_spinner=False)
    def total(x: int) -> int:
        return sum(int(_read(f"sub/{number}.txt")) for number in range(1000))

    found = [total(1) for _ in range(4)]
    assert len(slow) == 2
    (folder / "sub" / "999.txt").write_text("0")

    assert found == [499_500] * 4
    assert total(1) == 499_500 - 999


def test_threads_that_hit_while_the_world_changes_get_no_wrong_answer(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @cache_data(show_spinner=False)
    def mode(x: int) -> str | None:
        return os.environ.get("NBX_MODE")

    allowed = {"a"}
    wrong: list[Any] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            before = set(allowed)
            found = mode(1)
            if found not in before | allowed:
                wrong.append(found)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for value in ("b", "a", "c", "b", "a") * 4:
        allowed.add(value)
        monkeypatch.setenv("NBX_MODE", value)
        assert mode(1) == value
    stop.set()
    for thread in threads:
        thread.join()

    assert not wrong
    assert mode.info().misses >= 3

"""What surrounds a run ends with it, however it ends."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from nbcache import cache_data
from nbcache.calls.run import Watched
from nbcache.engine.cache import Cache
from nbcache.engine.hooks import Recorded, hooks
from nbcache.tracking.observations.context import active
from nbcache.tracking.observations.files import FILES
from nbcache.tracking.observations.recorder import Recorder


@pytest.fixture
def diary(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A spinner and a recording that write down when they begin and end."""
    written: list[str] = []

    @contextmanager
    def told(what: str) -> Iterator[Any]:
        written.append(f"{what} begins")
        try:
            yield None
        finally:
            written.append(f"{what} ends")

    monkeypatch.setattr(hooks, "spinner", lambda message, show_time: told("spinner"))
    monkeypatch.setattr(hooks, "record", lambda what: told("recording"))
    return written


def watched() -> Watched:
    return Watched("Running", False, "display", (), True)


def test_what_surrounds_a_run_begins_in_order_and_ends_in_reverse(diary: list[str]) -> None:
    with watched() as run:
        diary.append("run")
        assert active()

    assert diary == ["spinner begins", "recording begins", "run", "recording ends", "spinner ends"]
    assert not active() and run.seconds > 0.0


def test_a_run_that_fails_leaves_nothing_around_the_next_one(diary: list[str]) -> None:
    with pytest.raises(ZeroDivisionError), watched():
        raise ZeroDivisionError

    assert diary[-2:] == ["recording ends", "spinner ends"]
    assert not active()


def test_a_recording_that_cannot_begin_leaves_no_spinner(diary: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing(AbstractContextManager[Recorded]):
        def __enter__(self) -> Recorded:
            raise RuntimeError

        def __exit__(self, *error: object) -> None:
            diary.append("never begun, yet ended")

    monkeypatch.setattr(hooks, "record", lambda what: Refusing())
    with pytest.raises(RuntimeError), watched():
        diary.append("run")

    assert diary == ["spinner begins", "spinner ends"]


def test_a_recording_of_files_that_cannot_begin_leaves_nothing_open(
    diary: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(recorder: Recorder) -> None:
        raise RuntimeError

    monkeypatch.setattr(Recorder, "__enter__", refuse)
    with pytest.raises(RuntimeError), watched():
        diary.append("run")

    assert diary == ["spinner begins", "recording begins", "recording ends", "spinner ends"]


def test_an_error_while_the_world_is_looked_at_leaves_the_call_alone(
    cache: Cache, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("a")

    @cache_data
    def read() -> str:
        return path.read_text()

    def refuse(self: object, name: str) -> bytes:
        raise RuntimeError("a kind of observation that fails")

    monkeypatch.setattr(type(FILES), "digest", refuse)

    assert [read(), read()] == ["a", "a"]
    assert not read.is_cached()


def test_what_observed_a_run_is_gone_after_it(cache):
    @cache_data
    def load(x):
        return x

    def recorders():
        gc.collect()
        return sum(type(one) is Recorder for one in gc.get_objects())

    load(-1)
    before = recorders()
    for x in range(20):
        load(x)
    assert recorders() <= before

"""Every parameter of `cache_data` on the real clock, from three threads, in one of two processes over one folder.

Run with the phase, "first" or "second"; prints what was seen, by parameter, as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import warnings
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from nbcache import cache_data
from nbcache.engine.hooks import hooks

PHASE = sys.argv[1]
ALPHA = PHASE
TTL = 0.4
SHOWN: list[str] = []


class Runs(list[str]):
    """The runs of a function: no part of its key, in whatever order three threads ran it."""

    def __cache_key__(self) -> str:
        return "runs"


RUNS: dict[str, Runs] = {}


class Wire:
    """A connection, of which only the address counts."""

    def __init__(self, url: str) -> None:
        self.url, self.opened = url, threading.Lock()


def function(label: str, **options: Any) -> Any:
    """A function with a name of its own, and some options."""

    runs = RUNS[label] = Runs()

    def computed(x: object = 0) -> list[object]:
        runs.append("computed")
        return [os.getpid(), len(runs), getattr(x, "url", x)]

    computed.__qualname__ = computed.__name__ = label
    return cache_data(**{"show_spinner": False, "persist": "disk", **options})(computed)


def from_threads(call: Any, *args: Any) -> Any:
    """Whether the value that three threads get at one time was made in this process, and how often it was for them."""
    runs = RUNS[call.__name__]
    barrier, before = threading.Barrier(3), len(runs)
    found: list[Any] = []

    def one() -> None:
        barrier.wait()
        found.append(call(*args))

    threads = [threading.Thread(target=one) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (made_in,) = {value[0] for value in found}
    return "here" if made_in == os.getpid() else "there", len(runs) - before


def until(reached: Any) -> bool:
    """Wait for something that time brings about."""
    end = time.monotonic() + 20
    while not (there := reached()) and time.monotonic() < end:
        time.sleep(0.02)
    return bool(there)


def look(label: str, *calls: Any, **options: Any) -> Any:
    """What some calls of a function give."""
    made = function(label, **options)
    return [from_threads(made, *call) for call in calls or [()]]


def short_ttl() -> Any:
    made = function("short", ttl=TTL)
    first = from_threads(made)
    gone = until(lambda: not made.is_cached())
    return first, gone, from_threads(made)


def bounded(label: str, **options: Any) -> Any:
    made = function(label, **options)
    there = [made.is_cached(str(x) * 20_000) for x in (1, 2, 3)]
    if PHASE == "first":
        for x in (1, 2, 3):
            from_threads(made, str(x) * 20_000)
            time.sleep(0.01)
        there = [made.is_cached(str(x) * 20_000) for x in (1, 2, 3)]
    return there


def background() -> Any:
    ttl = 5 * TTL  # the old value is kept for as long again: on a busy machine a moment may take a second
    made = function(f"background_{PHASE}", ttl=ttl, refresh_mode="background")
    old = made()
    time.sleep(1.1 * ttl)  # an idle moment past the ttl, as a user leaves it
    return made()[1] == old[1], until(lambda: made()[1] != old[1])


@contextmanager
def spinner(message: str, show_time: bool) -> Any:
    SHOWN.append(f"{message} {show_time}")
    yield


def shown(label: str, **options: Any) -> Any:
    SHOWN.clear()
    return look(label, **options), list(SHOWN)


def followed(track: bool) -> Any:
    runs = RUNS[label := f"reading_{track}"] = Runs()

    def reading(x: int = 0) -> list[object]:
        runs.append("reading")
        return [os.getpid(), ALPHA]

    reading.__qualname__ = reading.__name__ = label
    return from_threads(cache_data(show_spinner=False, persist="disk", track=track)(reading))


def depending() -> Any:
    one, other = Path("changes.txt"), Path("stays.txt")
    one.write_text(PHASE)
    other.write_text("the same")
    return look("on_one", depends_on="changes.txt"), look("on_other", depends_on="stays.txt")


def printing(replay: str) -> Any:
    def loud() -> str:
        print("loud")
        return "loud"

    loud.__qualname__ = f"loud_{replay}"
    with redirect_stdout(StringIO()) as said:
        value = cache_data(show_spinner=False, persist="disk", replay=replay)(loud)()
    return value, said.getvalue()


def choosy() -> Any:
    return look("choosy", ("never",), ("always",), cache_if=lambda value: value[2] != "never")


def changed(copy: bool) -> Any:
    made = function(f"changed_{copy}", copy=copy)
    first = made()
    first.append("changed")
    return made()[-1] == 0, made() is not made()


def written(outputs: str | None) -> Any:
    """How often a function that writes a file ran in this process, and whether a hit has written it again."""
    name, runs = f"written by {outputs}", []

    def write() -> str:
        runs.append("computed")
        Path(name).write_text(name)
        return name

    write.__qualname__ = f"write_{outputs}"
    made = cache_data(show_spinner=False, persist="disk", outputs=outputs)(write)
    made()
    Path(name).unlink(missing_ok=True)
    made()
    return len(runs), Path(name).exists()


def main() -> None:
    """Print what holds in this process."""
    warnings.simplefilter("ignore")
    hooks.spinner = spinner
    told = {
        "ttl, long": look("long", ttl="1h"),
        "ttl, short": short_ttl(),
        "max_entries": bounded("few", max_entries=2),
        "max_size": bounded("small", max_size="50KB"),
        "persist, disk": look("disk", persist="disk"),
        "persist, False": look("memory", persist=False),
        "persist, None": look("as_set", persist=None),
        "show_spinner": shown("spun", show_spinner="Now"),
        "show_spinner, False": shown("silent", show_spinner=False),
        "show_time": shown("timed", show_spinner="Timed", show_time=True),
        "hash_funcs": look("hashed", (Wire("a"),), hash_funcs={Wire: lambda wire: wire.url}),
        "scope, session": look("session", scope="session", persist=None),
        "scope, global": look("global", scope="global"),
        "refresh_mode": background(),
        "track": followed(True),
        "track, False": followed(False),
        "depends_on": depending(),
        "replay, all": printing("all"),
        "replay, none": printing("none"),
        "cache_if": choosy(),
        "copy": changed(True),
        "copy, False": changed(False),
        "outputs": written("files"),
        "outputs, None": written(None),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()

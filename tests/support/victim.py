"""A user's module: what is attacked in tests of security. Run in processes of its own."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from nbcache import cache_data, registry
from nbcache.config import NBCache, settings


class Counter:
    """Counts computations without being part of a key."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1

    def __cache_key__(self) -> str:
        return "counter"


class Gate:
    """Says that a computation has begun, and waits until it may end."""

    def __call__(self) -> None:
        print(json.dumps("begun"), flush=True)
        sys.stdin.readline()

    def __cache_key__(self) -> str:
        return "gate"


class Password(str):
    """A value of a type that takes code to load."""


computed = Counter()
gate = Gate()


@cache_data(persist="disk", show_spinner=False)
def small(n: int) -> dict[str, Any]:
    computed()
    return {"n": n, "square": n * n, "text": "x" * 400}


@cache_data(persist="disk", show_spinner=False)
def large(n: int) -> Any:
    computed()
    return np.arange(400_000, dtype=np.int64) + n


@cache_data(persist="disk", show_spinner=False)
def reading(path: str) -> str:
    computed()
    with open(path) as file:
        return file.read()


@cache_data(persist="disk", show_spinner=False)
def numbered(n: int) -> tuple[int, int]:
    """A value that tells which computation it came from."""
    computed()
    return n, computed.count


@cache_data(persist="disk", show_spinner=False)
def gated(n: int) -> int:
    computed()
    gate()
    return n + 1


@cache_data(persist="disk", show_spinner=False)
def filling(n: int, size: int) -> bytes:
    computed()
    return bytes([n % 256]) * size


@cache_data(persist="disk", show_spinner=False)
def other_filling(n: int, size: int) -> bytes:
    computed()
    return bytes([n % 256]) * size


@cache_data(persist="disk", show_spinner=False)
def typed(secret: str) -> Password:
    computed()
    return Password(secret * 2)


def refuse(value: str) -> bool:
    raise ValueError(f"not {value} " + "and so on " * 200)


@cache_data(persist="disk", show_spinner=False, cache_if=refuse)
def refused(secret: str) -> str:
    computed()
    return secret


class Fragile:
    """A value that cannot be loaded, and says what it is."""

    def __init__(self, secret: str) -> None:
        self.secret = secret

    def __setstate__(self, state: dict[str, str]) -> None:
        raise ValueError(state["secret"])


@cache_data(persist="disk", show_spinner=False)
def fragile(secret: str) -> Fragile:
    computed()
    return Fragile(secret)


@cache_data(persist="disk", show_spinner=False, ttl="1h")
def hourly(n: int) -> int:
    computed()
    return n * 3


@cache_data(persist="disk", show_spinner=False)
def framed(n: int) -> Any:
    import pandas as pd

    computed()
    return pd.DataFrame({"n": [n], "t": pd.to_datetime(["2020-01-01"])})


def store() -> Path:
    return settings().folder()


def files(ending: str = ".nbc") -> list[Path]:
    """The files of entries, the newest last; notes of bookkeeping only when asked for."""
    found = list((store() / "v1").glob(f"[0-9a-f]*/*/*{ending}"))
    if ending == ".nbc":
        found = [path for path in found if not path.name.endswith(".note.nbc")]
    return sorted(found, key=lambda path: path.lstat().st_ctime_ns)


def restart() -> None:
    """Forget all that is in memory, and what was warned of, as a new kernel would."""
    registry.replace_cache(None)


def outcome(name: str, call: Callable[[], Any], right: Any) -> dict[str, Any]:
    """What a call does now: the value's truth, warnings, errors, computations."""
    before = computed.count
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            value, raised = call(), ""
        except BaseException as error:
            value, raised = None, f"{type(error).__name__}: {error}"
    return {
        "name": name,
        "right": bool(np.array_equal(value, right)) if isinstance(right, np.ndarray) else value == right,
        "raised": raised,
        "warned": [str(warning.message) for warning in seen],
        "at": [warning.filename for warning in seen],
        "computed": computed.count - before,
    }


def attack(name: str, call: Callable[[], Any], plant: Callable[[Path], object], ending: str = ".nbc") -> dict[str, Any]:
    """Store a value, put something in the place of its file, and call twice more, each time as a new kernel."""
    restart()
    registry.the_cache().clear()
    right = call()
    plant(files(ending)[-1])
    restart()
    attacked = outcome(name, call, right)
    restart()
    again = outcome(name, call, right)
    return {**attacked, "again": again}


def become(user: int) -> None:
    """Go on as another user; where this process may not, as if it were one: who owns what decides the same way."""
    _warm_up()
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
    else:
        os.geteuid = lambda: user


def _warm_up() -> None:
    """Have every module loaded that a call needs: their files may lie where another user cannot look."""
    kept = {name: os.environ.pop(name, None) for name in ("NBCACHE_DIR", "NBCACHE_KEY_FILE", "NBCACHE_STORE")}
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        os.environ.update(NBCACHE_DIR=folder, NBCACHE_KEY_FILE=f"{folder}/key")
        if kept["NBCACHE_STORE"]:
            os.environ["NBCACHE_STORE"] = f"file://{folder}/shared"
        small(1)
        files()[-1].write_bytes(b"")
        restart()
        small(1)
        cache_data.info(), small.entries()
        restart()
    os.environ.pop("NBCACHE_STORE", None)
    os.environ.update({name: value for name, value in kept.items() if value is not None})
    NBCache.clear_instance()
    computed.__init__()


def show(outcomes: Iterable[dict[str, Any]]) -> None:
    print(json.dumps(list(outcomes)))


def serve() -> None:
    """Evaluate the lines of the input, one after the other, and print what came out."""
    names = {"victim": sys.modules[__name__], "registry": registry, "np": np, "os": os, "Path": Path}
    names |= globals()
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            try:
                answer, raised = eval(json.loads(line), names), ""
            except Exception as error:
                answer, raised = None, f"{type(error).__name__}: {error}"
        said = [str(warning.message) for warning in seen]
        print(json.dumps({"value": answer, "raised": raised, "warned": said}, default=repr), flush=True)

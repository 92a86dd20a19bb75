"""Programs that look at the world at random, in a world that changes at random, with and without the cache.

A program is a cached function that reads files natively or not, asks whether they are there, reads variables, draws
random numbers, and uses libraries that have options: directly, in a helper, in a thread, or through another cached
function. Between calls one thing of the world is set to another value. The answers, and the state in which generators
are left, must never differ from those of a plain run; and where the world is as it was at an earlier call, the call
must be a hit.

Run as a script: ``random_observations.py --programs 500 --seed 1``.
"""

from __future__ import annotations

import argparse
import contextvars
import logging
import os
import random
import sqlite3
import sys
import tempfile
import threading
import time
import types
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from nbcache import cache_data, registry
from nbcache.engine.cache import Cache
from nbcache.engine.tiers import open_tiers

Set = Callable[[str, int], None]


@dataclass(frozen=True)
class Sight:
    """Something that a program can look at.

    Attributes
    ----------
    look : an expression; ``{name}`` is a name of its own, which the program computes when it runs
    settle : sets it to one of three values
    needs : modules without which it cannot take part
    draws : whether looking changes it: a random generator
    two : whether only two of the values give different answers
    """

    look: str
    settle: Set
    needs: tuple[str, ...] = ()
    draws: bool = False
    two: bool = False


def _write(ending: str, write: Callable[[str, int], None]) -> Set:
    """Replace a file as programs do that take care: written beside it, and moved."""

    def settle(name: str, value: int) -> None:
        beside = f"beside-{name}{ending}"
        write(beside, value)
        os.replace(beside, f"{name}{ending}")

    return settle


def _text(path: str, value: int) -> None:
    Path(path).write_text(f"a\n{value}\n")


def _script(path: str, value: int) -> None:
    Path(path).write_text(f"a = {value}")


def _parquet(path: str, value: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"a": [value, 1]}), path)


def _npy(path: str, value: int) -> None:
    import numpy as np

    with open(path, "wb") as file:
        np.save(file, np.full(100, value))


def _sized(path: str, value: int) -> None:
    Path(path).write_bytes(b"x" * (value + 1))


def _there(name: str, value: int) -> None:
    Path(f"{name}.flag").unlink(missing_ok=True)
    if value:
        Path(f"{name}.flag").write_text(str(value))


def _folder(name: str, value: int) -> None:
    os.makedirs(name, exist_ok=True)
    for number in range(3):
        path = Path(name, f"{number}.txt")
        path.unlink(missing_ok=True)
        if number < value:
            path.write_text("x")


def _variable(name: str, value: int) -> None:
    os.environ.pop(name.upper(), None)
    if value:
        os.environ[name.upper()] = str(value)


def _called(module: str, call: str) -> Set:
    def settle(name: str, value: int) -> None:
        exec(f"import {module}; {call}", {"value": value})

    return settle


def _sized_and_dated(path: str, value: int) -> None:
    _sized(path, value)
    os.utime(path, (1_000_000_000, 1_000_000_000))


def _dated(path: str, value: int) -> None:
    Path(path).write_bytes(b"x")
    os.utime(path, (1_000_000_000 + value,) * 2)


def _data_base(path: str, value: int) -> None:
    connection = sqlite3.connect(path)
    connection.execute("create table t (a)")
    connection.execute("insert into t values (?)", (value,))
    connection.commit()
    connection.close()


def _hdf(path: str, value: int) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        file["a"] = [value, 1]


def _filter(name: str, value: int) -> None:
    warnings.filterwarnings(("ignore", "error", "error")[value], "look out")


def _kinds(name: str, value: int) -> None:
    os.makedirs(name, exist_ok=True)
    for number in range(2):
        path = Path(name, str(number))
        if path.is_dir():
            path.rmdir()
        path.unlink(missing_ok=True)
        if number < value:
            path.mkdir()
        else:
            path.write_text("x")


def _linked(path: str, value: int) -> None:
    _text(f"{path}.{value}", value)
    os.symlink(f"{path.removeprefix('beside-')}.{value}", path)
    _text(f"{path.removeprefix('beside-')}.{value}", value)


def _listed_parts(name: str, value: int) -> None:
    os.makedirs(name, exist_ok=True)
    for number in range(3):
        path = Path(name, f"{number}.csv")
        path.unlink(missing_ok=True)
        if number <= value:
            path.write_text(f"a\n{value}\n")


def _level(name: str, value: int) -> None:
    logging.getLogger("nbx").setLevel((logging.WARNING, logging.INFO, logging.DEBUG)[value])


def _elsewhere(name: str, value: int) -> None:
    place = os.path.join(os.path.abspath(os.pardir), f"elsewhere-{name}")
    os.makedirs(place, exist_ok=True)
    os.environ[name.upper()] = place
    Path(place, "a.csv").write_text(f"a\n{value}\n")


def _zone(name: str, value: int) -> None:
    os.environ["TZ"] = f"Etc/GMT-{value}"
    time.tzset()


class _Held(types.ModuleType):
    """A module of the user's whose names only lead to what counts; filled in as programs need it."""

    def __getattr__(self, name: str) -> Any:
        if name == "pool":
            self.pool = ThreadPoolExecutor(1)
        elif name == "asked":
            self.asked = contextvars.ContextVar("asked", default=9)
        elif name == "own":
            self.own = threading.local()
        elif name == "widget":
            import ipywidgets

            self.widget = ipywidgets.IntSlider(value=9)
        elif name == "books":
            self.books = sqlite3.connect(":memory:", check_same_thread=False)
            self.books.execute("create table t (a)")
        elif name == "tables":
            import duckdb

            self.tables = duckdb.connect()
            self.tables.execute("create table t (a int)")
        else:
            raise AttributeError(name)
        return vars(self)[name]


held = sys.modules["nbx_held"] = _Held("nbx_held")


def _in_books(name: str, value: int) -> None:
    held.books.execute("delete from t")
    held.books.execute("insert into t values (?)", (value,))
    held.books.commit()


def _in_tables(name: str, value: int) -> None:
    held.tables.execute(f"create or replace table t as select {value} as a")


def _flag_csv(name: str, value: int) -> None:
    Path(f"{name}.csv").unlink(missing_ok=True)
    if value:
        Path(f"{name}.csv").write_text("a\n1\n")


SIGHTS: dict[str, Sight] = {
    "open": Sight("open('{name}' + '.txt').read()", _write(".txt", _text)),
    "pathlib": Sight("Path('{name}' + '.txt').read_text()", _write(".txt", _text)),
    "pandas csv": Sight("pd.read_csv('{name}' + '.csv').a.sum()", _write(".csv", _text), ("pandas",)),
    "pandas parquet": Sight("pd.read_parquet(f'{name}.parquet').a.sum()", _write(".parquet", _parquet), ("pyarrow",)),
    "polars": Sight("pl.read_parquet(f'{name}.parquet')['a'].sum()", _write(".parquet", _parquet), ("polars",)),
    "polars scan": Sight("pl.scan_csv('{name}' + '.csv').collect()['a'].sum()", _write(".csv", _text), ("polars",)),
    "arrow": Sight("pq.read_table(f'{name}.parquet')['a'][0].as_py()", _write(".parquet", _parquet), ("pyarrow",)),
    "numpy": Sight("int(np.load(f'{name}.npy').sum())", _write(".npy", _npy), ("numpy",)),
    "memmap": Sight("int(np.load(f'{name}.npy', mmap_mode='r')[5])", _write(".npy", _npy), ("numpy",)),
    "exists": Sight("os.path.exists(f'{name}.flag')", lambda name, value: _there(name, value and 1), two=True),
    "is_file": Sight("Path(f'{name}.flag').is_file()", lambda name, value: _there(name, value and 1), two=True),
    "access": Sight("os.access(f'{name}.flag', os.R_OK)", lambda name, value: _there(name, value and 1), two=True),
    "size of an open file": Sight("size_of_open('{name}' + '.bin')", _write(".bin", _sized_and_dated)),
    "size from a folder": Sight("size_from('{name}' + '.bin')", _write(".bin", _sized_and_dated)),
    "text from a folder": Sight("text_from('{name}' + '.txt')", _write(".txt", _text)),
    "listing of an open folder": Sight("listed('{name}')", _folder),
    "a script": Sight("runpy.run_path('{name}' + '.py')['a']", _write(".py", _script)),
    "variable of a program": Sight("subprocess.getoutput('echo ${NAME}')", _variable),
    "time": Sight("os.stat('{name}' + '.bin').st_mtime_ns", _write(".bin", _dated)),
    "program": Sight("subprocess.run(['cat', f'{name}.txt'], capture_output=True).stdout", _write(".txt", _text)),
    "sqlite": Sight("sum_in('{name}' + '.db')", _write(".db", _data_base)),
    "sqlite in memory": Sight("held.books.execute('select sum(a) from t').fetchone()[0]", _in_books),
    "duckdb in memory": Sight("held.tables.execute('select sum(a) from t').fetchone()[0]", _in_tables, ("duckdb",)),
    "hdf5": Sight("first_in('{name}' + '.h5')", _write(".h5", _hdf), ("h5py",)),
    "context variable": Sight("held.asked.get()", lambda name, value: held.asked.set(value)),
    "widget": Sight("held.widget.value", lambda name, value: setattr(held.widget, "value", value), ("ipywidgets",)),
    "warning": Sight("warned()", _filter, two=True),
    "timezone": Sight("datetime.fromtimestamp(0).hour", _zone),
    "size": Sight("os.path.getsize(f'{name}.bin')", _write(".bin", _sized)),
    "listing": Sight("sorted(os.listdir(f'{name}'))", _folder),
    "glob": Sight("sorted(glob.glob(f'{name}/*.txt'))", _folder),
    "kinds of names": Sight("kinds_in('{name}')", _kinds),
    "walk": Sight("[sorted(inside) for _, inside, _ in os.walk('{name}')]", _kinds),
    "link": Sight("open('{name}' + '.lnk').read()", _write(".lnk", _linked)),
    "opened folder": Sight("text_or_error('{name}' + '/0')", _kinds, two=True),
    "folder of parts": Sight("pl.scan_csv(f'{name}/*.csv').collect()['a'].sum()", _listed_parts, ("polars",)),
    "level": Sight("[log.isEnabledFor(level) for level in (10, 20)]", _level),
    "folder of a variable": Sight(
        "pl.read_csv(os.environ['{NAME}'] + '/a.csv')['a'].sum()", _elsewhere, ("polars",)
    ),
    "missing in native code": Sight("there_for_polars('{name}' + '.csv')", _flag_csv, ("polars",), two=True),
    "getenv": Sight("os.getenv('{NAME}', 'none')", _variable),
    "environ": Sight("os.environ.get('{NAME}')", _variable),
    "in environ": Sight("'{NAME}' in os.environ", lambda name, value: _variable(name, value and 1), two=True),
    "random": Sight("random.random()", _called("random", "random.seed(value)"), draws=True),
    "randint": Sight("randint(0, 10**9)", _called("random", "random.seed(value)"), draws=True),
    "numpy random": Sight("float(np.random.rand())", _called("numpy", "numpy.random.seed(value)"), ("numpy",), True),
    "print options": Sight(
        "repr(np.array([1.23456789]))", _called("numpy", "numpy.set_printoptions(precision=2 + value)"), ("numpy",)
    ),
    "pandas options": Sight(
        "str(pd.Series(range(30)))", _called("pandas", "pandas.set_option('display.max_rows', 6 + 2 * value)"),
        ("pandas",),
    ),
    "decimal": Sight(
        "str(Decimal(1) / Decimal(3))", _called("decimal", "decimal.getcontext().prec = 5 + value")
    ),
    "matplotlib": Sight(
        "plt.rcParams['figure.dpi']",
        _called("matplotlib", "matplotlib.rcParams['figure.dpi'] = 60 + value"),
        ("matplotlib",),
    ),
}  # fmt: skip

FIRST = """
import asyncio, functools, glob, logging, os, random, runpy, sqlite3, subprocess, threading, warnings
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from random import randint

import nbx_held as held


def size_of_open(path):
    with open(path, "rb") as file:
        return os.fstat(file.fileno()).st_size


def in_folder(ask, path="."):
    folder = os.open(path, os.O_RDONLY)
    try:
        return ask(folder)
    finally:
        os.close(folder)


def size_from(name):
    return in_folder(lambda folder: os.stat(name, dir_fd=folder).st_size)


def text_from(name):
    def read(folder):
        with open(name, opener=lambda path, flags: os.open(path, flags, dir_fd=folder)) as file:
            return file.read()

    return in_folder(read)


def listed(name):
    return in_folder(lambda folder: sorted(os.listdir(folder)), name)


def sum_in(path):
    connection = sqlite3.connect(path)
    try:
        return connection.execute("select sum(a) from t").fetchone()[0]
    finally:
        connection.close()


log = logging.getLogger("nbx.random")


def kinds_in(name):
    with os.scandir(name) as entries:
        return sorted((entry.name, entry.is_dir()) for entry in entries)


def text_or_error(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError as error:
        return type(error).__name__


def there_for_polars(path):
    import polars

    try:
        return polars.read_csv(path)["a"].sum()
    except FileNotFoundError:
        return None


def first_in(path):
    import h5py

    with h5py.File(path) as file:
        return int(file["a"][0])


def warned():
    try:
        warnings.warn("look out", stacklevel=1)
    except UserWarning:
        return "raised"
    return "went on"


"""
IMPORTS = {
    "pd.": "import pandas as pd", "pl.": "import polars as pl", "pq.": "import pyarrow.parquet as pq",
    "np.": "import numpy as np", "plt.": "import matplotlib; matplotlib.use('agg')\nimport matplotlib.pyplot as plt",
}  # fmt: skip

#: How a program comes to a sight: in its own body, or through something else.
WAYS = {
    "body": "    seen.append({look})\n",
    "helper": "    seen.append(helper_{number}())\n",
    "thread": "    thread = threading.Thread(target=lambda: seen.append({look}))\n    thread.start()\n"
    "    thread.join()\n",
    "pool": "    seen.append(held.pool.submit(lambda: {look}).result())\n",
    "cached": "    seen.append(cached_{number}())\n",
}
#: More ways, that only random programs take.
FURTHER = {
    "property": "    seen.append(Owner_{number}().seen)\n",
    "inherited": "    seen.append(Owner_{number}().look())\n",
    "generator": "    seen.extend(helper_{number}())\n",
    "coroutine": "    seen.append(asyncio.run(helper_{number}()))\n",
    "decorated": "    seen.append(helper_{number}())\n",
    "closure": "    seen.append(helper_{number}())\n",
    "partial": "    seen.append(helper_{number}())\n",
    "in a dict": "    seen.append(helpers_{number}['a']())\n",
    "cached method": "    seen.append(Owner_{number}().look())\n",
    "cached in cached": "    seen.append(around_{number}())\n",
}
_CACHED = "@cache_data(persist='disk')\n"
_DEFINED = {
    "helper": "def helper_{number}():\n    return {look}\n",
    "cached": _CACHED + "def cached_{number}():\n    return {look}\n",
    "property": "class Owner_{number}:\n    @property\n    def seen(self):\n        return {look}\n",
    "inherited": "class Base_{number}:\n    def look(self):\n        return {look}\n"
    "class Owner_{number}(Base_{number}):\n    def look(self):\n        return super().look()\n",
    "generator": "def helper_{number}():\n    yield {look}\n",
    "coroutine": "async def helper_{number}():\n    await asyncio.sleep(0)\n    return {look}\n",
    "decorated": "def around_{number}(function):\n    @functools.wraps(function)\n    def wrapper():\n"
    "        return function()\n    return wrapper\n@around_{number}\ndef helper_{number}():\n    return {look}\n",
    "closure": "def make_{number}():\n    def inner():\n        return {look}\n    return inner\n"
    "helper_{number} = make_{number}()\n",
    "partial": "helper_{number} = functools.partial(lambda unused: {look}, 0)\n",
    "in a dict": "helpers_{number} = {{'a': lambda: {look}}}\n",
    "cached method": f"class Owner_{{number}}:\n    {_CACHED}    def look(self):\n        return {{look}}\n",
    "cached in cached": f"{_CACHED}def cached_{{number}}():\n    return {{look}}\n"
    f"{_CACHED}def around_{{number}}():\n    return cached_{{number}}()\n",
}


class Runs:
    """Counts runs, and is no part of any key."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1

    def __cache_key__(self) -> str:
        return "runs"


@dataclass
class Program:
    """The sights of one program, each with a name and the way to it."""

    sights: list[tuple[str, str, str]] = field(default_factory=list)

    @classmethod
    def at_random(cls, draw: random.Random, known: list[str]) -> Program:
        chosen = draw.sample(known, draw.randint(1, 4))
        names = [f"{kind.split()[0]}_{draw.randrange(10**6)}" for kind in chosen]
        return cls([(kind, name, draw.choice([*WAYS, *FURTHER])) for kind, name in zip(chosen, names, strict=True)])

    def source(self) -> str:
        parts, body = [FIRST], ""
        text = "".join(SIGHTS[kind].look for kind, _, _ in self.sights)
        parts += [line + "\n" for mark, line in IMPORTS.items() if mark in text]
        for number, (kind, name, way) in enumerate(self.sights):
            look = SIGHTS[kind].look.replace("{name}", name).replace("{NAME}", name.upper())
            if way in _DEFINED:
                parts.append(_DEFINED[way].format(look=look, number=number))
            body += {**WAYS, **FURTHER}[way].format(look=look, number=number)
        parts.append(f"@cache_data(persist='disk')\ndef foo():\n    runs()\n    seen = []\n{body}    return seen\n")
        return "".join(parts)


def _bare(function: Any = None, **options: Any) -> Any:
    return function if function is not None else lambda given: given


class Pair:
    """A program with the cache, and without."""

    def __init__(self, program: Program) -> None:
        self.runs = Runs()
        self.cached: dict[str, Any] = {"__name__": "__main__", "cache_data": cache_data, "runs": self.runs}
        self.plain: dict[str, Any] = {"__name__": "__main__", "cache_data": _bare, "runs": lambda: None}
        if any(way == "pool" for _, _, way in program.sights):
            held.pool.submit(int).result()  # its thread is there before any run
        for namespace in (self.cached, self.plain):
            exec(compile(program.source(), "<program>", "exec"), namespace)


def _generators() -> Any:
    import numpy as np

    return random.getstate(), [
        part.tolist() if hasattr(part, "tolist") else part for part in np.random.get_state(legacy=True)
    ]


def _put_back(states: Any) -> None:
    import numpy as np

    random.setstate(states[0])
    name, keys, *rest = states[1]
    np.random.set_state((name, np.array(keys, dtype=np.uint32), *rest))


def known_sights() -> list[str]:
    """The sights that the installed packages allow."""
    return [kind for kind, sight in SIGHTS.items() if all(find_spec(name) for name in sight.needs)]


def check(seed: int, steps: int = 12) -> Counter[str]:
    """Make one program, call it in a world that changes; returns what was compared.

    Raises
    ------
    AssertionError
        An answer was another than that of a plain run, or a call was no hit that had to be one.
    """
    draw = random.Random(seed)
    known = known_sights()
    program = Program.at_random(draw, known)
    drawing = any(SIGHTS[kind].draws for kind, _, _ in program.sights)
    done: Counter[str] = Counter()
    with world():
        values = {}
        for kind, name, _ in program.sights:
            values[name] = draw.randrange(3)
            SIGHTS[kind].settle(name, values[name])
        pair = Pair(program)
        seen: set[Any] = set()
        history: list[str] = [program.source(), f"values {values}"]
        for _ in range(steps):
            kind, name, _ = draw.choice(program.sights)
            if draw.random() < 0.7:
                values[name] = draw.randrange(3)
                SIGHTS[kind].settle(name, values[name])
                history.append(f"{kind} {name} = {values[name]}")
            if draw.random() < 0.2:
                registry.replace_cache(Cache(open_tiers()))
                pair = Pair(program)
                history.append("restart")
            before = _generators()
            state = (tuple(sorted(values.items())), repr(before) if drawing else "")
            count = pair.runs.count
            answer = pair.cached["foo"]()
            after = _generators()
            _put_back(before)
            right = pair.plain["foo"]()
            told = "\n".join(history)
            assert answer == right, f"seed {seed}: {answer} instead of {right}\n{told}\n{pair.cached['foo'].explain()}"
            if drawing:
                assert after == _generators(), f"seed {seed}: the generators are left in another state\n{told}"
            hit = pair.runs.count == count
            assert hit or state not in seen, f"seed {seed}: no hit\n{told}\n{pair.cached['foo'].explain()}"
            seen.add(state)
            done["calls"] += 1
            done["hits"] += hit
    done["programs"] += 1
    return done


@contextmanager
def world() -> Iterator[None]:
    """A folder, variables, generators and options that are put back."""
    import decimal

    import numpy as np

    before, folder, states, filters = dict(os.environ), os.getcwd(), _generators(), list(warnings.filters)
    precision, printed = decimal.getcontext().prec, np.get_printoptions()
    with tempfile.TemporaryDirectory() as temporary:
        os.mkdir(os.path.join(temporary, "work"))
        os.chdir(os.path.join(temporary, "work"))
        try:
            yield
        finally:
            os.chdir(folder)
            for name in set(os.environ) - set(before):
                del os.environ[name]
            os.environ.update(before)
            time.tzset()
            logging.getLogger("nbx").setLevel(logging.NOTSET)
            warnings.filters[:] = filters
            _put_back(states)
            decimal.getcontext().prec = precision
            np.set_printoptions(precision=printed["precision"])
            if find_spec("pandas"):
                import pandas as pd

                pd.reset_option("display.max_rows")
            if find_spec("matplotlib"):
                import matplotlib as mpl

                mpl.rcParams["figure.dpi"] = mpl.rcParamsDefault["figure.dpi"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--programs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    os.environ["NBCACHE_DIR"] = tempfile.mkdtemp()
    total: Counter[str] = Counter()
    wrong = 0
    for number in range(given.programs):
        try:
            total += check(given.seed * 1_000_000 + number)
        except AssertionError as error:
            wrong += 1
            print(error, "\n", flush=True)
    print(f"{dict(total)}, {wrong} wrong")


if __name__ == "__main__":
    main()

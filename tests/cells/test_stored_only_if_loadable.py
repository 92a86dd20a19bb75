"""What a cell defines comes back in a new kernel; what could not come back is said, by name, and not stored."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

_PROGRAM = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
from nbcache.notebook.cells.known import known_cells
shell = InteractiveShell.instance()
shell.run_cell("%load_ext nbcache\\n%cache_cells on --min-time 0s -q", store_history=True)
said = {}
for name, (before, cell, check) in json.loads(sys.argv[1]).items():
    shell.run_cell(before, store_history=True)
    shell.run_cell(cell, store_history=True)
    report = known_cells(shell).rows()[-1][2]
    said[name] = report.outcome, report.reason, repr(shell.ev(check))
print(json.dumps(said), file=sys.__stderr__)
"""

# what is there, the cell, and an expression over what it defines
LOADABLE = {
    "lru_cache": (
        "",
        "import functools\n@functools.lru_cache(None)\n"
        "def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)\nr = fib(30)",
        "fib(40)",
    ),
    "cache": ("", "import functools\n@functools.cache\ndef g(n): return n + 1", "g(2)"),
    "a cached method": (
        "",
        "import functools\nclass L:\n    @functools.lru_cache\n    def m(self): return 3\nl = L()",
        "l.m()",
    ),
    "a wrapper in an instance": (
        "class H: pass",
        "import functools\nh = H(); h.f = functools.lru_cache(abs)",
        "h.f(-4)",
    ),
    "a wrapper in a dict": ("", "import functools\nd = {'h': functools.lru_cache(lambda x: x * 2)}", "d['h'](4)"),
    "cached_property": (
        "",
        "import functools\nclass C:\n    @functools.cached_property\n    def v(self): return 7\nc = C(); c.v",
        "c.v",
    ),
    "singledispatch": (
        "",
        "import functools\n@functools.singledispatch\ndef s(x): return 'o'\n"
        "@s.register\ndef _of_int(x: int): return 'i'",
        "s(1), s('')",
    ),
    "NewType": ("", "import typing\nUser = typing.NewType('User', int)", "User(3)"),
    "TypeVar": (
        "",
        "import typing\nT = typing.TypeVar('T')\nclass G(typing.Generic[T]): pass\ng1 = G()",
        "type(g1) is G",
    ),
    "enum": ("", "import enum\nclass E(enum.Enum):\n    A = 1\ne = E.A", "e is E.A"),
    "dataclass": ("", "import dataclasses\n@dataclasses.dataclass\nclass D:\n    x: int = 1\ndd = D()", "dd == D()"),
    "namedtuple": ("", "import collections\nP = collections.namedtuple('P', 'x y')\np = P(1, 2)", "p.x, type(p) is P"),
    "Protocol": (
        "",
        "import typing\n@typing.runtime_checkable\nclass R(typing.Protocol):\n    def f(self): ...",
        "isinstance(1, R)",
    ),
    "closure": (
        "",
        "def mk():\n    n = [0]\n    def up(): n[0] += 1; return n[0]\n    return up\nup = mk(); up()",
        "up()",
    ),
    "partial": (
        "class A:\n    def f(self, x): return x",
        "import functools\na = A(); pa = functools.partial(a.f, 3)",
        "pa(), pa.func.__self__ is a",
    ),
    "abstract class": (
        "",
        "import abc\nclass B(abc.ABC):\n"
        "    @abc.abstractmethod\n    def f(self): ...\nclass B2(B):\n    def f(self): return 1",
        "B2().f()",
    ),
    "context manager": ("", "import contextlib\n@contextlib.contextmanager\ndef cm(): yield 5", "cm().__enter__()"),
    "executor that is done": (
        "",
        "from concurrent.futures import ThreadPoolExecutor as T\nwith T(1) as ex: r = list(ex.map(abs, [-1]))",
        "r, ex._shutdown",
    ),
    "curry": ("", "import toolz\n@toolz.curry\ndef add(a, b): return a + b\ninc = add(1)", "inc(2)"),
    "pydantic": ("", "import pydantic\nclass M(pydantic.BaseModel):\n    x: int\nm = M(x=1)", "m.x, type(m) is M"),
    "numba": ("k = 1", "from numba import njit\n@njit\ndef nf(x): return x + 1", "nf(2)"),
}
REFUSED = {
    "an executor at work": (
        "",
        "from concurrent.futures import ThreadPoolExecutor\nbusy = ThreadPoolExecutor(1)",
        "busy.submit(abs, -1).result()",
    ),
    "a class that its base is told of": (
        "class Plug:\n    known = []\n    def __init_subclass__(cls): Plug.known.append(cls.__name__)",
        "class One(Plug): pass",
        "Plug.known",
    ),
    "a class that a metaclass counts": (
        "",
        "class Counting(type):\n    known = []\n    def __init__(cls, *given): Counting.known.append(given[0])\n"
        "class Counted(metaclass=Counting): pass",
        "Counting.known",
    ),
    "a wrong __setstate__": ("class P:\n    def __setstate__(self, state): self.missing", "p9 = P(); p9.x = 1", "p9.x"),
}
LIBRARIES = {"curry": "toolz", "pydantic": "pydantic", "numba": "numba"}


@pytest.fixture(scope="module")
def two_kernels(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, list[str]]]:
    top = tmp_path_factory.mktemp("kernels")
    cells = {name: case for name, case in {**LOADABLE, **REFUSED}.items() if _is_there(LIBRARIES.get(name))}
    return [_session(top, cells) for _ in range(2)]


def _is_there(library: str | None) -> bool:
    import importlib.util

    return library is None or importlib.util.find_spec(library) is not None


def _session(top: Path, cells: dict[str, tuple[str, str, str]]) -> dict[str, list[str]]:
    import os

    environment = {name: text for name, text in os.environ.items() if not name.startswith("NBCACHE_")}
    environment |= {"NBCACHE_DIR": str(top / "store"), "NBCACHE_KEY_FILE": str(top / "key"), "IPYTHONDIR": str(top)}
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    work = top / "work"
    work.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, json.dumps(cells)], env=environment, capture_output=True, text=True, cwd=work
    )
    assert done.stderr.strip(), done.stdout
    found: dict[str, list[str]] = json.loads(done.stderr.strip().splitlines()[-1])
    return found


@pytest.mark.parametrize("name", LOADABLE)
def test_what_a_cell_defines_comes_back_in_a_new_kernel(two_kernels: list[dict[str, list[str]]], name: str) -> None:
    if library := LIBRARIES.get(name):
        pytest.importorskip(library)
    first, second = (kernel[name] for kernel in two_kernels)

    assert (first[0], second[0]) == ("stored", "hit"), (first, second)
    assert first[2] == second[2]


@pytest.mark.parametrize("name", REFUSED)
def test_what_could_not_be_loaded_is_not_stored(two_kernels: list[dict[str, list[str]]], name: str) -> None:
    for outcome, reason, _ in (kernel[name] for kernel in two_kernels):
        assert outcome == "not cached" and "cannot be stored" in reason


def test_proving_that_a_class_can_be_loaded_makes_no_other(two_kernels: list[dict[str, list[str]]]) -> None:
    for kernel in two_kernels:
        assert kernel["a class that its base is told of"][2] == "['One']"
        assert kernel["a class that a metaclass counts"][2] == "['Counted']"


def test_a_class_comes_back_as_a_new_class_and_leaves_the_old_one_alone(nb) -> None:
    cell = "class K:\n    items = []"
    nb(f"%%cache_cell\n{cell}")
    nb("old = K; K.items.append(1); held = K.items")
    nb(f"%%cache_cell\n{cell}")
    assert nb.ns["K"] is not nb.ns["old"] and nb.ns["old"].items is nb.ns["held"] and nb.ns["K"].items == []

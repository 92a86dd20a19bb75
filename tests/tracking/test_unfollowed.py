"""What cannot be followed is no error, and is named; what is not to be followed is not."""

from __future__ import annotations

import sys

import pytest
from notebook_code import labels, run, state_of

from nbcache.tracking.fingerprint import Tracker
from nbcache.tracking.unfollowed import named, natively_opened

pytestmark = pytest.mark.usefixtures("main_module")

HOSTILE = {
    "lock": "import threading\nA = threading.Lock()\ndef foo(): return A",
    "generator": "A = (x for x in 'ab')\ndef foo(): return A",
    "socket": "import socket\nA = socket.socket()\nA.close()\ndef foo(): return A",
    "hostile equality": (
        "class C:\n def __eq__(self, o): raise ZeroDivisionError\n def __hash__(self): raise ZeroDivisionError\n"
        "A = C()\ndef foo(): return A"
    ),
    "answers to every name": (
        "class C:\n def __getattr__(self, name): return C()\n def __call__(self, *a): return C()\n"
        "A = C()\ndef foo(): return A.b.c()"
    ),
    "hostile attributes": (
        "class C:\n def __getattribute__(self, name): raise ZeroDivisionError(name)\nA = C()\ndef foo(): return A.x"
    ),
    "hostile metaclass": (
        "class M(type):\n def __getattribute__(cls, name): raise ZeroDivisionError(name)\n"
        " def __eq__(cls, o): raise ZeroDivisionError\n def __hash__(cls): raise ZeroDivisionError\n"
        "class C(metaclass=M): pass\ndef foo(): return C"
    ),
    "lies about its class": (
        "class C:\n @property\n def __class__(self): raise ZeroDivisionError\nA = C()\ndef foo(): return A"
    ),
    "hostile repr": "class C:\n def __repr__(self): raise ZeroDivisionError\nA = C()\ndef foo(): return A",
    "contains itself": "A = []\nA.append(A)\ndef foo(): return A",
    "reaches itself": "def foo(): return foo()",
    "class that holds itself": "class C: pass\nC.me = C\nC.obj = C()\ndef foo(): return C",
    "empty cell": "def make():\n def foo(): return later\n if 0: later = 1\n return foo\nfoo = make()",
    "lazy module": (
        "import types\nclass L(types.ModuleType):\n def __getattr__(self, n): raise ZeroDivisionError(n)\n"
        "A = L('lazy_thing')\ndef foo(): return A.x.y"
    ),
    "no module name": "def foo(): return h()\ndef h(): return 1\nh.__module__ = None",
    "weak reference": "import weakref\nclass C: pass\nc = C()\nA = weakref.ref(c)\ndef foo(): return A",
    "thread local": "import threading\nA = threading.local()\nA.x = 1\ndef foo(): return A",
    "open file": "import os\nA = open(os.devnull)\ndef foo(): return A",
    "frame": "import sys\nA = sys._getframe()\ndef foo(): return A",
    "logger": "import logging\nlog = logging.getLogger('x')\ndef foo(): log.info('x')",
    "environment": "import os\ndef foo(): return os.environ['A'], os.getenv('B')",
    "dynamic code": "def foo(x): return eval(x), globals()[x]",
    "deep chain": "def f0(): return 0\n"
    + "\n".join(f"def f{i + 1}(): return f{i}()" for i in range(2000))
    + "\nfoo = f2000",
}


@pytest.mark.parametrize("case", HOSTILE)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_nothing_that_cannot_be_followed_is_an_error(case: str) -> None:
    foo = run(HOSTILE[case])["foo"]
    state = Tracker({"": foo}).state()

    assert len(state.digest) == 16
    # the same objects once more: what cannot be read counts by its identity
    assert Tracker({"": foo}).state().digest == state.digest
    assert state.changed() == frozenset()


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("lock", "global A (_thread.lock)"),
        ("generator", "global A (generator)"),
        ("dynamic code", "eval() in foo"),
        ("dynamic code", "globals() in foo"),
    ],
)
def test_what_cannot_be_followed_is_named_once(case: str, words: str) -> None:
    assert state_of(HOSTILE[case]).unfollowed.count(words) == 1


def test_a_logger_counts_by_its_name() -> None:
    state = state_of(HOSTILE["logger"])

    assert state.unfollowed == ()
    assert state.simple is not None


def test_a_value_whose_digest_changes_by_itself_is_no_reason_to_miss_for_ever() -> None:
    source = """
        import itertools
        class C:
            count = itertools.count()
            def __reduce__(self): return (C, (next(self.count),))
        A = C()
        def foo(): return A
    """
    space = run(source)
    tracker = Tracker({"": space["foo"]})
    state = tracker.state()

    assert tracker.state().parts[-1].digest == state.parts[-1].digest
    assert any("changes by itself" in line for line in state.unfollowed)


def test_the_shell_is_not_followed() -> None:
    space = run("In = ['a']\nOut = {1: 2}\n_7 = 5\ndef foo(): return get_ipython(), In, Out, _7, exit")
    space["get_ipython"] = __import__("IPython").get_ipython
    state = Tracker({"": space["foo"]}).state()

    exec("In.append('b')\n_7 = 7", space)

    assert state.current()
    assert {"In of the shell", "Out of the shell", "_7 of the shell"} <= set(state.unfollowed)


def test_our_own_code_is_never_followed() -> None:
    state = state_of(
        "from nbcache.hashing.hasher import digest\nimport nbcache\ndef foo(x): return digest(x), nbcache.keys"
    )

    assert [part.label for part in state.parts] == ["code"]


def test_a_cached_function_is_followed_to_what_it_wraps() -> None:
    source = """
        class Cached:
            __nbcache__ = True
            def __init__(self, f): self.__wrapped__ = f
        Cached.__module__ = 'nbcache.decorator'
        @Cached
        def h(): return {n}
        def foo(): return h()
    """
    one, other = state_of(source.format(n=1)), state_of(source.format(n=2))

    assert labels(one, other) == {"helper h"}


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        ("darwin", "files that native code opens"),
        ("linux", "files that native code opens in folders that the run does not name"),
    ],
)
def test_what_is_said_of_readers_that_nobody_can_hear_depends_on_what_the_system_tells(
    platform: str, expected: str
) -> None:
    assert natively_opened(platform) == expected


@pytest.mark.parametrize(
    "name",
    [
        "netCDF4.Dataset",
        "netCDF4._netCDF4.Dataset",
        "lmdb.Environment",
        "builtins.safe_open",
        "tokenizers.Tokenizer.from_file",
        "lxml.etree.XMLSchema",
        "cv2.VideoCapture",
        "cv2.dnn.readNet",
        "pyarrow.fs.LocalFileSystem",
        "pyarrow._fs.FileSelector",
        "duckdb.sql",
        "_duckdb.DuckDBPyConnection.execute",
    ],
)
def test_a_reader_that_nobody_can_hear_is_named_by_whatever_module_it_says(name: str) -> None:
    assert named(name) == f"{natively_opened(sys.platform)} ({name})"


@pytest.mark.parametrize("name", ["netCDF4.num2date", "lxml.etree.fromstring", "pyarrow.compute.sum", "builtins.open"])
def test_what_opens_no_file_is_not_named(name: str) -> None:
    assert named(name) == ""


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("import lxml.etree\ndef foo(p): return lxml.etree.XMLSchema(file=p)", "lxml.etree.XMLSchema"),
        ("from lxml.etree import XMLSchema as S\ndef foo(p): return S(file=p)", "lxml.etree.XMLSchema"),
        ("def foo(p):\n from lxml import etree\n return etree.XMLSchema(file=p)", "lxml.etree.XMLSchema"),
        ("from pyarrow import fs\ndef foo(p): return fs.LocalFileSystem()", "pyarrow.fs.LocalFileSystem"),
        ("from safetensors import safe_open\ndef foo(p): return safe_open(p, 'np')", "builtins.safe_open"),
        ("import duckdb\ndef foo(p): return duckdb.sql(p)", "duckdb.sql"),
    ],
)
def test_a_reader_that_nobody_can_hear_is_named_however_it_is_reached(code: str, name: str) -> None:
    pytest.importorskip(code.split()[1].partition(".")[0] if code.startswith(("import", "from")) else "lxml")

    assert f"{natively_opened(sys.platform)} ({name}) in foo" in state_of(code).unfollowed


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("time.perf_counter()", "the clock (time.perf_counter)"),
        ("uuid.uuid4()", "random numbers of the system (uuid.uuid4)"),
        ("secrets.token_hex()", "random numbers of the system (secrets.token_hex)"),
        ("os.cpu_count()", "this machine (os.cpu_count)"),
        ("platform.node()", "this machine (platform.node)"),
        ("os.getpid()", "this process (os.getpid)"),
        ("threading.active_count()", "this process (threading.active_count)"),
        ("sys.getrecursionlimit()", "settings of the interpreter (sys.getrecursionlimit)"),
        ("'x' in sys.path", "settings of the interpreter (sys.path)"),
        ("sys.flags.optimize", "settings of the interpreter (sys.flags.optimize)"),
        ("gc.isenabled()", "settings of the interpreter (gc.isenabled)"),
        ("log.level", "levels and handlers of loggers (logging.Logger.level)"),
        ("input()", "the keyboard (builtins.input)"),
        ("sys.stdin.read()", "the keyboard (sys.stdin.read)"),
        ("ctypes.CDLL(None).getenv", "code in C, which may read files and variables (ctypes.CDLL)"),
    ],
)
def test_what_leads_out_of_the_program_is_named(code: str, words: str) -> None:
    modules = "import ctypes, gc, logging, os, platform, secrets, sys, threading, time, uuid\n"
    foo = run(f"{modules}log = logging.getLogger('nbx')\ndef foo(): return {code}")["foo"]

    assert f"{words} in foo" in Tracker({"": foo}).state().unfollowed


def test_a_name_of_the_users_is_not_taken_for_one_of_pythons() -> None:
    foo = run("def input(): return 1\ndef foo(): return input()")["foo"]

    assert Tracker({"": foo}).state().unfollowed == ()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import polars as pl\ndef foo(): return pl.DataFrame({'a': [1, 2]}).sample(1)", ["sample"]),
        ("import polars as pl\ndef foo(): return pl.DataFrame({'a': [1, 2]}).head(1)", []),
        ("def foo(frame): return frame.sample(1)", []),
    ],
)
def test_draws_from_a_generator_that_nobody_can_read_are_named(code: str, said: list[str]) -> None:
    pytest.importorskip("polars")
    found = [line for line in state_of(code).unfollowed if line.startswith("random numbers")]

    assert found == [f"random numbers of polars, if drawn without a seed ({name})" for name in said]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import sqlite3\ndef foo(p): return sqlite3.connect(':memory:').execute(f\"ATTACH '{p}' AS o\")", True),
        ("import sqlite3\ndef foo(p): return sqlite3.connect(p).execute('attach ? as o', (p,))", True),
        ("import sqlite3\ndef foo(p): return sqlite3.connect(p).execute('select attach from t')", False),
        ("def foo(): return 'Attach the file.'", False),
    ],
)
def test_databases_that_are_attached_are_named(code: str, said: bool) -> None:
    assert any(line.endswith("(attach)") for line in state_of(code).unfollowed) is said

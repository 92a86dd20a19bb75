"""The fingerprint of a function follows whatever would change its answer, and nothing else."""

from __future__ import annotations

import functools
import gc
import itertools
import os
import subprocess
import sys
import textwrap
import threading
import timeit
import types
import weakref
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbcache.errors import UnhashableValueError
from nbcache.tracking.fingerprint import State, Tracker, code_digest, tracker_of_code

_cells = itertools.count()


@pytest.fixture(autouse=True)
def main_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give `__main__` the face it has in a notebook; here it is pytest, which is installed."""
    monkeypatch.setitem(sys.modules, "__main__", types.ModuleType("__main__"))


def run(source: str) -> dict[str, Any]:
    """Run source in a fresh namespace like that of a notebook; every run has a file name of its own."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(textwrap.dedent(source), f"<cell {next(_cells)}>", "exec"), namespace)
    return namespace


def state_of(source: str, **options: Any) -> State:
    return Tracker({"": run(source)["foo"]}, **options).state()


def labels(one: State, other: State) -> set[str]:
    """Name the parts in which two states differ."""
    old, new = ({part.label: part.digest for part in state.parts} for state in (one, other))
    return {label for label in old | new if old.get(label) != new.get(label)}


CHANGES = {
    "own code": ("def foo(): return 1", "def foo(): return 2", "code"),
    "type of a constant": ("def foo(): return 1", "def foo(): return 1.0", "code"),
    "a bool for an int": ("def foo(): return 1", "def foo(): return True", "code"),
    "sign of zero": ("def foo(): return 0.0", "def foo(): return -0.0", "code"),
    "constants run together": ("def foo(): return f(1, 23)", "def foo(): return f(12, 3)", "code"),
    "constant in a tuple": ("def foo(): return (1, (2, 3))", "def foo(): return (1, (2, '3'))", "code"),
    "constant in a nested function": (
        "def foo():\n def g(): return 1\n return g()",
        "def foo():\n def g(): return 2\n return g()",
        "code",
    ),
    "constant in a set": ("def foo(x): return x in {1, 2}", "def foo(x): return x in {1, 3}", "code"),
    "star in an inner signature": (
        "def foo():\n def h(x): return x\n return h(1)",
        "def foo():\n def h(*x): return x\n return h(1)",
        "code",
    ),
    "name of an attribute": ("def foo(x): return x.a", "def foo(x): return x.b", "code"),
    "exception handler": (
        "def foo(x):\n try: return g(x)\n except ValueError: return 1",
        "def foo(x):\n try: return g(x)\n except KeyError: return 1",
        "code",
    ),
    "reach of a try block": (
        "def foo(x):\n try:\n  a = x()\n except E: a = 1\n b = x()\n return b",
        "def foo(x):\n try:\n  a = x()\n  b = x()\n except E: a = 1\n return b",
        "code",
    ),
    "becomes async": ("def foo(): return 1", "async def foo(): return 1", "code"),
    "default": ("def foo(x=1): return x", "def foo(x=2): return x", "default of foo"),
    "keyword-only default": ("def foo(*, x=1): return x", "def foo(*, x=2): return x", "default of foo"),
    "mutable default": ("def foo(x=[1]): return x", "def foo(x=[2]): return x", "default of foo"),
    "default of a helper": (
        "def h(x=1): return x\ndef foo(): return h()",
        "def h(x=2): return x\ndef foo(): return h()",
        "default of h",
    ),
    "helper": ("def h(): return 1\ndef foo(): return h()", "def h(): return 2\ndef foo(): return h()", "helper h"),
    "helper's helper": (
        "def g(): return 1\ndef h(): return g()\ndef foo(): return h()",
        "def g(): return 2\ndef h(): return g()\ndef foo(): return h()",
        "helper g",
    ),
    "helper defined below": (
        "def foo(): return h()\ndef h(): return 1",
        "def foo(): return h()\ndef h(): return 2",
        "helper h",
    ),
    "helper in a nested function": (
        "def h(): return 1\ndef foo(): return [h() for _ in 'a']",
        "def h(): return 2\ndef foo(): return [h() for _ in 'a']",
        "helper h",
    ),
    "mutual recursion": (
        "def a(n): return b(n)\ndef b(n): return a(n) + 1\ndef foo(): return a(1)",
        "def a(n): return b(n)\ndef b(n): return a(n) + 2\ndef foo(): return a(1)",
        "helper b",
    ),
    "global": ("A = 0.1\ndef foo(): return A", "A = 0.2\ndef foo(): return A", "global A"),
    "global of another type": ("A = 1\ndef foo(): return A", "A = True\ndef foo(): return A", "global A"),
    "global of a helper": (
        "A = 1\ndef h(): return A\ndef foo(): return h()",
        "A = 2\ndef h(): return A\ndef foo(): return h()",
        "global A",
    ),
    "global dict": (
        "A = {'a': [1]}\ndef foo(): return A",
        "A = {'a': [2]}\ndef foo(): return A",
        "global A",
    ),
    "attribute of a global instance": (
        "class C: pass\nA = C()\nA.x = 1\ndef foo(): return A.x",
        "class C: pass\nA = C()\nA.x = 2\ndef foo(): return A.x",
        "global A",
    ),
    "a name that shadows a builtin": (
        "def foo(): return len('a')",
        "def len(x): return 7\ndef foo(): return len('a')",
        "helper len",
    ),
    "closure": (
        "def make(n):\n def foo(): return n\n return foo\nfoo = make(1)",
        "def make(n):\n def foo(): return n\n return foo\nfoo = make(2)",
        "closure n",
    ),
    "function in a closure": (
        "def make(f):\n def foo(): return f()\n return foo\nfoo = make(lambda: 1)",
        "def make(f):\n def foo(): return f()\n return foo\nfoo = make(lambda: 2)",
        "helper f",
    ),
    "argument of another decorator": (
        "def d(n):\n def w(f):\n  def g(): return f() * n\n  return g\n return w\n@d(1)\ndef foo(): return 1",
        "def d(n):\n def w(f):\n  def g(): return f() * n\n  return g\n return w\n@d(2)\ndef foo(): return 1",
        "closure n",
    ),
    "code of another decorator": (
        "def d(f):\n def g(): return f() * 1\n return g\n@d\ndef h(): return 1\ndef foo(): return h()",
        "def d(f):\n def g(): return f() * 2\n return g\n@d\ndef h(): return 1\ndef foo(): return h()",
        "helper h",
    ),
    "what a decorator wraps": (
        "def d(f):\n def g(): return f()\n return g\n@d\ndef h(): return 1\ndef foo(): return h()",
        "def d(f):\n def g(): return f()\n return g\n@d\ndef h(): return 2\ndef foo(): return h()",
        "helper f",
    ),
    "what lru_cache wraps": (
        "import functools\n@functools.lru_cache\ndef h(): return 1\ndef foo(): return h()",
        "import functools\n@functools.lru_cache\ndef h(): return 2\ndef foo(): return h()",
        "helper h",
    ),
    "what contextmanager wraps": (
        "import contextlib\n@contextlib.contextmanager\ndef h(): yield 1\ndef foo():\n with h() as x: return x",
        "import contextlib\n@contextlib.contextmanager\ndef h(): yield 2\ndef foo():\n with h() as x: return x",
        "helper h",
    ),
    "a registered implementation": (
        "import functools\n@functools.singledispatch\ndef h(x): return 0\n"
        "@h.register\ndef _(x: int): return 1\ndef foo(): return h(1)",
        "import functools\n@functools.singledispatch\ndef h(x): return 0\n"
        "@h.register\ndef _(x: int): return 2\ndef foo(): return h(1)",
        "helper _",
    ),
    "partial's argument": (
        "import functools\ndef g(x): return x\nh = functools.partial(g, 1)\ndef foo(): return h()",
        "import functools\ndef g(x): return x\nh = functools.partial(g, 2)\ndef foo(): return h()",
        "arguments of h",
    ),
    "partial's function": (
        "import functools\ndef g(x): return x\nh = functools.partial(g, 1)\ndef foo(): return h()",
        "import functools\ndef g(x): return -x\nh = functools.partial(g, 1)\ndef foo(): return h()",
        "helper h",
    ),
    "bound method's code": (
        "class C:\n def m(self): return 1\nh = C().m\ndef foo(): return h()",
        "class C:\n def m(self): return 2\nh = C().m\ndef foo(): return h()",
        "helper h",
    ),
    "bound method's object": (
        "class C:\n def m(self): return self.x\nc = C()\nc.x = 1\nh = c.m\ndef foo(): return h()",
        "class C:\n def m(self): return self.x\nc = C()\nc.x = 2\nh = c.m\ndef foo(): return h()",
        "global h.__self__",
    ),
    "function in a dict": (
        "T = {'a': lambda: 1}\ndef foo(): return T['a']()",
        "T = {'a': lambda: 2}\ndef foo(): return T['a']()",
        "helper <lambda>",
    ),
    "what a function in a dict reaches": (
        "K = 1\ndef h(): return K\nT = [h]\ndef foo(): return T[0]()",
        "K = 2\ndef h(): return K\nT = [h]\ndef foo(): return T[0]()",
        "global K",
    ),
    "lambdas change places": (
        "T = {'a': lambda: 1, 'b': lambda: 2}\ndef foo(): return T",
        "T = {'a': lambda: 2, 'b': lambda: 1}\ndef foo(): return T",
        "global T",
    ),
    "names change places": (
        "def g(): return 1\ndef h(): return 2\ndef foo(): return g() - h()",
        "def h(): return 1\ndef g(): return 2\ndef foo(): return g() - h()",
        "helper g",
    ),
    "method": (
        "class C:\n def m(self): return 1\ndef foo(): return C().m()",
        "class C:\n def m(self): return 2\ndef foo(): return C().m()",
        "method C.m",
    ),
    "method of a base": (
        "class B:\n def m(self): return 1\nclass C(B): pass\ndef foo(): return C().m()",
        "class B:\n def m(self): return 2\nclass C(B): pass\ndef foo(): return C().m()",
        "method B.m",
    ),
    "property": (
        "class C:\n @property\n def p(self): return 1\ndef foo(): return C().p",
        "class C:\n @property\n def p(self): return 2\ndef foo(): return C().p",
        "method C.p",
    ),
    "class method": (
        "class C:\n @classmethod\n def m(cls): return 1\ndef foo(): return C.m()",
        "class C:\n @classmethod\n def m(cls): return 2\ndef foo(): return C.m()",
        "method C.m",
    ),
    "static for class method": (
        "class C:\n @classmethod\n def m(*a): return a\ndef foo(): return C.m()",
        "class C:\n @staticmethod\n def m(*a): return a\ndef foo(): return C.m()",
        "class C",
    ),
    "cached property": (
        "import functools\nclass C:\n @functools.cached_property\n def p(self): return 1\ndef foo(): return C().p",
        "import functools\nclass C:\n @functools.cached_property\n def p(self): return 2\ndef foo(): return C().p",
        "method C.p",
    ),
    "class attribute": (
        "class C: x = 1\ndef foo(): return C.x",
        "class C: x = 2\ndef foo(): return C.x",
        "class C.x",
    ),
    "mutable class attribute": (
        "class C: x = [1]\ndef foo(): return C.x",
        "class C: x = [2]\ndef foo(): return C.x",
        "class C.x",
    ),
    "base": (
        "class A: pass\nclass B: pass\nclass C(A): pass\ndef foo(): return C",
        "class A: pass\nclass B: pass\nclass C(B): pass\ndef foo(): return C",
        "class C",
    ),
    "metaclass": (
        "class M(type):\n def __call__(cls): return 1\nclass C(metaclass=M): pass\ndef foo(): return C()",
        "class M(type):\n def __call__(cls): return 2\nclass C(metaclass=M): pass\ndef foo(): return C()",
        "method M.__call__",
    ),
    "class made by a call": (
        "C = type('C', (), {'m': lambda self: 1})\ndef foo(): return C().m()",
        "C = type('C', (), {'m': lambda self: 2})\ndef foo(): return C().m()",
        "method C.m",
    ),
    "class of a global instance": (
        "class C:\n def __call__(self): return 1\nc = C()\ndef foo(): return c()",
        "class C:\n def __call__(self): return 2\nc = C()\ndef foo(): return c()",
        "method C.__call__",
    ),
    "class of an instance in a list": (
        "class C:\n def m(self): return 1\nL = [C()]\ndef foo(): return L[0].m()",
        "class C:\n def m(self): return 2\nL = [C()]\ndef foo(): return L[0].m()",
        "method C.m",
    ),
    "field of a dataclass": (
        "from dataclasses import dataclass\n@dataclass\nclass C:\n x: int = 1\ndef foo(): return C()",
        "from dataclasses import dataclass\n@dataclass\nclass C:\n x: int = 2\ndef foo(): return C()",
        "fields of C",
    ),
    "annotation of a field": (
        "from dataclasses import dataclass\n@dataclass\nclass C:\n x: int = 1\ndef foo(): return C()",
        "from dataclasses import dataclass\n@dataclass\nclass C:\n x: float = 1\ndef foo(): return C()",
        "class C",
    ),
    "default factory": (
        "from dataclasses import dataclass, field\n@dataclass\nclass C:\n x: int = field(default_factory=lambda: 1)\n"
        "def foo(): return C()",
        "from dataclasses import dataclass, field\n@dataclass\nclass C:\n x: int = field(default_factory=lambda: 2)\n"
        "def foo(): return C()",
        "helper C.<lambda>",
    ),
    "frozen dataclass": (
        "from dataclasses import dataclass\n@dataclass\nclass C:\n x: int = 1\ndef foo(): return C()",
        "from dataclasses import dataclass\n@dataclass(order=True)\nclass C:\n x: int = 1\ndef foo(): return C()",
        "class C",
    ),
    "enum member": (
        "import enum\nclass E(enum.Enum): A = 1\ndef foo(): return E.A",
        "import enum\nclass E(enum.Enum): A = 2\ndef foo(): return E.A",
        "members of E",
    ),
    "attribute of a function": (
        "def h(): pass\nh.n = 1\ndef foo(): return h.n",
        "def h(): pass\nh.n = 2\ndef foo(): return h.n",
        "global h.n",
    ),
    "super": (
        "class B:\n def m(self): return 1\nclass C(B):\n def m(self): return super().m()\nfoo = C.m",
        "class B:\n def m(self): return 2\nclass C(B):\n def m(self): return super().m()\nfoo = C.m",
        "method B.m",
    ),
    "a name comes to exist": ("def foo(): return X", "X = 1\ndef foo(): return X", "global X"),
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_change_of_the_answer_changes_the_fingerprint_and_is_named(case: str) -> None:
    before, after, label = CHANGES[case]

    one, other = state_of(before), state_of(after)

    assert one.digest != other.digest
    assert label in labels(one, other)


@pytest.mark.parametrize("case", CHANGES)
def test_the_same_source_run_again_has_the_same_fingerprint(case: str) -> None:
    for source in CHANGES[case][:2]:
        one, other = state_of(source), state_of("\n\n# moved down\n" + source)

        assert one.digest == other.digest
        assert labels(one, other) == set()
        assert one.current()


COSMETIC = {
    "comment": ("def foo():\n return 1", "def foo():\n # why\n return 1  # that is why"),
    "docstring": ("def foo():\n return 1", "def foo():\n 'Say one.'\n return 1"),
    "another docstring": ("def foo():\n 'One.'\n return None", "def foo():\n 'Two.'\n return None"),
    "docstring of a helper": (
        "def h(): return 1\ndef foo(): return h()",
        "def h():\n 'Say one.'\n return 1\ndef foo(): return h()",
    ),
    "docstring of a class": (
        "class C:\n x = 1\ndef foo(): return C",
        "class C:\n 'A class.'\n x = 1\ndef foo(): return C",
    ),
    "docstring of an inner function": (
        "def foo():\n def g(): return 1\n return g()",
        "def foo():\n def g():\n  'One.'\n  return 1\n return g()",
    ),
    "docstring of an inner class": (
        "def foo():\n class C:\n  x = 1\n return C",
        "def foo():\n class C:\n  'A class.'\n  x = 1\n return C",
    ),
    "layout": ("def foo(a, b): return [a, b, a + b]", "def foo(\n    a,\n    b,\n):\n    return [\n a,\n b, a +\n b]"),
    "layout of a branch": (
        "def foo(a):\n if a: pass\n else: a = 2\n while a: a -= 1\n return a",
        "def foo(a):\n\n if a:\n\n  pass\n else:\n  a = 2\n\n while a:\n  a -= 1\n return a",
    ),
    "order of definitions": (
        "def g(): return 1\ndef h(): return 2\ndef foo(): return g() + h()",
        "def foo(): return g() + h()\ndef h(): return 2\ndef g(): return 1",
    ),
    "order of methods": (
        "class C:\n def a(self): return 1\n def b(self): return 2\ndef foo(): return C()",
        "class C:\n def b(self): return 2\n def a(self): return 1\ndef foo(): return C()",
    ),
    "annotation of a parameter": ("def foo(x): return x", "def foo(x: int) -> int: return x"),
    "an unrelated function": ("def foo(): return 1", "def other(): return 2\ndef foo(): return 1"),
    "an unrelated global": ("A = 1\ndef foo(): return 1", "A = 2\ndef foo(): return 1"),
    "order of a dict": ("A = {'a': 1, 'b': 2}\ndef foo(): return A", "A = {'b': 2, 'a': 1}\ndef foo(): return A"),
    "a nested helper moved": (
        "def make():\n def h(): return 1\n return h\nh = make()\ndef foo(): return h()",
        "def h(): return 1\ndef foo(): return h()",
    ),
}


@pytest.mark.parametrize("case", COSMETIC)
def test_a_cosmetic_edit_leaves_the_fingerprint_alone(case: str) -> None:
    before, after = COSMETIC[case]

    one, other = state_of(before), state_of(after)

    assert labels(one, other) == set()
    assert one.digest == other.digest


def test_two_lambdas_on_one_line_differ() -> None:
    space = run("a, b = lambda: 1, lambda: 2")

    assert code_digest(space["a"]) != code_digest(space["b"])


def test_closures_of_one_factory_differ() -> None:
    space = run("def make(n): return lambda: n\na, b, c = make(1), make(2), make(1)")

    assert code_digest(space["a"]) != code_digest(space["b"])
    assert code_digest(space["a"]) == code_digest(space["c"])


def test_a_class_as_argument_is_followed() -> None:
    one, other = (run(f"def h(): return {n}\nclass C:\n def m(self): return h()")["C"] for n in (1, 2))

    assert code_digest(one) != code_digest(other)


def test_the_digest_of_an_argument_follows_its_globals() -> None:
    space = run("K = 1\ndef f(): return K")
    before = code_digest(space["f"])

    space["K"] = 2

    assert code_digest(space["f"]) != before


# -- in one session ------------------------------------------------------------------------------------------------


MUTATIONS = {
    "dict": ("A = {'a': 1}\ndef foo(): return A", "A['a'] = 2"),
    "nested list": ("A = {'a': [[1]]}\ndef foo(): return A", "A['a'][0].append(2)"),
    "set": ("A = {1, 2}\ndef foo(): return A", "A.add(3)"),
    "equal value of another type": ("A = [1]\ndef foo(): return A", "A[0] = True"),
    "keys that swap values": ("A = {'a': 1, 'b': 2}\ndef foo(): return A", "A['a'], A['b'] = 2, 1"),
    "attribute": ("class C: pass\nA = C()\nA.x = 1\ndef foo(): return A.x", "A.x = 2"),
    "slot": ("class C: __slots__ = 'x'\nA = C()\nA.x = 1\ndef foo(): return A.x", "A.x = 2"),
    "nested attribute": ("class C: pass\nA = C()\nA.x = [C()]\ndef foo(): return A", "A.x[0].y = 2"),
    "array": ("import numpy as np\nA = np.arange(3)\ndef foo(): return A", "A[1] = 9"),
    "array in an object": (
        "import numpy as np\nclass C: x = 1\nA = C()\nA.a = np.arange(3)\ndef foo(): return A",
        "A.a[1] = 9",
    ),
    "frame": ("import pandas as pd\nA = pd.DataFrame({'a': [1]})\ndef foo(): return A", "A.loc[0, 'a'] = 2"),
    "deque": ("import collections\nA = collections.deque([1])\ndef foo(): return A", "A.append(2)"),
    "bytearray": ("A = bytearray(b'a')\ndef foo(): return A", "A[0] = 7"),
    "rebound global": ("A = 1\ndef foo(): return A", "A = 2"),
    "deleted global": ("A = 1\ndef foo(): return A", "del A"),
    "defined global": ("def foo(): return A", "A = 1"),
    "shadowed builtin": ("def foo(): return len('')", "len = 1"),
    "redefined helper": ("def h(): return 1\ndef foo(): return h()", "def h(): return 2"),
    "helper's code": ("def h(): return 1\ndef foo(): return h()", "h.__code__ = (lambda: 2).__code__"),
    "helper's defaults": ("def h(x=1): return 1\ndef foo(): return h()", "h.__defaults__ = (2,)"),
    "helper's keyword default": ("def h(*, x=1): return 1\ndef foo(): return h()", "h.__kwdefaults__['x'] = 2"),
    "mutable default": ("def h(x=[1]): return 1\ndef foo(): return h()", "h.__defaults__[0].append(2)"),
    "closure": (
        "def make(x):\n def foo(): return x\n return foo\nfoo = make([1])",
        "foo.__closure__[0].cell_contents = [2]",
    ),
    "patched method": ("class C:\n def m(self): return 1\ndef foo(): return C()", "C.m = lambda self: 2"),
    "added method": ("class C: pass\ndef foo(): return C()", "C.m = lambda self: 2"),
    "class attribute": ("class C: x = 1\ndef foo(): return C.x", "C.x = 2"),
    "mutable class attribute": ("class C: x = {}\ndef foo(): return C.x", "C.x['a'] = 2"),
    "attribute of a function": ("def h(): pass\nh.n = 1\ndef foo(): return h.n", "h.n = 2"),
    "partial's keyword": (
        "import functools\nh = functools.partial(print, end='')\ndef foo(): return h",
        "h.keywords['end'] = 'x'",
    ),
    "dict in a partial": (
        "import functools\nh = functools.partial(print, {})\ndef foo(): return h",
        "h.args[0]['a'] = 1",
    ),
    "registered later": (
        "import functools\n@functools.singledispatch\ndef h(x): return 0\ndef foo(): return h(1)",
        "h.register(int, lambda x: 1)",
    ),
    "function put into a list": ("L = [len]\ndef foo(): return L", "L[0] = lambda x: 1"),
}


@pytest.mark.parametrize("case", MUTATIONS)
def test_a_change_in_the_same_session_is_seen_at_once(case: str) -> None:
    source, change = MUTATIONS[case]
    space = run(source)
    tracker = Tracker({"": space["foo"]})
    before = tracker.state()
    assert before.current()
    assert tracker.state() is before

    exec(change, space)

    assert not before.current()
    after = tracker.state()
    assert after.digest != before.digest
    assert after.current()


def test_a_change_that_is_taken_back_restores_the_fingerprint() -> None:
    space = run("A = {'a': [1]}\ndef foo(): return A")
    tracker = Tracker({"": space["foo"]})
    before = tracker.state().digest

    space["A"]["a"].append(2)
    between = tracker.state().digest
    space["A"]["a"].pop()

    assert between != before
    assert tracker.state().digest == before


def test_an_equal_object_in_place_of_another_changes_nothing() -> None:
    space = run("A = {'a': [1.5, 'x']}\ndef h(): return 1\ndef foo(): return A, h()")
    tracker = Tracker({"": space["foo"]})
    before = tracker.state().digest

    exec("A = {'a': [3 / 2, ''.join(['x'])]}\ndef h(): return 1", space)

    assert tracker.state().digest == before


def test_a_global_that_the_function_assigns_is_left_out() -> None:
    space = run("n = 0\ndef foo():\n global n\n n += 1\n return n")
    tracker = Tracker({"": space["foo"]})
    before = tracker.state()

    space["foo"]()

    assert before.current()
    assert tracker.state().digest == before.digest
    assert any("global n" in line for line in before.unfollowed)


def test_a_global_that_a_helper_assigns_is_left_out() -> None:
    space = run("n = 0\ndef h():\n global n\n n += 1\ndef foo():\n h()\n return n")
    tracker = Tracker({"": space["foo"]})
    before = tracker.state()

    space["foo"]()

    assert tracker.state() is before


@pytest.mark.parametrize(
    ("source", "label"),
    [
        ("A = []\ndef foo(): A.append(1)", "global A"),
        ("A = {}\ndef foo(): A['n'] = A.get('n', 0) + 1", "global A"),
        ("class C: n = 0\ndef foo(): C.n += 1", "class C.n"),
        ("def foo(acc=[]): acc.append(1)", "default of foo"),
        ("def make():\n n = 0\n def foo():\n  nonlocal n\n  n += 1\n return foo\nfoo = make()", "closure n"),
        ("class C: pass\nA = C()\nA.n = 0\ndef foo(): A.n += 1", "global A"),
    ],
)
def test_what_the_function_itself_changes_is_found_after_the_run_and_can_be_left_out(source: str, label: str) -> None:
    space = run(source)
    tracker = Tracker({"": space["foo"]})
    before = tracker.state()
    assert before.changed() == frozenset()

    space["foo"]()

    assert before.changed() == {label}
    without = tracker.state(frozenset({label}))
    assert any(label in line for line in without.unfollowed)
    space["foo"]()
    assert without.current()
    assert tracker.state(frozenset({label})).digest == without.digest


def test_what_the_function_changes_counts_as_it_was_before_while_it_is_the_same_object() -> None:
    space = run("A = [1]\nB = [5]\ndef foo(): A.append(2); B.append(6)")
    tracker = Tracker({"": space["foo"]})
    before = tracker.state()
    own = frozenset({"global A", "global B"})
    space["foo"]()
    before.note_origins(before.changed())

    learnt = tracker.state(own)
    space["foo"]()
    again = tracker.state(own)
    exec("A = [1]", space)
    equal = tracker.state(own)
    exec("A = [3]", space)
    edited = tracker.state(own)

    assert learnt.digest == before.digest
    assert again is learnt
    assert equal.digest == before.digest
    assert edited.digest != before.digest
    assert labels(before, edited) == {"global A"}


def test_what_the_function_puts_in_place_of_a_value_counts_as_the_value_before() -> None:
    source = "def make(n):\n acc = [n]\n def foo():\n  nonlocal acc\n  acc = [*acc, 2]\n  return acc[0]\n return foo\n"
    space = run(source + "foo = make(1)\nother = make(3)")
    tracker = Tracker({"": space["foo"]})
    before = tracker.state()
    own = frozenset({"closure acc"})
    digests = []
    state = before
    for _ in range(3):
        space["foo"]()
        state.note_origins(state.changed())
        state = tracker.state(own)
        digests.append(state.digest)

    assert digests == [before.digest] * 3
    assert Tracker({"": space["other"]}).state(own).digest != before.digest


def test_what_the_function_changes_is_not_kept_alive() -> None:
    space = run("import numpy as np\nA = np.zeros(9)\ndef foo(): A[0] += 1")
    tracker = Tracker({"": space["foo"]})
    before = tracker.state()
    space["foo"]()
    before.note_origins(before.changed())
    gone = weakref.ref(space["A"])

    del space["A"], before
    tracker.state()
    gc.collect()

    assert gone() is None


def test_leaving_one_global_out_keeps_the_others() -> None:
    space = run("A = []\nB = [1]\ndef foo(): A.append(1); return B")
    tracker = Tracker({"": space["foo"]})
    before = tracker.state(frozenset({"global A"}))

    space["B"].append(2)

    assert not before.current()
    assert tracker.state(frozenset({"global A"})).digest != before.digest


# -- modules -------------------------------------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A folder on the path for modules of the user's; what was imported from it is forgotten afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    known = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - known:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def edit(folder: Any, **sources: str) -> None:
    """Write modules anew, and forget the old ones as a restarted kernel does."""
    for name, source in sources.items():
        path = folder / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(source))
    for name in [name for name in sys.modules if name.partition(".")[0] in {key.partition("__")[0] for key in sources}]:
        del sys.modules[name]
    import importlib

    importlib.invalidate_caches()


MODULE_USES = [
    "import helper_mod\ndef foo(): return helper_mod.f()",
    "from helper_mod import f\ndef foo(): return f()",
    "import helper_mod as m\ndef foo(): return m.f()",
    "def foo():\n import helper_mod\n return helper_mod.f()",
    "def foo():\n from helper_mod import f\n return f()",
    "def foo():\n import helper_mod as m\n def g(): return m.f()\n return g()",
    "import helper_mod\ndef foo(): return getattr(helper_mod, 'f')()",
    "import helper_mod\nm = [helper_mod]\ndef foo(): return m[0].f()",
    "def foo():\n import importlib\n return importlib.import_module('helper_mod').f()",
    "import importlib\ndef foo(): return importlib.import_module('helper_mod').f()",
]


@pytest.mark.parametrize("use", MODULE_USES)
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("def f(): return 1", "def f(): return 2"),
        ("K = 1\ndef f(): return K", "K = 2\ndef f(): return K"),
        ("def g(): return 1\ndef f(): return g()", "def g(): return 2\ndef f(): return g()"),
    ],
)
def test_an_edited_module_is_a_change_however_it_is_used(project: Any, use: str, before: str, after: str) -> None:
    edit(project, helper_mod=before)
    one = state_of(use)
    edit(project, helper_mod=before + "\n# a comment\n")
    same = state_of(use)
    edit(project, helper_mod=after)
    other = state_of(use)

    assert one.digest == same.digest
    assert one.digest != other.digest


@pytest.mark.parametrize("use", MODULE_USES[:6])
def test_an_unrelated_function_of_a_module_does_not_count(project: Any, use: str) -> None:
    edit(project, helper_mod="def f(): return 1\ndef g(): return 1")
    one = state_of(use)
    edit(project, helper_mod="def f(): return 1\ndef g(): return 2")

    assert state_of(use).digest == one.digest


def test_a_chain_of_modules_and_packages_is_followed(project: Any) -> None:
    use = "import pack.low\ndef foo(): return pack.low.f()"
    edit(
        project,
        pack____init__="",
        pack__low="from . import deep\ndef f(): return deep.g()",
        pack__deep="def g(): return 1",
    )
    one = state_of(use)
    edit(
        project,
        pack____init__="",
        pack__low="from . import deep\ndef f(): return deep.g()",
        pack__deep="def g(): return 2",
    )
    other = state_of(use)

    assert labels(one, other) == {"helper pack.deep.g"}


def test_a_relative_import_inside_a_function_is_followed(project: Any) -> None:
    low = "def f():\n from .deep import g\n return g()"
    use = "import pack.low\ndef foo(): return pack.low.f()"
    edit(project, pack____init__="", pack__low=low, pack__deep="def g(): return 1")
    one = state_of(use)
    edit(project, pack____init__="", pack__low=low, pack__deep="def g(): return 2")

    assert state_of(use).digest != one.digest


def test_a_reload_is_seen_at_once(project: Any) -> None:
    import importlib

    edit(project, helper_mod="def f(): return 1")
    space = run("import helper_mod\ndef foo(): return helper_mod.f()")
    tracker = Tracker({"": space["foo"]})
    before = tracker.state()

    (project / "helper_mod.py").write_text("def f(): return 222")
    importlib.reload(space["helper_mod"])

    assert not before.current()
    assert labels(before, tracker.state()) == {"helper helper_mod.f"}


def test_a_setting_of_a_module_that_the_function_assigns_is_left_out(project: Any) -> None:
    edit(project, helper_mod="count = 0")
    space = run("import helper_mod\ndef foo():\n helper_mod.count = helper_mod.count + 1")
    tracker = Tracker({"": space["foo"]})
    before = tracker.state()

    space["foo"]()

    assert tracker.state() is before


def test_a_module_that_is_missing_or_fails_to_import_is_named(project: Any) -> None:
    edit(project, broken_mod="raise ValueError('no')")

    state = state_of("def foo():\n import broken_mod, absent_mod\n return absent_mod.f()")

    assert any("broken_mod" in line for line in state.unfollowed)
    assert any("absent_mod" in line for line in state.unfollowed)
    assert state.current()


def test_a_third_party_package_counts_by_its_version() -> None:
    state = state_of("import numpy as np\ndef foo(x): return np.linalg.norm(x)")

    import numpy

    assert {part.label: part.summary for part in state.parts}["package numpy"] == numpy.__version__
    assert state.simple is not None


# -- other processes -----------------------------------------------------------------------------------------------

SCRIPT = """
import dataclasses, enum, functools, sys
sys.path.insert(0, {root!r})
from nbcache.tracking.fingerprint import Tracker
from nbcache.hashing import hasher

SET = {{"a", "b", "c", ("d", 1)}}
FUNCTIONS = {{len, print, max}}
class Base:
    names = frozenset("xyz")
    def m(self, *, k={{"p", "q"}}): return self.names
@dataclasses.dataclass
class Point(Base):
    x: int = 1
    y: set = dataclasses.field(default_factory=lambda: {{"r", "s"}})
class Colour(enum.Flag):
    A = 1
    B = 2
@functools.lru_cache
def helper(x): return x in {{"one", "two", "three"}}
TABLE = {{"f": lambda x: x + 1, "g": helper, "h": Point, "set": {{Colour.A, Colour.B}}, "fs": {{lambda: 1, lambda: 2}}}}
POINT = Point()
def foo(x):
    return helper(x), SET, FUNCTIONS, TABLE, POINT, Colour.A | Colour.B
code = compile({source!r}, {name!r}, "exec")
exec(code)
print(Tracker({{"": foo}}).state().digest.hex())
"""


def test_another_process_with_another_hash_seed_agrees() -> None:
    root = os.path.dirname(os.path.dirname(__file__))
    outputs = set()
    for seed in ("0", "1", "12345"):
        script = SCRIPT.format(root=root, source="def later(): return foo", name=f"<cell {seed}>")
        result = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        outputs.add(result.stdout)

    assert len(outputs) == 1


# -- what cannot be followed ---------------------------------------------------------------------------------------

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
    state = state_of(HOSTILE[case])

    assert len(state.digest) == 16
    assert state_of(HOSTILE[case]).digest == state.digest
    assert state.changed() == frozenset()


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("lock", "global A (_thread.lock)"),
        ("generator", "global A (generator)"),
        ("environment", "os.environ in foo"),
        ("environment", "os.getenv in foo"),
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

    assert tracker.state(frozenset({"class C.count"})).digest == tracker.state(frozenset({"class C.count"})).digest
    assert any("changes by itself" in line for line in state.unfollowed)


def test_the_shell_is_not_followed() -> None:
    space = run("In = ['a']\nOut = {1: 2}\n_ = 5\ndef foo(): return get_ipython(), In, Out, _, exit")
    space["get_ipython"] = __import__("IPython").get_ipython
    state = Tracker({"": space["foo"]}).state()

    exec("In.append('b')\n_ = 7", space)

    assert state.current()
    assert {"In of the shell", "Out of the shell", "_ of the shell"} <= set(state.unfollowed)


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


# -- cells, track, depends_on -----------------------------------------------------------------------------------------


def test_code_of_a_cell_follows_functions_but_not_what_it_assigns_or_is_told_to_ignore() -> None:
    space = run("K = 1\ndef h(): return K\nx = 1\ny = 5")
    code = compile("y = h() + x\nz = y", "<cell>", "exec")
    tracker = tracker_of_code([code], space, ignore=frozenset({"x"}))
    before = tracker.state()

    space.update(x=2, y=3, z=4)
    assert before.current()
    space["K"] = 2

    assert not before.current()
    assert labels(before, tracker.state()) == {"global K"}


def test_without_tracking_own_code_defaults_and_closures_still_count() -> None:
    def digest(**words: Any) -> bytes:
        source = """
            G = {g}
            def h(): return {h}
            class C: x = {c}
            def make(n):
                def foo(x={d}): return G, h(), C, n, {own}
                return foo
            foo = make({n})
        """
        values = {"g": 1, "h": 1, "c": 1, "d": 1, "n": 1, "own": 1} | words
        return state_of(textwrap.dedent(source).format(**values), track=False).digest

    assert digest(g=2) == digest(h=2) == digest(c=2) == digest()
    assert len({digest(), digest(d=2), digest(n=2), digest(own=2)}) == 4


def test_a_path_to_depend_on_counts_by_content(tmp_path: Any) -> None:
    path = tmp_path / "data.csv"
    path.write_text("a")
    tracker = Tracker({"": run("def foo(): return 1")["foo"]}, depends_on=str(path))
    before = tracker.state()

    path.touch()
    assert tracker.state().digest == before.digest
    path.write_text("b")

    assert not before.current()
    assert labels(before, tracker.state()) == {f"depends_on {path}"}


def test_a_folder_to_depend_on_counts_by_its_files(tmp_path: Any) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a").write_text("a")
    tracker = Tracker({"": run("def foo(): return 1")["foo"]}, depends_on=[tmp_path])
    before = tracker.state()

    (tmp_path / "sub" / "a").write_text("b")

    assert not before.current()


def test_a_callable_to_depend_on_is_asked_at_each_call() -> None:
    answers = iter([1, 1, 1, 2, 2, 2, 2])
    tracker = Tracker({"": run("def foo(): return 1")["foo"]}, depends_on=lambda: next(answers))

    before = tracker.state()

    assert tracker.state() is before
    assert before.current()
    assert not before.current()
    assert tracker.state().digest != before.digest


def test_a_callable_to_depend_on_may_fail_and_the_user_is_told() -> None:
    def fails() -> int:
        raise LookupError("no table")

    with pytest.raises(LookupError, match="no table"):
        Tracker({"": run("def foo(): return 1")["foo"]}, depends_on=fails).state()
    with pytest.raises(UnhashableValueError):
        Tracker({"": run("def foo(): return 1")["foo"]}, depends_on=lambda: threading.Lock()).state()


def test_values_and_classes_to_depend_on_count() -> None:
    foo = run("def foo(): return 1")["foo"]
    holder = [1]
    tracker = Tracker({"": foo}, depends_on=[3, holder])
    before = tracker.state()
    one, other = (run(f"class C:\n def m(self): return {n}")["C"] for n in (1, 2))

    holder.append(2)

    assert tracker.state().digest != before.digest
    assert Tracker({"": foo}, depends_on=one).state().digest != Tracker({"": foo}, depends_on=other).state().digest


def test_hash_funcs_hold_for_globals() -> None:
    space = run("class C:\n def __init__(self, n): self.n = n\nA = [C(1)]\ndef foo(): return A")
    tracker = Tracker({"": space["foo"]}, hash_funcs={space["C"]: lambda c: c.n % 2})
    before = tracker.state()

    space["A"][0].n = 3
    assert before.current()
    space["A"][0].n = 4

    assert not before.current()


# -- what may be followed and guarded besides functions ----------------------------------------------------------------


@pytest.mark.parametrize(
    "root", [len, str.upper, functools.partial(max, 1), "a".join, dict, types.SimpleNamespace(), range]
)
def test_anything_callable_has_a_fingerprint(root: Any) -> None:
    assert Tracker({"": root}).state().digest == Tracker({"": root}).state().digest


def test_texts_that_may_name_files_are_found() -> None:
    state = state_of("P = 'data/a.parquet'\ndef h(): return 'b.csv'\ndef foo():\n 'doc.txt'\n return P, h(), 'c.csv'")

    assert {"data/a.parquet", "b.csv", "c.csv"} <= set(state.paths)
    assert "doc.txt" not in state.paths


def test_the_simple_guard_agrees_with_the_function() -> None:
    space = run("A = 1\ndef h(): return A\ndef foo(): return h(), len('a')")
    state = Tracker({"": space["foo"]}).state()
    assert state.simple is not None
    assert eval(state.simple, dict(state.names))

    space["A"] = 2

    assert not eval(state.simple, dict(state.names))
    assert not state.current()


def test_mutable_globals_have_no_simple_guard() -> None:
    assert state_of("A = []\ndef foo(): return A").simple is None


def test_closures_given_as_arguments_are_not_kept_alive() -> None:
    space = run("def make(n): return lambda: n\nf = make([1])")
    code_digest(space["f"])
    gone = weakref.ref(space["f"])

    del space
    gc.collect()

    assert gone() is None


def test_a_table_that_the_user_deletes_leaves_memory() -> None:
    space = run("import numpy as np\nA = np.zeros(1000)\nB = {'a': np.zeros(1000)}\ndef foo(): return A, B")
    tracker = Tracker({"": space["foo"]})
    state = tracker.state()
    gone = weakref.ref(space["A"]), weakref.ref(space["B"]["a"])

    del space["A"], space["B"]
    gc.collect()

    assert [reference() for reference in gone] == [None, None]
    assert not state.current()


def test_threads_may_ask_at_once() -> None:
    space = run("A = [1]\ndef h(): return A\ndef foo(): return h()")
    tracker = Tracker({"": space["foo"]})
    barrier = threading.Barrier(8)
    found = []

    def ask() -> None:
        barrier.wait()
        found.append(tracker.state().digest)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 8
    assert len(set(found)) == 1


def test_ten_dependencies_are_guarded_in_about_a_microsecond() -> None:
    source = "".join(f"A{i} = {i} + 0.5\ndef h{i}(): return A{i}\n" for i in range(5))
    space = run(source + "def foo(): return " + " + ".join(f"h{i}()" for i in range(5)))
    current = Tracker({"": space["foo"]}).state().current

    seconds = min(timeit.repeat(current, number=2000, repeat=20)) / 2000

    assert seconds < 4e-6  # 1 us on an idle machine; this one is shared


# -- programs made at random -------------------------------------------------------------------------------------------


@st.composite
def programs(draw: st.DrawFn) -> tuple[list[tuple[str, int]], list[list[int]], int]:
    """Draw nodes (what each is, and its value), what each reaches, and the node that an edit changes."""
    count = draw(st.integers(2, 9))
    kinds = draw(
        st.lists(st.sampled_from(["function", "global", "list", "class", "closure"]), min_size=count, max_size=count)
    )
    edges = [
        draw(st.lists(st.integers(0, count - 1), max_size=3)) if kind in ("function", "class", "closure") else []
        for kind in kinds
    ]
    return [(kind, 1) for kind in kinds], edges, draw(st.integers(0, count - 1))


def _source(nodes: list[tuple[str, int]], edges: list[list[int]], shift: int) -> str:
    lines = ["#"] * shift
    for index, (kind, value) in enumerate(nodes):
        uses = "".join(f", n{edge}" for edge in edges[index])
        lines += {
            "function": [f"def n{index}(x=0):", f"    return ({value}{uses})"],
            "global": [f"n{index} = {value}.5"],
            "list": [f"n{index} = [{value}, ['x']]"],
            "class": [f"class n{index}:", f"    def m(self): return ({value}{uses})"],
            "closure": [f"def make{index}(v):", f"    return lambda: (v{uses})", f"n{index} = make{index}({value})"],
        }[kind]
    return "\n".join([*lines, "def foo(): return n0"])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(programs())
def test_an_edit_changes_the_fingerprint_exactly_when_it_is_reached(program: Any) -> None:
    nodes, edges, edited = program
    reached, pending = set(), [0]
    while pending:
        node = pending.pop()
        if node not in reached:
            reached.add(node)
            pending.extend(edges[node])
    changed = [(kind, 2 if index == edited else value) for index, (kind, value) in enumerate(nodes)]

    before = state_of(_source(nodes, edges, 0)).digest
    again = state_of(_source(nodes, edges, 3)).digest
    after = state_of(_source(changed, edges, 0)).digest

    assert before == again
    assert (before != after) == (edited in reached)


def test_what_a_cached_helper_depends_on_counts_for_its_caller(tmp_path: Any) -> None:
    path = tmp_path / "data.csv"
    path.write_text("a")
    space = run(
        """
        class Cached:
            __nbcache__ = True
            def __init__(self, f): self.__wrapped__ = f
        Cached.__module__ = 'nbcache.decorator'
        @Cached
        def h(): return 1
        def foo(): return h()
        """
    )
    space["h"].__nbcache_depends_on__ = (str(path),)
    tracker = Tracker({"": space["foo"]})
    before = tracker.state()

    path.write_text("b")

    assert not before.current()
    assert labels(before, tracker.state()) == {f"depends_on {path}"}


def test_a_long_global_list_is_followed() -> None:
    space = run("A = list(range(200_000))\ndef foo(): return A")
    tracker = Tracker({"": space["foo"]})
    before = tracker.state()
    assert before.current()

    space["A"][150_000] = -1

    assert not before.current()

"""The fingerprint of a function follows whatever would change its answer, and nothing else."""

from __future__ import annotations

import pytest
from notebook_code import labels, run, state_of

from nbcache.tracking.fingerprint import code_digest

pytestmark = pytest.mark.usefixtures("main_module")

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

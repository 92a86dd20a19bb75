"""What can be replaced in a function or a class after it was made, as programs: a table for tests of what follows.

Each program defines ``foo``; each statement after it changes what ``foo()`` returns, in place, without a new ``def`` or
``class``. ``plain(foo)`` is the function below a cached one.
"""

from __future__ import annotations

__all__ = ["ABSTRACT", "ARGUMENTS", "CLASSES", "FUNCTIONS", "OWN", "WRAPPERS"]

Program = tuple[str, ...]


def _foo(result: str, before: str = "", call: str = "") -> str:
    return f"{before}\n@cache_data\ndef foo({call}): return {result}\n"


# Of the cached function itself.
OWN: dict[str, Program] = {
    "defaults": (_foo("a", call="a=1"), "foo.__defaults__ = (2,)", "plain(foo).__defaults__ = (3,)"),
    "defaults of keywords": (_foo("a", call="*, a=1"), "foo.__kwdefaults__ = {'a': 2}"),
    "a default of a keyword, in place": (
        _foo("a", call="*, a=1"),
        "foo.__kwdefaults__['a'] = 2",
        "plain(foo).__kwdefaults__['a'] = 3",
    ),
    "a default that is changed in place": (
        _foo("list(a)", call="a=[1]"),
        "foo.__defaults__[0].append(2)",
        "foo.__defaults__ = ([5],)",
        "foo.__defaults__[0].append(6)",
    ),
    "no default any more": (_foo("a", call="a=1"), "foo.__defaults__ = None", "foo.__defaults__ = (2,)"),
    "a deleted default": (_foo("a", call="a=1"), "del plain(foo).__defaults__"),
    "a default where there was none": (_foo("a", call="a"), "foo.__defaults__ = (7,)"),
    "code": (_foo("a", "def other(a=1): return -a", "a=1"), "foo.__code__ = other.__code__"),
    "code with another signature": (
        _foo("a", "def other(a=1, b=2): return (a, b)", "a=1"),
        "foo.__code__ = other.__code__",
        "foo.__defaults__ = (5, 6)",
        "foo.__defaults__ = (5,)",
    ),
    "a closure": (
        "def make(n):\n  def foo(): return n\n  return foo\nfoo = cache_data(make(1))",
        "plain(foo).__closure__[0].cell_contents = 2",
    ),
    "defaults below a wrapper": (
        "import functools, inspect\ndef decorate(f):\n  @functools.wraps(f)\n"
        "  def wrapper(*args, **kwargs): return f(*args, **kwargs)\n  return wrapper\n"
        "@cache_data\n@decorate\ndef foo(a=1): return a",
        "inspect.unwrap(foo).__defaults__ = (2,)",
    ),
    "an attribute": (_foo("foo.n") + "foo.n = 1", "foo.n = 2", "foo.n = (3,)"),
    "an attribute that was not there": (_foo("hasattr(foo, 'n')"), "foo.n = 2", "del foo.n"),
    "annotations": (
        _foo("str(foo.__annotations__)", call="a: int = 1"),
        "foo.__annotations__['a'] = str",
        "foo.__annotations__ = {'a': float}",
    ),
    "a library's function that a mock stands in for": (
        "import colorsys\nfrom unittest import mock\n" + _foo("colorsys.rgb_to_yiq(0, 0, 0)"),
        "patch = mock.patch('colorsys.rgb_to_yiq', return_value=7); patch.start()",
        "colorsys.rgb_to_yiq.return_value = 8",
        "patch.stop()",
    ),
    "a function in C that a mock stands in for": (
        "import math\nfrom unittest import mock\n" + _foo("math.sqrt(4)"),
        "patch = mock.patch('math.sqrt', return_value=7); patch.start()",
        "math.sqrt.side_effect = lambda x: 9",
        "patch.stop()",
    ),
    "an adapter of SQL": (
        "import sqlite3\nclass P: pass\n"
        + _foo("sqlite3.connect(':memory:').execute('select ?', (P(),)).fetchone()", "k = 2")
        + "sqlite3.register_adapter(P, lambda p: k)",
        "k = 3",
        "sqlite3.register_adapter(P, lambda p: 'one')",
        "sqlite3.adapters.pop((P, sqlite3.PrepareProtocol)); P.__conform__ = lambda self, protocol: 9",
    ),
    "the name": (_foo("foo.__name__"), "foo.__name__ = 'other'"),
    "documentation": ("@cache_data\ndef foo():\n  'one'\n  return foo.__doc__", "foo.__doc__ = 'two'"),
}

# Of a helper.
FUNCTIONS: dict[str, Program] = {
    "defaults": (_foo("h()", "def h(a=1): return a"), "h.__defaults__ = (2,)", "h.__defaults__ = (3,)"),
    "defaults of keywords": (
        _foo("h()", "def h(*, a=1): return a"),
        "h.__kwdefaults__ = {'a': 2}",
        "h.__kwdefaults__['a'] = 3",
    ),
    "code": (_foo("h()", "def h(): return 1"), "h.__code__ = (lambda: 2).__code__"),
    "a closure": (
        _foo("h()", "def make(n):\n  def h(): return n\n  return h\nh = make(1)"),
        "h.__closure__[0].cell_contents = 2",
    ),
    "annotations": (
        _foo("str(h.__annotations__)", "def h(a: int): pass"),
        "h.__annotations__ = {'a': str}",
        "h.__annotations__['a'] = float",
    ),
    "hints": (
        _foo("str(typing.get_type_hints(h))", "import typing\ndef h(a: int): pass"),
        "h.__annotations__ = {'a': str}",
        "h.__annotations__['a'] = float",
    ),
    "a signature": (
        _foo("str(inspect.signature(h))", "import inspect\ndef h(a: int = 3): pass"),
        "h.__annotations__ = {'a': str}",
        "h.__signature__ = inspect.signature(len)",
        "del h.__signature__",
    ),
    "attributes": (
        _foo("h.n", "def h(): pass\nh.n = 1"),
        "h.n = 2",
        "h.__dict__ = {'n': 3}",
        "h.__dict__['n'] = 4",
    ),
    "an attribute that was not there": (
        _foo("getattr(h, 'n', 0)", "def h(): pass"),
        "h.n = 2",
        "del h.n",
        "h.__dict__ = {'n': 3}",
    ),
    "an attribute read in a closure": (
        _foo("h()", "def make():\n  def h(): return h.n\n  h.n = 1\n  return h\nh = make()"),
        "h.n = 2",
        "h.__dict__ = {'n': 3}",
    ),
    "names": (
        _foo("(h.__name__, h.__qualname__)", "def h(): pass"),
        "h.__name__ = 'other'",
        "h.__qualname__ = 'another'",
    ),
    "the name, read in a closure": (
        _foo(
            "h()",
            "import functools\ndef decorate(f):\n  @functools.wraps(f)\n  def wrapper(): return f.__name__\n"
            "  return wrapper\n@decorate\ndef h(): pass",
        ),
        "h.__wrapped__.__name__ = 'other'",
    ),
    "documentation": ("def h():\n  'one'\n" + _foo("h.__doc__"), "h.__doc__ = 'two'"),
    "the module": (_foo("h.__module__", "def h(): pass"), "h.__module__ = 'other'"),
    "what it wraps, called": (
        _foo(
            "h()",
            "import functools\ndef decorate(f):\n  @functools.wraps(f)\n  def wrapper(): return wrapper.__wrapped__()\n"
            "  return wrapper\n@decorate\ndef h(): return 1",
        ),
        "h.__wrapped__ = lambda: 2",
        "h.__wrapped__ = lambda: 3",
    ),
    "what it wraps, asked for": (
        _foo(
            "inspect.unwrap(h)()",
            "import functools, inspect\ndef decorate(f):\n  @functools.wraps(f)\n  def wrapper(): pass\n"
            "  return wrapper\n@decorate\ndef h(): return 1",
        ),
        "h.__wrapped__ = lambda: 2",
    ),
    "a function in a dict": (
        _foo("F['h']()", "def h(a=1): return a\nF = {'h': h}"),
        "h.__defaults__ = (2,)",
        "h.__code__ = (lambda a: -a).__code__",
    ),
    "a cached helper": (
        _foo("h()", "@cache_data\ndef h(a=1): return a"),
        "h.__defaults__ = (2,)",
        "h.__code__ = (lambda a=1: -a).__code__",
    ),
    "what a module makes on demand": (
        _foo("m.z", "import types\nm = types.ModuleType('m')\nm.__getattr__ = lambda name: 1"),
        "m.__getattr__ = lambda name: 2",
        "m.z = 9",
    ),
}

CLASSES: dict[str, Program] = {
    "a class in a dict, by another of its name": (
        _foo("[cls.k for cls in known.values()]", "class A:\n  k = 1\nknown = {'a': A}"),
        "known['a'] = type('A', (), {'k': 2})",
        "known['a'] = A",
    ),
    "a class in a dict of a class": (
        _foo("[cls.k for cls in Base.known.values()]", "class Base:\n  known = {}\nclass A(Base):\n  k = 1\n")
        + "Base.known['a'] = A",
        "Base.known['a'] = type('A', (Base,), {'k': 2})",
    ),
    "the class of an instance in a list, by another of its name": (
        _foo("[one.k for one in known]", "class A:\n  k = 1\nknown = [A()]"),
        "known[0] = type('A', (), {'k': 2})()",
    ),
    "a class that its metaclass keeps": (
        "class Meta(type):\n  known = {}\n  def __init__(cls, name, *rest): Meta.known[name] = cls\n"
        "class A(metaclass=Meta):\n  k = 1\n" + _foo("Meta.known['A'].k"),
        "A = Meta('A', (), {'k': 2})",
    ),
    "a function of equal code in a dict, in another namespace": (
        _foo("known['f']()", "limit = 1\ndef f(): return limit\nknown = {'f': f}"),
        "import types\nknown['f'] = types.FunctionType(f.__code__, {'limit': 2, '__name__': '__main__'})",
    ),
    "bases": (
        _foo("C().m()", "class A:\n  def m(self): return 1\nclass B:\n  def m(self): return 2\nclass C(A): pass"),
        "C.__bases__ = (B,)",
        "B.m = lambda self: 3",
    ),
    "bases under a metaclass": (
        _foo(
            "C().m()",
            "import abc\nclass A(abc.ABC):\n  def m(self): return 1\nclass B(abc.ABC):\n  def m(self): return 2\n"
            "class C(A): pass",
        ),
        "C.__bases__ = (B,)",
        "B.m = lambda self: 3",
    ),
    "bases of a base": (
        _foo(
            "getattr(C, 'y', 0)",
            "class M(type): pass\nclass Z: pass\nclass A(Z, metaclass=M): pass\nclass Q:\n  y = 5\nclass C(A): pass",
        ),
        "A.__bases__ = (Q,)",
    ),
    "the metaclass": (
        _foo(
            "C.m()",
            "class M(type):\n  def m(cls): return 1\nclass N(type):\n  def m(cls): return 2\n"
            "class C(metaclass=M): pass",
        ),
        "C.__class__ = N",
        "N.m = lambda cls: 3",
    ),
    "the class of an object": (
        _foo("o.m()", "class A:\n  def m(self): return 1\nclass B:\n  def m(self): return 2\no = A()"),
        "o.__class__ = B",
    ),
    "what derived classes get": (
        "class A:\n  def __init_subclass__(cls): cls.n = 1\n@cache_data\ndef foo():\n  class C(A): pass\n  return C.n",
        "A.__init_subclass__ = classmethod(lambda cls: setattr(cls, 'n', 2))",
    ),
    "names": (_foo("(A.__name__, A.__qualname__)", "class A: pass"), "A.__name__ = 'B'", "A.__qualname__ = 'C'"),
    "documentation": ("class A:\n  'one'\n" + _foo("A.__doc__"), "A.__doc__ = 'two'"),
    "documentation, asked of an object": (
        "class A:\n  'one'\n  def m(self): return self.__doc__\n" + _foo("A().m()"),
        "A.__doc__ = 'two'",
    ),
    "annotations": (
        _foo("str(A.__annotations__)", "class A:\n  x: int"),
        "A.__annotations__['x'] = str",
        "A.__annotations__ = {'y': int}",
    ),
    "what must be overridden": (
        "import abc\nclass A(abc.ABC):\n  @abc.abstractmethod\n  def m(self): ...\n@cache_data\ndef foo():\n"
        "  try: return bool(A())\n  except TypeError: return None",
        "A.__abstractmethods__ = frozenset()",
    ),
    "what generic bases were given": (
        _foo(
            "Q().t()",
            "import typing\nT = typing.TypeVar('T')\nclass R(typing.Generic[T]):\n"
            "  def t(self): return str(typing.get_args(type(self).__orig_bases__[0]))\nclass Q(R[int]): pass",
        ),
        "class Q(R[str]): pass",
        "Q.__orig_bases__ = (R[float],)",
    ),
    "defaults of a method": (_foo("A().m()", "class A:\n  def m(self, a=1): return a"), "A.m.__defaults__ = (2,)"),
    "a setter": (
        "class A:\n  @property\n  def p(self): return self.q\n  @p.setter\n  def p(self, v): self.q = v\n"
        "@cache_data\ndef foo():\n  a = A()\n  a.p = 1\n  return a.p",
        "A.p = A.p.setter(lambda self, v: setattr(self, 'q', v + 1))",
        "A.p.fset.__code__ = (lambda self, v: setattr(self, 'q', v + 2)).__code__",
    ),
}

# What the standard library makes of functions.
WRAPPERS: dict[str, Program] = {
    "the state of a partial": (
        _foo("h()", "import functools\ndef g(*a, **k): return (a, sorted(k))\nh = functools.partial(g, 1, b=2)"),
        "h.keywords['c'] = 3",
        "h.__setstate__((g, (9,), {}, None))",
        "h.__setstate__((max, (9, 10), {}, None))",
    ),
    "a partial method": (
        _foo("A().h()", "import functools\nclass A:\n  def g(self, a): return a\n  h = functools.partialmethod(g, 1)"),
        "A.__dict__['h'].args = (5,)",
        "A.__dict__['h'].func = lambda self, a: -a",
    ),
    "the function of a cached property": (
        _foo("A().p", "import functools\nclass A:\n  @functools.cached_property\n  def p(self): return 1"),
        "A.__dict__['p'].func = lambda self: 2",
    ),
    "what a dispatching function knows": (
        _foo("h(1)", "import functools\n@functools.singledispatch\ndef h(x): return 'any'"),
        "h.register(int, lambda x: 'int')",
        "h.register(int, lambda x: 'other')",
    ),
    "what a dispatching method knows": (
        _foo(
            "A().h(1)", "import functools\nclass A:\n  @functools.singledispatchmethod\n  def h(self, x): return 'any'"
        ),
        "A.__dict__['h'].register(int, lambda self, x: 'int')",
    ),
    "a comparison made a key": (
        _foo(
            "sorted([2, 1, 3], key=K)",
            "import functools\nsign = 1\ndef c(a, b): return sign * (a - b)\nK = functools.cmp_to_key(c)",
        ),
        "sign = -1",
        "c.__code__ = (lambda a, b: a - b).__code__",
    ),
    "a remembered function": (
        "import functools\n@functools.lru_cache\ndef h(a=1): return a\n@cache_data\ndef foo():\n"
        "  h.cache_clear()\n  return h()",
        "h.__wrapped__.__defaults__ = (2,)",
    ),
}

_A = "import abc\nclass A(abc.ABC): pass\nclass C: pass\n"
# Classes that are registered on abstract ones.
ABSTRACT: dict[str, Program] = {
    "a class": (_foo("isinstance(C(), A)", _A), "A.register(C)"),
    "a class that is defined again": (
        _foo("isinstance(C(), A)", _A),
        "A.register(C)",
        "class C: pass",
        "A.register(C)",
    ),
    "a type of Python's": (_foo("isinstance(3, A)", _A), "A.register(int)"),
    "on a class below": (_foo("isinstance(C(), A)", _A + "class S(A): pass"), "S.register(C)"),
    "on a registered one": (_foo("isinstance(C(), A)", _A + "class S(abc.ABC): pass\nA.register(S)"), "S.register(C)"),
    "among others": (_foo("isinstance(C(), T)", _A + "T = (int, A)"), "A.register(C)"),
    "by a decorator": (
        _foo("any(isinstance(k(), A) for k in K)", _A + "K = [int, C]"),
        "@A.register\nclass D: pass\nK = [D]",
    ),
    "on a library's": (
        _foo("isinstance(C(), abc.Sequence)", "import collections.abc as abc\nclass C: pass"),
        "abc.Sequence.register(C)",
    ),
    "on one below a library's": (
        _foo("isinstance(C(), abc.Collection)", "import collections.abc as abc\nclass C: pass"),
        "abc.Sequence.register(C)",
    ),
    "as a number": (
        _foo("isinstance(C(), numbers.Number)", "import numbers\nclass C: pass"),
        "numbers.Complex.register(C)",
    ),
    "for a dispatching function": (
        _foo(
            "h(C())",
            "import functools, collections.abc as abc\n@functools.singledispatch\ndef h(x): return 'any'\n"
            "@h.register(abc.Sequence)\ndef _(x): return 'many'\nclass C: pass",
        ),
        "abc.Sequence.register(C)",
    ),
    "for a pattern of items": (
        "import collections.abc as abc\nclass C:\n  def __len__(self): return 0\n"
        "  def __getitem__(self, at): raise IndexError\n"
        "@cache_data\ndef foo():\n  match C():\n    case []: return 'many'\n    case _: return 'one'",
        "abc.Sequence.register(C)",
    ),
    "for a pattern of a class": (
        _A + "@cache_data\ndef foo():\n  match C():\n    case A(): return 'A'\n    case _: return 'no'",
        "A.register(C)",
    ),
}

# Of an argument.
ARGUMENTS: dict[str, Program] = {
    "defaults": ("def h(a=1): return a\n" + _foo("f()", call="f=None"), "h.__defaults__ = (2,)"),
    "a default of a keyword, in place": (
        "def h(*, a=1): return a\n" + _foo("f()", call="f=None"),
        "h.__kwdefaults__['a'] = 2",
    ),
    "annotations": (
        "def h(a: int): pass\n" + _foo("str(f.__annotations__)", call="f=None"),
        "h.__annotations__ = {'a': str}",
        "h.__annotations__['a'] = float",
    ),
    "bases": (
        "class X: v = 1\nclass Y: v = 2\nclass h(X): pass\n" + _foo("f.v", call="f=None"),
        "h.__bases__ = (Y,)",
    ),
    "what is registered": (
        "import abc\nclass h(abc.ABC): pass\nclass C: pass\n" + _foo("isinstance(C(), f)", call="f=None"),
        "h.register(C)",
    ),
    "the state of a partial": (
        "import functools\ndef g(*a): return a\nh = functools.partial(g, 1)\n" + _foo("f()", call="f=None"),
        "h.__setstate__((g, (9,), {}, None))",
    ),
}

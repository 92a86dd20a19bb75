"""Edits of code, of globals and of modules, and what the explanation of the miss says of each."""

from __future__ import annotations

from edit import call_after, change, module, swap

H = "def f(*a): return a\n# %%\n"
CODE = {
    "bases of a class": call_after(
        "class A:\n  def v(self): return 1\nclass B:\n  def v(self): return 2\nclass C(A): pass\n# %%\n"
        "def foo(): return C().v()",
        "C.__bases__ = (B,)",
        "class C class C(A) -> class C(B)",
    ),
    "the class of an object": call_after(
        "class A:\n  def v(self): return 1\nclass B:\n  def v(self): return 2\no = A()\n# %%\ndef foo(): return o.v()",
        "o.__class__ = B",
        "global o",
    ),
    "a class that derives from another": call_after(
        "class A: pass\n# %%\ndef foo(): return [kind.__name__ for kind in A.__subclasses__()]",
        "class B(A): pass",
        "classes that derive from A",
    ),
    "code of a class that derives from another": call_after(
        "class A: pass\nclass B(A):\n  def v(self): return 1\n# %%\n"
        "def foo(): return [kind().v() for kind in A.__subclasses__()]",
        "B.v = lambda self: 2",
        "B.v",
    ),
    "own constant": change("def foo(): return 1", "def foo(): return 2", "code changed: 1 line: def foo(): return 1"),
    "int becomes float": change("def foo(): return 1", "def foo(): return 1.0", "code changed"),
    "int becomes bool": change("def foo(): return 1", "def foo(): return True", "code changed"),
    "text becomes bytes": change("def foo(): return 'a'", "def foo(): return b'a'", "code changed"),
    "zero becomes negative": change("def foo(): return 0.0", "def foo(): return -0.0", "code changed"),
    "digits move between constants": swap(H + "def foo(): return f(1, 23)", "1, 23", "12, 3", "code changed"),
    "digits move in a range": change(
        "def foo(): return list(range(1, 23))", "def foo(): return list(range(12, 3))", "code changed"
    ),
    "numbers become texts": swap(H + "def foo(): return f(1, 2)", "1, 2", "'1', '2'", "code changed"),
    "a separator": swap("def foo(): return ','.join('ab')", "','", "';'", "code changed"),
    "constant in a nested tuple": swap("def foo(): return (1, (2, 3))", "3", "'3'", "code changed"),
    "an inner function takes more": swap(
        "def foo():\n  def h(*x): return x\n  return h(1)", "h(*x)", "h(x)", "code changed"
    ),
    "helper": swap("def h(): return 1\n# %%\ndef foo(): return h()", "return 1", "return 2", "helper h changed: 1 "),
    "helper's helper": swap(
        "def g(): return 1\n# %%\ndef h(): return g()\n# %%\ndef foo(): return h()",
        "return 1",
        "return 2",
        "helper g changed: 1 line: def g(): return 1 -> def g(): return 2",
    ),
    "a helper of many lines": swap(
        "def normalize(x):\n    x = x + 1\n    return x * 2\n# %%\ndef foo(): return normalize(3)",
        "x * 2",
        "x * 3",
        "helper normalize changed: 1 line: return x * 2 -> return x * 3",
    ),
    "helper in a comprehension": swap(
        "def h(): return 1\n# %%\ndef foo(): return [h() for _ in 'ab']", "return 1", "return 2", "helper h"
    ),
    "mutual recursion": swap(
        "def a(n): return b(n - 1) if n else 0\ndef b(n): return a(n) + 1\n# %%\ndef foo(): return a(3)",
        "+ 1",
        "+ 2",
        "helper b changed",
    ),
    "default": swap("def foo(x=1): return x", "x=1", "x=2", "default"),
    "keyword-only default": swap("def foo(*, x=1): return x", "x=1", "x=2", "default"),
    "default of a helper": swap("def h(x=1): return x\n# %%\ndef foo(): return h()", "x=1", "x=2", "default of h"),
    "keyword-only default of a helper": swap(
        "def h(*, x=1): return x\n# %%\ndef foo(): return h()", "x=1", "x=2", "default of h"
    ),
    "default taken from a variable": swap(
        "N = 1\ndef h(x=N): return x\n# %%\ndef foo(): return h()", "N = 1", "N = 2", "default of h"
    ),
    "closure": swap(
        "def make(n):\n  def foo(): return n\n  return foo\nfoo = cache_data(make(1))  # @cache_data",
        "make(1)",
        "make(10)",
        "closure n 1 -> 10",
    ),
    "closure of a helper": swap(
        "def make(n):\n  return lambda: n\nh = make(1)\n# %%\ndef foo(): return h()", "make(1)", "make(10)", "closure n"
    ),
    "function in a closure": swap(
        "def make(f):\n  def foo(): return f()\n  return foo\nfoo = cache_data(make(lambda: 1))  # @cache_data",
        "lambda: 1",
        "lambda: 2",
        "helper f changed",
    ),
    "lambdas of one line change places": swap(
        "a, b = (lambda: 1), (lambda: 2)\n# %%\ndef foo(): return a()",
        "(lambda: 1), (lambda: 2)",
        "(lambda: 2), (lambda: 1)",
        "helper a changed",
    ),
    "method": swap(
        "class C:\n  def m(self): return 1\n# %%\ndef foo(): return C().m()", "return 1", "return 2", "method C.m"
    ),
    "property": swap(
        "class C:\n  @property\n  def p(self): return 1\n# %%\ndef foo(): return C().p", "1", "2", "method C.p changed"
    ),
    "class method": swap(
        "class C:\n  @classmethod\n  def m(cls): return 1\n# %%\ndef foo(): return C.m()", "1", "2", "method C.m"
    ),
    "base class": swap(
        "class B:\n  def m(self): return 1\nclass C(B): pass\ndef foo(): return C().m()", "1", "2", "method B.m"
    ),
    "another base class": swap(
        "class A: x = 1\nclass B: x = 2\n# %%\nclass C(A): pass\n# %%\ndef foo(): return C.x", "C(A)", "C(B)", "class "
    ),
    "class attribute": swap("class C: x = 1\n# %%\ndef foo(): return C.x", "1", "2", "class C.x 1 -> 2"),
    "metaclass": swap(
        "class M(type):\n  def __call__(cls): return 1\nclass C(metaclass=M): pass\n# %%\ndef foo(): return C()",
        "return 1",
        "return 2",
        "method M.__call__",
    ),
    "class made by a call": swap(
        "C = type('C', (), {'m': lambda self: 1})\n# %%\ndef foo(): return C().m()", "self: 1", "self: 2", "method C.m"
    ),
    "decorated class": swap(
        "def d(n):\n  def w(c):\n    c.x = n\n    return c\n  return w\n"
        "@d(1)\nclass C: pass\n# %%\ndef foo(): return C.x",
        "@d(1)",
        "@d(2)",
        "class C.x 1 -> 2",
    ),
    "field of a dataclass": swap(
        "from dataclasses import dataclass\n@dataclass\nclass C:\n  x: int = 1\n# %%\ndef foo(): return C().x",
        "= 1",
        "= 2",
        "C",
    ),
    "enum member": swap(
        "import enum\nclass E(enum.Enum): A = 1\n# %%\ndef foo(): return E.A.value", "A = 1", "A = 2", "members of E"
    ),
    "argument of a partial": swap(
        "import functools\ndef g(x): return x\nh = functools.partial(g, 1)\n# %%\ndef foo(): return h()",
        "(g, 1)",
        "(g, 2)",
        "arguments of h",
    ),
    "function of a partial": swap(
        "import functools\ndef g(x): return x\nh = functools.partial(g, 1)\n# %%\ndef foo(): return h()",
        "return x",
        "return -x",
        "helper h changed",
    ),
    "bound method": swap(
        "class C:\n  def m(self): return 1\nh = C().m\n# %%\ndef foo(): return h()", "return 1", "return 2", "h"
    ),
    "object of a bound method": swap(
        "class C:\n  def __init__(self, x): self.x = x\n  def m(self): return self.x\n"
        "h = C(1).m\n# %%\ndef foo(): return h()",
        "C(1)",
        "C(2)",
        "global h.__self__",
    ),
    "function in a dict": swap(
        "T = {'a': lambda: 1}\n# %%\ndef foo(): return T['a']()", "lambda: 1", "lambda: 2", "helper <lambda>"
    ),
    "function in a list": swap(
        "def h(): return 1\nT = [h]\n# %%\ndef foo(): return T[0]()", "return 1", "return 2", "helper h"
    ),
    "functions change places in a dict": swap(
        "T = {'a': lambda: 1, 'b': lambda: 2}\n# %%\ndef foo(): return T['a']()",
        "lambda: 1, 'b': lambda: 2",
        "lambda: 2, 'b': lambda: 1",
        "global T",
    ),
    "argument of another decorator": swap(
        "def d(n):\n  def w(f):\n    def g(): return f() * n\n    return g\n  return w\n"
        "# %%\n@cache_data\n@d(1)\ndef foo(): return 1",
        "@d(1)",
        "@d(2)",
        "closure n 1 -> 2",
    ),
    "code of another decorator": swap(
        "def d(f):\n  def g(): return f() * 1\n  return g\n@d\ndef h(): return 1\n# %%\ndef foo(): return h()",
        "* 1",
        "* 2",
        "helper h",
    ),
    "what lru_cache wraps": swap(
        "import functools\n@functools.lru_cache\ndef h(): return 1\n# %%\ndef foo(): return h()", "1", "2", "helper h"
    ),
    "another cached function": swap(
        "@cache_data\ndef h(): return 1\n# %%\n@cache_data\ndef foo(): return h()",
        "return 1",
        "return 2",
        "helper h changed",
    ),
    "a name hides a builtin": change(
        "def foo(): return len('a')", "def len(x): return 7\n# %%\ndef foo(): return len('a')", "len"
    ),
}
GLOBALS = {
    "a number": swap("ALPHA = 0.1\n# %%\ndef foo(): return ALPHA", "0.1", "0.2", "global ALPHA 0.1 -> 0.2"),
    "a type": swap("A = 1\n# %%\ndef foo(): return A", "A = 1", "A = True", "global A 1 -> True"),
    "a global of a helper": swap(
        "A = 1\n# %%\ndef h(): return A\n# %%\ndef foo(): return h()", "A = 1", "A = 2", "global A 1 -> 2"
    ),
    "a dict": swap("A = {'a': [1]}\n# %%\ndef foo(): return A", "[1]", "[2]", "global A"),
    "rebound": call_after("A = [1]\n# %%\ndef foo(): return A", "A = [2]", "global A [1] -> [2]"),
    "list in place": call_after("A = [1]\n# %%\ndef foo(): return A", "A.append(2)", "global A [1] -> [1, 2]"),
    "inner list in place": call_after("A = [[1]]\n# %%\ndef foo(): return A", "A[0].append(2)", "global A"),
    "dict in place": call_after("A = {'a': 1}\n# %%\ndef foo(): return A", "A['a'] = 2", "global A {'a': 1} ->"),
    "set in place": call_after("A = {1}\n# %%\ndef foo(): return sorted(A)", "A.add(2)", "global A"),
    "array in place": call_after(
        "import numpy as np\nA = np.zeros(3)\n# %%\ndef foo(): return A.tolist()", "A[1] = 2", "global A"
    ),
    "shape of an array": call_after(
        "import numpy as np\nA = np.zeros(4)\n# %%\ndef foo(): return A.shape", "A = A.reshape(2, 2)", "global A"
    ),
    "frame in place": call_after(
        "import pandas as pd\nA = pd.DataFrame({'a': [1, 2]})\n# %%\ndef foo(): return A['a'].tolist()",
        "A.loc[0, 'a'] = 5",
        "global A",
    ),
    "column name": call_after(
        "import pandas as pd\nA = pd.DataFrame({'a': [1, 2]})\n# %%\ndef foo(): return list(A.columns)",
        "A.columns = ['b']",
        "global A",
    ),
    "attribute in place": call_after(
        "class C: pass\nA = C()\nA.x = 1\n# %%\ndef foo(): return A.x", "A.x = 2", "global A"
    ),
    "attribute of an attribute": call_after(
        "from types import SimpleNamespace as S\nA = S(b=S(x=1))\n# %%\ndef foo(): return A.b.x",
        "A.b.x = 2",
        "global A",
    ),
    "class attribute in place": call_after("class C: x = [1]\n# %%\ndef foo(): return C.x", "C.x.append(2)", "C.x"),
    "an object that the function completes": swap(
        "class Lazy:\n  def __init__(self, v): self.v, self.table = v, None\n"
        "  def get(self):\n    self.table = self.table or [self.v]\n    return self.table[0]\n"
        "# %%\nA = Lazy(1)\n# %%\ndef foo(): return A.get()",
        "Lazy(1)",
        "Lazy(2)",
        "global A",
    ),
    "a list that the function appends to": swap(
        "A = [1]\n# %%\ndef foo():\n  A.append(0)\n  return A[0]", "A = [1]", "A = [2]", "global A"
    ),
    "a default that the function appends to": swap(
        "def h(acc=[1]):\n  acc.append(0)\n  return acc[0]\n# %%\ndef foo(): return h()", "[1]", "[2]", "default of h"
    ),
    "a helper in a dict that the function fills": swap(
        "def g(): return 1\n# %%\ndef h(): return g()\n# %%\nT = {'f': h, 'log': []}\n# %%\n"
        "def foo():\n  T['log'].append(lambda: 2)\n  return T['f']()",
        "return 1",
        "return 2",
        "helper g changed",
    ),
    "a method is replaced": call_after(
        "class C:\n  def m(self): return 1\n# %%\ndef foo(): return C().m()", "C.m = lambda self: 2", "method C.m"
    ),
    "code of a helper is replaced": call_after(
        "def h(): return 1\n# %%\ndef foo(): return h()", "h.__code__ = (lambda: 2).__code__", "helper h"
    ),
    "a name is deleted": call_after(
        "A = 1\n# %%\ndef foo():\n  try: return A\n  except NameError: return 0", "del A", "global A"
    ),
}
MODULE = "K = 1\ndef g(): return 2\ndef f(): return g() + K\ndef other(): return 5\n"
RELOAD = "import importlib, mod\nimportlib.reload(mod)"
FROM = RELOAD + "\nfrom mod import f"
G = "helper mod.g changed: 1 line: def g(): return 2 -> def g(): return 3"
MODULES = {
    "function": module(
        MODULE.replace("g() + K", "7"), "7", "8", "import mod\ndef foo(): return mod.f()", "helper mod.f", RELOAD
    ),
    "its helper": module(MODULE, "return 2", "return 3", "import mod\ndef foo(): return mod.f()", G, RELOAD),
    "its constant": module(
        MODULE, "K = 1", "K = 4", "import mod\ndef foo(): return mod.f()", "global mod.K 1 -> 4", RELOAD
    ),
    "a constant read from outside": module(
        MODULE, "K = 1", "K = 4", "import mod\ndef foo(): return mod.K", "mod.K 1 -> 4", RELOAD
    ),
    "from mod import f": module(
        MODULE, "return 2", "return 3", "from mod import f\n# %%\ndef foo(): return f()", G, FROM
    ),
    "import mod as m": module(
        MODULE, "return 2", "return 3", "import mod as m\n# %%\ndef foo(): return m.f()", G, RELOAD
    ),
    "imported within the function": module(
        MODULE, "return 2", "return 3", "def foo():\n  from mod import f\n  return f()", G, RELOAD
    ),
    "a class of the module": module(
        "class C:\n  def m(self): return 1\n",
        "return 1",
        "return 2",
        "import mod\ndef foo(): return mod.C().m()",
        "method C.m",
        RELOAD,
    ),
    "a class behind an attribute": module(
        "class A:\n  class B:\n    x = 1\n",
        "x = 1",
        "x = 2",
        "import mod\ndef foo(): return mod.A.B.x",
        "1 -> 2",
        RELOAD,
    ),
}

"""Edits as people make them between two runs, for tests of what the cache makes of them.

Source is divided into notebook cells by lines that say ``# %%``. Run as a script, ``edits.py PHASE FOLDER`` plays one
session of a notebook with every edit, on disk, and prints what the cache did as JSON.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import itertools
import json
import linecache
import os
import sys
import textwrap
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from nbcache import cache_data

_numbers = itertools.count()


class Edit(NamedTuple):
    """One edit.

    Attributes
    ----------
    before, after : the notebook's source; it defines ``foo``, which the test calls without arguments
    says : a text in the explanation of the miss; "" for a cosmetic edit, which is a hit
    setup, setup_after : source run beforehand, which makes files
    again : source that a running kernel needs to see the edit, such as a reload
    """

    before: str
    after: str
    says: str = ""
    setup: str = ""
    setup_after: str = ""
    again: str = ""


def change(before: str, after: str, says: str) -> Edit:
    """An edit of source that changes the answer; ``foo`` without a decorator gets ours."""
    return Edit(_decorated(before), _decorated(after), says)


def swap(source: str, old: str, new: str, says: str = "") -> Edit:
    """An edit of some words in the source."""
    assert old in source, f"{old!r} is not in {source!r}"
    return Edit(_decorated(source), _decorated(source.replace(old, new)), says)


def call_after(source: str, statement: str, says: str) -> Edit:
    """No edit, but a statement run between two calls."""
    return Edit(_decorated(source), _decorated(source) + f"\n# %%\n{statement}\n", says)


def module(text: str, old: str, new: str, use: str, says: str, again: str = "") -> Edit:
    """An edit of the module ``mod`` beside the notebook."""
    assert old in text, f"{old!r} is not in {text!r}"
    write = "from pathlib import Path\nPath('mod.py').write_text({text!r})"
    return Edit(
        _decorated(use),
        _decorated(use),
        says,
        write.format(text=text),
        write.format(text=text.replace(old, new)),
        again,
    )


def data(write: str, use: str, says: str = "file data") -> Edit:
    """A file that is written with the number ``N``, 1 before and 2 after."""
    return Edit(_decorated(use), _decorated(use), says, f"N = 1\n{write}", f"N = 2\n{write}")


def _decorated(source: str) -> str:
    source = textwrap.dedent(source).strip("\n")
    return source if "@cache_data" in source else source.replace("def foo(", "@cache_data\ndef foo(")


# -- edits of code ----------------------------------------------------------------------------------------------------

H = "def f(*a): return a\n# %%\n"
CODE = {
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

# -- files ------------------------------------------------------------------------------------------------------------

TEXT = "open('data.txt', 'w').write(f'{N}\\n')"
CSV = "open('data.csv', 'w').write(f'a,b\\n{N},2\\n')"
FRAME = "import pandas as pd\nframe = pd.DataFrame({'a': [N, 3]})\n"
# Formats that write the time of day into the file: each content is made once, and copied into place.
ONCE = (
    "import os, shutil\n"
    "def once(suffix, write):\n"
    "  if not os.path.exists(f'{N}.{suffix}'): write(f'{N}.{suffix}')\n"
    "  shutil.copy(f'{N}.{suffix}', f'data.{suffix}')\n"
)
SQL = (
    "import os, sqlite3\n"
    "if os.path.exists('data.db'): os.remove('data.db')\n"
    "with sqlite3.connect('data.db') as base:\n"
    "  base.execute('create table t (a)')\n"
    "  base.execute('insert into t values (?)', (N,))\n"
    "base.close()\n"
)
FILES = {
    "open": data(TEXT, "def foo(): return open('data.txt').read()"),
    "open by a name put together": data(TEXT, "N = 'data'\ndef foo(): return open(N + '.txt').read()"),
    "open in a with block": data(TEXT, "def foo():\n  with open('data.txt') as f: return f.readlines()"),
    "os.open": data(TEXT, "import os\ndef foo(): return os.read(os.open('data.txt', os.O_RDONLY), 9)"),
    "pathlib read_text": data(TEXT, "from pathlib import Path\ndef foo(): return Path('data.txt').read_text()"),
    "pathlib read_bytes": data(
        TEXT, "from pathlib import Path\nP = Path('data.txt')\ndef foo(): return P.read_bytes()"
    ),
    "a helper reads": data(TEXT, "def h(): return open('data.txt').read()\n# %%\ndef foo(): return h()"),
    "another cached function reads": data(
        TEXT, "@cache_data\ndef h(): return open('data.txt').read()\n# %%\n@cache_data\ndef foo(): return h()"
    ),
    "a thread reads": data(
        TEXT,
        "from concurrent.futures import ThreadPoolExecutor\n"
        "def read(): return open('data.txt').read()\n"
        "def foo():\n  with ThreadPoolExecutor(1) as pool: return pool.submit(read).result()",
    ),
    "numpy load": data(
        "import numpy as np\nnp.save('data.npy', np.array([N]))",
        "import numpy as np\ndef foo(): return np.load('data.npy').tolist()",
    ),
    "numpy memmap": data(
        "import numpy as np\nnp.save('data.npy', np.array([N]))",
        "import numpy as np\ndef foo(): return np.load('data.npy', mmap_mode='r').tolist()",
    ),
    "numpy npz": data(
        "import numpy as np\nnp.savez('data.npz', a=np.array([N]))",
        "import numpy as np\ndef foo():\n  with np.load('data.npz') as z: return z['a'].tolist()",
    ),
    "numpy loadtxt": data(TEXT, "import numpy as np\ndef foo(): return np.loadtxt('data.txt').tolist()"),
    "numpy fromfile": data(
        "import numpy as np\nnp.array([N]).tofile('data.bin')",
        "import numpy as np\ndef foo(): return np.fromfile('data.bin', int).tolist()",
    ),
    "pandas csv": data(CSV, "import pandas as pd\ndef foo(): return pd.read_csv('data.csv').to_dict()"),
    "pandas csv by pyarrow": data(
        CSV, "import pandas as pd\ndef foo(): return pd.read_csv('data.csv', engine='pyarrow').to_dict()"
    ),
    "pandas parquet": data(
        FRAME + "frame.to_parquet('data.parquet')",
        "import pandas as pd\ndef foo(): return pd.read_parquet('data.parquet').to_dict()",
    ),
    "pandas feather": data(
        FRAME + "frame.to_feather('data.feather')",
        "import pandas as pd\ndef foo(): return pd.read_feather('data.feather').to_dict()",
    ),
    "pandas excel": data(
        ONCE + FRAME + "once('xlsx', frame.to_excel)",
        "import pandas as pd\ndef foo(): return pd.read_excel('data.xlsx').to_dict()",
    ),
    "pandas json": data(
        FRAME + "frame.to_json('data.json')",
        "import pandas as pd\ndef foo(): return pd.read_json('data.json').to_dict()",
    ),
    "pandas pickle": data(
        FRAME + "frame.to_pickle('data.pkl')",
        "import pandas as pd\ndef foo(): return pd.read_pickle('data.pkl').to_dict()",
    ),
    "pandas fixed width": data(
        "open('data.txt', 'w').write(f'a   b\\n{N}   2\\n')",
        "import pandas as pd\ndef foo(): return pd.read_fwf('data.txt').to_dict()",
    ),
    "pyarrow parquet": data(
        FRAME + "frame.to_parquet('data.parquet')",
        "import pyarrow.parquet as pq\ndef foo(): return pq.read_table('data.parquet').to_pydict()",
    ),
    "pyarrow csv": data(CSV, "import pyarrow.csv\ndef foo(): return pyarrow.csv.read_csv('data.csv').to_pydict()"),
    "pyarrow feather": data(
        FRAME + "frame.to_feather('data.feather')",
        "import pyarrow.feather as feather\ndef foo(): return feather.read_table('data.feather').to_pydict()",
    ),
    "pyarrow dataset": data(
        FRAME + "import os\nos.makedirs('data', exist_ok=True)\nframe.to_parquet('data/part.parquet')",
        "import pyarrow.dataset\nD = './data'\ndef foo(): return pyarrow.dataset.dataset(D).to_table().to_pydict()",
        "data",
    ),
    "polars csv": data(CSV, "import polars as pl\ndef foo(): return pl.read_csv('data.csv').to_dict(as_series=False)"),
    "polars lazy csv": data(
        CSV, "import polars as pl\ndef foo(): return pl.scan_csv('data.csv').collect().to_dict(as_series=False)"
    ),
    "polars parquet": data(
        FRAME + "frame.to_parquet('data.parquet')",
        "import polars as pl\ndef foo(): return pl.read_parquet('data.parquet').to_dict(as_series=False)",
    ),
    "polars lazy parquet": data(
        FRAME + "frame.to_parquet('data.parquet')",
        "import polars as pl\ndef foo(): return pl.scan_parquet('data.parquet').collect().to_dict(as_series=False)",
    ),
    "polars pattern": data(
        FRAME + "frame.to_parquet('data1.parquet')",
        "import polars as pl\ndef foo(): return pl.scan_parquet('data*.parquet').collect().to_dict(as_series=False)",
    ),
    "polars from a global path": data(
        FRAME + "frame.to_parquet('data.parquet')",
        "import polars as pl\nfrom pathlib import Path\nP = Path('data.parquet')\n"
        "def foo(): return pl.read_parquet(P).to_dict(as_series=False)",
    ),
    "sqlite3": data(
        SQL,
        "import sqlite3\ndef foo():\n  base = sqlite3.connect('data.db')\n"
        "  try: return base.execute('select a from t').fetchall()\n  finally: base.close()",
    ),
    "pandas sql": data(
        SQL,
        "import pandas as pd, sqlite3\ndef foo():\n  base = sqlite3.connect('data.db')\n"
        "  try: return pd.read_sql('select a from t', base).to_dict()\n  finally: base.close()",
    ),
    "json": data(
        "import json\njson.dump([N], open('data.json', 'w'))",
        "import json\ndef foo(): return json.load(open('data.json'))",
    ),
    "joblib": data(
        "import joblib\njoblib.dump([N], 'data.joblib')",
        "import joblib\ndef foo(): return joblib.load('data.joblib')",
    ),
    "pickle": data(
        "import pickle\nwith open('data.pkl', 'wb') as f: pickle.dump([N], f)",
        "import pickle\ndef foo():\n  with open('data.pkl', 'rb') as f: return pickle.load(f)",
    ),
    "csv module": data(CSV, "import csv\ndef foo():\n  with open('data.csv') as f: return list(csv.reader(f))"),
    "gzip": data(
        ONCE + "def write(name):\n  with gzip.open(name, 'wt') as f: f.write(str(N))\nimport gzip\nonce('gz', write)",
        "import gzip\ndef foo():\n  with gzip.open('data.gz', 'rt') as f: return f.read()",
    ),
    "zip": data(
        ONCE + "def write(name):\n  with zipfile.ZipFile(name, 'w') as z: z.writestr('a', str(N))\n"
        "import zipfile\nonce('zip', write)",
        "import zipfile\ndef foo():\n  with zipfile.ZipFile('data.zip') as z: return z.read('a')",
    ),
    "tomllib": data(
        "open('data.toml', 'w').write(f'a = {N}')",
        "import tomllib\ndef foo():\n  with open('data.toml', 'rb') as f: return tomllib.load(f)",
    ),
    "PIL": data(
        "from PIL import Image\nImage.new('L', (1, 1), N).save('data.png')",
        "from PIL import Image\ndef foo():\n  with Image.open('data.png') as i: return i.getpixel((0, 0))",
    ),
    "matplotlib imread": data(
        "from PIL import Image\nImage.new('L', (1, 1), N * 100).save('data.png')",
        "import matplotlib.image\ndef foo(): return matplotlib.image.imread('data.png').tolist()",
    ),
    "scipy mat file": data(
        ONCE + "import scipy.io\nonce('mat', lambda name: scipy.io.savemat(name, {'a': N}))",
        "import scipy.io\ndef foo(): return scipy.io.loadmat('data.mat')['a'].tolist()",
    ),
    "glob": data(
        "import os\nos.makedirs('data', exist_ok=True)\n"
        "[os.remove(f'data/{n}') for n in os.listdir('data')]\n[open(f'data/{i}', 'w').close() for i in range(N)]",
        "import glob\ndef foo(): return sorted(glob.glob('data/*'))",
        "folder data",
    ),
    "iterdir": data(
        "import os\nos.makedirs('data', exist_ok=True)\n"
        "[os.remove(f'data/{n}') for n in os.listdir('data')]\n[open(f'data/{i}', 'w').close() for i in range(N)]",
        "from pathlib import Path\ndef foo(): return sorted(p.name for p in Path('data').iterdir())",
        "folder data",
    ),
    "os.walk": data(
        "import os\nos.makedirs('data/deep', exist_ok=True)\n"
        "[os.remove(f'data/deep/{n}') for n in os.listdir('data/deep')]\n"
        "[open(f'data/deep/{i}', 'w').close() for i in range(N)]",
        "import os\ndef foo(): return [sorted(names) for _, _, names in os.walk('data')]",
        "folder data/deep",
    ),
    "every file of a folder": data(
        "import os\nos.makedirs('data', exist_ok=True)\nopen('data/a', 'w').write(str(N))",
        "from pathlib import Path\ndef foo(): return [p.read_text() for p in Path('data').glob('*')]",
        "file data/a",
    ),
    "a missing file appears": data(
        "import os\n"
        "if N == 2: open('data.txt', 'w').write('x')\n"
        "elif os.path.exists('data.txt'): os.remove('data.txt')",
        "def foo():\n  try: return open('data.txt').read()\n  except FileNotFoundError: return None",
        "data.txt",
    ),
    "a file disappears": data(
        "import os\n"
        "if N == 1: open('data.txt', 'w').write('x')\n"
        "elif os.path.exists('data.txt'): os.remove('data.txt')",
        "def foo():\n  try: return open('data.txt').read()\n  except FileNotFoundError: return None",
        "data.txt",
    ),
    "depends_on a file": Edit(
        "import os\n@cache_data(depends_on='data.txt')\ndef foo(): return os.popen('cat data.txt').read()",
        "import os\n@cache_data(depends_on='data.txt')\ndef foo(): return os.popen('cat data.txt').read()",
        "depends_on data.txt",
        f"N = 1\n{TEXT}",
        f"N = 2\n{TEXT}",
    ),
}

# -- edits that change nothing ----------------------------------------------------------------------------------------

FOO = "def h(x):\n    return x + 1\n# %%\n@cache_data\ndef foo():\n    y = h(1)\n    return y\n"
COSMETIC = {
    "nothing": Edit(FOO, FOO),
    "a comment": swap(FOO, "    y = h(1)", "    # the first\n    y = h(1)  # one"),
    "a comment in a helper": swap(FOO, "return x + 1", "return x + 1  # more"),
    "layout": swap(FOO, "y = h(1)", "y = h(\n\n        1,\n    )"),
    "brackets": swap(FOO, "return x + 1", "return (x + 1)"),
    "quotes": swap(FOO.replace("h(1)", "len('a')"), "'a'", '"a"'),
    "a docstring": swap(FOO, "def foo():\n", "def foo():\n    '''Say something.'''\n"),
    "a docstring in a helper": swap(FOO, "def h(x):\n", "def h(x):\n    '''Say something.'''\n"),
    "a docstring in a class": swap(
        "class C:\n  x = 1\n# %%\ndef foo(): return C.x", "class C:\n", "class C:\n  '''Say something.'''\n"
    ),
    "arguments of our decorator": swap(FOO, "@cache_data\n", "@cache_data(show_spinner=False, max_entries=9)\n"),
    "further down": swap(FOO, "def h", "\n\n\n# a title\n\n\ndef h"),
    "another function in the same cell": swap(FOO, "def h", "def unrelated():\n    return 9\n\ndef h"),
    "another global": Edit("A = 1\n# %%\n" + FOO, "A = 2\n# %%\n" + FOO),
    "the helper comes later": Edit(FOO, "\n# %%\n".join(reversed(FOO.split("\n# %%\n")))),
    "annotations of a helper's local": swap(FOO, "    y = h(1)", "    y: int = h(1)"),
    "a registry that the function fills": Edit(
        *[_decorated("HOOKS = []\n# %%\ndef foo():\n  HOOKS.append(lambda: 1)\n  return 1")] * 2
    ),
    "a memo of the function": Edit(
        *[_decorated("MEMO = {}\n# %%\ndef foo():\n  MEMO.setdefault('a', 1)\n  return MEMO['a']")] * 2
    ),
    "an equal list": call_after("A = [1]\n# %%\ndef foo(): return A", "A = [1]", ""),
    "an equal frame": call_after(
        "import pandas as pd\nA = pd.DataFrame({'a': [1]})\n# %%\ndef foo(): return A['a'].sum()", "A = A.copy()", ""
    ),
    "a change taken back": call_after("A = [1]\n# %%\ndef foo(): return A", "A.append(2)\nA.pop()", ""),
    "an unrelated function of a module": module(
        MODULE, "return 5", "return 6", "import mod\ndef foo(): return mod.f()", "", RELOAD
    ),
    "a comment in a module": module(
        MODULE, "def f()", "# a title\n\ndef f()", "import mod\ndef foo(): return mod.f()", "", RELOAD
    ),
    "a touched file": Edit(
        _decorated("def foo(): return open('data.txt').read()"),
        _decorated("def foo(): return open('data.txt').read()"),
        setup="open('data.txt', 'w').write('1')",
        setup_after="import os\nos.utime('data.txt', (1e9, 1e9))",
    ),
    "a file written anew with the same content": Edit(
        _decorated("def foo(): return open('data.txt').read()"),
        _decorated("def foo(): return open('data.txt').read()"),
        setup="open('data.txt', 'w').write('1')",
        setup_after="import os\nos.remove('data.txt')\nopen('data.txt', 'w').write('1')",
    ),
    "an unrelated file": Edit(
        _decorated("def foo(): return open('data.txt').read()"),
        _decorated("def foo(): return open('data.txt').read()"),
        setup="open('data.txt', 'w').write('1')",
        setup_after="open('other.txt', 'w').write('1')",
    ),
    "a file that the function writes": Edit(
        _decorated("def foo():\n  open('out.txt', 'w').write('1')\n  return open('out.txt').read()"),
        _decorated("def foo():\n  open('out.txt', 'w').write('1')\n  return open('out.txt').read()"),
        setup_after="open('out.txt', 'w').write('other')",
    ),
    "a file that the function writes again": Edit(
        _decorated("def foo():\n  open('out.txt', 'w').write('1')\n  return open('out.txt').read()"),
        _decorated("def foo():\n  open('out.txt', 'w').write('1')\n  return open('out.txt').read()"),
        setup="open('out.txt', 'w').write('1')",
        setup_after="open('out.txt', 'w').write('other')",
    ),
    "a log that the function appends to": Edit(
        _decorated("def foo():\n  with open('log.txt', 'a') as f: f.write('1')\n  return 1"),
        _decorated("def foo():\n  with open('log.txt', 'a') as f: f.write('1')\n  return 1"),
        setup_after="open('log.txt', 'a').write('other')",
    ),
}

GROUPS = {"code": CODE, "global": GLOBALS, "module": MODULES, "file": FILES, "cosmetic": COSMETIC}
# What an edit's words say that it needs; on a light installation there are fewer guests.
NEEDED = {
    **{f"import {name}": name for name in ("numpy", "pandas", "polars", "pyarrow", "scipy", "joblib", "matplotlib")},
    "from PIL": "PIL",
    "parquet": "pyarrow",
    "feather": "pyarrow",
    "engine='pyarrow'": "pyarrow",
    "to_excel": "openpyxl",
}
MISSING = [words for words, guest in NEEDED.items() if importlib.util.find_spec(guest) is None]
EDITS = {
    f"{group}: {name}": edit
    for group, edits in GROUPS.items()
    for name, edit in edits.items()
    if not any(words in text for words in MISSING for text in edit)
}


# -- playing them -----------------------------------------------------------------------------------------------------


class Notebook:
    """A notebook in a folder, whose cells run in `__main__`."""

    def __init__(self) -> None:
        self.module = types.ModuleType("__main__")
        self.space = self.module.__dict__
        self.space["cache_data"] = cache_data
        self._cells: list[str] = []

    def prepare(self, source: str) -> None:
        """Run source that makes files, apart from the notebook."""
        exec(source, {"__name__": "setup"})

    def show(self, source: str) -> None:
        """Run the cells of a source that are not as they were."""
        cells = source.split("# %%\n")
        for cell, before in itertools.zip_longest(cells, self._cells):
            if cell is not None and cell != before:
                self.run(cell)
        self._cells = cells

    def run(self, cell: str) -> None:
        """Run one cell; as in a notebook, its source can be found by its file name."""
        name = f"<cell {next(_numbers)}>"
        linecache.cache[name] = (len(cell), None, cell.splitlines(keepends=True), name)
        exec(compile(cell, name, "exec"), self.space)

    def call(self) -> dict[str, Any]:
        """Call the function; tell what the cache said beforehand, and what it did."""
        foo = self.space["foo"]
        explanation = foo.explain()
        misses = foo.info().misses
        value = repr(foo())
        hit = foo.info().misses == misses
        return {
            "value": value,
            "plain": repr(foo.__wrapped__()),
            "hit": hit,
            "said": explanation.hit,
            "changed": list(explanation.changed),
            "text": str(explanation),
        }


@contextlib.contextmanager
def notebook(folder: Path) -> Iterator[Notebook]:
    """A new notebook in a folder, with nothing imported from there."""
    folder.mkdir(parents=True, exist_ok=True)
    known, main, path, here = set(sys.modules), sys.modules["__main__"], list(sys.path), Path.cwd()
    made = Notebook()
    sys.modules["__main__"] = made.module
    sys.path.insert(0, str(folder))
    os.chdir(folder)
    importlib.invalidate_caches()
    try:
        yield made
    finally:
        os.chdir(here)
        sys.path[:] = path
        sys.modules["__main__"] = main
        for name in set(sys.modules) - known:
            if str(getattr(sys.modules[name], "__file__", None)).startswith(str(folder)):
                del sys.modules[name]


def session(phase: str, edit: Edit, folder: Path) -> dict[str, Any]:
    """Play one session of one notebook: before the edit, after it, or with the edit taken back."""
    after = phase == "after"
    with notebook(folder) as book:
        book.prepare(edit.setup_after if after else edit.setup)
        book.show(edit.after if after else edit.before)
        return book.call()


def main(phase: str, folder: str) -> None:
    from nbcache import registry
    from nbcache.config import settings
    from nbcache.engine.cache import Cache
    from nbcache.engine.tiers import open_tiers

    sys.dont_write_bytecode = True
    report = {}
    for number, (name, edit) in enumerate(EDITS.items()):
        home = Path(folder) / str(number)
        settings().dir = str(home / "store")
        settings().persist = "disk"
        registry.replace_cache(Cache(open_tiers()))
        try:
            report[name] = session(phase, edit, home / "work")
        except Exception as error:
            report[name] = {"error": f"{type(error).__name__}: {error}"}
        registry.the_cache().close()
    registry.replace_cache(None)
    print(json.dumps(report))


if __name__ == "__main__":
    main(*sys.argv[1:])

# ruff: noqa: E501 - a program stays on its line
"""What a restored cell leaves shares what the run shared: with other names, containers, views, later cells.

Each case is a cell before, the cached cell, and a cell after. A plain run, a run that is stored, and a hit have to
leave the same graph of objects.
"""

from __future__ import annotations

import sys
import types

import pytest
from namespace_graph import differences, lines_of, names_of_user

HOLDERS = """
class Holder:
    def __init__(self, held): self.held = held
def closure_of(held):
    return lambda: held
in_dict, in_list, in_tuple, in_instance, in_closure = {'p': p}, [p], (p, 1), Holder(p), closure_of(p)
"""

# What is changed in place while other objects hold it: how it is made, how it is changed, and a later change of it.
CHANGED = {
    "list": ("p = [1]", "p.append(2)", "p.append(3)"),
    "dict": ("p = {'a': 1}", "p['b'] = [2]", "p['b'].append(3)"),
    "set": ("p = {1}", "p.add(2)", "p.add(3)"),
    "bytearray": ("p = bytearray(b'a')", "p.extend(b'b')", "p.extend(b'c')"),
    "list subclass": ("class L(list): pass\np = L([1]); p.x = 1", "p.append(2); p.x = 2", "p.append(3)"),
    "dict subclass": ("class D(dict): pass\np = D(a=1)", "p['b'] = 2; p.x = []", "p.x.append(3)"),
    "tuple subclass": ("class T(tuple): pass\np = T([[1]]); p.x = 1", "p[0].append(2); p.x = [2]", "p.x.append(3)"),
    "namedtuple": (
        "from collections import namedtuple\nT = namedtuple('T', 'xs')\np = T([1])",
        "p.xs.append(2)",
        "p.xs.append(3)",
    ),
    "deque": ("from collections import deque\np = deque([1], 3)", "p.append(2)", "p.appendleft(3)"),
    "defaultdict": (
        "from collections import defaultdict\np = defaultdict(list)",
        "p['k'].append(1)",
        "p['z'].append(2)",
    ),
    "Counter": ("from collections import Counter\np = Counter('ab')", "p.update('aa')", "p.update('b')"),
    "OrderedDict": (
        "from collections import OrderedDict\np = OrderedDict(a=1, b=2)",
        "p.move_to_end('a'); p['c'] = 3",
        "p.move_to_end('b')",
    ),
    "array.array": ("from array import array\np = array('i', [1])", "p.append(2)", "p.append(3)"),
    "instance": ("class P: pass\np = P(); p.v = 1", "p.v = 2; p.w = [1]", "p.w.append(3)"),
    "slots": ("class P:\n    __slots__ = ('v', 'w')\np = P(); p.v = 1", "p.w = [2]; del p.v", "p.w.append(3)"),
    "slots that a subclass names again": (
        "class A:\n    __slots__ = ('v',)\nclass P(A):\n    __slots__ = ('v', 'w', '__weakref__')\np = P(); p.v = [1]",
        "p.v = 2",
        "p.w = 3",
    ),
    "generic": (
        "from typing import Generic, TypeVar\nT = TypeVar('T')\nclass P(Generic[T]): pass\np = P(); p.v = 1",
        "p.v = 2",
        "p.v = 3",
    ),
    "protocol": (
        "from typing import Protocol\nclass Q(Protocol):\n    v: int\nclass P(Q): pass\np = P(); p.v = 1",
        "p.v = 2",
        "p.v = 3",
    ),
    "dataset": (
        "import numpy as np\nimport xarray as xr\na = xr.DataArray(np.arange(4.), dims='x'); p = xr.Dataset({'a': a})",
        "p['b'] = p['a'] * 2",
        "p['a'][0] = 9",
    ),
    "dataclass": (
        "from dataclasses import dataclass, field\n@dataclass\nclass P:\n    n: int = 0\n    xs: list = field(default_factory=list)\np = P()",
        "p.n += 1; p.xs.append(1)",
        "p.xs.append(2)",
    ),
    "SimpleNamespace": ("from types import SimpleNamespace\np = SimpleNamespace(v=1)", "p.v = [2]", "p.v.append(3)"),
    "UserDict": ("from collections import UserDict\np = UserDict(a=1)", "p['b'] = 2", "p['c'] = 3"),
    "own getstate": (
        "class P:\n    def __init__(self): self.lock = id; self.v = 1\n    def __getstate__(self): return {'v': self.v}\np = P()",
        "p.v = 2",
        "p.v += 1",
    ),
    "random.Random": ("import random\np = random.Random(1)", "x = p.random()", "y = p.random()"),
    "BytesIO": ("import io\np = io.BytesIO()", "p.write(b'abc')", "p.write(b'd')"),
    "StringIO": ("import io\np = io.StringIO()", "p.write('abc')", "p.write('d')"),
    "list iterator": ("p = iter([1, 2, 3])", "x = next(p)", "y = next(p)"),
    "exception": ("p = ValueError('x')", "p.notes = [1]", "p.notes.append(2)"),
    "property": (
        "class P:\n    @property\n    def v(self): return self._v\n    @v.setter\n    def v(self, x): self._v = x\np = P(); p.v = 1",
        "p.v = 2",
        "p.v = 3",
    ),
    "array": ("import numpy as np\np = np.arange(4)", "p[0] = 9", "p[1] = 8"),
    "array that becomes read-only": (
        "import numpy as np\np = np.arange(4); view, q = p[:2], np.array([[1], 2], dtype=object); r = q[:1]",
        "p[0] = 9; q[0] = [3]; view.setflags(write=False); p.flags.writeable = r.flags.writeable = False; q.setflags(write=False)",
        "p.setflags(write=True); p[0] = 1",
    ),
    "frame that allows no label twice": (
        "import pandas as pd\np = pd.DataFrame({'a': [1, 2]}, index=[0, 0]); q = pd.Series([1])",
        "p.index = [0, 1]; p.flags.allows_duplicate_labels = q.flags.allows_duplicate_labels = False",
        "f = p.flags.allows_duplicate_labels, q.flags.allows_duplicate_labels; p.flags.allows_duplicate_labels = True; p['b'] = 3",
    ),
    "array that becomes writable": (
        "import numpy as np\np = np.arange(4); p.flags.writeable = False",
        "p.setflags(write=True); n = p.sum()",
        "p[0] = 1",
    ),
    "array of objects": (
        "import numpy as np\np = np.array([[1], 'x'], dtype=object)",
        "p[0].append(2); p[1] = []",
        "p[1].append(3)",
    ),
    "structured array": ("import numpy as np\np = np.zeros(2, 'i4,f8')", "p['f1'] = 2", "p[0] = (1, 1)"),
    "RandomState": ("import numpy as np\np = np.random.RandomState(1)", "x = p.rand()", "y = p.rand()"),
    "Generator": ("import numpy as np\np = np.random.default_rng(1)", "x = p.normal()", "y = p.normal()"),
    "frame": (
        "import pandas as pd\np = pd.DataFrame({'a': [1, 2]})",
        "p['b'] = p.a * 2; p.attrs['k'] = 1",
        "p.loc[0, 'a'] = 7",
    ),
    "frame of objects": (
        "import pandas as pd\np = pd.DataFrame({'a': [[1], None]})",
        "p.loc[0, 'a'].append(2)",
        "p.loc[0, 'a'].append(3)",
    ),
    "series": ("import pandas as pd\np = pd.Series([1, 2])", "p[0] = 5; p.name = 's'", "p[1] = 6"),
    "sparse": ("import scipy.sparse as sp\np = sp.csr_matrix([[0, 1.0]])", "p.data[0] = 7", "p.data[0] = 8"),
    "polars": (
        "import polars as pl\np = pl.DataFrame({'a': [1]})",
        "_ = p.insert_column(1, pl.Series('b', [2]))",
        "_ = p.drop_in_place('b')",
    ),
    "estimator": (
        "from sklearn.linear_model import LinearRegression\nX, y = [[0.0], [1.0]], [0.0, 2.0]\np = LinearRegression()",
        "_ = p.fit(X, y)",
        "p.coef_[0] = 5.0",
    ),
    "tensor": ("import torch\np = torch.zeros(2)", "p += 1", "p[0] = 7"),
    "frozen parameter": (
        "import torch\np = torch.nn.Parameter(torch.zeros(2))",
        "_ = p.requires_grad_(False)",
        "p.requires_grad_(True); (p * 2).sum().backward()",
    ),
    "gradient": ("import torch\np = torch.zeros(2, requires_grad=True)", "(p * 2).sum().backward()", "p.grad[0] = 7"),
    "module": (
        "import torch\n_ = torch.manual_seed(1)\np = torch.nn.Linear(2, 1)\no = torch.optim.Adam(p.parameters())\nX = torch.ones(3, 2)",
        "for _ in range(2):\n    o.zero_grad(); p(X).sum().backward(); o.step()",
        "o.zero_grad(); p(X).sum().backward(); o.step()",
    ),
    "function": ("def p(): return 1\np.calls = []", "p.calls.append(1); p.n = 2", "p.calls.append(2)"),
    "defaults": ("def p(x=[1]): return x", "p.__defaults__ = ([2],)", "p().append(3)"),
    "class": ("class p: pass\ndef area(self): return 7", "p.area = area; p.xs = []", "p.xs.append(1)"),
    "class by a decorator": (
        "class p: pass\ndef add_to(c):\n    return lambda f: setattr(c, f.__name__, f)",
        "@add_to(p)\ndef area(self): return 7",
        "p.area.x = 1",
    ),
    "nested": ("p = {'a': {'b': [1, {'c': (2, [3])}]}}", "p['a']['b'][1]['c'][1].append(4)", "p['a']['b'].append(5)"),
    "an object of a library": (
        "from mpmath import mp\nmp.dps = 15\np = mp",
        "p.dps = 30",
        "x = str(p.pi)",
    ),
    "itself": ("p = []; p.append(p)", "p.append(1)", "p.append(2)"),
}

# What a cell takes out of its inputs, makes in several places, or moves between them.
TAKEN = {
    "a method that an instance has of its own and does not pickle": (
        "class C:\n    def __getstate__(self): return {'v': self.v}\n    def m(self): return 1",
        "c = C(); c.v = [1]; c.m = lambda: 2; c.done = True",
        "n = c.m(); c.v.append(n)",
    ),
    "a scheduler that counts the steps of an optimizer": (
        "import torch\np = torch.nn.Parameter(torch.ones(1))",
        "def made(): o = torch.optim.SGD([p], lr=1.0); return torch.optim.lr_scheduler.StepLR(o, 1)\ns = made()",
        "s.optimizer.step(); n = s.optimizer._opt_called; del s",
    ),
    "weak references": (
        "import weakref\nclass C:\n    def m(self): return 1\na = C()",
        "b = C(); r = [weakref.ref(a), weakref.ref(b), weakref.WeakMethod(a.m)]; d = weakref.ref(C())",
        "n = [r[0]() is a, r[1]() is b, r[2]().__self__ is a, d()]; del b, r, d",
    ),
    "an array over a new tensor": (
        "import torch",
        "t = torch.zeros(2, 2); v = t[0]; n = t.numpy()",
        "n += 1; s = float(v.sum())",
    ),
    "a new array over a bytearray": (
        "import numpy as np",
        "p = bytearray(4); a = np.frombuffer(p, 'u1'); b = a[1:]",
        "b[1] = 7",
    ),
    "an array over a bytearray that was there": (
        "import numpy as np\np = bytearray(4)",
        "a = np.frombuffer(p, 'u1'); b = a[1:]",
        "b[1] = 7; p[0] = 1",
    ),
    "an array over an array of Python's": (
        "import numpy as np, array",
        "p = array.array('d', [1, 2]); a = np.frombuffer(p)",
        "a[1] = 7",
    ),
    "a change through an array over a bytearray": (
        "import numpy as np\np = bytearray(4); a = np.frombuffer(p, 'u1')",
        "a[0] = 3",
        "a[1] = 7",
    ),
    "a row of a matrix": ("import numpy as np", "m = np.matrix('1 2; 3 4'); r = m[0]", "r[0, 0] = 9"),
    "children of a generator": (
        "import numpy as np\nr = np.random.default_rng(1)",
        "c = r.spawn(2)[1]",
        "d = r.spawn(1)[0].random(); e = c.random()",
    ),
    "an inner list": ("data = {'xs': [1]}", "xs = data['xs']", "xs.append(2)"),
    "an attribute": ("class B: pass\nb = B(); b.v = [1]", "items = b.v", "items.append(2)"),
    "a slot": ("class B:\n    __slots__ = ('v',)\nb = B(); b.v = [1]", "items = b.v", "items.append(2)"),
    "a part that a helper returns": ("data = [[1], [2]]\ndef last(xs): return xs[-1]", "x = last(data)", "x.append(3)"),
    "a part by a key of its own": ("k = (1, 'a'); d = {k: [1]}", "x = d[1, 'a']", "x.append(2)"),
    "a value under an object": ("class K: pass\nk = K(); d = {k: [1]}", "x = d[k]", "x.append(2)"),
    "a bound method": ("xs = [1]", "put = xs.append", "put(2)"),
    "a method of an instance": ("class B:\n    def put(self): self.n = 1\nb = B()", "put = b.put", "put()"),
    "what a closure holds": (
        "def make():\n    xs = []\n    return xs.append, lambda: xs\nput, get = make()",
        "ys = get()",
        "put(1)",
    ),
    "what a closure holds, and an attribute of the function": (
        "def counted(f):\n    calls = []\n    def g(*args):\n        calls.append(args)\n        return f(*args)\n"
        "    g.calls = calls\n    return g\nf = counted(abs)",
        "x = f(-1)",
        "y = f(-2); n = len(f.calls)",
    ),
    "a counter in a closure": (
        "def make():\n    n = 0\n    def count():\n        nonlocal n\n        n += 1\n        return n\n    return count\nc = make()",
        "x = c() + c()",
        "y = c()",
    ),
    "a name that held code reads": (
        "limit = 5; checks = {'size': lambda x: x < limit}",
        "limit = 7; ok = checks['size'](6)",
        "checks['n'] = 1",
    ),
    "a default value": ("def f(x=[1]): return x", "d = f()", "d.append(2)"),
    "an iterator over an input": ("xs = [1, 2]", "it = iter(xs)", "xs.append(3); ys = list(it)"),
    "a proxy of a dict": ("d = {'a': [1]}", "import types; p = types.MappingProxyType(d)", "d['b'] = 2; n = len(p)"),
    "a proxy, the dict changed": (
        "import types\nd = {'a': [1]}; p = types.MappingProxyType(d)",
        "d['b'] = p['a']",
        "d['c'] = 3; n = len(p); p['b'].append(2)",
    ),
    "the keys of a dict": ("d = {'a': 1}", "ks = d.keys()", "d['b'] = 2; n = list(ks)"),
    "the values of a dict in a list": (
        "d = {'a': [1]}; vs = [d.values()]",
        "d['b'] = [2]",
        "d['c'] = 1; n = len(vs[0])",
    ),
    "the items of an ordered dict": (
        "from collections import OrderedDict\nd = OrderedDict(a=[1])",
        "items = d.items(); first = list(d.values())[0]",
        "d['b'] = 2; n = len(items); first.append(1)",
    ),
    "a dict and its keys": ("import types", "d = {'a': 1}; ks = d.keys(); p = types.MappingProxyType(d)", "d['b'] = 1"),
    "what two functions of a library have closed over": (
        "import shared_counter\nmake = shared_counter.make",
        "inc, get = make()",
        "n = inc() + inc() + get()",
    ),
    "a counter of a library": (
        "import shared_counter\ninc, get = shared_counter.make()",
        "first = inc()",
        "n = inc() + get(); limit = get.__globals__ is vars(shared_counter)",
    ),
    "counters of two names": (
        "def make():\n    count = 0\n    def inc():\n        nonlocal count\n        count += 1\n        return count\n"
        "    return inc\none, two = make(), make()\nboth = (one, two)",
        "n = one() + two() + two()",
        "m = both[0]() + both[1]()",
    ),
    "an array of its own memory": (
        "import numpy as np",
        "a = np.arange(6); v = a[1:]; f = a.ravel(); own = a.copy()",
        "whole = v.base is a, f.base is a, a.flags.owndata; own.resize(9)",
    ),
    "a class made by a function": (
        "def make(n):\n    class K:\n        size = n\n        seen = []\n    return K",
        "A, B = make(1), make(2); a = A()",
        "A.seen.append(1); n = a.seen, B.seen, type(a) is A",
    ),
    "the attributes of a user's dict": (
        "from collections import UserDict\nu = UserDict(a=1)",
        "d = u.data; u['b'] = 2",
        "d['c'] = 3",
    ),
    "the parts of complex numbers": (
        "import numpy as np\nz = np.zeros(3, complex)",
        "i = z.imag; r = z.real",
        "i[0] = 5; r[1] = 3; n = z.sum()",
    ),
    "the data of a sparse matrix": (
        "import scipy.sparse as sp\nm = sp.eye(3, format='csr')",
        "v = m.data; t = m.T",
        "v[0] = 5; n = m.sum(), t.sum()",
    ),
    "a partial": ("from functools import partial\nxs = []", "f = partial(xs.append, 1)", "f()"),
    "two with one part": (
        "class N: pass\ndef make():\n    part = []\n    p, q = N(), N()\n    p.s = q.s = part\n    return p, q",
        "p, q = make()",
        "p.s.append(1)",
    ),
    "two inputs with one part": (
        "inner = [1]; a = {'x': inner}; b = {'y': inner}; del inner",
        "a['x'].append(2)",
        "b['y'].append(3)",
    ),
    "moved from one to the other": ("a = [[1], [2]]; b = []", "b.append(a.pop())", "b[0].append(3)"),
    "swapped": ("a, b = [1], [2]", "a, b = b, a", "a.append(3)"),
    "an alias": ("a = [1]", "b = a", "b.append(2)"),
    "an alias of what is rebound": ("a = [1]", "b = a; a = [2]", "b.append(3); a.append(4)"),
    "wrapped again": ("a = [1]", "a = [a, a]", "a[0].append(2)"),
    "a view": ("import numpy as np\na = np.arange(6)", "v = a[2:5]", "v[0] = 99"),
    "a view with steps": ("import numpy as np\na = np.arange(12).reshape(3, 4)", "v = a[::-1, 1::2].T", "v[0] = 99"),
    "a reshaped view": ("import numpy as np\na = np.arange(6)", "v = a.reshape(2, 3)", "v[1] = 99"),
    "a field": ("import numpy as np\na = np.zeros(3, [('x', 'i4'), ('y', 'f8')])", "v = a['y']", "v[1] = 99"),
    "a view of floats as integers": ("import numpy as np\na = np.zeros(3)", "v = a.view('i8')", "v[0] = 99"),
    "a view of a view": ("import numpy as np\na = np.arange(9); v = a[1:8]", "w = v[1:3]", "w[0] = 99"),
    "an array and its view": ("import numpy as np", "a = np.arange(6); v = a[2:]", "v[0] = 99"),
    "views without the whole": ("import numpy as np", "a = np.arange(9); v = a[1:5]; w = a[3:8]; del a", "v[3] = 99"),
    "a view of objects": (
        "import numpy as np\na = np.array([[1], [2], 3], dtype=object)",
        "v = a[1:]",
        "v[1] = 99; v[0].append(1)",
    ),
    "a view, changed": ("import numpy as np\na = np.arange(6); v = a[2:]", "v[0] = 7", "a[3] = 8"),
    "a matrix over an array": ("import numpy as np\na = np.zeros((2, 2))", "m = np.asmatrix(a)", "m[0, 0] = 9"),
    "a masked array over an array": (
        "import numpy as np\na = np.zeros(2)",
        "m = np.ma.array(a, copy=False)",
        "a[0] = 9",
    ),
    "an index of two frames": (
        "import pandas as pd\na = pd.Series([1, 2], index=pd.Index(['x', 'y']))",
        "b = pd.DataFrame({'a': a})",
        "a.index.name = 'letters'",
    ),
    "a column, then written": ("import pandas as pd\nd = pd.DataFrame({'a': [1, 2]})", "s = d['a']", "s[0] = 5"),
    "a column, the frame written": (
        "import pandas as pd\nd = pd.DataFrame({'a': [1, 2]})",
        "s = d['a']",
        "d.loc[0, 'a'] = 5",
    ),
    "a frame and its column": (
        "import pandas as pd",
        "d = pd.DataFrame({'a': [1, 2]}); s = d['a']",
        "d.loc[0, 'a'] = 5",
    ),
    "the parameters of a module": (
        "import torch\nm = torch.nn.Linear(1, 1, bias=False)\n_ = torch.nn.init.ones_(m.weight)",
        "ws = list(m.parameters())",
        "m(torch.ones(1, 1)).sum().backward(); ws[0].grad[0] = 5",
    ),
    "a step of a pipeline": (
        "from sklearn.pipeline import make_pipeline\nfrom sklearn.linear_model import Ridge\np = make_pipeline(Ridge())",
        "r = p.steps[0][1]",
        "r.alpha = 7",
    ),
    "the class of an instance": ("class C: pass\nc = C()", "k = type(c)", "k.x = 1"),
    "a function of the notebook": ("def f(): return 1", "g = f; h = {'f': f}", "g.x = 1"),
    "a method put on an instance": (
        "class C: pass\nc = C()\ndef f(self): return self",
        "import types; c.f = types.MethodType(f, c)",
        "c.x = c.f()",
    ),
}


# What can only come back as a copy: the cell runs.
RUNS = {
    "an array over memory that cannot be written": (
        "import ctypes, numpy as np\nc = (ctypes.c_int * 2)()",
        "a = np.ctypeslib.as_array(c)",
        "a[0] = 5; n = c[0]",
    ),
    "a tensor that gets a graph": (
        "import torch\nw = torch.ones(2, requires_grad=True); t = torch.ones(2)",
        "t.mul_(w)",
        "t.sum().backward(); n = w.grad.tolist(); del t",
    ),
    "a function that a parameter calls in backward()": (
        "import torch\nw = torch.ones(2, requires_grad=True); xs = []",
        "_ = w.register_hook(lambda gradient: xs.append(1))",
        "(w * 2).sum().backward(); n = len(xs); del w",
    ),
    "a weak proxy": ("import weakref\nclass C: pass\na = C()", "p = weakref.proxy(a)", "a.x = 1; n = p.x; del p"),
    "a finalizer": (
        "import weakref\nclass C: pass\na = C(); xs = []",
        "f = weakref.finalize(a, xs.append, 1)",
        "n = f.alive; del f",
    ),
    "a weak reference to what nothing else in the result holds": (
        "import builtins, weakref\nclass C: pass",
        "builtins.kept = C(); r = weakref.ref(builtins.kept)",
        "n = r() is None; del r, builtins.kept",
    ),
    "a view of a tensor": (
        "import torch\nt = torch.zeros(3)",
        "v = t[1:]; w = t.view(3, 1)",
        "v[0] = 5; n = float(w.sum())",
    ),
    "an array over a tensor": ("import torch\nt = torch.zeros(3)", "a = t.numpy()", "t += 1; n = float(a.sum())"),
    "a tensor over an array": (
        "import torch, numpy as np\na = np.zeros(3)",
        "t = torch.from_numpy(a)",
        "a += 1; n = float(t.sum())",
    ),
    "the attributes of an instance": ("class C: pass\nc = C()", "v = vars(c); c.x = 1", "v['y'] = 2; n = c.y"),
    "the attributes of a new instance": ("class C: pass", "c = C(); v = c.__dict__", "v['y'] = 2; n = c.y"),
    "a function made by exec": (
        "text = 'def f(): return x\\nx = 1'",
        "names = {}; exec(text, names); f = names['f']",
        "names['x'] = 5; n = f()",
    ),
}


SHARED_COUNTER = """
def make():
    count = 0
    def inc():
        nonlocal count
        count += 1
        return count
    def get():
        return count
    return inc, get
"""


@pytest.fixture(autouse=True, scope="module")
def shared_counter(tmp_path_factory):
    """A module of the user's whose functions close over one variable."""
    folder = tmp_path_factory.mktemp("modules")
    (folder / "shared_counter.py").write_text(SHARED_COUNTER)
    sys.path.insert(0, str(folder))
    yield
    sys.path.remove(str(folder))
    sys.modules.pop("shared_counter", None)


def _plain(*sources):
    main, shell = types.ModuleType("__main__"), sys.modules["__main__"]
    sys.modules["__main__"] = main
    try:
        for source in sources:
            exec(compile(source, "plain", "exec", dont_inherit=True), vars(main))
    finally:
        sys.modules["__main__"] = shell
    vars(main).pop("__builtins__")
    return lines_of(vars(main))


def _needs(source):
    for library in ("numpy", "pandas", "scipy", "polars", "sklearn", "torch", "mpmath", "xarray"):
        if f"import {library}" in source or f"from {library}" in source:
            pytest.importorskip(library)


def _compare(nb, before, cell, after, restored=True):
    _needs(before)
    expected = [_plain(before, cell), _plain(before, cell, after)]
    said = ""
    for _ in range(2):
        for name in names_of_user(nb.ns):
            del nb.ns[name]
        nb.ns.pop("_", None)
        nb(before)
        said = nb(f"%%cache_cell\n{cell}").out
        assert differences(expected[0], lines_of(nb.ns)) == []
        nb(after)
        assert differences(expected[1], lines_of(nb.ns)) == []
    assert ("restored" in said) is restored, said


@pytest.mark.parametrize("kind", CHANGED)
def test_what_holds_a_changed_object_holds_it_still(nb, kind):
    before, cell, after = CHANGED[kind]
    _compare(nb, before + HOLDERS, cell, after)


@pytest.mark.parametrize("kind", TAKEN)
def test_what_a_cell_takes_or_makes_is_shared_as_after_the_run(nb, kind):
    _compare(nb, *TAKEN[kind])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", RUNS)
def test_what_could_only_come_back_as_a_copy_is_run(nb, kind):
    _compare(nb, *RUNS[kind], restored=False)


@pytest.mark.parametrize(
    ("apart", "together", "cell", "shown"),
    [
        ("a = np.arange(4); v = a[:2].copy()", "a = np.arange(4); v = a[:2]", "v[0] = 9; s = a.sum()", 15),
        (
            "a = bytearray(4); v = np.zeros(4, 'u1')",
            "a = bytearray(4); v = np.frombuffer(a, 'u1')",
            "v[0] = 9; s = a[0]",
            9,
        ),
        ("a = [[1], [1]]", "x = [1]; a = [x, x]; del x", "a[0].append(2); s = len(a[1])", 2),
        ("a = [1]; v = [1]", "a = v = [1]", "v.append(2); s = len(a)", 2),
        ("a = {'x': [1]}; v = [1]", "v = [1]; a = {'x': v}", "v.append(2); s = len(a['x'])", 2),
    ],
)
def test_inputs_that_share_are_others_than_inputs_that_do_not(nb, apart, together, cell, shown):
    pytest.importorskip("numpy")
    nb("import numpy as np")
    nb(apart)
    nb(f"%%cache_cell -q\n{cell}")
    assert nb.ns["s"] != shown
    nb(together)
    nb(f"%%cache_cell -q\n{cell}")
    assert nb.ns["s"] == shown


def test_what_sympy_deduces_of_an_expression_is_no_change_of_it(nb):
    pytest.importorskip("sympy")
    nb("import sympy\nu = sympy.Symbol('only_here')\ne = u**2 + u*sympy.Symbol('nor_here') + sympy.sin(u)")
    cell = "%%cache_cell\nr = sympy.integrate(e, u)"
    assert nb(cell).err == ""
    del nb.ns["r"]
    assert "restored r ·" in nb(cell).out
    assert nb.ns["u"] in nb.ns["r"].free_symbols and any(nb.ns["u"] is one for one in nb.ns["r"].free_symbols)


def test_what_a_user_sets_on_an_expression_comes_back(nb):
    pytest.importorskip("sympy")
    before = (
        "import sympy\nclass F(sympy.Function): pass\nclass S(sympy.Symbol): __slots__ = ('m',)\np, q = F('v'), S('w')"
    )
    for _ in range(2):
        nb(before)
        said = nb("%%cache_cell\np.note = [1]; q.m = 2").out
        assert nb.ns["p"].note == [1] and nb.ns["q"].m == 2
    assert "restored" in said


def test_a_hook_of_a_module_is_registered_by_a_run(nb):
    pytest.importorskip("torch")
    cell = "%%cache_cell\nhandle = m.register_forward_hook(lambda *given: None)"
    for _ in range(2):
        nb("import torch\nm = torch.nn.Identity()")
        assert "restored" not in nb(cell).out


def test_tensors_in_one_memory_are_others_than_copies(nb):
    pytest.importorskip("torch")
    nb("import torch")
    nb("t = torch.ones(4); v = t[:2].clone()")
    nb("%%cache_cell -q\nv.zero_(); s = float(t.sum())")
    nb("t = torch.ones(4); v = t[:2]")
    nb("%%cache_cell -q\nv.zero_(); s = float(t.sum())")
    assert nb.ns["s"] == 2

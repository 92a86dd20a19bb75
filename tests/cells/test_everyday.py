"""Seventy everyday cells: with automatic caching, in the first kernel and in later ones, they show what they should.

Each cell does something of its own to the names of others: changes an array through a view, a frame in place, a
module's dictionary; draws from a generator, goes on with an iterator, reopens a figure.
"""

from __future__ import annotations

import re

import pytest
from live import live, seen

CELLS = r"""
import abc, asyncio, collections, copy, dataclasses, enum, functools, itertools, typing
import matplotlib.pyplot as plt, numpy as np, pandas as pd
---
fig, ax = plt.subplots(figsize=(2,1))
ax.plot([1,2])
---
ax.plot([2,1]); ax.set_title('second')
fig
---
fig is ax.figure, len(ax.lines)
---
class Color(enum.Enum):
    RED = 1
    BLUE = 2
@dataclasses.dataclass
class P:
    x: int
    y: list = dataclasses.field(default_factory=list)
class NT(typing.NamedTuple):
    a: int
    b: str = 'z'
class Base(abc.ABC):
    @abc.abstractmethod
    def f(self): ...
class Impl(Base):
    def f(self): return Color.RED
    @property
    def g(self): return self.f()
    @staticmethod
    def s(x): return x*2
    @classmethod
    def c(cls): return cls.__name__
---
c = Color.RED; p = P(1); nt = NT(3); i = Impl()
c, p, nt, i.f(), i.g, i.s(2), i.c()
---
c is Color.RED, p == P(1), type(nt) is NT, isinstance(i, Base), i.f() is c, dataclasses.asdict(p), Color['RED'] is c
---
p.y.append(5); q = copy.deepcopy(p); q.y.append(6)
p, q
---
memo = functools.lru_cache(lambda n: n if n < 2 else memo(n-1) + memo(n-2))
memo(20)
---
memo(21)
---
counter = itertools.count(5)
next(counter), next(counter)
---
next(counter)
---
dd = collections.defaultdict(list)
dd['a'].append(1)
dd
---
dd['b'].append(dd['a']); dd['a'] is dd['b'][0]
---
await asyncio.sleep(0)
aw = [1, 2]
aw
---
def gen():
    yield from aw
list(gen())
---
it = iter([1,2,3]); next(it)
---
next(it)
---
df = pd.DataFrame({'a': range(5), 'b': list('vwxyz')})
sub = df[df.a > 1]
alias = df
df
---
df['c'] = df.a * 2
alias.columns.tolist()
---
df.loc[df.a > 2, 'c'] = -1
alias.c.tolist(), sub.shape
---
arr = np.arange(6.).reshape(2,3); view = arr[0]; arr
---
view[0] = 100
arr
---
arr[0, 1] = 7
view
---
import locmod
locmod.add(1), locmod.Reg.items
---
locmod.add(2), locmod.Reg.items
---
locmod.put('k', arr.sum()); locmod.STATE
---
locmod.STATE
---
class Node:
    def __init__(s, v): s.v, s.next = v, None
a = Node(1); b = Node(2); a.next = b; b.next = a
a.next.next is a
---
b.v = 10; a.next.v
---
a.next is b, a.next.v
---
rng = np.random.default_rng(3); rng.integers(100)
---
rng.integers(100)
---
np.random.seed(0)
---
round(np.random.rand(), 4)
---
round(np.random.rand(), 4)
---
x = 5
def show(): return x
f2 = lambda: show() + x
f2()
---
x = 6
f2()
---
for k in range(3):
    last = k
k, last
---
try:
    1/0
except ZeroDivisionError as error:
    message = str(error)
message
---
%%time
z = sum(range(1000))
---
z
---
%%capture cap
print('captured')
---
cap.stdout
---
from IPython.display import Markdown, display
Markdown('**b**')
---
display(df.head(2)); print('mid'); df.tail(1)
---
pd.set_option('display.precision', 2)
---
pd.DataFrame({'a':[1.23456]})
---
text = "a > 2"
df.query(text + " and a < @x")
---
s = {3,1,2}; t = tuple(s); len(s), sorted(t)
---
class Meta(type):
    def __call__(cls, *a):
        o = super().__call__(*a); Meta.made = getattr(Meta, 'made', 0) + 1
        return o
class M(metaclass=Meta): pass
M(); M(); Meta.made
---
M(); Meta.made
---
del a
'a' in globals()
---
_ = 3
out = Out if False else None
---
import sklearn.linear_model as lm
model = lm.LinearRegression().fit(df[['a']], df.c); model
---
model.fit(df[['a']], df.a); model.coef_.round(3)
---
model.predict(pd.DataFrame({'a':[3]})).round(2)
---
g = (n for n in range(3))
next(g)
---
next(g)
---
import re; pat = re.compile('a+'); pat.findall('caat')
---
from pathlib import Path
Path('o.txt').write_text('hello')
---
Path('o.txt').read_text()
---
fh = open('o.txt'); fh.read(2)
---
fh.read(2)
---
plt.plot([1,2,3]); plt.title('t')
---
plt.figure(figsize=(1,1)); plt.imshow(arr); plt.show(); print('after')
---
pd.DataFrame({'a':[1,2]}).plot(figsize=(2,1))
---
from tqdm import tqdm
tot = 0
for n in tqdm(range(5)): tot += n
tot
---
"end"
""".strip("\n").split("\n---\n")
MODULE = """STATE = {}
class Reg:
    items = []
def add(x):
    Reg.items.append(x)
    return len(Reg.items)
def put(k, v): STATE[k] = v
"""


def shown(folder, automatic):
    """What each cell shows in a new kernel, addresses and times aside; and how many were restored."""
    hits, outputs = 0, []
    with live(folder) as nb:
        if automatic:
            nb("%cache_cells on --min-time 0s")
        for source in CELLS:
            shown = nb(source)
            hits += shown.hit
            outputs.append(re.sub(r" at 0x[0-9a-f]+|(CPU times|Wall time)[^\\]*", "", str(seen(shown.every))))
    return outputs, hits


@pytest.fixture(scope="module")
def without(tmp_path_factory):
    folder = tmp_path_factory.mktemp("everyday")
    (folder / "locmod.py").write_text(MODULE)
    return folder, shown(folder, automatic=False)[0]


def test_everyday_cells_show_the_same_with_and_without_caching_in_every_kernel(without):
    folder, plain = without
    kept = []
    for kernel in range(3):
        outputs, hits = shown(folder, automatic=True)
        for source, expected, got in zip(CELLS, plain, outputs, strict=True):
            assert got == expected, (kernel, source)
        kept.append(hits)
    assert kept[0] == 0 and kept[1] > 50 and kept[2] >= kept[1]

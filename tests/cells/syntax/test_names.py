"""Which names a cell reads and binds, case by case."""

from __future__ import annotations

import ast
import sys

import pytest

from nbcache.notebook.cells.syntax.names import names_of


def names(source, **options):
    return names_of(ast.parse(source), **options)


READS = {
    # plain
    "y = x": "x",
    "x = 1; y = x": "",
    "y = x; x = 1": "x",
    "x += 1": "x",
    "x = x + 1": "x",
    "x: int = y": "int y",
    "a.b = c": "a c",
    "a[i] = b": "a b i",
    "a, (b, *c) = d": "d",
    "del x": "",
    "x = 1\ndel x\nprint(x)": "print x",
    "f'{x:{w}}'": "w x",
    "x if c else y": "c x y",
    "(y := x) + y": "x",
    "c and (y := 1); y": "c y",
    "a < (b := c) < (d := e); d": "a c d e",
    "print(*args, **kw)": "args kw print",
    "lambda: x": "",
    "assert x, y": "x y",
    "import os\nos.sep": "",
    "import a.b as c\nc": "",
    "import a.b\na": "",
    "from math import sin as s\ns(x)": "x",
    # branches
    "if c:\n    x = 1\nelse:\n    x = 2\nx": "c",
    "if c:\n    x = 1\nx": "c x",
    "if c:\n    x = 1\nelse:\n    raise ValueError\nx": "ValueError c",
    "if True:\n    x = 1\nx": "",
    "if False:\n    y\nelse:\n    x = 1\nx": "",
    # loops
    "for i in xs:\n    t = i\nt": "t xs",
    "for i in [1, 2]:\n    t = i\nt": "",
    "for i in range(3):\n    t = i\nt, i": "range",
    "for i in range(n):\n    pass\nelse:\n    z = 1\nz": "n range",
    "for i in xs:\n    if i: break\nelse:\n    z = 1\nz": "xs z",
    "while c:\n    c = f(c)": "c f",
    "while True:\n    x = f()\n    if x: break\nx": "f",
    "for i in [1]:\n    if c: continue\n    x = 1\nx": "c x",
    # with, try, match
    "with open(p) as f:\n    t = f.read()\nt": "open p",
    "with suppress(E):\n    t = 1\nt": "E suppress t",
    "try:\n    x = f()\nexcept E:\n    x = 0\nx": "E f",
    "try:\n    x = f()\nexcept E:\n    pass\nx": "E f x",
    "try:\n    x = f()\nexcept E as e:\n    raise\nx": "E f",
    "try:\n    f()\nfinally:\n    x = 1\nx": "f",
    "try:\n    x = 1\nfinally:\n    x": "x",
    "try:\n    x = f()\nexcept* E as e:\n    x = e\nx": "E f",
    "match v:\n    case [a, *b]:\n        a, b\n    case {'k': c, **d}:\n        c, d\n    case _:\n        pass": "v",
    "match v:\n    case P(x=q):\n        r = q\n    case _:\n        r = 0\nr": "P v",
    "match v:\n    case 1:\n        r = 0\nr": "r v",
    # comprehensions
    "[a for a in xs if a > b]": "b xs",
    "{k: v for k, v in d}; k": "d k",
    "[(y := a) for a in xs]; y": "xs y",
    "[b for a in xs for b in a]": "xs",
    "(x for x in x)": "x",
    "[[a for a in b] for b in c]; a": "a c",
    # functions
    "def f(a=d): return a + K": "d",
    "def f(): return K\nf()": "K",
    "def f(): return K\nK = 1\nf()": "",
    "def f(): return K\ny = f()\nK = 1": "K",
    "def f(): return g()\ndef g(): return K\nf()": "K",
    "def f(): return g()\ny = z.w\ndef g(): return 1\nf()": "z",
    "@deco\ndef f(): return K": "K deco",
    "f = lambda a: a + K\nf(1)": "K",
    "f = lambda a: a + K\nK = 1\nf(1)": "",
    "map(lambda a: a + K, xs)": "K map xs",
    "def f():\n    global G\n    G = x\nf()": "x",
    "def f():\n    import os\n    return os.sep + s\nf()": "s",
    "async def f():\n    await g()\nawait f()": "g",
    "def f(a, /, b, *c, d, **e): return a, b, c, d, e\nf()": "",
    "def f():\n    def g(): return n + K\n    n = 1\n    return g()\nf()": "K",
    "def f(): return eval('K + 1')\nf()": "K eval",
    # classes
    "class A(B):\n    k = v\n    def m(self): return k + W": "B W k v",
    "class A:\n    def m(self): return W\nA()": "W",
    "class A:\n    x = 1\n    y = x": "",
    "class A:\n    def m(self): return super().m() + self.__x": "",
    "class A:\n    @property\n    def m(self): return W": "property",
    "class A:\n    v = v": "v",
    # await at the top
    "async for i in xs:\n    t = i": "xs",
    "async with m() as a:\n    a": "m",
    "r = await g(x)": "g x",
    # strings that are code
    "exec('y = x')\ny": "exec x",
    "eval('x + 1')": "eval x",
    "eval('x', {'x': 1})": "eval",
    "df.query('a > @t')": "df t",
    "pd.eval('u + v')": "pd u v",
    "duckdb.sql('select * from df')": "df duckdb from select",
    "get_ipython().run_line_magic('time', 'y = x')\ny": "get_ipython x",
    "get_ipython().run_cell_magic('time', '', 'y = x\\nz = y')\nz": "get_ipython x",
    "get_ipython().run_line_magic('timeit', '-n 3 -r 1 f(x)')": "f get_ipython x",
    "get_ipython().run_cell_magic('capture', 'out', 'print(x)')\nout": "get_ipython print x",
    "get_ipython().system('ls {x} $y')": "get_ipython x y",
    "lines = get_ipython().getoutput('cat {p.name}')": "get_ipython name p",
}


@pytest.mark.parametrize(("source", "reads"), READS.items(), ids=[source.replace("\n", "⏎") for source in READS])
def test_names_read(source, reads):
    found = names(source, lazy=False)
    assert " ".join(sorted(found.reads)) == reads
    assert not found.whole


@pytest.mark.parametrize(
    ("source", "binds"),
    [
        ("a = b = 1", "a b"),
        ("a, *b = c", "a b"),
        ("for i in x: j = i", "i j"),
        ("with a as b: pass", "b"),
        ("import a.b, c as d", "a d"),
        ("from a import b as c, d", "c d"),
        ("def f():\n    global g\n    g = 1", "f g"),
        ("class A:\n    x = 1", "A"),
        ("[y := 1 for _ in z]", "y"),
        ("try: pass\nexcept E as e: pass", "e"),
        ("match v:\n    case {'a': b, **c}: pass", "b c"),
        ("a.b = 1; c[0] = 1", ""),
        ("x: int", ""),
        ("x += 1", "x"),
        ("get_ipython().run_line_magic('time', 'y = x')", "y"),
        ("get_ipython().run_cell_magic('bash', '--out o', 'ls')", "o"),
    ],
)
def test_names_bound(source, binds):
    assert " ".join(sorted(names(source).binds)) == binds


def test_a_deleted_name_of_before_is_told_from_an_own_one():
    assert names("del x").deletes == {"x"}
    assert names("x = 1\ndel x").deletes == set()


@pytest.mark.parametrize(
    "source",
    [
        "globals()[x]",
        "vars()",
        "locals()",
        "dir()",
        "def f(): return globals()\nf()",
        "exec(text)",
        "eval(f'{a}')",
        "get_ipython().user_ns",
        "ip.user_ns['x']",
        "get_ipython().run_line_magic('who', '')",
        "get_ipython().run_line_magic('run', '-i a.py')",
        "import sys\nsys.modules['__main__']",
        "import __main__",
        "Out[3]",
        "In[1]",
        "import sys\nsys._getframe()",
        "ip = get_ipython()",
        "def f(): return known(get_ipython())\nf()",
    ],
)
def test_reading_everything_is_noticed(source):
    assert names(source).whole


@pytest.mark.parametrize(
    "source",
    [
        "vars(x)",
        "dir(x)",
        "def f(): return locals()\nf()",
        "Out = 1\nOut",
        "exec('y', d)",
        "get_ipython().system('ls')",
        "def f(): get_ipython().system('ls')\nf()",
        "get_ipython().kernel",
    ],
)
def test_reading_one_thing_is_not_reading_everything(source):
    assert not names(source).whole


@pytest.mark.parametrize("source", ["input()", "getpass.getpass()", "breakpoint()", "def f(): input()\nf()"])
def test_waiting_for_the_user_is_noticed(source):
    assert names(source).asks


def test_magics_that_change_the_session_are_named():
    found = names("get_ipython().run_line_magic('cd', 'x')\nget_ipython().run_line_magic('env', 'A=1')")
    assert found.state == ["%cd", "%env"]


def test_a_star_import_of_a_loaded_module_is_known():
    found = names("from os.path import *\njoin(a)")
    assert found.reads == {"a"} and not found.star


def test_a_star_import_of_a_new_module_is_said():
    assert names("from nowhere_at_all import *\njoin(a)").star


def test_imports_are_listed_at_any_depth():
    found = names("import a.b\ndef f():\n    from c import d\n    import e")
    assert found.modules >= {"a.b", "c", "e"}


def test_lazy_annotations_are_not_read():
    assert names("x: T = 1", lazy=True).reads == set()
    assert names("from __future__ import annotations\nx: T = 1", lazy=False).reads == set()
    assert names("def f(a: T) -> U: pass", lazy=False).reads == {"T", "U"}
    assert names("def f(a: T) -> U: return a\nf(1)", lazy=True).reads == set()


def test_a_query_in_a_variable_is_said():
    assert names("df.query(text)").queries


if sys.version_info >= (3, 12):

    def test_type_parameters_are_no_inputs():
        assert names("def f[T](a: T) -> T: return a\nf(x)").reads == {"x"}
        assert names("class A[T](B): pass").reads == {"B"}
        assert names("type P[T] = list[T]").reads == set()


def test_inner_magics_are_transformed():
    found = names(
        "get_ipython().run_cell_magic('time', '', '!ls {x}')", transform=lambda _: "get_ipython().system('ls {x}')"
    )
    assert "x" in found.reads

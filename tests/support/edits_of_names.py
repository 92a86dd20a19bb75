"""What the names of a program come to stand for, and statements that change it: tables for tests of what follows.

Unlike the edits of `edits`, most of these reach into a library, so that each comes with the statement that takes it
back.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["ANNOTATED", "IN_TEXTS", "PATCHED", "REBOUND", "REGISTERED", "UNTOUCHED", "Change"]


class Change(NamedTuple):
    """A program, and a statement between two calls of its function.

    Attributes
    ----------
    program : defines ``foo``, which is called without arguments
    statement : changes what ``foo`` returns; for `UNTOUCHED`, changes nothing of it
    back : takes the change back
    says : what the explanation of the miss speaks of; "" where it has no line of its own
    """

    program: str
    statement: str
    back: str
    says: str = ""


def _foo(expression: str, before: str = "") -> str:
    return f"{before}\n# %%\n@cache_data\ndef foo():\n    return {expression}\n"


def _assigned(place: str, value: str, expression: str, before: str, says: str = "") -> Change:
    """`place = value`, and back."""
    kept = "kept_" + place.replace(".", "_")
    return Change(_foo(expression, f"{before}\n{kept} = {place}"), f"{place} = {value}", f"{place} = {kept}", says)


# A name of the program's own that comes to mean something else.
REBOUND = {
    "another module under an alias": Change(
        _foo("m.sqrt(4)", "import math as m"), "import cmath as m", "import math as m"
    ),
    "another module as a value": Change(
        _foo("m.__name__", "import json as m"), "import pickle as m", "import json as m"
    ),
    "another module of the package": Change(
        _foo("m.fft([1.0, 2.0]).dtype.str", "import numpy.fft as m\nimport types"),
        "m = types.SimpleNamespace(fft=lambda values: types.SimpleNamespace(dtype=types.SimpleNamespace(str='x')))",
        "import numpy.fft as m",
    ),
    "a function in C of another module": Change(
        _foo("repr(sqrt(4))", "from math import sqrt"), "from cmath import sqrt", "from math import sqrt"
    ),
    "a function of the same name": Change(
        _foo("diagonal([[[1, 2], [3, 4]]]).tolist()", "from numpy import diagonal"),
        "from numpy.linalg import diagonal",
        "from numpy import diagonal",
    ),
    "another function of a library": Change(
        _foo("f([1, 2, 6]).item()", "import numpy as np\nf = np.mean"), "f = np.median", "f = np.mean"
    ),
    "another ufunc": Change(_foo("f(4).item()", "import numpy as np\nf = np.sqrt"), "f = np.square", "f = np.sqrt"),
    "a ufunc of another function of the user's": Change(
        _foo("f(4)", "import numpy as np\nf = np.frompyfunc(lambda a: a + 1, 1, 1)"),
        "f = np.frompyfunc(lambda a: a + 2, 1, 1)",
        "f = np.frompyfunc(lambda a: a + 1, 1, 1)",
    ),
    "another class of a library": Change(
        _foo("repr(F(3))", "from fractions import Fraction as F"),
        "from decimal import Decimal as F",
        "from fractions import Fraction as F",
    ),
    "another type of Python's": Change(_foo("T(2)", "T = int"), "T = float", "T = int"),
    "a method of another type": Change(_foo("f('aB')", "f = str.upper"), "f = str.lower", "f = str.upper"),
    "a method bound to another type": Change(
        _foo(
            "f('1')",
            "f = int.__call__ if 0 else int.__new__.__self__.__call__ if 0 else bytes.fromhex\n"
            "f = lambda t: repr(g(b'a', 'big'))\ng = int.from_bytes",
        ),
        "g = bool.from_bytes",
        "g = int.from_bytes",
    ),
    "in a partial": Change(
        _foo("f(4)", "import functools, math, cmath\nf = functools.partial(math.sqrt)"),
        "f = functools.partial(cmath.sqrt)",
        "f = functools.partial(math.sqrt)",
    ),
    "in a dict": Change(
        _foo("T['a'](4)", "import math, cmath\nT = {'a': math.sqrt}"), "T['a'] = cmath.sqrt", "T['a'] = math.sqrt"
    ),
    "as a default": Change(
        _foo("h(4)", "import math, cmath\ndef h(x, f=math.sqrt): return f(x)"),
        "def h(x, f=cmath.sqrt): return f(x)",
        "def h(x, f=math.sqrt): return f(x)",
    ),
    "in a closure": Change(
        _foo("h(4)", "import math, cmath\ndef make(f):\n    return lambda x: f(x)\nh = make(math.sqrt)"),
        "h = make(cmath.sqrt)",
        "h = make(math.sqrt)",
    ),
    "a module in a closure": Change(
        _foo("h(4)", "import math, cmath\ndef make(m):\n    return lambda x: m.sqrt(x)\nh = make(math)"),
        "h = make(cmath)",
        "h = make(math)",
    ),
    "an attribute of the function itself": Change(
        _foo("foo.limit") + "foo.limit = 1", "foo.limit = 2", "foo.limit = 1", "foo.limit 1 -> 2"
    ),
    "an attribute of a function in a list": Change(
        _foo("T[0].limit", "def h(): pass\nh.limit = 1\nT = [h]"), "h.limit = 2", "h.limit = 1", "h.limit 1 -> 2"
    ),
}

_HINTS = "import typing\ndef h(x: int): pass"
#: Annotations, where something goes by them.
ANNOTATED = {
    "hints that are read": Change(
        _foo("typing.get_type_hints(h)['x'].__name__", _HINTS),
        "def h(x: float): pass",
        "def h(x: int): pass",
        "annotations of h",
    ),
    "hints that a name from typing reads": Change(
        _foo("get_type_hints(h)['x'].__name__", "from typing import get_type_hints\n" + _HINTS),
        "def h(x: float): pass",
        "def h(x: int): pass",
        "annotations of h",
    ),
    "annotations that are read": Change(
        _foo("h.__annotations__['x'].__name__", _HINTS),
        "h.__annotations__['x'] = float",
        "h.__annotations__['x'] = int",
        "annotations of h",
    ),
    "a class that an annotation names": Change(
        _foo(
            "typing.get_type_hints(h)['x'].limit",
            "import typing\nclass C:\n    limit = 1\ndef h(x: C): pass",
        ),
        "C.limit = 2",
        "C.limit = 1",
        "class C.limit 1 -> 2",
    ),
    "a call that is validated": Change(
        _foo("h('1')", "import pydantic\n@pydantic.validate_call\ndef h(x: int): return x"),
        "@pydantic.validate_call\ndef h(x: float): return x",
        "@pydantic.validate_call\ndef h(x: int): return x",
    ),
}

# A name of a library's that somebody else has put something under.
PATCHED = {
    "a function of the standard library": _assigned(
        "math.sqrt", "lambda x: 'mine'", "math.sqrt(4)", "import math", "math.sqrt"
    ),
    "by a function of another module": _assigned("math.sqrt", "cmath.sqrt", "math.sqrt(4)", "import math, cmath"),
    "by another function of the module": _assigned("math.sin", "math.cos", "math.sin(0)", "import math"),
    "a constant": _assigned("math.pi", "3", "math.pi", "import math", "global math.pi"),
    "a function of a module under a local name": _assigned(
        "math.sqrt", "lambda x: 'mine'", "h()", "import math\ndef h():\n    m = math\n    return m.sqrt(4)", "math.sqrt"
    ),
    "a function of a module that is passed on": _assigned(
        "math.sqrt", "lambda x: 'mine'", "h(math)", "import math\ndef h(m): return m.sqrt(4)", "math.sqrt"
    ),
    "a function of a package": _assigned(
        "np.mean", "lambda x: 'mine'", "np.mean([1, 2])", "import numpy as np", "numpy.mean"
    ),
    "deeper in a package": _assigned(
        "np.linalg.norm", "lambda x: 'mine'", "np.linalg.norm([1, 2])", "import numpy as np", "numpy.linalg.norm"
    ),
    "a helper that is changed once more": Change(
        _foo("np.twice(1)", "import numpy as np\nnp.twice = lambda x: x * 2"),
        "np.twice = lambda x: x * 3",
        "np.twice = lambda x: x * 2",
        "helper numpy.twice",
    ),
    "data put beside the functions": Change(
        _foo("np.table.sum().item()", "import numpy as np\nnp.table = np.zeros(2)"),
        "np.table[0] = 1",
        "np.table[0] = 0",
        "global numpy.table",
    ),
    "a list put beside the functions": Change(
        _foo("json.table", "import json\njson.table = [1]"), "json.table.append(2)", "json.table.pop()", "json.table"
    ),
    "a class": _assigned(
        "np.poly1d",
        "type('poly1d', (), {'__init__': lambda self, x: None, '__repr__': lambda self: 'mine'})",
        "repr(np.poly1d([1]))",
        "import numpy as np",
        "poly1d",
    ),
    "a partial of the user's function": _assigned(
        "json.dumps", "functools.partial(lambda x, y: x, 'mine')", "json.dumps(1)", "import functools, json"
    ),
    "a library's wrapper of the user's function": _assigned(
        "json.dumps",
        "contextlib.contextmanager(lambda x: iter(['mine']))",
        "str(json.dumps(1))[:2]",
        "import contextlib, json",
    ),
    "a module": _assigned("np.linalg", "cmath", "repr(np.linalg)[:16]", "import cmath, numpy as np"),
    "a module that the function imports": _assigned(
        "math.sqrt",
        "lambda x: 'mine'",
        "__import__('math') and h()",
        "import math\ndef h():\n    import math\n    return math.sqrt(4)",
        "math.sqrt",
    ),
    "a name that the function imports": _assigned(
        "math.sqrt",
        "lambda x: 'mine'",
        "h()",
        "import math\ndef h():\n    from math import sqrt\n    return sqrt(4)",
        "math.sqrt",
    ),
    "a builtin": _assigned("builtins.ascii", "lambda x: 'mine'", "ascii(1)", "import builtins", "ascii"),
    "a builtin by another": _assigned("builtins.oct", "hex", "oct(1)", "import builtins"),
    "a builtin that is new": Change(
        _foo("h()", "import builtins\ndef h():\n    try: return nbx\n    except NameError: return 0"),
        "builtins.nbx = 1",
        "del builtins.nbx",
    ),
    "a name that is new in a module": Change(
        _foo("getattr(sys, 'nbx', 0) or sys.nbx if hasattr(sys, 'nbx') else 0", "import sys"),
        "sys.nbx = 1",
        "del sys.nbx",
        "global sys.nbx",
    ),
    "an attribute of a class": _assigned(
        "string.Template.delimiter", "'#'", "string.Template.delimiter", "import string", "string.Template.delimiter"
    ),
    "an attribute that is new on a class": Change(
        _foo("getattr(json.JSONDecoder, 'nbx', 0) and json.JSONDecoder.nbx", "import json"),
        "json.JSONDecoder.nbx = 1",
        "del json.JSONDecoder.nbx",
        "global json.JSONDecoder.nbx",
    ),
    "an attribute that a class has from its base": Change(
        _foo(
            "argparse.RawTextHelpFormatter.nbx",
            "import argparse\nargparse.HelpFormatter.nbx = 1",
        ),
        "argparse.RawTextHelpFormatter.nbx = 2",
        "del argparse.RawTextHelpFormatter.nbx",
        "RawTextHelpFormatter.nbx",
    ),
    "an attribute of an object": _assigned(
        "reprlib.aRepr.maxlist", "2", "reprlib.aRepr.maxlist", "import reprlib", "reprlib.aRepr.maxlist"
    ),
    "the object of a function": _assigned(
        "reprlib.aRepr.maxlist", "2", "reprlib.repr(list(range(9)))", "import reprlib", "object of reprlib.repr"
    ),
}

_GEO = "class Geo:\n    def __init__(self, frame): pass\n    def factor(self): return {}\n"
_FRAME = "import {module} as lib\nimport warnings\nwarnings.simplefilter('ignore')\n"


def _registered(module: str, register: str, expression: str, says: str = "Geo.factor") -> Change:
    cell = f"@lib.{register}('geo')\n{_GEO}"
    before = _FRAME.format(module=module) + cell.format(1)
    return Change(_foo(expression, before), cell.format(2), cell.format(1), says)


# What users add to the classes of libraries.
REGISTERED = {
    "a handler of errors": Change(
        _foo(
            "'\u00e4'.encode('ascii', 'nbx_errors')",
            "import codecs\ndef mine(error): return '1', error.end\ncodecs.register_error('nbx_errors', mine)",
        ),
        "def other(error): return '2', error.end\ncodecs.register_error('nbx_errors', other)",
        "codecs.register_error('nbx_errors', mine)",
        "handler of errors nbx_errors",
    ),
    "a pandas accessor": _registered(
        "pandas", "api.extensions.register_dataframe_accessor", "lib.DataFrame({'a': [1]}).geo.factor()"
    ),
    "a pandas accessor of columns": _registered(
        "pandas", "api.extensions.register_series_accessor", "lib.Series([1]).geo.factor()"
    ),
    "a polars namespace": _registered(
        "polars", "api.register_dataframe_namespace", "lib.DataFrame({'a': [1]}).geo.factor()"
    ),
    "a polars namespace of expressions": _registered(
        "polars", "api.register_expr_namespace", "lib.col('a').geo.factor()"
    ),
    "an xarray accessor": _registered("xarray", "register_dataarray_accessor", "lib.DataArray([1]).geo.factor()"),
    "an accessor reached by its name as a text": _registered(
        "pandas", "api.extensions.register_dataframe_accessor", "getattr(lib.DataFrame({'a': [1]}), 'geo').factor()"
    ),
    "a method put on a class": Change(
        _foo("lib.DataFrame({'a': [1]}).twice()", "import pandas as lib\nlib.DataFrame.twice = lambda self: 1"),
        "lib.DataFrame.twice = lambda self: 2",
        "lib.DataFrame.twice = lambda self: 1",
        "DataFrame.twice",
    ),
    "a method of a class that is replaced": Change(
        _foo("lib.DataFrame({'a': [1]}).sum().tolist()", "import pandas as lib\nkept = lib.DataFrame.sum"),
        "lib.DataFrame.sum = lambda self: self['a'] * 7",
        "lib.DataFrame.sum = kept",
        "DataFrame.sum",
    ),
    "a property put on a class": Change(
        _foo("lib.Series([1]).both", "import pandas as lib\nlib.Series.both = property(lambda self: 1)"),
        "lib.Series.both = property(lambda self: 2)",
        "lib.Series.both = property(lambda self: 1)",
        "Series.both",
    ),
    "a helper of an accessor": Change(
        _foo(
            "lib.DataFrame({'a': [1]}).geo.factor()",
            _FRAME.format(module="pandas")
            + "def h(): return 1\n@lib.api.extensions.register_dataframe_accessor('geo')\n"
            + _GEO.format("h()"),
        ),
        "def h(): return 2",
        "def h(): return 1",
        "helper h",
    ),
}

_TABLE = "import pandas as pd\ndf = pd.DataFrame({'v': [1, 2, 30]})\nlimit = 1"
_SQL = "import duckdb\nimport pandas as pd\ndf = pd.DataFrame({'v': [1]})\nlimit = 1"


def _limit(expression: str, before: str = "limit = 1", says: str = "global limit 1 -> 9") -> Change:
    return Change(_foo(expression, before), "limit = 9", "limit = 1", says)


def _table(expression: str, before: str = _SQL) -> Change:
    return Change(_foo(expression, before), "df.loc[0, 'v'] = 9", "df.loc[0, 'v'] = 1", "global df")


_FETCH = ".fetchall()[0][0]"

# A name that only a text or a namespace speaks of.
IN_TEXTS = {
    "query": _limit("len(df.query('v > @limit'))", _TABLE),
    "query with a blank after the sign": _limit("len(df.query('v > @ limit'))", _TABLE),
    "query of a text put together": _limit("len(df.query('v > ' + '@limit'))", _TABLE),
    "query of a text with fields": _limit("len(df.query(f'v > @limit and v < {100}'))", _TABLE),
    "query of one of two texts": _limit("len(df.query('v > @limit' if df.size else 'v > 0'))", _TABLE),
    "query of a local text": _limit("h()", _TABLE + "\ndef h():\n    q = 'v > @limit'\n    return len(df.query(q))"),
    "query of a global text": _limit("len(df.query(Q))", _TABLE + "\nQ = 'v > @limit'"),
    "query in a helper that is given the text": _limit(
        "h('v > @limit')", _TABLE + "\ndef h(text): return len(df.query(text))"
    ),
    "query in a comprehension": _limit("[len(df.query('v > @limit')) for _ in 'ab']", _TABLE),
    "query in a method": _limit("C().m()", _TABLE + "\nclass C:\n    def m(self): return len(df.query('v > @limit'))"),
    "eval of a frame": _limit("df.eval('v * @limit').tolist()", _TABLE),
    "eval of pandas": _limit("int(pd.eval('limit + 1'))", _TABLE),
    "eval of pandas under another name": _limit("int(p.eval('limit + 1'))", "import pandas as p\nlimit = 1"),
    "eval": _limit("eval('limit + 1')"),
    "eval of a helper": Change(
        _foo("eval('h()')", "def h(): return 1"), "def h(): return 2", "def h(): return 1", "helper h"
    ),
    "exec": _limit("h()", "limit = 1\ndef h():\n    out = {}\n    exec('out[\"a\"] = limit + 1')\n    return out['a']"),
    "globals": _limit("globals()['limit']"),
    "get of globals": _limit("globals().get('limit')"),
    "format of globals": _limit("'{limit}'.format(**globals())"),
    "format with a width": _limit("'{limit:>4}'.format(**globals())"),
    "format_map of globals": _limit("'{limit}'.format_map(globals())"),
    "percent of globals": _limit("'%(limit)s' % globals()"),
    "template of globals": _limit("string.Template('$limit').substitute(globals())", "import string\nlimit = 1"),
    "the module itself": _limit("sys.modules[__name__].limit", "import sys\nlimit = 1"),
    "the main module": _limit("sys.modules['__main__'].limit", "import sys\nlimit = 1"),
    "an import of the main module": _limit(
        "h()", "limit = 1\ndef h():\n    import __main__\n    return __main__.limit"
    ),
    "a name imported from the main module": _limit(
        "h()", "limit = 1\ndef h():\n    from __main__ import limit\n    return limit"
    ),
    "the main module under a name": _limit("__main__.limit", "import __main__\nlimit = 1", "limit 1 -> 9"),
    "the namespace of the shell": _limit(
        "get_ipython().user_ns['limit']",
        "import types\nlimit = 1\nget_ipython = lambda: types.SimpleNamespace(user_ns=globals())",
    ),
    "SQL of duckdb": _table("duckdb.sql('select sum(v) from df')" + _FETCH),
    "SQL of many lines": _table("duckdb.sql('select sum(v)\\n  from df')" + _FETCH),
    "SQL of a query": _table("duckdb.query('select sum(v) from df')" + _FETCH),
    "SQL of a connection": _table(
        "con.execute('select sum(v) from df')" + _FETCH,
        _SQL + "\ncon = globals().get('con') or duckdb.connect()",  # another connection is a change
    ),
    "SQL of a local text": _table(
        "h()", _SQL + "\ndef h():\n    q = 'select sum(v) from df'\n    return duckdb.sql(q)" + _FETCH
    ),
    "SQL of a global text": _table("duckdb.sql(Q)" + _FETCH, _SQL + "\nQ = 'select sum(v)\\nfrom df'"),
}

# What changes nothing for the function, and must be a hit.
UNTOUCHED = {
    "annotations that nobody reads": Change(
        _foo("h(1)", "def h(x: int): return x"), "def h(x: float): return x", "def h(x: int): return x"
    ),
    "an accessor of a dict of attributes that is looked at": Change(
        _foo("float(a.mean())", "import xarray as xr\na = xr.DataArray([1.0])"), "a.attrs", ""
    ),
    "a name that only a plain text speaks of": Change(
        _foo("'the limit of @limit and {limit}'", "limit = 1"), "limit = 9", "limit = 1"
    ),
    "a number that is called like a column in SQL": Change(
        _foo("duckdb.sql('select sum(v) from df')" + _FETCH, _SQL + "\nv = 1"), "v = 9", "v = 1"
    ),
    "a name that another query speaks of": Change(
        _foo("len(df.query('v > 1'))", _TABLE + "\ndef other(): return df.query('v > @limit')"),
        "limit = 9",
        "limit = 1",
    ),
    "a global called like a local in a query": Change(
        _foo("h()", _TABLE + "\ndef h():\n    limit = 3\n    return len(df.query('v > @limit'))"),
        "limit = 9",
        "limit = 1",
    ),
    "another key of globals": Change(_foo("globals()['limit']", "limit = other = 1"), "other = 9", "other = 1"),
    "a field that another format asks for": Change(
        _foo("'{limit}'.format(limit=1)", "limit = 1"), "limit = 9", "limit = 1"
    ),
    "another alias for the same function": Change(
        _foo("f(4)", "import math\nfrom math import sqrt as f"), "import math\nf = math.sqrt", "f = math.sqrt"
    ),
    "another name of a module that is not read": Change(
        _foo("math.sqrt(4)", "import math"), "math.other = 5", "del math.other"
    ),
    "a module that is imported once more": Change(
        _foo("np.mean([1]).item()", "import numpy as np"), "import numpy as np", ""
    ),
    "an accessor that is not read": Change(
        _foo("lib.DataFrame({'a': [1]}).sum().tolist()", "import pandas as lib"),
        "lib.DataFrame.extra = lambda self: 1",
        "del lib.DataFrame.extra",
    ),
    "an equal accessor that is registered again": Change(
        REGISTERED["a pandas accessor"].program, REGISTERED["a pandas accessor"].back, ""
    ),
    "a constant that is set to itself": Change(_foo("math.pi", "import math"), "math.pi = 3.141592653589793", ""),
    "a package that makes names on demand": Change(
        _foo("sp.special.expit(0.0).item()", "import scipy as sp"), "sp.special.expit", ""
    ),
    "a module that the function is the first to import": Change(
        _foo("h()", "def h():\n    import colorsys\n    return colorsys.rgb_to_hsv(1, 0, 0)"), "import colorsys", ""
    ),
    "an attribute of a function that nobody reads": Change(
        _foo("h()", "def h(): return 1"), "h.more = 2", "del h.more"
    ),
}

"""Types of libraries that take long to install or to import: `python3 dev.py zoo`."""

from __future__ import annotations

from zoo.specimen import Family

# fmt: off

GEO = Family(
    "geometry",
    "geopandas shapely pyproj",
    """
import geopandas as gpd, shapely, pyproj
from shapely.geometry import Point, Polygon
def towns(crs=4326): return gpd.GeoDataFrame({"n": [1]}, geometry=[Point(9, 50)], crs=crs)
""",
    heavy=True,
)
_add = GEO.add
_add("GeoDataFrame", "towns()", "towns(3857)", "x['n'] = 2", "x.bounds")
_add("GeoDataFrame without CRS", "towns(None)", "towns()", "x['n'] = 2", "x.shape")
_add("GeoSeries", "towns().geometry", "towns(3857).geometry", "x.name = 'n'", "x.sindex")
_add("GeometryArray", "towns().geometry.array", "towns(3857).geometry.array", use="x.bounds")
_add("Point", "Point(1, 2)", "Point(1, 3)", use="x.bounds")
_add("Polygon", "Polygon([(0, 0), (1, 0), (1, 1)])", "Polygon([(0, 0), (1, 0), (1, 2)])", use="x.area")
_add("STRtree", "shapely.STRtree([Point(1, 2)])", "shapely.STRtree([Point(1, 3)])", use="x.query(Point(1, 2))")
_add("CRS", "pyproj.CRS(4326)", "pyproj.CRS(3857)", use="x.name")
_add("Transformer", "pyproj.Transformer.from_crs(4326, 3857)", "pyproj.Transformer.from_crs(3857, 4326)", use="x.transform(1, 2)")

XARRAY = Family(
    "xarray",
    "xarray",
    """
import xarray as xr, numpy as np
def data(n=1.0): return xr.Dataset({"t": ("x", [n, 2.0])}, {"x": [1, 2]}, {"unit": "m"})
""",
    heavy=True,
)
_add = XARRAY.add
_add("Dataset", "data()", "data(3.0)", "x['t'][0] = 9", "x.t.attrs")
_add("DataArray", "data().t", "data(3.0).t", "x[0] = 9", "x.attrs")
_add("Variable", "data().t.variable", "data(3.0).t.variable", "x[0] = 9", "x.attrs")
_add("DataTree", "xr.DataTree(data())", "xr.DataTree(data(3.0))", "x['n'] = 1", "x.path")
_add("Dataset without attributes", "xr.Dataset({'t': ('x', [1.0])})", "xr.Dataset({'t': ('x', [2.0])})", "x['t'][0] = 9", "x.t.attrs.get('a')")

NETWORKX = Family("networkx", "networkx", "import networkx as nx", heavy=True)
_add = NETWORKX.add
for _kind in ("Graph", "DiGraph", "MultiGraph", "MultiDiGraph"):
    _add(_kind, f"nx.{_kind}([(1, 2)])", f"nx.{_kind}([(1, 3)])", "x.add_edge(7, 8)", "(x.edges, x.nodes, x.adj, x.degree)")
_add("view of nodes", "nx.Graph([(1, 2)]).nodes", "nx.Graph([(1, 3)]).nodes", use="len(x)")
_add("subgraph", "nx.path_graph(4).subgraph([0, 1])", "nx.path_graph(4).subgraph([0, 2])", use="len(x)")

SYMPY = Family("sympy", "sympy mpmath", "import sympy as sp, mpmath\nt = sp.Symbol('t')\nf = sp.Function('f')", heavy=True)
_add = SYMPY.add
_add("expression", "sp.sin(t) + 1", "sp.sin(t) + 2", use="x.diff(t)")
_add("Symbol", "sp.Symbol('a', positive=True)", "sp.Symbol('a')", use="x.is_positive")
_add("Matrix", "sp.Matrix([[1, t]])", "sp.Matrix([[2, t]])", "x[0, 0] = 9", "x.shape")
_add("undefined function", "f(t)", "sp.Function('g')(t)", use="x.args")
_add("equation", "sp.Eq(f(t).diff(t), f(t))", "sp.Eq(f(t).diff(t), 2 * f(t))", use="x.lhs")
_add("Integer", "sp.Integer(3)", "sp.Integer(4)", use="x + 1")
_add("mpf", "mpmath.mpf('0.1')", "mpmath.mpf('0.2')", use="x + 1")

STATISTICS = Family(
    "statistics",
    "statsmodels pandas",
    """
import statsmodels.api as sm, statsmodels.formula.api as smf, numpy as np, pandas as pd
X = sm.add_constant(np.arange(10.0)); Y = np.arange(10.0) ** 1.5
""",
    heavy=True,
)
_add = STATISTICS.add
_add("OLS results", "sm.OLS(Y, X).fit()", "sm.OLS(Y + X[:, 1], X).fit()", use="x.rsquared")
_add("OLS model", "sm.OLS(Y, X)", "sm.OLS(Y + 1, X)", use="x.nobs")
_add("Logit results", "sm.Logit(Y > 9, X).fit(disp=0, method='bfgs')", "sm.Logit(Y > 5, X).fit(disp=0, method='bfgs')", use="x.aic")

BOOSTING = Family(
    "boosting",
    "xgboost lightgbm",
    """
import xgboost as xgb, lightgbm as lgb, numpy as np
X = np.random.RandomState(0).rand(60, 3); Y = (X[:, 0] > 0.5).astype(int)
""",
    heavy=True,
)
_add = BOOSTING.add
_add("XGBClassifier", "xgb.XGBClassifier(n_estimators=2).fit(X, Y)", "xgb.XGBClassifier(n_estimators=3).fit(X, Y)", "x.set_params(n_estimators=9)", "x.predict(X)")
_add("xgboost.DMatrix", "xgb.DMatrix(X)", "1", use="0", unkeyed="its content is hidden", unstored="its content is hidden")
_add("LGBMRegressor", "lgb.LGBMRegressor(n_estimators=2, verbose=-1).fit(X, Y)", "lgb.LGBMRegressor(n_estimators=3, verbose=-1).fit(X, Y)", "x.set_params(n_estimators=9)", "x.predict(X)")

COMPILED = Family(
    "compiled functions",
    "numba",
    """
import numba, numpy as np
from numba.typed import List, Dict
def jitted(n): return numba.njit(eval(f"lambda a: a + {n}"))
""",
    heavy=True,
)
_add = COMPILED.add
_add("njit", "jitted(1)", "jitted(2)", use="x(1)")
_add("njit with options", "numba.njit(fastmath=True)(lambda a: a)", "numba.njit()(lambda a: a)", use="x(1.0)")
_add("vectorize", "numba.vectorize(lambda a: a + 1)", "numba.vectorize(lambda a: a + 2)", use="x(1)")
_add("typed.List", "List([1, 2])", "List([1, 3])", "x.append(9)", "len(x)", unstored="numba cannot pickle it")

UNITS = Family("units", "pint", "import pint\nureg = pint.UnitRegistry()", heavy=True)
_add = UNITS.add
_add("Quantity", "3.0 * ureg.meter", "3.0 * ureg.second", use="x.magnitude", unstored="it would belong to another registry")
_add("Unit", "ureg.meter", "ureg.second", use="str(x)", unstored="it would belong to another registry")

PAGES = Family(
    "pages",
    "bs4 lxml",
    "import bs4, lxml.etree as etree\nPAGE = '<html><p class=\"a\">hi</p></html>'",
    heavy=True,
)
_add = PAGES.add
_add("BeautifulSoup", "bs4.BeautifulSoup(PAGE, 'html.parser')", "bs4.BeautifulSoup(PAGE + '<b>', 'html.parser')", "x.p.string = 'new'", "x.p.text")
_add("lxml Element", "etree.fromstring(PAGE)", "etree.fromstring(PAGE.replace('hi', 'ho'))", "x.set('k', 'v')", "x.tag", unstored="lxml cannot be pickled")
_add("lxml ElementTree", "etree.ElementTree(etree.fromstring(PAGE))", "etree.ElementTree(etree.fromstring('<a/>'))", "x.getroot().set('k', 'v')", "x.getroot().tag", unstored="lxml cannot be pickled")

CHEMISTRY = Family(
    "chemistry",
    "rdkit",
    """
from rdkit import Chem
def molecule(name):
    made = Chem.MolFromSmiles("CCO"); made.SetProp("name", name); return made
""",
    heavy=True,
)
_add = CHEMISTRY.add
_add("Mol", "molecule('a')", "molecule('b')", "x.SetProp('name', 'c')", "x.GetNumAtoms()")

KERAS = Family(
    "keras",
    "keras torch",
    """
import os; os.environ["KERAS_BACKEND"] = "torch"
import keras, numpy as np
def model(units=2):
    keras.utils.set_random_seed(0); keras.backend.clear_session()
    return keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(units)])
""",
    heavy=True,
)
_add = KERAS.add
_add("Sequential", "model()", "model(3)", "x.layers[0].set_weights([w + 1 for w in x.layers[0].get_weights()])", "x.count_params()")

DATABASES = Family("data bases", "duckdb ibis", "import duckdb, ibis", heavy=True)
_add = DATABASES.add
_add("duckdb connection", "duckdb.connect()", "1", use="0", unkeyed="a connection", unstored="a connection")
_add("ibis backend", "ibis.duckdb.connect()", "1", use="0", unkeyed="a connection", unstored="a connection")

STORES = Family(
    "arrays on disk and in tables",
    "h5py zarr openpyxl msgspec",
    """
import h5py, zarr, io, openpyxl, msgspec, numpy as np
class Point(msgspec.Struct):
    x: int
class Fixed(msgspec.Struct, frozen=True):
    x: int
""",
    heavy=True,
)
_add = STORES.add
_add("h5py.File", "h5py.File(io.BytesIO(), 'w')", "1", use="0", unkeyed="an open file", unstored="an open file")
_add("msgspec.Struct", "Point(1)", "Point(2)", "x.x = 3", "x.x")
_add("msgspec.Struct, frozen", "Fixed(1)", "Fixed(2)", use="x.x")

PLOTS = Family("plots", "plotly", "import plotly.graph_objects as go", heavy=True)
_add = PLOTS.add
_add("plotly Figure", "go.Figure(go.Scatter(y=[1, 2]))", "go.Figure(go.Scatter(y=[1, 3]))", "x.update_layout(title='a')", "x.layout.title")

SMALL = Family(
    "more small libraries",
    "toolz sortedcontainers regex tenacity httpx",
    "import toolz, sortedcontainers, regex, tenacity, httpx",
    heavy=True,
)
_add = SMALL.add
_add("curry", "toolz.curry(pow)(2)", "toolz.curry(pow)(3)", use="x(3)")
_add("compose", "toolz.compose(str, abs)", "toolz.compose(str, len)", use="0")
_add("SortedDict", "sortedcontainers.SortedDict(a=1)", "sortedcontainers.SortedDict(a=2)", "x['b'] = 3", "x.keys()")
_add("SortedList", "sortedcontainers.SortedList([2, 1])", "sortedcontainers.SortedList([2, 3])", "x.add(9)", "x[0]")
_add("regex Pattern", "regex.compile('a+')", "regex.compile('b+')", use="x.pattern")
_add("httpx.URL", "httpx.URL('http://a/b')", "httpx.URL('http://a/c')", use="x.host")
_add("httpx.Headers", "httpx.Headers({'a': '1'})", "httpx.Headers({'a': '2'})", "x['b'] = '3'", "x['a']")

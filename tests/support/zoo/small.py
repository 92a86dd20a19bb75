"""A type or two of many small libraries: `python3 dev.py zoo`."""

from __future__ import annotations

from zoo.specimen import Family

# fmt: off

Row = tuple[str, str, str, str, str]
FAMILIES: list[Family] = []


def _library(needs: str, setting: str, *rows: Row, **more: str) -> None:
    """Add a family of a package; a row is name, make, other, edit and use."""
    family = Family(needs.split()[0], needs, setting, heavy=True)
    for name, make, other, edit, use in rows:
        family.add(name, make, other, edit, use, **more)
    FAMILIES.append(family)


_library("affine", "import affine", ("Affine", "affine.Affine.scale(2)", "affine.Affine.scale(3)", "", "x.a"))
_library("arrow", "import arrow", ("Arrow", "arrow.get(2024, 1, 1)", "arrow.get(2024, 1, 2)", "", "x.year"))
_library(
    "babel", "import babel, babel.dates",
    ("Locale", "babel.Locale('de', 'DE')", "babel.Locale('de', 'AT')", "", "x.language"),
)
_library("bleach", "import bleach", ("Cleaner", "bleach.Cleaner(tags={'a'})", "bleach.Cleaner(tags={'b'})", "x.strip = True", "x.tags"))
_library(
    "cftime", "import cftime",
    ("datetime", "cftime.datetime(2024, 1, 1, calendar='noleap')", "cftime.datetime(2024, 1, 1, calendar='360_day')", "", "x.year"),
)
_library(
    "click", "import click",
    ("Option", "click.Option(['--a'])", "click.Option(['--b'])", "x.help = 'text'", "x.name"),
    ("IntRange", "click.IntRange(0, 1)", "click.IntRange(0, 2)", "x.max = 5", "x.max"),
)
_library("cloudpathlib", "import cloudpathlib", ("AnyPath", "cloudpathlib.AnyPath('a')", "cloudpathlib.AnyPath('b')", "", "x.name"))
_library("confection", "import confection", ("Config", "confection.Config({'a': {'b': 1}})", "confection.Config({'a': {'b': 2}})", "x['a']['b'] = 3", "x.to_str()"))
_library("cycler", "import cycler", ("Cycler", "cycler.cycler(color='rg')", "cycler.cycler(color='rb')", "", "len(x)"))
_library(
    "docutils", "import docutils.nodes as nodes",
    ("paragraph", "nodes.paragraph(text='a')", "nodes.paragraph(text='b')", "x['ids'].append('n')", "x.astext()"),
)
_library("fastjsonschema", "import fastjsonschema", ("JsonSchemaValueException", "fastjsonschema.JsonSchemaValueException('a', 1, 'n')", "fastjsonschema.JsonSchemaValueException('a', 2, 'n')", "x.value = 3", "x.value"))
_library(
    "fontTools", "import fontTools.misc.transform as transform",
    ("Transform", "transform.Transform(1, 0, 0, 2)", "transform.Transform(1, 0, 0, 3)", "", "x.yy"),
)
_library("formulaic", "import formulaic", ("Formula", "formulaic.Formula('y ~ a')", "formulaic.Formula('y ~ b')", "", "x.required_variables"))
_library("graphql", "import graphql", ("Source", "graphql.Source('{ a }')", "graphql.Source('{ b }')", "x.name = 'n'", "x.body"), ("DocumentNode", "graphql.parse('{ a }')", "graphql.parse('{ b }')", "", "x.kind"))
_library("graphviz", "import graphviz", ("Digraph", "graphviz.Digraph('a', body=['x'])", "graphviz.Digraph('a', body=['y'])", "x.node('n')", "x.source"))
_library("imageio", "import imageio.core.util as util, numpy as np", ("Array", "util.Array(np.zeros((2, 2)), {'a': 1})", "util.Array(np.ones((2, 2)), {'a': 1})", "x[0, 0] = 9", "x.shape"), unstored="its pickle leaves out attributes")
_library("isoduration", "import isoduration", ("Duration", "isoduration.parse_duration('P1D')", "isoduration.parse_duration('P2D')", "", "x.date"))
_library("itsdangerous", "import itsdangerous", ("Signer", "itsdangerous.Signer('a')", "itsdangerous.Signer('b')", "x.salt = b'n'", "x.sign('a')"))
_library("jsonpath_ng", "import jsonpath_ng", ("Child", "jsonpath_ng.parse('a.b')", "jsonpath_ng.parse('a.c')", "", "str(x)"))
_library(
    "jsonschema", "import jsonschema",
    ("ValidationError", "jsonschema.ValidationError('a')", "jsonschema.ValidationError('b')", "x.message = 'c'", "x.message"),
)
_library("lark", "import lark", ("Tree", "lark.Tree('a', [lark.Token('T', 'x')])", "lark.Tree('a', [lark.Token('T', 'y')])", "x.children.append(1)", "x.pretty()"), ("Token", "lark.Token('T', 'x')", "lark.Token('U', 'x')", "", "x.type"))
_library("markdown_it", "from markdown_it.token import Token", ("Token", "Token('a', 'p', 0, content='x')", "Token('a', 'p', 0, content='y')", "x.content = 'z'", "x.content"))
_library("markupsafe", "import markupsafe", ("Markup", "markupsafe.Markup('<b>')", "markupsafe.Markup('<i>')", "", "x.upper()"))
_library("more_itertools", "import more_itertools", ("SequenceView", "more_itertools.SequenceView([1, 2])", "more_itertools.SequenceView([1, 3])", "", "len(x)"))
_library("msgpack", "import msgpack", ("ExtType", "msgpack.ExtType(1, b'a')", "msgpack.ExtType(1, b'b')", "", "x.code"), ("Timestamp", "msgpack.Timestamp(1, 2)", "msgpack.Timestamp(1, 3)", "", "x.seconds"))
_library("multidict", "import multidict", ("MultiDict", "multidict.MultiDict(a=1)", "multidict.MultiDict(a=2)", "x.add('b', 1)", "x['a']"), ("CIMultiDict", "multidict.CIMultiDict(a=1)", "multidict.CIMultiDict(a=2)", "x.add('b', 1)", "x['A']"))
_library("yarl", "import yarl", ("URL", "yarl.URL('http://a/b')", "yarl.URL('http://a/c')", "", "x.host"))
_library("narwhals", "import narwhals as nw, pandas as pd", ("DataFrame", "nw.from_native(pd.DataFrame({'a': [1]}))", "nw.from_native(pd.DataFrame({'a': [2]}))", "", "x.shape"))
_library("nbformat", "import nbformat.v4 as v4", ("NotebookNode", "v4.new_notebook(metadata={'a': 1})", "v4.new_notebook(metadata={'a': 2})", "x.metadata.a = 3", "x.metadata.a"))
_library("param", "import param\nclass P(param.Parameterized):\n    a = param.Number(1)", ("Parameterized", "P(name='n', a=1)", "P(name='n', a=2)", "x.a = 3", "x.a"))
_library("pathspec", "import pathspec", ("PathSpec", "pathspec.PathSpec.from_lines('gitignore', ['*.py'])", "pathspec.PathSpec.from_lines('gitignore', ['*.pyc'])", "", "x.match_file('a.py')"))
_library("patsy", "import patsy", ("DesignMatrix", "patsy.dmatrix('a', {'a': [1., 2]})", "patsy.dmatrix('a', {'a': [1., 3]})", "", "x.shape"), unkeyed="patsy refuses to pickle it", unstored="patsy refuses to pickle it")
_library("prompt_toolkit", "from prompt_toolkit.document import Document", ("Document", "Document('a')", "Document('b')", "", "x.text"))
_library("pyparsing", "import pyparsing as pp", ("Word", "pp.Word('ab')", "pp.Word('ac')", "x.set_name('n')", "x.parse_string('a')"), ("ParseResults", "pp.Word('ab').parse_string('a')", "pp.Word('ab').parse_string('b')", "x.append('z')", "x.as_list()"))
_library("pygments", "import pygments.lexers as lexers, pygments.formatters as formatters", ("PythonLexer", "lexers.PythonLexer()", "lexers.PythonLexer(stripall=True)", "x.stripnl = False", "list(x.get_tokens('a'))"))
_library("referencing", "import referencing, referencing.jsonschema as schemas", ("Registry", "referencing.Registry().with_resource('urn:a', schemas.DRAFT202012.create_resource({'a': 1}))", "referencing.Registry().with_resource('urn:a', schemas.DRAFT202012.create_resource({'a': 2}))", "", "len(x)"))
_library("rich", "import rich.text, rich.style, rich.table", ("Text", "rich.text.Text('a', 'bold')", "rich.text.Text('a', 'red')", "x.append('z')", "x.plain"), ("Style", "rich.style.Style(bold=True)", "rich.style.Style(bold=False)", "", "x.bold"))
_library("snowballstemmer", "import snowballstemmer", ("EnglishStemmer", "snowballstemmer.stemmer('english')", "snowballstemmer.stemmer('german')", "", "0"))
_library("sqlglot", "import sqlglot", ("Select", "sqlglot.parse_one('select a from t')", "sqlglot.parse_one('select b from t')", "x.limit(1, copy=False)", "x.sql()"))
_library("tblib", "import tblib.pickling_support", ("Frame", "tblib.Traceback.from_dict({'tb_frame': {'f_globals': {}, 'f_code': {'co_filename': 'a', 'co_name': 'n'}, 'f_lineno': 1}, 'tb_lineno': 1, 'tb_next': None})", "tblib.Traceback.from_dict({'tb_frame': {'f_globals': {}, 'f_code': {'co_filename': 'b', 'co_name': 'n'}, 'f_lineno': 1}, 'tb_lineno': 1, 'tb_next': None})", "", "x.tb_lineno"))
_library("tomlkit", "import tomlkit", ("TOMLDocument", "tomlkit.parse('a = 1')", "tomlkit.parse('a = 2')", "x['b'] = 3", "x['a']"))
_library("typer", "import typer", ("OptionInfo", "typer.Option(1, help='a')", "typer.Option(1, help='b')", "x.help = 'c'", "x.help"))
_library("webcolors", "import webcolors", ("IntegerRGB", "webcolors.hex_to_rgb('#000000')", "webcolors.hex_to_rgb('#000001')", "", "x.red"))
_library("werkzeug", "import werkzeug.datastructures as ds", ("MultiDict", "ds.MultiDict({'a': 1})", "ds.MultiDict({'a': 2})", "x.add('b', 1)", "x['a']"), ("Headers", "ds.Headers({'a': '1'})", "ds.Headers({'a': '2'})", "x.add('b', '1')", "x['a']"))
_library("zict", "import zict", ("LRU", "zict.LRU(2, {'a': 1})", "zict.LRU(2, {'a': 2})", "x['b'] = 2", "x['a']"))
_library("safetensors", "import safetensors.numpy as st, numpy as np", ("bytes of tensors", "st.save({'a': np.zeros(2)})", "st.save({'a': np.ones(2)})", "", "len(x)"))
_library("kiwisolver", "import kiwisolver", ("Variable", "kiwisolver.Variable('a')", "1", "", "0"), unkeyed="its state is hidden", unstored="its state is hidden")
_library("cryptography", "from cryptography.fernet import Fernet", ("Fernet", "Fernet(b'A' * 43 + b'=')", "Fernet(b'B' * 43 + b'=')", "", "0"))
_library("optree", "import optree", ("PyTreeSpec", "optree.tree_structure({'a': 1})", "optree.tree_structure({'b': 1})", "", "x.num_leaves"))
_library("uncertainties", "import uncertainties", ("UFloat", "uncertainties.ufloat(1, 2)", "uncertainties.ufloat(1, 3)", "x.tag = 'n'", "x.nominal_value"), apart="each is a variable of its own")
_library("xxhash", "import xxhash", ("xxh3_64", "xxhash.xxh3_64(b'a')", "1", "", "x.digest()"), unkeyed="its state is hidden", unstored="its state is hidden")
_library("wrapt", "import wrapt", ("ObjectProxy", "wrapt.ObjectProxy([1])", "wrapt.ObjectProxy([2])", "", "len(x)"), unkeyed="wrapt refuses to pickle it", unstored="wrapt refuses to pickle it")
_library("tifffile", "import tifffile", ("TiffFileError", "tifffile.TiffFileError('a')", "tifffile.TiffFileError('b')", "", "str(x)"))

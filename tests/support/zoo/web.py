"""Models of data, data bases, requests, graphs of tasks, progress."""

from __future__ import annotations

from zoo.specimen import Family

# fmt: off

ATTRS = Family(
    "attrs",
    "attrs",
    """
import attr, attrs
@attrs.define
class Point:
    x: int
    y: list = attrs.field(factory=list)
@attrs.frozen
class Fixed:
    x: int
@attr.s(auto_attribs=True, frozen=True, cache_hash=True)
class Hashed:
    x: int
@attr.s(auto_attribs=True)
class Open:
    x: int
""",
)
_add = ATTRS.add
_add("define", "Point(1, [2])", "Point(1, [3])", "x.y.append(4)")
_add("frozen", "Fixed(1)", "Fixed(2)")
_add("cache_hash", "Hashed(1)", "Hashed(2)", use="hash(x)")
_add("attr.s", "Open(1)", "Open(2)", "x.x = 3")
_add("class", "Point", "Fixed", use="0")

PYDANTIC = Family(
    "pydantic",
    "pydantic",
    """
import typing, pydantic, datetime
Item = typing.TypeVar("Item")
class Model(pydantic.BaseModel):
    a: int
    b: list[int] = []
class Deep(pydantic.BaseModel):
    model: Model
    _private: int = pydantic.PrivateAttr(default=3)
    @pydantic.computed_field
    @property
    def twice(self) -> int: return 2 * self.model.a
class Frozen(pydantic.BaseModel, frozen=True):
    a: int
class Box(pydantic.BaseModel, typing.Generic[Item]):
    content: Item
@pydantic.dataclasses.dataclass
class Data:
    a: int
class Secret(pydantic.BaseModel):
    word: pydantic.SecretStr
    url: pydantic.HttpUrl = "http://a"
""",
)
_add = PYDANTIC.add
_add("BaseModel", "Model(a=1, b=[2])", "Model(a=1, b=[3])", "x.b.append(4)", "x.model_dump()")
_add("BaseModel, fields set", "Model(a=1)", "Model(a=1, b=[])", "x.a = 5", "x.model_dump()")
_add("nested, private", "Deep(model=Model(a=1))", "Deep(model=Model(a=2))", "x._private = 9", "x.twice")
_add("frozen", "Frozen(a=1)", "Frozen(a=2)", use="hash(x)")
_add("generic", "Box[int](content=1)", "Box[float](content=1)", "x.content = 2", "x.content")
_add("dataclass", "Data(a=1)", "Data(a=2)", "x.a = 3", "x.a")
_add("SecretStr", "Secret(word='a')", "Secret(word='b')", "x.word = 'c'", "x.url")
_add("TypeAdapter", "pydantic.TypeAdapter(list[int])", "pydantic.TypeAdapter(list[str])", use="x.json_schema()")

SQLALCHEMY = Family(
    "sqlalchemy",
    "sqlalchemy",
    """
import sqlalchemy as sa
from sqlalchemy import orm
class Base(orm.DeclarativeBase): pass
class User(Base):
    __tablename__ = "user"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    name: orm.Mapped[str]
ENGINE = sa.create_engine("sqlite://")
def rows(n):
    with ENGINE.connect() as connection: return connection.execute(sa.text(f"select {n} as a")).all()
def found(name):
    engine = sa.create_engine("sqlite://"); Base.metadata.create_all(engine)
    with orm.Session(engine, expire_on_commit=False) as session:
        session.add(User(id=1, name=name)); session.commit()
        return session.get(User, 1)
""",
)
_add = SQLALCHEMY.add
_add("Row", "rows(1)[0]", "rows(2)[0]", use="x.a", uncelled="its cell reads an engine")
_add("RowMapping", "rows(1)[0]._mapping", "rows(2)[0]._mapping", use="x['a']", uncelled="its cell reads an engine")
_add("object, transient", "User(id=1, name='a')", "User(id=1, name='b')", "x.name = 'c'", "x.name", uncelled="its state holds weak references")
_add("object, from a session", "found('a')", "found('b')", "x.name = 'c'", "x.name", uncelled="its state holds weak references")
_add("text", "sa.text('select 1')", "sa.text('select 2')", use="str(x)", uncelled="its use fills a cache of compiled text")
_add("URL", "sa.make_url('sqlite:///a')", "sa.make_url('sqlite:///b')", use="str(x)")
_add("Integer", "sa.Integer()", "sa.String(3)", use="0")
_add("Engine", "sa.create_engine('sqlite://')", "1", use="0", unkeyed="a connection", unstored="a connection")
_add("Session", "orm.Session(ENGINE)", "1", use="0", unkeyed="a connection", unstored="a connection")

REQUESTS = Family(
    "requests",
    "requests",
    """
import requests, requests.adapters, requests.structures, requests.cookies, datetime
def response(content):
    made = requests.Response(); made.status_code = 200; made._content = content; made.url = "http://a"; return made
def session(**headers):
    made = requests.Session(); made.headers.update(headers); return made
""",
)
_add = REQUESTS.add
_add("Response", "response(b'a')", "response(b'b')", "x.status_code = 404", "x.text")
_add("Session", "session(a='1')", "session(a='2')", "x.headers['b'] = '3'", "x.headers")
_add("Request", "requests.Request('GET', 'http://a')", "requests.Request('GET', 'http://b')", "x.url = 'c'", "x.url")
_add("CaseInsensitiveDict", "requests.structures.CaseInsensitiveDict(a=1)", "requests.structures.CaseInsensitiveDict(a=2)", "x['b'] = 1", "x['A']")
_add("RequestsCookieJar", "requests.cookies.cookiejar_from_dict({'a': '1'})", "requests.cookies.cookiejar_from_dict({'a': '2'})", "x.set('b', '1')", "x.get_dict()")
_add("HTTPBasicAuth", "requests.auth.HTTPBasicAuth('a', 'b')", "requests.auth.HTTPBasicAuth('a', 'c')", "x.password = 'd'", "x.username")
_add("HTTPAdapter", "requests.adapters.HTTPAdapter()", "requests.adapters.HTTPAdapter(max_retries=2)", "x._pool_block = True", "x.max_retries")

DASK = Family(
    "dask",
    "dask pandas",
    """
import dask, dask.array as da, dask.bag as db, numpy as np, pandas as pd
""",
)
_add = DASK.add
_add("Array", "da.ones(4, chunks=2)", "da.ones(4, chunks=4)", use="x.compute()", uncelled="a copy of its graph has another order")
_add("Array from numpy", "da.from_array(np.arange(4), chunks=2)", "da.from_array(np.arange(1, 5), chunks=2)", use="x.sum().compute()")
_add("Bag", "db.from_sequence([1, 2])", "db.from_sequence([1, 3])", use="x.npartitions")
_add("Delayed", "dask.delayed(sum, pure=True)([1, 2])", "dask.delayed(sum, pure=True)([1, 3])", use="x.key")

LIGHT = Family(
    "small libraries",
    "tqdm joblib hypothesis IPython traitlets platformdirs xxhash cloudpickle jinja2 fsspec dateutil yaml packaging",
    """
import tqdm, joblib, hypothesis.strategies as st, IPython.display as display, traitlets, jinja2, fsspec, packaging.version
import dateutil.tz, dateutil.relativedelta, dateutil.rrule, datetime, yaml, packaging.specifiers, joblib.memory
class Traits(traitlets.HasTraits):
    a = traitlets.Int(1)
""",
)
_add = LIGHT.add
_add("tqdm bar", "tqdm.tqdm(total=3, disable=True)", "tqdm.tqdm(total=4, disable=True)", "x.n = 2", "x.n", apart="a clock")
_add("HTML", "display.HTML('<p>')", "display.HTML('<b>')", "x.data = 'c'", "x.data")
_add("Markdown", "display.Markdown('a')", "display.Markdown('b')", "x.data = 'c'", "x.data")
_add("HasTraits", "Traits(a=1)", "Traits(a=2)", "x.a = 3", "x.a")
_add("jinja2.Environment", "jinja2.Environment()", "jinja2.Environment(trim_blocks=True)", "x.trim_blocks = 1", "x.trim_blocks")
_add("jinja2.Template", "jinja2.Template('a')", "jinja2.Template('b')", use="x.render()", unstored="its pickle cannot be loaded", apart="an address")
_add("file system", "fsspec.filesystem('file')", "fsspec.filesystem('memory')", use="x.protocol")
_add("tzfile", "dateutil.tz.gettz('Europe/Berlin')", "dateutil.tz.gettz('Europe/Paris')", use="x.utcoffset(datetime.datetime(2024, 1, 1))")
_add("relativedelta", "dateutil.relativedelta.relativedelta(months=1)", "dateutil.relativedelta.relativedelta(months=2)", "x.months = 3", "x.months")
_add("Version", "packaging.version.Version('1.0')", "packaging.version.Version('1.1')", use="x.release")
_add("SpecifierSet", "packaging.specifiers.SpecifierSet('>1')", "packaging.specifiers.SpecifierSet('>2')", use="str(x)")
_add("strategy", "st.integers(0, 3)", "st.integers(0, 4)", use="0", apart="a label that counts on")

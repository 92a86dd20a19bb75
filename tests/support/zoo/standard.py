"""Python itself and its standard library."""

from __future__ import annotations

from zoo.specimen import Family

# fmt: off

BUILTINS = Family("builtins", "", "")
_add = BUILTINS.add
_add("NoneType", "None", "0")
_add("bool", "True", "False")
_add("int", "12345678901234567890", "12345678901234567891")
_add("float", "0.1", "0.1 + 2**-56")
_add("float, minus zero", "-0.0", "0.0")
_add("complex", "1+2j", "1+3j")
_add("str", "'straße'", "'strasse'")
_add("bytes", "b'abc'", "b'abd'")
_add("bytearray", "bytearray(b'abc')", "bytearray(b'abd')", "x.append(1)")
_add("memoryview", "memoryview(b'abc')", "memoryview(b'abd')", use="bytes(x)", unstored="it is a view of other memory")
_add("list", "[1, [2, 3]]", "[1, [2, 4]]", "x[1].append(9)")
_add("list that holds itself", "(lambda l: (l.append(l), l)[1])([1])", "(lambda l: (l.append(l), l)[1])([2])", "x.append(3)")
_add("tuple", "(1, (2, 3))", "(1, (2, 4))")
_add("dict", "{'b': 1, 'a': [2]}", "{'b': 1, 'a': [3]}", "x['a'].append(4)")
_add("dict keyed by tuples", "{(1, 'a'): 1}", "{(1, 'b'): 1}", "x[2] = 3")
_add("set", "{'a', 'b', 'c'}", "{'a', 'b', 'd'}", "x.add('z')", "sorted(x)")
_add("frozenset", "frozenset({'a', 'b'})", "frozenset({'a', 'c'})", use="sorted(x)")
_add("set of frozensets", "{frozenset({'a'}), frozenset({'b'})}", "{frozenset({'a'})}", "x.clear()", "len(x)")
_add("range", "range(0, 9, 2)", "range(0, 9, 3)")
_add("slice", "slice(1, 2)", "slice(1, 3)")
_add("Ellipsis", "...", "NotImplemented")
_add("dict_keys", "{'a': 1}.keys()", "{'b': 1}.keys()")
_add("dict_items", "{'a': 1}.items()", "{'a': 2}.items()")
_add("list iterator", "iter([1, 2])", "iter([1, 3])", "next(x)", "x.__length_hint__()")
_add("map", "map(str, [1, 2])", "map(str, [1, 3])", "next(x)", "0")
_add("zip", "zip([1], [2])", "zip([1], [3])", "next(x)", "0")
_add("enumerate", "enumerate('ab')", "enumerate('ac')", "next(x)", "0")
_add("generator", "(i for i in 'ab')", "(i for i in 'ab')", use="0", unkeyed="it is alive", unstored="it is alive")
_add("object", "object()", "1", use="0", apart="nothing but itself", uncelled="nothing but itself")
_add("function", "(lambda a, b=[1]: a)", "(lambda a, b=[2]: a)", "x.__defaults__ = ([9],)", "x(1)")
_add("closure", "(lambda n: lambda: n)([1])", "(lambda n: lambda: n)([2])", "x().append(1)", "x()")
_add("builtin function", "len", "abs", use="0")
_add("bound method of a builtin", "[1].append", "[2].append", "x(5)", "0")
_add("method descriptor", "str.lower", "str.upper", use="0")
_add("class of Python's", "int", "float", use="0")
_add("exception", "ValueError('a', 1)", "ValueError('a', 2)", "x.args = ('b',)", "x.__dict__")
_add("exception group", "ExceptionGroup('a', [ValueError(1)])", "ExceptionGroup('a', [ValueError(2)])", use="x.exceptions")
_add("code", "compile('1 + 1', 'a', 'eval')", "compile('1 + 2', 'a', 'eval')", use="x.co_name")
_add("type alias", "list[int]", "list[str]", use="x.__args__")
_add("frame", "__import__('sys')._getframe()", "1", use="0", unkeyed="it is alive", unstored="it is alive")

OWN = Family(
    "classes of the notebook",
    "",
    """
import abc, dataclasses, enum, functools, threading, typing, logging, collections
class Plain:
    def __init__(self, **state): self.__dict__.update(state)
class Slots:
    __slots__ = ("a", "b")
    def __init__(self, a): self.a = a
class SlotsAndMore(Slots):
    def __init__(self, a): super().__init__(a); self.more = [a]
class Lazy:
    def __init__(self, n): self.n = n
    @functools.cached_property
    def words(self): return list(range(self.n))
class Locked:
    def __init__(self, n): self.n, self.lock = n, threading.RLock()
    def __getstate__(self): return {"n": self.n}
    def __setstate__(self, state): self.__init__(state["n"])
class HoldsLock:
    def __init__(self, n): self.n, self.lock = n, threading.Lock()
class Logged:
    def __init__(self, n): self.n, self.log = n, logging.getLogger("zoo")
class Compared:
    def __init__(self, n): self.n = n
    def __eq__(self, other): return True
    def __hash__(self): return 1
class Reduced:
    def __init__(self, n): self.n = n
    def __reduce__(self): return (Reduced, (self.n,))
class Named(typing.NamedTuple):
    a: int
    b: list
class Text(str): pass
class Items(list): pass
class Table(dict): pass
class Bag(set): pass
class Factory(collections.defaultdict): pass
class Colour(enum.Enum):
    RED = 1
    BLUE = 2
class Right(enum.Flag):
    READ = 1
    WRITE = 2
class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2
class Word(enum.StrEnum):
    A = "a"
    B = "b"
@dataclasses.dataclass
class Data:
    a: int
    b: list = dataclasses.field(default_factory=list)
@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    a: int
@dataclasses.dataclass
class LazyData:
    a: int
    @functools.cached_property
    def double(self): return 2 * self.a
class Own:
    def __init__(self, n): self.n = n
    def __cache_key__(self): return self.n
class Counter:
    def method(self): return 1
    @classmethod
    def made(cls): return cls()
    @staticmethod
    def static(): return 2
class Meta(type): pass
class Made(metaclass=Meta):
    def __init__(self, n): self.n = n
Generic = typing.TypeVar("Generic")
class Box(typing.Generic[Generic]):
    def __init__(self, n): self.n = n
class Cyclic:
    def __init__(self, n): self.n, self.me = n, self
class Custom(Exception):
    def __init__(self, n): super().__init__(n); self.n = n
class NotBack:
    def __setstate__(self, state): raise RuntimeError("needs a connection")
    def __init__(self, n): self.n = n
class Proxy:
    def __init__(self, n): self.__dict__["n"] = n
    def __getattr__(self, name):
        if name.startswith("__"): raise AttributeError(name)
        return 1
def noted(value, **notes):
    value.__dict__.update(notes)
    return value
""",
)
_add = OWN.add
for _name, _edit in (
    ("Plain", "x.n = 9"), ("Lazy", "x.n = 9"), ("Locked", "x.n = 9"), ("Logged", "x.n = 9"), ("Compared", "x.n = 9"),
    ("Reduced", "x.n = 9"), ("Own", "x.n = 9"), ("Made", "x.n = 9"), ("Box", "x.n = 9"), ("Cyclic", "x.n = 9"),
    ("Custom", "x.n = 9"), ("Proxy", "x.__dict__['n'] = 9"),
):  # fmt: skip
    _given = "n=" if _name == "Plain" else ""
    _use = "x.words" if _name == "Lazy" else "x.n"
    _add(_name, f"{_name}({_given}1)", f"{_name}({_given}2)", _edit, _use)
_add("HoldsLock", "HoldsLock(1)", "HoldsLock(2)", "x.n = 9", "x.n", unstored="a lock cannot be pickled")
_add("Slots", "Slots([1])", "Slots([2])", "x.a.append(1)", "x.a")
_add("SlotsAndMore", "SlotsAndMore([1])", "SlotsAndMore([2])", "x.more.append(1)", "x.a")
_add("NamedTuple", "Named(1, [2])", "Named(1, [3])", "x.b.append(1)")
_add("str, derived", "noted(Text('a'), n=1)", "noted(Text('a'), n=2)", "x.n = 3", "x.n")
_add("list, derived", "noted(Items('a'), n=1)", "noted(Items('a'), n=2)", "x.n = 3", "x.n")
_add("dict, derived", "noted(Table(a=1), n=1)", "noted(Table(a=1), n=2)", "x.n = 3", "x.n")
_add("set, derived", "noted(Bag('a'), n=1)", "noted(Bag('a'), n=2)", "x.n = 3", "x.n")
_add("Enum", "Colour.RED", "Colour.BLUE")
_add("Flag", "Right.READ", "Right.READ | Right.WRITE")
_add("IntEnum", "Level.LOW", "Level.HIGH")
_add("StrEnum", "Word.A", "Word.B")
_add("dataclass", "Data(1, [2])", "Data(1, [3])", "x.b.append(1)")
_add("dataclass, frozen", "Frozen(1)", "Frozen(2)")
_add("dataclass, lazy", "LazyData(1)", "LazyData(2)", "x.a = 9", "x.double")
_add("class", "Plain", "Slots", use="x.__name__")
_add("bound method", "Plain(n=1).__init__", "Plain(n=2).__init__", "x.__self__.n = 3", "x.__self__.n")
_add("class method", "Counter.made", "Counter.static", use="0")
_add("shared parts", "(lambda a: [a, a])([1])", "[[1], [1]]", "x[0].append(1)")
_add("deep chain", "functools.reduce(lambda a, _: [a], range(12_000), [1])",
     "functools.reduce(lambda a, _: [a], range(12_000), [2])",
     "x.append(1)", "len(x)", unstored="pickle goes no deeper than the stack")
_add("fails to come back", "NotBack(1)", "NotBack(2)", "x.n = 9", "x.n", unstored="its __setstate__ raises")

STDLIB = Family(
    "standard library",
    "",
    """
import argparse, array, ast, asyncio, collections, configparser, contextvars, csv, ctypes, datetime, decimal, email.message
import fractions, functools, graphlib, gzip, hashlib, inspect, io, ipaddress, itertools, json, logging, mimetypes, operator
import pathlib, queue, random, re, shelve, socket, sqlite3, statistics, string, struct, tempfile, textwrap, threading, time
import types, typing, unittest.mock, urllib.parse, uuid, weakref, xml.etree.ElementTree as et, zipfile, zoneinfo, heapq
import concurrent.futures, http.cookies, contextlib, numbers, copy, math, html, posixpath, ntpath, difflib, calendar
class Point(ctypes.Structure): _fields_ = [("x", ctypes.c_int), ("y", ctypes.c_int)]
Pair = collections.namedtuple("Pair", "a b")
TOKENS = object()
def parser(name):
    made = argparse.ArgumentParser(prog="p"); made.add_argument(name); return made
def message(text):
    made = email.message.EmailMessage(); made["Subject"] = text; return made
def config(text):
    made = configparser.ConfigParser(); made.read_string(text); return made
def drawn(generator, n=1):
    [generator.random() for _ in range(n)]; return generator
def rows(value):
    base = sqlite3.connect(":memory:"); base.row_factory = sqlite3.Row
    return base.execute("select ? as a", [value]).fetchone()
def moved(stream, n):
    stream.read(n); return stream
def named(stream, name):
    stream.name = name; return stream
def sent(mock, *given):
    mock(*given); return mock
""",
)
_add = STDLIB.add
_add("re.Pattern", "re.compile('a+', re.I)", "re.compile('a+')")
_add("re.Match", "re.match('a+', 'aab')", "re.match('a+', 'aac')", use="x.group()", unstored="pickle has no matches")
_add("datetime", "datetime.datetime(2024, 1, 2, 3)", "datetime.datetime(2024, 1, 2, 4)")
_add("datetime, zoned", "datetime.datetime(2024, 1, 2, tzinfo=zoneinfo.ZoneInfo('UTC'))", "datetime.datetime(2024, 1, 2)")
_add("datetime, fold", "datetime.datetime(2024, 1, 2)", "datetime.datetime(2024, 1, 2, fold=1)")
_add("date", "datetime.date(2024, 1, 2)", "datetime.date(2024, 1, 3)")
_add("time", "datetime.time(1)", "datetime.time(2)")
_add("timedelta", "datetime.timedelta(1)", "datetime.timedelta(2)")
_add("timezone", "datetime.timezone.utc", "datetime.timezone(datetime.timedelta(hours=1))")
_add("ZoneInfo", "zoneinfo.ZoneInfo('Europe/Berlin')", "zoneinfo.ZoneInfo('Europe/Paris')")
_add("Decimal", "decimal.Decimal('1.10')", "decimal.Decimal('1.1')")
_add("decimal.Context", "decimal.Context(prec=5)", "decimal.Context(prec=6)", "x.prec = 9", "x.prec")
_add("Fraction", "fractions.Fraction(1, 3)", "fractions.Fraction(2, 3)")
_add("UUID", "uuid.UUID(int=1)", "uuid.UUID(int=2)")
_add("Path", "pathlib.Path('a/b')", "pathlib.Path('a/c')", use="str(x)")
_add("PureWindowsPath", "pathlib.PureWindowsPath('a')", "pathlib.PurePosixPath('a')", use="str(x)")
_add("IPv4Address", "ipaddress.ip_address('10.0.0.1')", "ipaddress.ip_address('10.0.0.2')")
_add("IPv6Address", "ipaddress.ip_address('::1')", "ipaddress.ip_address('::2')")
_add("IPv4Network", "ipaddress.ip_network('10.0.0.0/8')", "ipaddress.ip_network('10.0.0.0/9')", use="x.broadcast_address")
_add("deque", "collections.deque([1], 3)", "collections.deque([1], 4)", "x.append(2)")
_add("ChainMap", "collections.ChainMap({'a': 1})", "collections.ChainMap({'a': 2})", "x['b'] = 1")
_add("Counter", "collections.Counter('aab')", "collections.Counter('abb')", "x.update('c')")
_add("OrderedDict", "collections.OrderedDict(a=1, b=2)", "collections.OrderedDict(b=2, a=1)", "x.move_to_end('a')")
_add("defaultdict", "collections.defaultdict(list, a=[1])", "collections.defaultdict(set, a=[1])", "x['b'].append(1)", "x['a']")
_add("namedtuple", "Pair(1, [2])", "Pair(1, [3])", "x.b.append(1)")
_add("UserDict", "collections.UserDict(a=1)", "collections.UserDict(a=2)", "x['a'] = 3")
_add("UserList", "collections.UserList([1])", "collections.UserList([2])", "x.append(3)")
_add("UserString", "collections.UserString('a')", "collections.UserString('b')")
_add("SimpleNamespace", "types.SimpleNamespace(a=1)", "types.SimpleNamespace(a=2)", "x.a = 3")
_add("MappingProxyType", "types.MappingProxyType({'a': 1})", "types.MappingProxyType({'a': 2})")
_add("array", "array.array('i', [1, 2])", "array.array('l', [1, 2])", "x.append(3)")
_add("partial", "functools.partial(int, base=2)", "functools.partial(int, base=8)", "x.keywords['base'] = 16", "x('1')")
_add("partial of a function of two modules", "functools.partial(posixpath.join, 'a')", "functools.partial(ntpath.join, 'a')", use="0")
_add("function of another module", "math.sqrt", "__import__('cmath').sqrt", use="0")
_add("lru_cache", "functools.lru_cache(maxsize=2)(len)", "functools.lru_cache(maxsize=3)(len)", use="x('a')", unstored="it goes by a name that is another's")
_add("itemgetter", "operator.itemgetter(1)", "operator.itemgetter(2)", use="0")
_add("attrgetter", "operator.attrgetter('a')", "operator.attrgetter('b')", use="0")
_add("methodcaller", "operator.methodcaller('a', 1)", "operator.methodcaller('a', 2)", use="0")
_add("Logger", "logging.getLogger('zoo.a')", "logging.getLogger('zoo.b')", use="x.name")
_add("LogRecord", "logging.makeLogRecord({'msg': 'a', 'created': 1.0, 'msecs': 0, 'relativeCreated': 0, 'thread': 1, 'process': 1})", "logging.makeLogRecord({'msg': 'b', 'created': 1.0, 'msecs': 0, 'relativeCreated': 0, 'thread': 1, 'process': 1})", "x.msg = 'c'", "x.msg", apart="the thread's and task's names")
_add("Formatter", "logging.Formatter('%(msg)s')", "logging.Formatter('%(name)s')", "x._fmt = 'a'", "x._fmt")
_add("random.Random", "random.Random(1)", "drawn(random.Random(1))", "x.random()", "0")
_add("Random, the module's own", "random.random.__self__", "random.Random(1)", use="0")
_add("asyncio.Queue", "asyncio.Queue(2)", "asyncio.Queue(3)", "x.put_nowait(1)", "x.maxsize")
_add("asyncio.Event", "asyncio.Event()", "(lambda e: (e.set(), e)[1])(asyncio.Event())", "x.set()", "x.is_set()")
_add("queue.SimpleQueue", "queue.SimpleQueue()", "1", use="0", unkeyed="it can only be emptied", unstored="it can only be emptied")
_add("StringIO", "io.StringIO('abc')", "moved(io.StringIO('abc'), 1)", "x.read(1)", "x.getvalue()")
_add("BytesIO", "named(io.BytesIO(b'abc'), 'a.csv')", "named(io.BytesIO(b'abc'), 'a.txt')", "x.name = 'b'", "x.getvalue()")
_add("TextIOWrapper over bytes", "io.TextIOWrapper(io.BytesIO(b'abc'))", "io.TextIOWrapper(io.BytesIO(b'abd'))", "x.read(1)", "0", unstored="an open stream")
_add("BufferedReader over bytes", "io.BufferedReader(io.BytesIO(b'abc'))", "io.BufferedReader(io.BytesIO(b'abd'))", "x.read(1)", "0", unstored="an open stream")
_add("GzipFile", "gzip.GzipFile(fileobj=io.BytesIO(gzip.compress(b'abc')))", "gzip.GzipFile(fileobj=io.BytesIO(gzip.compress(b'abd')))", "x.read(1)", "0", unstored="an open stream")
_add("ctypes.Structure", "Point(1, 2)", "Point(1, 3)", "x.x = 9", "x.x")
_add("ctypes.c_int", "ctypes.c_int(1)", "ctypes.c_int(2)", "x.value = 3", "x.value")
_add("ctypes array", "(ctypes.c_int * 2)(1, 2)", "(ctypes.c_int * 2)(1, 3)", "x[0] = 9", "x[0]", unstored="its class has no name to be found by")
_add("ctypes pointer", "ctypes.pointer(ctypes.c_int(1))", "1", use="0", unkeyed="an address", unstored="an address")
_add("string.Template", "string.Template('$a')", "string.Template('$b')", "x.template = 'c'", "x.template")
_add("ConfigParser", "config('[a]\\nb=1')", "config('[a]\\nb=2')", "x['a']['b'] = '3'", "x['a']['b']")
_add("argparse.Namespace", "argparse.Namespace(a=1)", "argparse.Namespace(a=2)", "x.a = 3")
_add("ArgumentParser", "parser('--a')", "parser('--b')", "x.prog = 'q'", "x.format_help()")
_add("EmailMessage", "message('a')", "message('b')", "x['To'] = 'c'", "x.as_string()")
_add("Element", "et.fromstring('<a><b c=\"1\"/></a>')", "et.fromstring('<a><b c=\"2\"/></a>')", "x[0].set('c', '3')", "et.tostring(x)")
_add("ElementTree", "et.ElementTree(et.fromstring('<a/>'))", "et.ElementTree(et.fromstring('<b/>'))", "x.getroot().set('a', '1')", "x.getroot().tag")
_add("Signature", "inspect.signature(lambda a: 1)", "inspect.signature(lambda b: 1)")
_add("Optional", "typing.Optional[int]", "typing.Optional[str]")
_add("TypeVar", "typing.TypeVar('T')", "typing.TypeVar('U')")
_add("ast.AST", "ast.parse('a + 1')", "ast.parse('a + 2')", "x.body.clear()", "ast.dump(x)")
_add("struct.Struct", "struct.Struct('<i')", "struct.Struct('<q')", use="x.size", unstored="pickle has no formats")
_add("hashlib", "hashlib.sha256(b'a')", "hashlib.sha256(b'b')", use="0", unkeyed="its state is hidden", unstored="its state is hidden")
_add("weakref.ref", "weakref.ref(Pair)", "weakref.ref(Point)", use="0", unstored="it keeps nothing alive")
_add("WeakValueDictionary", "weakref.WeakValueDictionary(a=Pair)", "weakref.WeakValueDictionary(a=Point)", use="len(x)", unstored="it keeps nothing alive")
_add("threading.Event", "threading.Event()", "(lambda e: (e.set(), e)[1])(threading.Event())", "x.set()", "x.is_set()", unstored="it holds a lock")
_add("threading.Semaphore", "threading.Semaphore(1)", "threading.Semaphore(2)", "x.acquire()", "0", unstored="it holds a lock")
_add("threading.Lock", "threading.Lock()", "1", use="0", unkeyed="it has no content", unstored="it has no content")
_add("threading.local", "threading.local()", "1", use="0", unkeyed="each thread has its own", unstored="each thread has its own")
_add("ContextVar", "contextvars.ContextVar('a')", "1", use="x.name", unkeyed="each context has its own", unstored="each context has its own")
_add("ThreadPoolExecutor", "concurrent.futures.ThreadPoolExecutor(1)", "1", use="0", unkeyed="it is alive", unstored="it is alive")
_add("socket", "socket.socket()", "1", use="0", unkeyed="it is alive", unstored="it is alive")
_add("sqlite3.Connection", "sqlite3.connect(':memory:')", "1", use="0", unkeyed="a connection", unstored="a connection")
_add("sqlite3.Row", "rows(1)", "rows(2)", use="x['a']", unstored="pickle has no rows")
_add("ZipFile", "zipfile.ZipFile(io.BytesIO(), 'w')", "1", "x.comment = b'c'", "x.namelist()", unstored="an open file")
_add("csv.reader", "csv.reader(['a,b'])", "1", use="0", unkeyed="it is used up", unstored="it is used up")
_add("csv.Dialect", "csv.get_dialect('excel')", "csv.get_dialect('unix')", use="x.delimiter", unstored="pickle has no dialects", unkeyed="its state is hidden")
_add("itertools.count", "itertools.count(1)", "itertools.count(2)", "next(x)", "0")
_add("TopologicalSorter", "graphlib.TopologicalSorter({'a': {'b'}})", "graphlib.TopologicalSorter({'a': {'c'}})", "x.add('z')", "0")
_add("NormalDist", "statistics.NormalDist(0, 1)", "statistics.NormalDist(0, 2)", use="x.mean")
_add("SplitResult", "urllib.parse.urlsplit('http://a/b')", "urllib.parse.urlsplit('http://a/c')")
_add("SimpleCookie", "http.cookies.SimpleCookie('a=1')", "http.cookies.SimpleCookie('a=2')", "x['b'] = '1'", "x.output()")
_add("struct_time", "time.gmtime(0)", "time.gmtime(1)")
_add("TextWrapper", "textwrap.TextWrapper(10)", "textwrap.TextWrapper(11)", "x.width = 12", "x.wrap('a b')")
_add("Mock", "unittest.mock.Mock(a=1)", "unittest.mock.Mock(a=2)", "x.a = 3", "x.a", unstored="pickle refuses mocks")
_add("MagicMock", "unittest.mock.MagicMock(a=1)", "unittest.mock.MagicMock(a=2)", "x.a = 3", "x.a", unstored="each has a class of its own", apart="a class of its own")
_add("Calendar", "calendar.TextCalendar(0)", "calendar.TextCalendar(1)", "x.setfirstweekday(3)", "x.firstweekday")
_add("module sentinel", "TOKENS", "object()", use="0")

"""Which names lead out of the program: to the clock, the network, other programs, data bases and the machine.

What comes from there is in no key. It is named, so that the user can think of a ttl. So are readers of which only the
system can tell what they open, and only in some folders.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Set
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from nbcache.tracking import classes

Chain = tuple[str, ...]

# Full names, or beginnings of them, by what stands behind them.
_OUTSIDE = {
    "the clock": (
        *("time.time", "time.time_ns", "time.localtime", "time.gmtime", "time.ctime", "time.monotonic"),
        *("time.monotonic_ns", "time.perf_counter", "time.perf_counter_ns", "time.process_time", "time.thread_time"),
        *("datetime.datetime.now", "datetime.datetime.today", "datetime.datetime.utcnow", "datetime.date.today"),
        *("pandas.Timestamp.now", "pandas.Timestamp.today", "timeit.default_timer", "arrow.now", "pendulum.now"),
    ),
    "the network": (
        *("requests.", "httpx.", "aiohttp.", "urllib3.", "urllib.request.", "http.client.", "socket.", "ftplib."),
    ),
    "another program": ("subprocess.", "os.system", "os.popen", "asyncio.create_subprocess_"),
    "a database": (
        *("sqlalchemy.", "psycopg.", "psycopg2.", "pymysql.", "pymongo.", "redis."),
        *("pandas.read_sql", "pandas.read_sql_", "pandas.io.sql.", "polars.read_database", "polars.read_database_"),
    ),
    "random numbers of the system": (
        *("os.urandom", "os.getrandom", "posix.urandom", "posix.getrandom", "uuid.uuid1", "uuid.uuid4", "secrets."),
        *("random.SystemRandom",),
    ),
    "random numbers whose generator cannot be read": (
        *("polars.set_random_seed", "cv2.setRNGSeed", "cv2.randu", "cv2.randn", "cv2.randShuffle", "cv2.kmeans"),
    ),
    "the keyboard": ("builtins.input", "sys.stdin", "sys.stdin.", "getpass.getpass"),
    "this machine": (
        *("os.cpu_count", "os.process_cpu_count", "os.sched_getaffinity", "os.uname", "os.getloadavg", "os.sysconf"),
        *("posix.cpu_count", "posix.uname", "os.get_terminal_size", "os.statvfs", "shutil.disk_usage", "uuid.getnode"),
        *("multiprocessing.cpu_count", "platform.", "psutil."),
    ),
    "this process": (
        *("os.getpid", "os.getppid", "posix.getpid", "os.getlogin", "os.getuid", "threading.get_ident"),
        *("threading.active_count", "threading.enumerate", "multiprocessing.current_process", "resource."),
    ),
    "settings of the interpreter": (
        *("sys.path", "sys.flags", "sys.flags.", "sys.getrecursionlimit", "sys.getswitchinterval", "sys.gettrace"),
        *("gc.isenabled", "gc.get_threshold", "gc.get_debug", "sys.warnoptions", "warnings.filters", "sys.modules"),
        *("sys.get_int_max_str_digits", "os.umask"),
    ),
    "levels and handlers of loggers": (
        *("logging.Logger.level", "logging.Logger.handlers", "logging.Logger.propagate", "logging.Logger.hasHandlers"),
    ),
    "code in C, which may read files and variables": ("ctypes.CDLL", "ctypes.cdll.", "ctypes.pythonapi.", "cffi.FFI"),
}
# What opens files in C and cannot be heard when it is called, by the first name of its module: only the system can
# tell, on Linux, of folders that the run names. A class may say that it is of the module inside that makes it.
_NATIVE = {
    "netCDF4": "Dataset MFDataset",
    "lmdb": "Environment",
    **dict.fromkeys(("safetensors", "builtins"), "safe_open"),
    "tokenizers": "from_file",
    "lxml": "DTD RelaxNG Schematron XMLSchema XSLT",
    "cv2": "CascadeClassifier FileStorage VideoCapture dnn dnn_",
    "pyarrow": "FileSelector FileSystem LocalFileSystem MemoryMappedFile OSFile SubTreeFileSystem fs",
    **dict.fromkeys(
        ("duckdb", "_duckdb"),
        "connect execute executemany from_csv_auto from_parquet from_query query read_csv read_json read_parquet sql",
    ),
    "SimpleITK": "ImageFileReader ImageSeriesReader ReadImage",
    "annoy": "AnnoyIndex",
    "apsw": "Connection",
    "av": "open",
    "datatable": "fread",
    "decord": "AudioReader VideoReader",
    "faiss": "read_index",
    "fasttext": "load_model",
    **dict.fromkeys(("fitz", "pymupdf"), "Document open"),
    "llama_cpp": "Llama",
    "onnxruntime": "InferenceSession",
    "open3d": "io",
    "openslide": "OpenSlide",
    "osgeo": "Open OpenEx",
    "pikepdf": "Pdf open",
    "pypdfium2": "PdfDocument",
    "pysam": "AlignmentFile FastaFile FastxFile TabixFile VariantFile",
    "pyvips": "Image",
    "sentencepiece": "SentencePieceProcessor",
    "soundfile": "SoundFile info read",
    "tensorflow": "io data",
    "torchaudio": "info load",
    "torchvision": "io",
}
# Methods that draw from a generator of their library which nobody can read, by the first name of the module.
_DRAWS = {"polars": frozenset({"sample", "shuffle"})}
# Modules whose connections attach a database, by a statement that begins so; nobody is told of it.
_ATTACHING = frozenset({"sqlite3", "_sqlite3", "duckdb", "_duckdb", "sqlalchemy", "pandas", "polars"})
_ATTACHES = re.compile(r"\s*attach\b", re.IGNORECASE)
_OPENERS = {first: frozenset(names.split()) for first, names in _NATIVE.items()}


def natively_opened(platform: str) -> str:
    """What stands behind those names on a platform."""
    where = " in folders that the run does not name" if platform.startswith("linux") else ""
    return f"files that native code opens{where}"


_NATIVELY = natively_opened(sys.platform)
_BEGINNINGS = {name: what for what, names in _OUTSIDE.items() for name in names}
_OPEN = tuple(beginning for beginning in _BEGINNINGS if beginning[-1] in "._")
_FIRST = frozenset(name.partition(".")[0] for name in _BEGINNINGS) | _OPENERS.keys()


def outside(value: object, attributes: Chain) -> str:
    """Say where the attributes of a value lead, in the user's words; "" when they stay within the program.

    Nothing is looked up in the value, so that none of its code runs.
    """
    kind = type(value)
    if issubclass(kind, ModuleType):
        home: tuple[Any, ...] = (value.__dict__.get("__name__"),)
    elif kind is FunctionType or kind is BuiltinFunctionType:
        home = (value.__module__, value.__qualname__)  # type: ignore[attr-defined]
    else:
        cls: type = value if issubclass(kind, type) else kind  # type: ignore[assignment]
        home = (classes.module_of(cls), classes.name_of(cls))
    if type(home[0]) is not str or home[0].partition(".")[0] not in _FIRST:
        return ""
    return named(".".join((*home, *attributes)))


def named(name: str) -> str:
    """The same for a full name, such as "requests.api.get"."""
    what = _BEGINNINGS.get(name)
    if what is None and name.startswith(_OPEN):
        what = next(
            what for beginning, what in _BEGINNINGS.items() if beginning in _OPEN and name.startswith(beginning)
        )
    if what is None:
        first, *others = name.split(".")
        if first in _OPENERS and not _OPENERS[first].isdisjoint(others):
            what = _NATIVELY
    return "" if what is None else f"{what} ({name})"


def unheard(modules: Set[str], attributes: Set[str], texts: Iterable[str]) -> list[str]:
    """Say what code does that nobody can hear: draws from generators of libraries, and databases that it attaches.

    Parameters
    ----------
    modules, attributes, texts : what the code reaches: first names of modules, names of attributes, constants
    """
    said = [
        f"random numbers of {module}, if drawn without a seed ({name})"
        for module, names in _DRAWS.items()
        if module in modules
        for name in sorted(names & attributes)
    ]
    if not _ATTACHING.isdisjoint(modules) and any(map(_ATTACHES.match, texts)):
        said.append(f"{_NATIVELY} (attach)")
    return said

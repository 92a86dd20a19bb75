"""Which names lead out of the program: to the clock, the network, other programs, data bases and the machine.

What comes from there is in no key. It is named, so that the user can think of a ttl. So are readers whose files can be
seen on Linux only, where Python runs on another system.
"""

from __future__ import annotations

import sys
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
# Classes in C that open files: a call of theirs cannot be seen, so only the system can tell, and only Linux does.
_UNHEARD = (
    *("netCDF4.Dataset", "netCDF4.MFDataset", "lmdb.Environment", "safetensors.safe_open", "cv2.VideoCapture"),
    *("cv2.FileStorage", "pyarrow.fs.", "pyarrow.OSFile", "pyarrow.MemoryMappedFile", "duckdb."),
)


def beginnings(platform: str) -> dict[str, str]:
    """What stands behind which names, or beginnings of names, on a platform."""
    found = {name: what for what, names in _OUTSIDE.items() for name in names}
    if not platform.startswith("linux"):
        found.update(dict.fromkeys(_UNHEARD, "files that native code opens"))
    return found


_BEGINNINGS = beginnings(sys.platform)
_OPEN = tuple(beginning for beginning in _BEGINNINGS if beginning[-1] in "._")
_FIRST = frozenset(name.partition(".")[0] for name in _BEGINNINGS)


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
    return "" if what is None else f"{what} ({name})"

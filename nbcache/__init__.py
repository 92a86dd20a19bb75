"""Cache what a notebook computes: `%load_ext nbcache`, `@cache_data`, `%%cache_cell`.

The names below are all that users need; everything else is reached through them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbcache.config import NBCache
from nbcache.decorator import cache_data
from nbcache.errors import (
    AwaitableResultError,
    CacheError,
    CacheWarning,
    CallFailedError,
    DamagedEntryError,
    ForeignEntryError,
    InvalidParameterError,
    InvalidSizeError,
    InvalidTTLError,
    KeyFileError,
    MissingExtraError,
    UncacheableFunctionError,
    UnhashableArgumentError,
    UnhashableValueError,
    UnknownNameError,
    UnstorableResultError,
    UntrustedEntryError,
    UserHashError,
)
from nbcache.notebook.hooks import install

if TYPE_CHECKING:
    from nbcache.calls.function import CachedFunction
    from nbcache.inspection.explanation import Explanation
    from nbcache.inspection.rows import EntryInfo, FunctionInfo

__version__ = "0.1.0"

__all__ = [
    "AwaitableResultError",
    "CacheError",
    "CacheWarning",
    "CachedFunction",
    "CallFailedError",
    "DamagedEntryError",
    "EntryInfo",
    "Explanation",
    "ForeignEntryError",
    "FunctionInfo",
    "InvalidParameterError",
    "InvalidSizeError",
    "InvalidTTLError",
    "KeyFileError",
    "MissingExtraError",
    "NBCache",
    "UncacheableFunctionError",
    "UnhashableArgumentError",
    "UnhashableValueError",
    "UnknownNameError",
    "UnstorableResultError",
    "UntrustedEntryError",
    "UserHashError",
    "__version__",
    "cache_data",
    "load_ipython_extension",
    "unload_ipython_extension",
]

install()


def __getattr__(name: str) -> Any:
    """Import what only few programs name at the moment they name it: loading the extension stays cheap."""
    if name == "CachedFunction":
        from nbcache.calls.function import CachedFunction

        return CachedFunction
    if name == "Explanation":
        from nbcache.inspection.explanation import Explanation

        return Explanation
    if name in ("EntryInfo", "FunctionInfo"):
        from nbcache.inspection import rows

        return getattr(rows, name)
    raise AttributeError(f"module 'nbcache' has no attribute {name!r}")


def load_ipython_extension(shell: Any) -> None:
    """What ``%load_ext nbcache`` calls."""
    from nbcache.notebook.extension import load

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """What ``%unload_ext nbcache`` calls."""
    from nbcache.notebook.extension import unload

    unload(shell)

"""Loading without running anybody's code: ``trust="safe"``.

A stream may name only what is listed here, and nothing listed can do more than make a value: plain containers and
scalars of Python, and numpy arrays laid over buffers whose dtype is given as text. Everything else is refused, so
its function computes again. The stream is authenticated all the same; this is the second fence, not the first.
"""

from __future__ import annotations

import datetime
import decimal
import fractions
import pathlib
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from nbcache.entries import guests
from nbcache.entries.serialize import BlobUnpickler
from nbcache.errors import ForeignEntryError

__all__ = ["UnsafeEntryError", "check", "loads"]


class UnsafeEntryError(ForeignEntryError):
    """An entry of ours that cannot be loaded without running code: with ``trust="safe"``, a plain miss."""


def _array(content: Any, spec: Any, *rest: Any) -> Any:
    if type(spec) is not str or type(content) not in (memoryview, bytearray):
        raise UnsafeEntryError("it holds an array whose element type is not a plain one")
    return guests.array(content, spec, *rest)


def _scalar(spec: Any, content: Any) -> Any:
    if type(spec) is not str or type(content) is not bytes:
        raise UnsafeEntryError("it holds a numpy scalar whose type is not a plain one")
    return guests.scalar(spec, content)


_ALLOWED: dict[tuple[str, str], Callable[..., Any]] = {
    (made.__module__, made.__qualname__): made
    for made in (
        complex, range, slice, set, frozenset,
        datetime.date, datetime.datetime, datetime.time, datetime.timedelta, datetime.timezone,
        decimal.Decimal, fractions.Fraction, uuid.UUID,
        pathlib.PurePosixPath, pathlib.PureWindowsPath, pathlib.PosixPath, pathlib.WindowsPath,
    )
}  # fmt: skip
_ALLOWED["nbcache.entries.guests", "array"] = _array
_ALLOWED["nbcache.entries.guests", "scalar"] = _scalar


class _SafeUnpickler(BlobUnpickler):
    def find_class(self, module: str, name: str, /) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise UnsafeEntryError(f"it names {module}.{name}, which could run code") from None


def loads(stream: bytes, buffers: Sequence[memoryview], kinds: bytes) -> Any:
    """Make a value again, if that takes no code but what is listed in this room.

    Raises
    ------
    UnsafeEntryError
        It takes more.
    """
    return _SafeUnpickler(stream, buffers, kinds).load()


def check(load: Callable[[], Any]) -> None:
    """Try whether something can be loaded this way: loading it is the one sure test.

    Raises
    ------
    UnsafeEntryError
        It cannot.
    """
    try:
        load()
    except UnsafeEntryError:
        raise
    except Exception as error:
        raise UnsafeEntryError(f"it cannot be loaded in safe mode ({type(error).__name__}: {error})") from error

"""What the user set: the `NBCache` settings, and how texts for times and sizes are read.

A setting is looked up in this order: the argument of the call, `%config NBCache.x`, IPython's configuration
file, the environment variable `NBCACHE_X`, the default. An empty environment variable counts as unset.
"""

from __future__ import annotations

import functools
import math
import os
import re
from datetime import timedelta
from pathlib import Path
from string import ascii_letters
from typing import Any

from traitlets import Bool, CaselessStrEnum, TraitError, Unicode, Union, default, observe, validate
from traitlets import Int as Integer
from traitlets.config import SingletonConfigurable

from nbcache.errors import InvalidSizeError, InvalidTTLError, explain, shown, text_of, warn

_UNITS = {
    "w": 604800.0, "week": 604800.0, "weeks": 604800.0,
    "d": 86400.0, "day": 86400.0, "days": 86400.0,
    "h": 3600.0, "hr": 3600.0, "hrs": 3600.0, "hour": 3600.0, "hours": 3600.0,
    "m": 60.0, "min": 60.0, "mins": 60.0, "minute": 60.0, "minutes": 60.0, "t": 60.0,
    "s": 1.0, "sec": 1.0, "secs": 1.0, "second": 1.0, "seconds": 1.0,
    "ms": 1e-3, "milli": 1e-3, "millis": 1e-3, "millisecond": 1e-3, "milliseconds": 1e-3,
    "us": 1e-6, "µs": 1e-6, "micro": 1e-6, "micros": 1e-6, "microsecond": 1e-6, "microseconds": 1e-6,
}  # fmt: skip
_NUMBER = r"(?:\d+(?:\.\d*)?|\.\d+)"
# Compiled at their first use: most notebooks give no such text, and an import would wait for all of them.
_WORDS = rf"\s*({_NUMBER})\s*([a-zµ]+)\s*(?:,|and\b)?"
_ISO = rf"P(?:({_NUMBER})W)?(?:({_NUMBER})D)?(?:T(?:({_NUMBER})H)?(?:({_NUMBER})M)?(?:({_NUMBER})S)?)?"
_CLOCK = rf"(?:({_NUMBER})\s*(?:d|days?)\s*,?\s*)?(\d+):([0-5]?\d):([0-5]?\d(?:\.\d*)?)"
_POWERS = {"B": 0, "KB": 1, "KIB": 1, "MB": 2, "MIB": 2, "GB": 3, "GIB": 3, "TB": 4, "TIB": 4}
_TTL_FORMS = 'give seconds (90), a timedelta, or text with units such as "90s", "1h30m", "2 days", "PT1H" or "1:00:00"'
_SIZE_FORMS = 'give whole bytes (500_000_000) or text with a unit such as "500MB" or "1.5GiB"'

#: So much of the text of an error, which may hold values, goes into a message.
_LONGEST_TEXT = 200


def seconds(ttl: float | timedelta | str | None) -> float | None:
    """Turn a time-to-live into seconds; `None` means for ever.

    Parameters
    ----------
    ttl : None, seconds, a timedelta, or text such as "90s", "1h30m", "1.5 days", "PT1H", "1:00:00"

    Raises
    ------
    InvalidTTLError
        The text has no unit or no meaning, or the time is negative, infinite or not a number.

    Notes
    -----
    Streamlit reads texts with ``pandas.Timedelta``, where a bare "5" means five nanoseconds; here it is an error.

    Examples
    --------
    >>> seconds("1h30m")
    5400.0
    """
    if ttl is None:
        return None
    if type(ttl).__module__ == "numpy":
        ttl = _unpacked(ttl)
    if isinstance(ttl, timedelta):
        result = ttl.total_seconds()
    elif isinstance(ttl, str):
        result = _seconds_of_text(ttl)
    else:
        result = _seconds_of_number(ttl)
    if math.isnan(result) or math.isinf(result) or result < 0:
        raise InvalidTTLError(
            explain(
                f"ttl={shown(ttl)} is not a time to keep a value.",
                "it must be finite and not negative.",
                "leave ttl out (None) to keep values forever, or " + _TTL_FORMS + ".",
            )
        )
    return result


def _unpacked(scalar: Any) -> Any:
    """A scalar of numpy as Python's own; what is none stays what it is."""
    value = scalar.item() if scalar.ndim == 0 else None
    return scalar if value is None else value


def _seconds_of_number(ttl: Any) -> float:
    try:
        if isinstance(ttl, bool):
            raise TypeError("a truth value is not a number")
        return float(ttl)
    except OverflowError:
        return math.inf
    except Exception:  # an array, a NaT, an object whose __float__ fails
        why = f"{type(ttl).__name__} has no length in seconds."
        raise InvalidTTLError(explain(f"ttl={shown(ttl)} is not a time.", why, _TTL_FORMS + ".")) from None


def _seconds_of_text(text: str) -> float:
    stripped = text.strip()
    if (match := re.fullmatch(_CLOCK, stripped, re.IGNORECASE)) is not None:
        days, hours, minutes, secs = match.groups()
        return float(days or 0) * 86400 + int(hours) * 3600 + int(minutes) * 60 + float(secs)
    if (match := re.fullmatch(_ISO, stripped, re.IGNORECASE)) is not None and any(match.groups()):
        scales = (604800, 86400, 3600, 60, 1)
        return sum(float(n or 0) * scale for n, scale in zip(match.groups(), scales, strict=True))
    total, position, seen = 0.0, 0, set()
    while position < len(stripped):
        match = re.compile(_WORDS, re.IGNORECASE).match(stripped, position)
        unit = match.group(2) if match else ""
        # "1M" would be a month to some and a minute to others; pandas refuses it too.
        scale = _UNITS.get(unit.lower()) if unit != "M" else None
        if match is None or scale is None or scale in seen:
            break
        seen.add(scale)
        total += float(match.group(1)) * scale
        position = match.end()
    else:
        if seen:
            return total
    why = "a number needs a unit." if re.fullmatch(rf"[+-]?{_NUMBER}", stripped) else "it cannot be read."
    raise InvalidTTLError(explain(f"ttl={shown(text)} is not a time.", why, _TTL_FORMS + "."))


def size_in_bytes(size: int | str | None, name: str = "size") -> int | None:
    """Turn a size into bytes; `None` means no limit.

    Parameters
    ----------
    size : None, bytes as int, or text such as "500MB" or "1.5GiB"; units are powers of 1024, case does not
        matter, and one blank may stand before the unit (Streamlit parity)
    name : what the message calls it

    Raises
    ------
    InvalidSizeError
        No unit, an unknown one, or a size that is not a whole positive number of bytes.
    """
    if size is None:
        return None
    if isinstance(size, bool) or not isinstance(size, int | str):
        raise InvalidSizeError(explain(f"{name}={shown(size)} is not a size.", "it is neither an int nor text.",
                                       _SIZE_FORMS + "."))  # fmt: skip
    if isinstance(size, int):
        result = float(size)
    else:
        number, power = _number_and_power(size)
        if power is None:
            raise InvalidSizeError(explain(f"{name}={shown(size)} is not a size.", "it needs a number and a unit.",
                                           _SIZE_FORMS + "."))  # fmt: skip
        result = float(number) * 1024.0**power
    if result < 1:
        what = f"{name}={shown(size)} is not a size."
        raise InvalidSizeError(explain(what, "it is less than one byte.", _SIZE_FORMS + "."))
    return size if isinstance(size, int) else int(result)


def _number_and_power(text: str) -> tuple[str, int | None]:
    """Split the text of a size; the power of 1024 is None where it is not one. A first hit waits for this."""
    number = text.rstrip(ascii_letters)
    power = _POWERS.get(text[len(number) :].upper())
    number = number.removesuffix(" ")
    whole, point, rest = number.partition(".")
    written = whole.isdecimal() and (rest.isdecimal() or not point)
    return number, power if written else None


def _environment(name: str, fallback: str = "") -> str:
    return os.environ.get(f"NBCACHE_{name}", "") or fallback


def is_true(text: str) -> bool:
    """Whether a text of the environment turns something on: anything but "", "0", "false", "no" and "off"."""
    return text.strip().lower() not in ("", "0", "false", "no", "off")


def _switch(name: str, *, otherwise: bool = False) -> bool:
    """Whether a variable turns something on; a word that says neither yes nor no is told, and counts as `otherwise`."""
    text = _environment(name).strip().lower()
    if is_true(text) and text not in ("1", "true", "yes", "on"):
        warn(f"NBCACHE_{name}={text!r} is neither 1 nor 0; {int(otherwise)} is used.")
        return otherwise
    return is_true(text)


def _size(name: str, otherwise: str) -> str:
    """The text of a size; one that means nothing is told, and counts as `otherwise`."""
    text = _environment(name)
    try:
        if text:
            _bytes_of(text)
    except InvalidSizeError as error:
        warn(f"NBCACHE_{name} is not used; the limit is {otherwise}: {error}")
        return otherwise
    return text or otherwise


class Switches:
    """The settings that calls ask for, each read once: to ask traitlets takes microseconds.

    A change puts another object in its place, so that what a thread reads meanwhile is soon nobody's.
    """

    off: bool
    private: bool
    explain_misses: bool
    on_disk: bool

    def __init__(self, chosen: NBCache) -> None:
        self._chosen = chosen

    def __getattr__(self, name: str) -> bool:  # where it has not been read
        chosen = self._chosen
        value: bool = chosen.setting("persist") == "disk" if name == "on_disk" else chosen.setting(name)
        setattr(self, name, value)
        return value


class NBCache(SingletonConfigurable):
    """The settings of nbcache, as `%config NBCache` shows them."""

    _switches: Switches | None = None

    persist = CaselessStrEnum(
        ["memory", "disk"],
        help="Where functions without `persist=` keep results: `memory`, or `disk` (with memory in front of it).",
    ).tag(config=True)
    dir = Unicode(help="The folder on disk; `~` is expanded. Read once, at the first use.").tag(config=True)
    trust = CaselessStrEnum(
        ["sign", "strict", "safe"],
        help="`sign`: load only what your keys signed; `strict`: in addition, an entry that cannot be verified is an "
        "error; `safe`: in addition to `sign`, load only formats that cannot run code.",
    ).tag(config=True)
    max_disk_size = Union(
        [Unicode(), Integer()],
        help='Size limit of the folder, in bytes or as text such as "10GB"; the least recently used entries are '
        "deleted first.",
    ).tag(config=True)
    max_written_size = Union(
        [Unicode(), Integer()],
        help='How much of the files that a cell writes, or a function with `outputs="files"`, is kept with the '
        "result, so that a hit can write them again. Of larger files only digests are kept.",
    ).tag(config=True)
    store = Unicode(help="A shared store behind the local ones: `redis://…`, `s3://…` or any fsspec URL.").tag(
        config=True
    )
    encrypt = Bool(help="Encrypt what is sent to the shared store, so that nobody without the key can read it.").tag(
        config=True
    )
    key_file = Unicode(help="The file of the secret key; by default in your state folder.").tag(config=True)
    off = Bool(help="Always compute, and store nothing.").tag(config=True)
    private = Bool(help="Keep the text of arguments and values out of entries, listings and messages.").tag(config=True)
    explain_misses = Bool(
        help="Say in one line why a call that was cached before is computed again.",
    ).tag(config=True)
    full_tracebacks = Bool(help="Show nbcache's own frames in tracebacks too.").tag(config=True)

    @default("persist")
    def _default_persist(self) -> str:
        value = _environment("PERSIST", "memory").lower()
        if is_true(value) and value not in ("memory", "disk"):
            value = "disk" if value in ("1", "true", "yes", "on") else value
        return self._known("PERSIST", {"0": "memory", "false": "memory", "none": "memory"}.get(value, value),
                           ("memory", "disk"), "memory")  # fmt: skip

    @default("dir")
    def _default_dir(self) -> str:
        return _environment("DIR", ".nbcache")

    @default("trust")
    def _default_trust(self) -> str:
        # A mistyped demand for more safety must not silently become less of it.
        return self._known("TRUST", _environment("TRUST", "sign").lower(), ("sign", "strict", "safe"), "strict")

    @default("max_disk_size")
    def _default_max_disk_size(self) -> str:
        return _size("MAX_DISK_SIZE", "10GB")

    @default("max_written_size")
    def _default_max_written_size(self) -> str:
        return _size("MAX_WRITTEN_SIZE", "100MB")

    @default("store")
    def _default_store(self) -> str:
        return _environment("STORE")

    @default("encrypt")
    def _default_encrypt(self) -> bool:
        return is_true(_environment("ENCRYPT"))

    @default("key_file")
    def _default_key_file(self) -> str:
        return _environment("KEY_FILE")

    @default("off")
    def _default_off(self) -> bool:
        return _switch("OFF")

    @default("private")
    def _default_private(self) -> bool:
        return _switch("PRIVATE", otherwise=True)

    @default("explain_misses")
    def _default_explain_misses(self) -> bool:
        return _switch("EXPLAIN_MISSES")

    @default("full_tracebacks")
    def _default_full_tracebacks(self) -> bool:
        return _switch("FULL_TRACEBACKS")

    @validate("max_disk_size", "max_written_size")
    def _check_sizes(self, proposal: dict[str, Any]) -> int | str:
        value: int | str = proposal["value"]
        try:
            size_in_bytes(int(value) if isinstance(value, str) and value.isdigit() else value)
        except InvalidSizeError as error:
            raise TraitError(str(error)) from error
        return value

    @staticmethod
    def _known(name: str, value: str, known: tuple[str, ...], fallback: str) -> str:
        if value in known:
            return value
        warn(f"NBCACHE_{name}={value!r} is not one of {', '.join(known)}; {fallback!r} is used.")
        return fallback

    @observe("off", "private", "explain_misses", "persist")
    def _changed(self, _: object = None) -> Switches:
        self._switches = Switches(self)
        return self._switches

    def setting(self, name: str) -> Any:
        """A setting by its name. A first hit asks for nine, and traitlets takes ten times as long over each default."""
        if name not in self._trait_values:
            self._trait_values.setdefault(name, getattr(self, f"_default_{name}")())
        return self._trait_values[name]

    def switches(self) -> Switches:
        """What calls ask for, as it is now."""
        return self._switches or self._changed()

    @property
    def disk_bound(self) -> int:
        """The bound of the folder, in bytes."""
        return _bytes_of(self.setting("max_disk_size"))

    @property
    def written_bound(self) -> int:
        """How much of the files that a run writes is kept, in bytes."""
        return _bytes_of(self.max_written_size)

    def folder(self) -> Path:
        """The folder of the disk store, with ``~`` expanded, made absolute against the present folder."""
        return Path(self.folder_text())

    def folder_text(self) -> str:
        """The same, for those who only look whether it is there."""
        text: str = self.setting("dir")
        return _whole_path(text) if os.path.isabs(text) else os.path.abspath(os.path.expanduser(text))


@functools.lru_cache(maxsize=8)
def _whole_path(text: str) -> str:
    return os.path.abspath(text)


def _bytes_of(value: int | str) -> int:
    size = size_in_bytes(int(value) if isinstance(value, str) and value.isdigit() else value)
    assert size is not None
    return size


def settings() -> NBCache:
    """The one settings object of this process.

    It outlives reloads of the extension: a value refused by `%config` stays in IPython's configuration, and a
    second object made from it would fail.
    """
    instance: NBCache | None = NBCache._instance
    return NBCache.instance() if instance is None else instance


def switches() -> Switches:
    """The settings that every call asks for."""
    instance: NBCache = NBCache._instance or NBCache.instance()
    return instance._switches or instance.switches()


def error_text(error: BaseException) -> str:
    """What a message may say of an error of the user's code: type and a short text; with `private` the type only."""
    name = type(error).__name__
    text = "" if settings().private else text_of(error).partition("\n")[0]
    return f"{name}: {text[:_LONGEST_TEXT]}" if text else name

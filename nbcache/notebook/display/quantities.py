"""Numbers of the panel as a reader says them: sizes, durations, ages."""

from __future__ import annotations

_UNITS = ("B", "KB", "MB", "GB", "TB")
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def count(number: int, noun: str = "", plural: str = "") -> str:
    """Write a whole number with thousands separated, and its noun in the right form.

    Examples
    --------
    >>> count(1204, "entry", "entries")
    '1,204 entries'
    """
    if not noun:
        return f"{number:,}"
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def size(amount: float) -> str:
    """Write bytes with two digits that matter, in powers of 1024.

    Examples
    --------
    >>> size(1536), size(0), size(123456789)
    ('1.5 KB', '0 B', '118 MB')
    """
    unit = 0
    while amount >= 999.5 and unit < len(_UNITS) - 1:
        amount /= 1024
        unit += 1
    digits = 0 if unit == 0 or amount >= 9.95 else 1
    return f"{amount:.{digits}f} {_UNITS[unit]}"


def duration(seconds: float) -> str:
    """Write a length of time in the one or two units that matter.

    Examples
    --------
    >>> duration(0.0123), duration(75), duration(7380)
    ('12 ms', '1 min 15 s', '2 h 3 min')
    """
    if seconds <= 0:
        return "0 s"
    if seconds < 0.0005:
        return "< 1 ms"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return _pair(whole, _MINUTE, "min", 1, "s")
    if whole < _DAY:
        return _pair(whole, _HOUR, "h", _MINUTE, "min")
    return _pair(whole, _DAY, "d", _HOUR, "h")


def ago(then: float | None, now: float) -> str:
    """Write how long ago an epoch time was; `None` means it never happened.

    Examples
    --------
    >>> ago(100.0, 400.0)
    '5 min ago'
    """
    if then is None:
        return "never"
    past = now - then
    return "just now" if past < 2 else f"{_coarse(past)} ago"


def left(until: float | None, now: float) -> str:
    """Write when an epoch time comes; `None` means it never does.

    Examples
    --------
    >>> left(700.0, 400.0), left(None, 400.0), left(1.0, 400.0)
    ('in 5 min', 'never', 'expired')
    """
    if until is None:
        return "never"
    return "expired" if until <= now else f"in {_coarse(until - now)}"


def percent(part: int, whole: int) -> str:
    """Write a share in whole percent; nothing of nothing is a dash, and only all of it is 100 %."""
    if not whole:
        return "–"
    share = 100 * part / whole
    return f"{min(round(share), 99) if part < whole else 100} %"


def _coarse(seconds: float) -> str:
    whole = max(1, round(seconds))
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min"
    if whole < 2 * _DAY:
        return f"{whole // _HOUR} h"
    return f"{whole // _DAY} days"


def _pair(whole: int, big: int, big_name: str, small: int, small_name: str) -> str:
    first, rest = divmod(whole, big)
    second = rest // small
    return f"{first} {big_name} {second} {small_name}" if second else f"{first} {big_name}"

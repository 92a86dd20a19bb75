"""What decides how a value is shown, beside the value: the printers and settings that a session has given IPython."""

from __future__ import annotations

from functools import partial
from typing import Any

from nbcache.notebook.display.listeners import current_shell
from nbcache.tracking.code.bytecode import digest_of, short_digest

__all__ = ["shown_by"]

# IPython's own printers, and those that libraries register for themselves when they are loaded.
_OF_LIBRARIES = ("IPython.", "matplotlib")
_SETTINGS = ("float_format", "pprint", "max_width", "max_seq_length", "verbose")
_TOLD = (str, bool, int, float, type(None))


def shown_by() -> list[tuple[str, bytes]]:
    """Parts of a key for a cell that shows a value; none for a session as it is new."""
    formatter = getattr(current_shell(), "display_formatter", None)
    if formatter is None:
        return []
    found = [
        (mime, f"{kind.__module__}.{kind.__qualname__}", told)
        for mime, one in formatter.formatters.items()
        for kind, printer in list(one.type_printers.items())
        if (told := _told(printer))
    ]
    plain = formatter.formatters.get("text/plain")
    defaults: Any = type(plain).class_traits() if plain is not None else {}
    for name in _SETTINGS:
        if name in defaults and getattr(plain, name) != defaults[name].default():
            found.append(("text/plain", name, repr(getattr(plain, name))))
    return [("printers of values", short_digest(repr(sorted(found)).encode()))] if found else []


def _told(printer: Any) -> str:
    """The name, the code and the settings of a printer; empty for one that comes with a library."""
    while isinstance(printer, partial):
        printer = printer.func
    module = str(getattr(printer, "__module__", None))
    if module.startswith(_OF_LIBRARIES) or module in ("None", "builtins"):
        return ""
    code = getattr(printer, "__code__", None)
    said = "" if code is None else digest_of(code).hex()
    held = [_content(cell) for cell in getattr(printer, "__closure__", None) or ()]
    return f"{module}.{getattr(printer, '__qualname__', '')} {said} {held}"


def _content(cell: Any) -> str:
    try:
        value = cell.cell_contents
    except ValueError:  # not filled yet
        return ""
    return repr(value) if isinstance(value, _TOLD) else type(value).__qualname__

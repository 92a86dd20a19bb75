"""What decides how a value is shown, beside the value: the printers that a session has registered, and open figures."""

from __future__ import annotations

import sys
from typing import Any

from nbcache.notebook.cells.effects.registrations import figures_left_open
from nbcache.notebook.display.listeners import current_shell
from nbcache.tracking.code.bytecode import short_digest

__all__ = ["shown_by"]

# IPython's own printers, and those that libraries register for themselves when they are loaded.
_OF_LIBRARIES = ("IPython.", "matplotlib")
_SETTINGS = ("float_format", "pprint", "max_width", "max_seq_length", "verbose")


def shown_by() -> list[tuple[str, bytes]]:
    """Parts of a key; none for a session as it is new."""
    parts = []
    if printers := _printers():
        parts.append(("printers of values", short_digest(repr(printers).encode())))
    if "matplotlib._pylab_helpers" in sys.modules and (left := figures_left_open()):
        parts.append(("figures that are open", short_digest(repr(left).encode())))
    return parts


def _printers() -> list[tuple[str, ...]]:
    shell = current_shell()
    formatter = getattr(shell, "display_formatter", None)
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
    return sorted(found)


def _told(printer: Any) -> str:
    """The name and the code of a printer; empty for one that comes with a library."""
    module = str(getattr(printer, "__module__", None))
    if module.startswith(_OF_LIBRARIES) or module in ("None", "builtins"):
        return ""
    code = getattr(printer, "__code__", None)
    said = "" if code is None else short_digest(code.co_code, repr(code.co_names).encode()).hex()
    return f"{module}.{getattr(printer, '__qualname__', '')} {said}"

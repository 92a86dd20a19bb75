"""Which parts of a recorded output can run no code in a browser; with ``trust="safe"`` nothing else is shown again."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

_MIMES = frozenset({"text/plain", "text/latex", "application/json", "image/png", "image/jpeg", "image/gif"})
_STRUCTURE = """
    a abbr b blockquote br caption code col colgroup dd div dl dt em figcaption figure h1 h2 h3 h4 h5 h6 hr i li mark
    ol p pre s small span strong style sub sup table tbody td tfoot th thead tr u ul
"""
_LOOKS = "align border class colspan dir id lang rowspan scope scoped span style title valign"
_TAGS = frozenset(_STRUCTURE.split())
_ATTRIBUTES = frozenset(_LOOKS.split())


class _Markup(HTMLParser):
    """Reads markup, and finds what is neither text nor plain structure."""

    def __init__(self) -> None:
        super().__init__()
        self.harmless = True

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _TAGS or any(name not in _ATTRIBUTES for name, _ in attrs):
            self.harmless = False

    def handle_decl(self, decl: str) -> None:
        self.harmless = False

    def unknown_decl(self, data: str) -> None:
        self.harmless = False

    def handle_pi(self, data: str) -> None:
        self.harmless = False


def harmless(data: dict[str, Any]) -> dict[str, Any]:
    """The parts of a bundle that run nothing: text, pictures, and HTML of structure alone, such as a frame's table."""
    return {mime: part for mime, part in data.items() if mime in _MIMES or (mime == "text/html" and _is_plain(part))}


def _is_plain(part: object) -> bool:
    text = "".join(part) if isinstance(part, list) else part
    if not isinstance(text, str):
        return False
    reader = _Markup()
    reader.feed(text)
    reader.close()
    return reader.harmless

"""The line behind a magic: its options read, its comment left out."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from IPython.core import magic_arguments as untyped

__all__ = ["argument", "parse_argstring", "with_arguments", "without_comment"]

_COMMENT = re.compile(r"""("[^"]*"|'[^']*')|(?:^|(?<=\s))#.*""")

argument: Any = untyped.argument
magic_arguments: Any = untyped.magic_arguments
_parse_argstring: Any = untyped.parse_argstring


def parse_argstring(magic: Any, line: str) -> Any:
    """Read the options of a magic, without the comment that may end the line."""
    return _parse_argstring(magic, without_comment(line))


def with_arguments(*arguments: Callable[[Any], Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a magic these arguments, in this order."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for one in reversed(arguments):
            function = one(function)
        decorated: Callable[..., Any] = magic_arguments()(function)
        return decorated

    return decorate


def without_comment(line: str) -> str:
    """A line without the comment at its end, as in many an example; IPython hands it over as it was typed."""
    return _COMMENT.sub(lambda found: found.group(1) or "", line)

"""The line behind a magic: its options read, its comment left out.

A parser is made when it is first needed: to make one takes longer than all else that loading the extension does.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

__all__ = ["Argument", "argument", "help_text", "parse_argstring", "with_arguments", "without_comment"]

_COMMENT = re.compile(r"""("[^"]*"|'[^']*')|(?:^|(?<=\s))#.*""")


class Argument(NamedTuple):
    """What `argparse` is told of one argument."""

    names: tuple[str, ...]
    meaning: dict[str, Any]


def argument(*names: str, **meaning: Any) -> Argument:
    """Describe an argument, in the words of `ArgumentParser.add_argument`."""
    return Argument(names, meaning)


def with_arguments(*arguments: Argument) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a magic these arguments, in this order; `?` shows them."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        function.__dict__["arguments"] = arguments
        function.__dict__["getdoc"] = partial(help_text, function)  # asked by IPython, before the docstring
        return function

    return decorate


def parse_argstring(magic: Any, line: str) -> Any:
    """Read the options of a magic, without the comment that may end the line."""
    return _parser_of(magic).parse_argstring(without_comment(line))


def help_text(magic: Any) -> str:
    """What a magic does, and its arguments."""
    text: str = _parser_of(magic).format_help()
    return text


def _parser_of(magic: Any) -> Any:
    function = getattr(magic, "__func__", magic)
    parser = function.__dict__.get("parser")
    if parser is None:
        from IPython.core import magic_arguments as untyped

        make: Any = untyped.MagicArgumentParser
        parser = make(function.__name__, description=function.__doc__)
        for names, meaning in function.arguments:
            parser.add_argument(*names, **meaning)
        function.parser = parser
    return parser


def without_comment(line: str) -> str:
    """A line without the comment at its end, as in many an example; IPython hands it over as it was typed."""
    return _COMMENT.sub(lambda found: found.group(1) or "", line)

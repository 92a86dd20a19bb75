"""The line behind a magic: its options read, its comment left out, its help, and the words that may come next.

A parser is made when it is first needed: to make one takes longer than all else that loading the extension does.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from IPython.core.error import UsageError

from nbcache.errors import did_you_mean

if TYPE_CHECKING:
    import argparse

__all__ = [
    "Argument", "argument", "as_typed", "completions", "help_text", "one_of", "parse_argstring", "plain_help",
    "with_arguments", "without_comment",
]  # fmt: skip

_COMMENT = re.compile(r"""("[^"]*"|'[^']*')|(?:^|(?<=\s))#.*""")
_LEAST_WIDTH = 100


class Argument(NamedTuple):
    """What `argparse` is told of one argument."""

    names: tuple[str, ...]
    meaning: dict[str, Any]


def argument(*names: str, **meaning: Any) -> Argument:
    """Describe an argument, in the words of `ArgumentParser.add_argument`."""
    return Argument(names, meaning)


def with_arguments(magic: str, *arguments: Argument) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a magic these arguments, in this order; `?` shows them.

    Parameters
    ----------
    magic : as it is typed: "%cache_cells"
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        function.__dict__["typed"] = magic
        function.__dict__["arguments"] = arguments
        function.__dict__["getdoc"] = partial(help_text, function)  # asked by IPython, before the docstring
        return function

    return decorate


def one_of(*words: str) -> Callable[[str], str]:
    """The type of an argument that is one of some words."""

    def word(text: str) -> str:
        if text not in words:
            wanted = f"{', '.join(words[:-1])} or {words[-1]}"
            raise as_typed(text, f"is not {wanted}.{did_you_mean(text, words)}")
        return text

    word.__dict__["words"] = words
    return word


def as_typed(text: str, wrong: str) -> argparse.ArgumentTypeError:
    """The error of a value: what was typed, and what is wrong with it; the option is named in front."""
    from argparse import ArgumentTypeError

    return ArgumentTypeError(f"{text} {wrong}")


def parse_argstring(magic: Any, line: str) -> Any:
    """Read the options of a magic, without the comment that may end the line.

    Raises
    ------
    UsageError
        An option that the magic has not, or a value that cannot be: one line, with the near matches.
    """
    import argparse
    import shlex

    parser = _parser_of(magic)
    try:
        given, rest = parser.parse_known_args(shlex.split(without_comment(line)))
    except argparse.ArgumentError as error:
        wrong = error.message.replace("expected one argument", "needs a value.")
        name = (error.argument_name or "").rpartition("/")[2]
        raise UsageError(f"{name} {wrong}" if name.startswith("-") else f"{parser.prog} {wrong}") from None
    except ValueError as error:
        raise UsageError(f"A quote in {line.strip()} is never closed.") from error
    for word in rest:
        name = word.partition("=")[0]
        if not word.startswith("-"):
            raise UsageError(f"{parser.prog} does not take {word}. See {parser.prog} -h.")
        near = did_you_mean(name, [one for one in _options_of(magic) if one.startswith("--")])
        raise UsageError(f"{parser.prog} has no option {name}.{near or f' See {parser.prog} -h.'}")
    return given


def help_text(magic: Any) -> str:
    """What a magic does, and its arguments."""
    text: str = _parser_of(magic).format_help()
    return text.removeprefix("usage: ").rstrip()


def plain_help(text: str) -> str:
    """A docstring as a person reads it, without the marks of reStructuredText."""
    return re.sub(r"\n*^(Examples\n-+\n)?\s*::\n\n", "\n\n", text, flags=re.MULTILINE)


def completions(magic: Any, words: list[str]) -> list[str]:
    """What may come next in the line of a magic.

    Parameters
    ----------
    words : those that are complete
    """
    previous = words[-1] if words else ""
    for names, meaning in getattr(magic, "__func__", magic).arguments:
        values = getattr(meaning.get("type"), "words", ())
        if previous in names and "action" not in meaning:
            return list(values)
    firsts = [] if words else [
        word for names, meaning in getattr(magic, "__func__", magic).arguments if not names[0].startswith("-")
        for word in getattr(meaning.get("type"), "words", ())
    ]  # fmt: skip
    return [*firsts, *(name for name in _options_of(magic) if name.startswith("--") and name not in words)]


def _options_of(magic: Any) -> list[str]:
    return [name for names, _ in getattr(magic, "__func__", magic).arguments for name in names if name[0] == "-"]


def _parser_of(magic: Any) -> Any:
    function = getattr(magic, "__func__", magic)
    parser = function.__dict__.get("parser")
    if parser is None:
        import argparse
        import inspect

        def formatter(prog: str) -> argparse.HelpFormatter:
            return argparse.RawDescriptionHelpFormatter(prog, max_help_position=28, width=_LEAST_WIDTH)

        places = [meaning["metavar"] for names, meaning in function.arguments if names[0][0] != "-"]
        parser = argparse.ArgumentParser(
            prog=function.typed,
            usage=" ".join([function.typed.replace("%", "%%"), *(f"[{place}]" for place in places), "[options]"]),
            description=plain_help(inspect.cleandoc(function.__doc__ or "")),
            formatter_class=formatter,
            add_help=False,
            exit_on_error=False,
        )
        for names, meaning in function.arguments:
            parser.add_argument(*names, **meaning)
        function.parser = parser
    return parser


def without_comment(line: str) -> str:
    """A line without the comment at its end, as in many an example; IPython hands it over as it was typed."""
    return _COMMENT.sub(lambda found: found.group(1) or "", line)

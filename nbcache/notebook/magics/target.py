"""The text after a magic in; the name and the arguments of a call out.

`foo`, `foo 1`, `foo bar=1`, `foo(1, mode="fast")` and `obj.method "a"` are understood. The text is never expanded:
arguments are Python expressions, evaluated in the user's namespace.
"""

from __future__ import annotations

import ast
import inspect
import io
import tokenize
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nbcache.config import error_text
from nbcache.errors import UnknownNameError, did_you_mean
from nbcache.notebook.line import without_comment


@dataclass(frozen=True, slots=True)
class Target:
    """What a magic is pointed at.

    Attributes
    ----------
    name : the dotted name as typed
    arguments : source texts of the positional arguments; None where no call was given at all
    keywords : source texts by name
    """

    name: str
    arguments: tuple[str, ...] | None = None
    keywords: tuple[tuple[str, str], ...] = ()

    @property
    def is_call(self) -> bool:
        return self.arguments is not None

    def evaluate(self, namespace: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments as values, evaluated in a namespace.

        Raises
        ------
        ValueError
            An expression fails: with an unknown variable, for instance. The text names the expression and the error.
        """
        scope = dict(namespace)
        args: list[Any] = []
        for text in self.arguments or ():
            value = _value(text.removeprefix("*"), scope)
            args += value if text.startswith("*") else [value]
        kwargs: dict[str, Any] = {}
        for name, text in self.keywords:
            value = _value(text, scope)
            kwargs.update(value if name == "**" else {name: value})
        return tuple(args), kwargs


def _value(text: str, scope: dict[str, Any]) -> Any:
    try:
        return eval(text, scope)
    except Exception as error:
        if isinstance(error, NameError) and text.isidentifier():
            near = did_you_mean(text, [name for name in scope if not name.startswith("_")])
            raise ValueError(f"There is no variable {text}.{near} If it is text, write {text!r}.") from error
        raise ValueError(f"The argument {text} raises {error_text(error)}") from error


def parse(line: str) -> Target | None:
    """Read the text after a magic; None where there is none.

    Raises
    ------
    SyntaxError
        The text is neither a name nor a call.
    """
    text = without_comment(line).strip()
    if not text:
        return None
    name, rest = _name(text)
    if not name:
        raise SyntaxError(f"{text} does not begin with the name of a cached function.")
    if not rest:
        return Target(name)
    if rest.startswith("("):
        call = _call(f"{name}{rest}")
        if call is not None:
            return call
    try:
        return _words(name, rest)
    except tokenize.TokenError as error:
        open_one = "quote" if "string" in str(error.args[0]) else "bracket"
        raise SyntaxError(f"A {open_one} in {text} is never closed.") from error


def _name(text: str) -> tuple[str, str]:
    """Split off the dotted name in front."""
    end = 0
    for position, character in enumerate(text):
        if not (character.isidentifier() or character == "." or (position and character.isdigit())):
            break
        end = position + 1
    name = text[:end].rstrip(".")
    if not all(word.isidentifier() for word in name.split(".")):
        return "", text
    return name, text[len(name) :].strip()


def _call(source: str) -> Target | None:
    try:
        node = ast.parse(source, mode="eval").body
    except SyntaxError:
        return None
    if not isinstance(node, ast.Call) or isinstance(node.func, ast.Call):
        return None
    return Target(
        ast.unparse(node.func),
        tuple(ast.unparse(argument) for argument in node.args),
        tuple((keyword.arg or "**", ast.unparse(keyword.value)) for keyword in node.keywords),
    )


def _words(name: str, rest: str) -> Target:
    """Arguments separated by blanks, or by commas; brackets and quotes keep what they hold together."""
    # split before joining: "a" "b" are two arguments here, and one text within a call
    call = _call(f"{name}({', '.join(_split(rest))})") or _call(f"{name}({rest})")
    if call is None:
        raise SyntaxError(f"{rest} cannot be read as arguments. Write them as in a call: {name}(...)")
    return call


def _split(text: str) -> list[str]:
    """Cut a text at blanks where one expression ends and the next begins."""
    cuts = [0]
    depth = 0
    previous: tokenize.TokenInfo | None = None
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in (tokenize.NEWLINE, tokenize.ENDMARKER, tokenize.NL):
            break
        apart = previous is not None and token.start[1] > previous.end[1]
        if apart and depth == 0 and _ends(previous) and _begins(token, text):
            cuts.append(token.start[1])
        depth += (token.string in "([{") - (token.string in ")]}") if token.type == tokenize.OP else 0
        previous = token
    if depth > 0:  # from Python 3.12 on the end of the line comes before the error
        raise tokenize.TokenError("an open bracket at the end")
    pieces = [text[start:end].strip().rstrip(",") for start, end in zip(cuts, [*cuts[1:], len(text)], strict=True)]
    return [piece for piece in pieces if piece]


_OPERATORS = {"in", "is", "and", "or", "not", "if", "else", "for", "lambda", "await"}


def _ends(token: tokenize.TokenInfo | None) -> bool:
    return token is not None and (
        (token.type in (tokenize.NAME, tokenize.NUMBER, tokenize.STRING) and token.string not in _OPERATORS)
        or token.string in (")", "]", "}", ",", "...")
    )


def _begins(token: tokenize.TokenInfo, text: str) -> bool:
    if token.type in (tokenize.NAME, tokenize.NUMBER, tokenize.STRING):
        return token.string not in _OPERATORS - {"not", "lambda"}
    if token.string in ("+", "-", "~", "*", "**"):
        # "foo 1 -1" are two arguments, "foo 1 - 1" is one
        return not text[token.end[1] : token.end[1] + 1].isspace()
    return token.string in ("(", "[", "{", "...")


def resolve(name: str, namespace: Mapping[str, Any]) -> Any:
    """The object now bound to a dotted name; for a cached property of an object, its cached method.

    Raises
    ------
    LookupError
        Nothing is.
    """
    first, *rest = name.split(".")
    if first not in namespace:
        raise LookupError(name)
    found = namespace[first]
    for word in rest:
        try:
            kept = inspect.getattr_static(type(found), word, None)
            if isinstance(kept, property) and getattr(kept.fget, "__nbcache__", False):
                found = kept.fget.__get__(found)  # type: ignore[union-attr]
            else:
                found = getattr(found, word)
        except AttributeError:
            raise LookupError(name) from None
    return found


def unknown(name: str, known: Iterable[str]) -> UnknownNameError:
    """The error for a name that is nothing cached, with the nearest names."""
    short = {other.rpartition(".")[2] if " " not in other else other.partition(" ")[2] for other in known}
    hint = did_you_mean(name.rpartition(".")[2], sorted(short))
    if not hint and short:
        hint = f" Cached: {several(sorted(short))}."
    return UnknownNameError(f"{name} is not a cached function or cell.{hint}")


def several(names: Sequence[str], most: int = 5) -> str:
    """Names with commas; of a long list the beginning, and how many more."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")

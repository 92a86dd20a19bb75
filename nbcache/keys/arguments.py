"""A call bound to its signature: the same call, however it is written, gives the same arguments.

Binding is left to CPython: for every function a small function with the very same signature is generated once, so
that keywords, defaults and errors cost and read as for the function itself.
"""

from __future__ import annotations

import inspect
import keyword
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import FunctionType, MethodType
from typing import Any

from nbcache.errors import CacheError, UnhashableArgumentError, UnhashableValueError, UserHashError, explain, findable
from nbcache.hashing.deadline import DeadlineError
from nbcache.hashing.hasher import digest, summary, unexpected
from nbcache.hashing.walk import name_of
from nbcache.keys.defaults import live_keyword_defaults
from nbcache.keys.signatures import POSITIONAL, STARS, left_out, signature_of
from nbcache.tracking.argument_code import ArgumentCode, digest_followed

_EMPTY = inspect.Parameter.empty
_KEYWORD_ONLY = inspect.Parameter.KEYWORD_ONLY

Bound = tuple[Any, ...]
"""The value of every parameter, in the order of the signature, defaults filled in."""

#: Exact types whose equal values are the same argument; a zero float is not, because 0.0 == -0.0.
PRIMITIVES = frozenset({int, str, bytes, bool, type(None), float})


class Arguments:
    """How one function is called: its signature, as generated text and as a binder.

    Attributes
    ----------
    signature : the signature of the function
    qualname : what a TypeError of a wrong call names
    declaration : the parameters as source text, defaults as names of `defaults`
    defaults : the objects that `declaration` refers to
    keyword_defaults : the function's own dict of them, for functions that are made from `declaration`; else None
    names : the parameters as source text of a tuple, in order
    forward : the parameters as source text of a call
    fast_key : source text of a tuple that is equal only for the same primitive arguments
    bind : turns a call into its `Bound`; raises TypeError like the function would
    call : calls a function with a `Bound`
    """

    def __init__(self, function: Callable[..., Any], hash_funcs: Mapping[Any, Callable[[Any], Any]] | None) -> None:
        self.signature = signature_of(function)
        name = getattr(function, "__name__", None)
        self._name = name if isinstance(name, str) else type(function).__name__
        self.qualname = str(getattr(function, "__qualname__", self._name))
        self._hash_funcs = hash_funcs
        self._parameters = list(self.signature.parameters.values())
        self._defaults = [_defaults(parameter) for parameter in self._parameters]
        # without stars every argument of the key has a fixed place
        self._places: list[tuple[str, int]] | None = [
            (parameter.name, place)
            for place, parameter in enumerate(self._parameters)
            if not parameter.name.startswith("_")
        ]
        if any(parameter.kind in STARS for parameter in self._parameters):
            self._places = None
        self._left_out = left_out(function)
        self._overridden = bool(hash_funcs) and any(
            kind in PRIMITIVES or (isinstance(kind, str) and kind.startswith("builtins.")) or kind is object
            for kind in hash_funcs or ()
        )
        self.defaults = {
            f"_nbcache_default_{place}": parameter.default
            for place, parameter in enumerate(self._parameters)
            if parameter.default is not _EMPTY
        }
        self.declaration = self._declare()
        self.keyword_defaults = live_keyword_defaults(function, self._parameters)
        self.names = "".join(f"{parameter.name}, " for parameter in self._parameters)
        self.forward = ", ".join(_passed(parameter) for parameter in self._parameters)
        self.fast_key = "".join(_fast_key(parameter) for parameter in self._keyed())
        self.bind, self.call = self._generate()
        if not isinstance(function, FunctionType | MethodType) or hasattr(function, "__wrapped__"):
            self.call = self._call_as_given  # a wrapper may have defaults of its own

    def _declare(self) -> str:
        words = []
        for place, parameter in enumerate(self._parameters):
            after = self._parameters[place - 1] if place else None
            if (
                after is not None
                and after.kind is inspect.Parameter.POSITIONAL_ONLY
                and parameter.kind is not inspect.Parameter.POSITIONAL_ONLY
            ):
                words.append("/")
            if parameter.kind is inspect.Parameter.KEYWORD_ONLY and (
                after is None or after.kind not in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.KEYWORD_ONLY)
            ):
                words.append("*")
            stars = STARS.get(parameter.kind, "")
            default = "" if parameter.default is _EMPTY else f"=_nbcache_default_{place}"
            words.append(f"{stars}{parameter.name}{default}")
        if self._parameters and self._parameters[-1].kind is inspect.Parameter.POSITIONAL_ONLY:
            words.append("/")
        return ", ".join(words)

    def _generate(self) -> tuple[Callable[..., Bound], Callable[[Callable[..., Any], Bound], Any]]:
        source = (
            f"def {self._shown_name()}({self.declaration}):\n    return ({self.names})\n"
            "def _call_bound(_nbcache_function, _bound):\n"
            f"    ({self.names}) = _bound\n    return _nbcache_function({self.forward})\n"
            if self._parameters
            else f"def {self._shown_name()}():\n    return ()\n"
            "def _call_bound(_function, _bound):\n    return _function()\n"
        )
        namespace: dict[str, Any] = dict(self.defaults)
        exec(compile(source, "<nbcache binder>", "exec"), namespace)
        bind = namespace[self._shown_name()]
        bind.__qualname__ = self.qualname
        if self.keyword_defaults is not None:
            bind.__kwdefaults__ = self.keyword_defaults
        return bind, namespace["_call_bound"]

    def _call_as_given(self, function: Callable[..., Any], bound: Bound) -> Any:
        """Call without what has its default: code in C may take a default that is spelled out for something else."""
        pairs = list(zip(self._parameters, bound, strict=True))
        rest = [value for parameter, value in pairs if parameter.kind is inspect.Parameter.VAR_POSITIONAL]
        first = [pair for pair in pairs if pair[0].kind in POSITIONAL]
        by_place = [
            place
            for place, (parameter, value) in enumerate(first, 1)
            if (rest and rest[0])
            or parameter.default is _EMPTY
            or (parameter.kind is inspect.Parameter.POSITIONAL_ONLY and value is not parameter.default)
        ]
        places = max(by_place, default=0)
        named: dict[str, Any] = {}
        for parameter, value in pairs:
            if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                named.update(value)
        for parameter, value in (*first[places:], *[pair for pair in pairs if pair[0].kind is _KEYWORD_ONLY]):
            if value is not parameter.default:
                named[parameter.name] = value
        return function(*[value for _, value in first[:places]], *(rest[0] if rest else ()), **named)

    def _shown_name(self) -> str:
        """The function's name, where it is one: it stands in the TypeError of a wrong call."""
        usable = self._name.isidentifier() and not keyword.iskeyword(self._name)
        taken = self._name in self.signature.parameters or self._name in self.defaults or self._name == "_call_bound"
        return self._name if usable and not taken else "function"

    def _keyed(self) -> list[inspect.Parameter]:
        return [parameter for parameter in self._parameters if not parameter.name.startswith("_")]

    def items(self, bound: Bound) -> list[tuple[str, Any]]:
        """The arguments that belong to the key, by name; those of ``**kwargs`` one by one, in the order of names.

        Names that begin with an underscore are left out (Streamlit parity), also in ``**kwargs``.
        """
        if self._places is not None:
            return [(name, bound[place]) for name, place in self._places]
        return list(self._starred(bound))

    def _starred(self, bound: Bound) -> Iterator[tuple[str, Any]]:
        for parameter, value in zip(self._parameters, bound, strict=True):
            if parameter.name.startswith("_"):
                continue
            if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                for name in sorted(value):
                    if not name.startswith("_"):
                        yield f"**{name}", value[name]
            elif parameter.kind is inspect.Parameter.VAR_POSITIONAL:
                yield f"*{parameter.name}", self._counted(value)
            else:
                yield parameter.name, value

    def _counted(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        left_out = self._left_out
        return tuple(value for place, value in enumerate(values) if place not in left_out) if left_out else values

    def digests(self, bound: Bound, code: ArgumentCode | None = None) -> list[tuple[str, bytes]]:
        """The digest of every argument of the key; `code` digests the functions, classes and modules among them.

        Raises
        ------
        UnhashableArgumentError
            The content of an argument cannot be read.
        UserHashError
            A function in `hash_funcs` failed.
        """
        code = code or ArgumentCode()
        if self._hash_funcs:
            return [(name, self.digest_of(name, value, code)) for name, value in self.items(bound)]
        return [
            (name, digest(value) if type(value) in PRIMITIVES else self.digest_of(name, value, code))
            for name, value in self.items(bound)
        ]

    def sharing(self, bound: Bound) -> bytes:
        """A digest of which arguments are one object, where to change one would change the other; empty for none."""
        first: dict[int, str] = {}
        found = []
        for name, value in self.items(bound):
            kind: Any = type(value)
            if kind.__hash__ is None or (kind.__hash__ is object.__hash__ and not callable(value)):
                other = first.setdefault(id(value), name)
                if other is not name:
                    found.append((other, name))
        return digest(found) if found else b""

    def digest_of(self, name: str, value: Any, code: ArgumentCode) -> bytes:
        """The digest of one argument."""
        try:
            return digest_followed(value, self._hash_funcs, code)
        except UnhashableValueError as error:
            raise self._unhashable(name, value, error) from None
        except UserHashError as error:
            what = f"{self._name}(): argument {name.lstrip('*')!r} cannot be hashed. {error}"
            raise UserHashError(what) from error.__cause__
        except (CacheError, DeadlineError):
            raise
        except Exception as error:  # of what the code of a function, class or module in it reaches
            raise self._unhashable(name, value, unexpected(value, error)) from error

    def _unhashable(self, name: str, value: Any, error: UnhashableValueError) -> UnhashableArgumentError:
        bare = name.lstrip("*")
        kind = error.type_name or name_of(type(value))
        inside = f" at {bare}{error.path}" if error.path else ""
        leave_out = (
            "give its class a __cache_key__ method"
            if bare in ("self", "cls") and self._parameters and self._parameters[0].name == bare
            else f"name it '_{bare}' to leave it out of the key"
        )
        return UnhashableArgumentError(
            explain(
                f"{self._name}(): argument {bare!r} ({findable(kind)}{inside}) cannot be hashed.",
                error.reason or "its content cannot be read, so two different values would look the same.",
                f'{leave_out}, or pass hash_funcs={{"{findable(error.holder or kind)}": your_function}}.',
            )
        )

    def is_primitive(self, bound: Bound) -> bool:
        """Whether equal fast keys mean equal arguments for this call."""
        if self._overridden or self._left_out:
            return False
        if self._places is not None:
            for _, place in self._places:
                value = bound[place]
                kind = type(value)
                if kind not in PRIMITIVES or (kind is float and (value == 0.0 or value != value)):
                    return False
            return True
        for parameter, value in zip(self._parameters, bound, strict=True):
            if parameter.name.startswith("_"):
                continue
            values: Iterable[Any] = (value,)
            if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
                values = value
            elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
                values = value.values()
            if not all(map(_is_primitive, values)):
                return False
        return True

    def text(self, bound: Bound, limit: int = 200, each: int = 80) -> str:
        """The arguments as the call would be typed, defaults left out, long values cut short."""
        words = []
        for (before, default), value in zip(self._defaults, bound, strict=True):
            if default is value:
                continue
            if before == "*":
                words += [summary(item, each) for item in value]
            elif before == "**":
                words += [f"{name}={summary(item, each)}" for name, item in value.items()]
            else:
                words.append(before + summary(value, each))
        text = ", ".join(words)
        return text if len(text) <= limit else text[: limit - 1] + "…"


def _is_primitive(value: object) -> bool:
    kind = type(value)
    return kind in PRIMITIVES and (kind is not float or (value != 0.0 and value == value))


def _defaults(parameter: inspect.Parameter) -> tuple[str, object]:
    """What is written before an argument of a call, and the default, with which it is not written at all."""
    plain = parameter.kind is inspect.Parameter.POSITIONAL_ONLY or (
        parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD and parameter.default is _EMPTY
    )
    stars = STARS.get(parameter.kind)
    return stars or ("" if plain else f"{parameter.name}="), parameter.default


def _passed(parameter: inspect.Parameter) -> str:
    if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
        return f"{parameter.name}={parameter.name}"
    return STARS.get(parameter.kind, "") + parameter.name


def _fast_key(parameter: inspect.Parameter) -> str:
    name = parameter.name
    if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
        return f"*{name}, *_nbcache_map(_nbcache_type, {name}), None, "
    if parameter.kind is inspect.Parameter.VAR_KEYWORD:
        return f"*{name}.items(), *_nbcache_map(_nbcache_type, {name}.values()), "
    # The class comes first: values of different classes are never compared.
    return f"{name}.__class__, {name}, "

"""The line magics: each parses its line, calls one thing, and prints one thing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_magic, magics_class, no_var_expand

from .. import registry
from ..decorator import CachedClassMethod, cache_data
from ..errors import CacheError, UnknownNameError
from ..function import BoundCachedFunction, CachedFunction
from ..listing import entry_rows
from ..surroundings import around
from . import info, target, trust
from .cells import cell_owner, explain_cell
from .target import Target

Known = CachedFunction[Any, Any] | BoundCachedFunction[Any]


@magics_class
class CacheMagics(Magics):
    """`%cache_clear`, `%cache_info`, `%cache_explain`, `%cache_panel` and `%cache_trust`."""

    @no_var_expand
    @line_magic
    def cache_clear(self, line: str) -> None:
        """Forget cached results, in memory and on disk.

        ::

            %cache_clear                     everything
            %cache_clear foo                 every entry of foo, or of the cell named foo
            %cache_clear foo 1               the entry of the call foo(1)
            %cache_clear foo bar=1           the same, by keyword
            %cache_clear foo(1, mode="x")    the same, as the call is typed
            %cache_clear obj.method 1        a method

        Arguments are Python expressions and may use the variables of the notebook; nothing in the line is expanded.
        """
        with _short_errors():
            aim = _parsed(line)
            if aim is None:
                _say(registry.the_cache().clear(), "everything")
                return
            known = self._function(aim)
            if known is None:
                owner = self._cell(aim)
                _say(registry.the_cache().clear(owner), owner)
            elif aim.is_call:
                args, kwargs = self._values(aim)
                _say(known.forget(*args, **kwargs), f"the call {_typed(aim)}")
            else:
                _say(known.forget_all(), f"{aim.name}()")

    @no_var_expand
    @line_magic
    def cache_info(self, line: str) -> info.Table:
        """What is cached: a row per function and cell; with a name, a row per argument set of it.

        ::

            %cache_info
            %cache_info foo
        """
        with _short_errors():
            aim = _parsed(line)
            if aim is None:
                return info.functions_table(cache_data.info())
            known = self._function(aim)
            owner = self._cell(aim) if known is None else known.owner
            return info.entries_table(owner, entry_rows(registry.the_cache(), owner))

    @no_var_expand
    @line_magic
    def cache_explain(self, line: str) -> Any:
        """Why a call would be a hit or a miss now, naming what changed.

        ::

            %cache_explain foo 1
            %cache_explain foo(1, mode="x")
            %cache_explain prices            the cell named prices
        """
        with _short_errors():
            aim = _parsed(line)
            if aim is None:
                raise UnknownNameError("say which call: %cache_explain foo 1")
            known = self._function(aim)
            if known is None:
                return explain_cell(self.shell, self._cell(aim))
            args, kwargs = self._values(aim)
            return known.explain(*args, **kwargs)

    @no_var_expand
    @line_magic
    def cache_panel(self, line: str) -> Any:
        """The widget panel of everything cached, or of one function or cell.

        ::

            %cache_panel
            %cache_panel foo
        """
        with _short_errors():
            aim = _parsed(line)
            if aim is None:
                return cache_data.panel()
            known = self._function(aim)
            return around.panel(self._cell(aim) if known is None else known.owner)

    @no_var_expand
    @line_magic
    def cache_trust(self, line: str) -> Any:
        """Show the key that signs entries and what the store holds; share, add, rotate and forget keys.

        ::

            %cache_trust                     the key, the store, what in it is ours
            %cache_trust share FILE          write the key to a file for a colleague
            %cache_trust add FILE            trust what that key signed
            %cache_trust rotate              sign with a new key from now on
            %cache_trust forget ID           trust what that key signed no longer
            %cache_trust verify              check every entry of the store
            %cache_trust adopt FOLDER        take over entries of another store, after a typed yes
        """
        with _short_errors():
            return trust.command(line)

    @property
    def _namespace(self) -> dict[str, Any]:
        assert self.shell is not None  # magics are registered in a shell
        namespace: dict[str, Any] = self.shell.user_ns
        return namespace

    # -- finding ---------------------------------------------------------------------------------------------------

    def _function(self, aim: Target) -> Known | None:
        """The cached function that the name is now bound to; None where it is not bound to one."""
        try:
            found = target.resolve(aim.name, self._namespace)
        except LookupError:
            return None
        if isinstance(found, CachedClassMethod):
            found = found.__func__
        if isinstance(found, property):
            found = found.fget
        return found if isinstance(found, CachedFunction | BoundCachedFunction) else None

    def _cell(self, aim: Target) -> str:
        """The owner of the cached cell of that name."""
        owner = cell_owner(aim.name)
        cache = registry.the_cache()
        if owner in cache.shelf.owners() or any(True for _ in cache.entries(owner)):
            return owner
        raise target.unknown(aim.name, names(self._namespace))

    def _values(self, aim: Target) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return aim.evaluate(self._namespace)


def names(namespace: dict[str, Any]) -> list[str]:
    """What can stand after a magic: the cached functions of a namespace, by name, and the known cells."""
    functions = [name for name, value in namespace.items() if isinstance(value, CachedFunction) and name[0] != "_"]
    cells = [owner.removeprefix("cell ") for owner in registry.the_cache().shelf.owners() if owner.startswith("cell ")]
    return sorted({*functions, *cells})


def _parsed(line: str) -> Target | None:
    if line.strip() in ("-h", "--help"):
        raise UnknownNameError("put a question mark behind the magic for its help, such as %cache_clear?")
    return target.parse(line)


def _typed(aim: Target) -> str:
    words = [*(aim.arguments or ()), *(f"{name}={text}" for name, text in aim.keywords)]
    return f"{aim.name}({', '.join(words)})"


def _say(count: int, what: str) -> None:
    if count:
        print(f"Cleared {count:,} {'entry' if count == 1 else 'entries'} of {what}.")
    else:
        print(f"Nothing was cached of {what}.")


@contextmanager
def _short_errors() -> Iterator[None]:
    """Turn an error into one line: what is wrong, not where in our code it was seen."""
    try:
        yield
    except UsageError:
        raise
    except (CacheError, TypeError, NameError, SyntaxError, LookupError, ValueError, AttributeError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        raise UsageError(f"{type(error).__name__}: {reason}") from None

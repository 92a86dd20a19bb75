"""The line magics: each parses its line, calls one thing, and prints one thing."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_magic, magics_class, no_var_expand

from nbcache.errors import CacheError
from nbcache.notebook.line import plain_help

if TYPE_CHECKING:
    from nbcache.notebook.magics.commands import Commands


Line = Callable[[Any, str], Any]
#: A line that begins with an option; these magics have none but `-h`.
_OPTION = re.compile(r"\s*(--?[A-Za-z][\w-]*)")


def _command(magic: Line) -> Line:
    """Answer `-h` with the help, and turn an error into one line: what is wrong, not where in our code it was seen."""

    @functools.wraps(magic)
    def command(self: Any, line: str) -> Any:
        if line.strip() in ("-h", "--help"):
            print(plain_help(inspect.getdoc(magic) or ""))
            return None
        if option := _OPTION.match(line):
            raise UsageError(f"%{magic.__name__} has no option {option[1]}. See %{magic.__name__} -h.")
        try:
            return magic(self, line)
        except (CacheError, TypeError, NameError, SyntaxError, LookupError, ValueError, AttributeError) as error:
            reason = error.msg if isinstance(error, SyntaxError) else str(error)
            raise UsageError(" ".join(reason.split())) from None

    return command


@magics_class
class CacheMagics(Magics):
    """`%cache_clear`, `%cache_info`, `%cache_explain`, `%cache_panel` and `%cache_trust`."""

    @no_var_expand
    @line_magic
    @_command
    def cache_clear(self, line: str) -> None:
        """Clear cached results, in memory and on disk.

        ::

            %cache_clear                     everything
            %cache_clear foo                 every entry of foo, or of the cell named foo
            %cache_clear foo 1               the entry of the call foo(1)
            %cache_clear foo bar=1           the same, by keyword
            %cache_clear foo(1, mode="x")    the same, as the call is typed
            %cache_clear obj.method 1        a method

        Arguments are Python expressions and may use the variables of the notebook; nothing in the line is expanded.
        """
        print(self._commands().clear(line))

    @no_var_expand
    @line_magic
    @_command
    def cache_info(self, line: str) -> Any:
        """What is cached: a row per function and cell; with a name, a row per argument set of it.

        ::

            %cache_info
            %cache_info foo
        """
        return self._commands().info(line)

    @no_var_expand
    @line_magic
    @_command
    def cache_explain(self, line: str) -> Any:
        """Why a call would be a hit or a miss now, naming what changed.

        ::

            %cache_explain foo 1
            %cache_explain foo(1, mode="x")
            %cache_explain prices            the cell named prices
        """
        return self._commands().explain(line)

    @no_var_expand
    @line_magic
    @_command
    def cache_panel(self, line: str) -> Any:
        """The widget panel of everything cached, or of one function or cell.

        ::

            %cache_panel
            %cache_panel foo
        """
        return self._commands().panel(line)

    @no_var_expand
    @line_magic
    @_command
    def cache_trust(self, line: str) -> Any:
        """Show the key that signs entries and what the store holds; share, add, rotate and forget keys.

        ::

            %cache_trust                     the key, the store, what in it is ours
            %cache_trust create              make a key, if there is none
            %cache_trust fingerprint         what two people compare, to know that they have one key
            %cache_trust share FILE          write the key to a file for a colleague
            %cache_trust add FILE            trust what that key signed
            %cache_trust rotate              sign with a new key from now on
            %cache_trust forget ID           trust what that key signed no longer
            %cache_trust verify              check every entry of the store
            %cache_trust adopt FOLDER        take over entries of another store, after a typed yes
        """
        from nbcache.notebook.magics.trust import command

        return command(line)

    def _commands(self) -> Commands:
        from nbcache.notebook.magics.commands import Commands  # at the first use: loading the extension stays cheap

        return Commands(self.shell)

"""Load and unload the extension: what is registered in a shell, and that nothing of it stays behind."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any

from IPython.core.completer import context_matcher
from traitlets import TraitError

from nbcache.config import settings
from nbcache.decorator import cache_data
from nbcache.errors import warn
from nbcache.notebook.autoreload import Reloads
from nbcache.notebook.display.cell_output import CELL_OUTPUT
from nbcache.notebook.line import completions
from nbcache.notebook.magics.cell_magics import CellMagics
from nbcache.notebook.magics.line_magics import CacheMagics
from nbcache.notebook.measured import Measured

_KEPT = "_nbcache_extension"
_NAME = "cache_data"
_NAMED = ("cache_clear", "cache_info", "cache_explain", "cache_panel")
_OF_TRUST = ("share", "add", "rotate", "forget", "verify", "adopt")


class _Registered:
    """What one load put into a shell."""

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.magics = [CacheMagics(shell), CellMagics(shell)]
        for magics in self.magics:
            shell.register_magics(magics)
        # register_magics lists each class among the things %config knows; ours have nothing to set
        shell.configurables[:] = [one for one in shell.configurables if one not in self.magics]
        shell.configurables.append(settings())
        self.reloads = Reloads(shell)
        self.began = partial(CELL_OUTPUT.begin, shell)
        shell.events.register("pre_execute", self.began)
        self.ended = partial(CELL_OUTPUT.end, shell)
        shell.events.register("post_execute", self.ended)
        self.measured = Measured()
        shell.events.register("pre_run_cell", self.measured.begin)
        shell.events.register("post_run_cell", self.measured.end)
        if shell.history_manager.input_hist_raw[-1].startswith("%load_ext"):  # so the cell has shown nothing yet
            self.began()
        self.matcher = _matcher(shell)
        shell.Completer.custom_matchers.append(self.matcher)
        self.injected = _NAME not in shell.user_ns
        if self.injected:
            shell.push({_NAME: cache_data}, interactive=False)

    def undo(self) -> None:
        shell = self.shell
        self.reloads.stop()
        for magics in self.magics:
            for kind, registered in magics.magics.items():
                for name in registered:
                    shell.magics_manager.magics[kind].pop(name, None)
            shell.magics_manager.registry.pop(type(magics).__name__, None)
        shell.configurables[:] = [one for one in shell.configurables if one is not settings()]
        for event, follows in (
            ("pre_execute", self.began),
            ("post_execute", self.ended),
            ("pre_run_cell", self.measured.begin),
            ("post_run_cell", self.measured.end),
        ):
            with suppress(ValueError):
                shell.events.unregister(event, follows)
        CELL_OUTPUT.stop()
        if self.matcher in shell.Completer.custom_matchers:
            shell.Completer.custom_matchers.remove(self.matcher)
        if self.injected and shell.user_ns.get(_NAME) is cache_data:
            shell.user_ns.pop(_NAME, None)
            shell.user_ns_hidden.pop(_NAME, None)
        for magics in self.magics:
            if isinstance(magics, CellMagics):
                magics.stop()


def load(shell: Any) -> None:
    """Register magics, settings and completion, and put `cache_data` into the namespace. Twice is as once."""
    if getattr(shell, _KEPT, None) is not None:
        return
    try:
        settings().update_config(shell.config)
    except TraitError as error:
        # A value that %config refused stays in the configuration of the shell, and would be refused again here.
        warn(f"A setting of nbcache is not used: {error}")
    setattr(shell, _KEPT, _Registered(shell))


def unload(shell: Any) -> None:
    """Take out everything that `load` put in; functions already decorated keep working."""
    registered = getattr(shell, _KEPT, None)
    if registered is not None:
        registered.undo()
        delattr(shell, _KEPT)


def _matcher(shell: Any) -> Any:
    @context_matcher()  # type: ignore[untyped-decorator]
    def nbcache_names(context: Any) -> dict[str, Any]:
        """Complete cached functions and cells, options and sub-commands behind the magics."""
        from IPython.core.completer import SimpleCompletion

        magic, blank, rest = context.line_with_cursor.lstrip().partition(" ")
        *words, word = rest.split(" ")
        if not magic.startswith("%") or not blank:
            return {"completions": []}
        choice = _next(shell, magic.lstrip("%"), [one for one in words if one])
        # what the front end replaces begins behind a dash or a dot, as its token does
        before = word[: len(word) - len(context.token)] if word.endswith(context.token) else ""
        found = [
            SimpleCompletion(one.removeprefix(before), type="function")
            for one in choice
            if one.startswith(word) and one.startswith(before)
        ]
        return {"completions": found, "suppress": bool(found), "ordered": True}

    return nbcache_names


def _next(shell: Any, magic: str, words: list[str]) -> list[str]:
    """What may come next in the line of a magic, after words that are complete."""
    if magic in _NAMED and not words:
        from nbcache.notebook.magics.commands import names

        return [*names(shell.user_ns), "-h"]
    if magic == "cache_trust":
        return [] if words else [*_OF_TRUST, "-h"]
    if magic in ("cache_cells", "cache_cell"):
        return completions(getattr(CellMagics, magic), words)
    return []

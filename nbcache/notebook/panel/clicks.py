"""What a click in the panel does: clear, ask first what took long, say what happened, take it back."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass

from nbcache.notebook.display import quantities
from nbcache.notebook.panel.model import Notice, PanelModel, reason
from nbcache.notebook.panel.rows import ASK_SECONDS, UNDO_SECONDS, Cleared


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked before something is cleared.

    Attributes
    ----------
    subject : what would be cleared, in words
    why : what speaks against it; empty for nothing
    name, address : the function, and the entry; None for everything in sight, and for all of a function
    """

    subject: str
    why: str = ""
    name: str | None = None
    address: Hashable = None


class Clicks:
    """The actions of one panel, whichever view it has.

    Notes
    -----
    Safe to use from several threads, as the model is. Nothing here raises: nobody would see the traceback of a click.
    """

    def __init__(self, model: PanelModel) -> None:
        self._model = model
        self.question: Question | None = None

    @property
    def scope(self) -> str:
        """What "Clear all" would clear, in words."""
        model = self._model
        what = quantities.count(model.totals.entries, "entry", "entries")
        return f"all {what}" if model.owner is None else f"all {what} of {model.label(model.owner)}"

    @property
    def clear_all_text(self) -> str:
        """What the button says that clears everything in sight."""
        model = self._model
        return "Clear all…" if model.owner is None else f"Clear all of {model.label(model.owner)}…"

    def press_clear(self, name: str, address: Hashable = None) -> None:
        """Clear an entry or a function; ask first where it took long to compute."""
        row, entry = self._model.function(name), self._model.entry(name, address)
        if entry is not None and entry.seconds > ASK_SECONDS:
            why = f"It took {quantities.duration(entry.seconds)} to compute."
            self._ask(Question(entry.label, why, name, address))
        elif address is None and row is not None and row.seconds > ASK_SECONDS:
            entries = quantities.count(row.entries, "entry", "entries")
            self._ask(Question(row.label, f"{entries}, {quantities.duration(row.seconds)} to compute.", name))
        elif address is None:
            self.clear_function(name)
        else:
            self.clear_entry(name, address)

    def ask_clear_all(self) -> None:
        """Ask once more before everything goes."""
        seconds = sum(row.seconds for row in self._model.functions)
        self._ask(Question(self.scope, f"{quantities.duration(seconds)} to compute." if seconds > ASK_SECONDS else ""))

    def _ask(self, question: Question) -> None:
        self.question = question
        self._model.notice = Notice()

    def confirm(self) -> None:
        """Clear what the question named; nothing without a question."""
        question, self.question = self.question, None
        if question is None:
            return
        if question.name is None:
            self.clear_all()
        elif question.address is None:
            self.clear_function(question.name)
        else:
            self.clear_entry(question.name, question.address)

    def cancel(self) -> None:
        """Take the question back."""
        self.question = None

    def clear_entry(self, name: str, address: Hashable) -> Notice:
        """Clear one entry of the function called `name`, as `function.clear(arguments)` does."""
        entry = self._model.entry(name, address)
        label = self._model.label(name) if entry is None else entry.label
        return self._clear(label, lambda: self._model.source.clear_entry(address), name, address)

    def clear_function(self, name: str) -> Notice:
        """Clear every entry of one function or cell, as `function.clear()` does."""
        return self._clear(self._model.label(name), lambda: self._model.source.clear_function(name), name)

    def clear_all(self) -> Notice:
        """Clear everything that the panel is about."""
        if self._model.owner is not None:
            return self.clear_function(self._model.owner)
        return self._clear("the cache", self._model.source.clear_all)

    def undo(self) -> Notice:
        """Take the last clear back, if there is still time."""
        before, self._model.notice = self._model.notice, Notice()
        if before.undo is None:
            return self._model.notice
        what = before.text.removeprefix("Cleared ").removesuffix(".")
        try:
            undone = before.undo()
            self._model.read_again()
        except Exception as error:
            return self._tell(Notice(f"Could not restore {what}: {reason(error)}", error=True))
        return self._say(f"Restored {what}." if undone else f"Too late to restore {what}.")

    def _clear(
        self, label: str, act: Callable[[], Cleared], name: str | None = None, address: Hashable = None
    ) -> Notice:
        self.question = None
        try:
            cleared = act()
            self._model.drop(name, address)
            self._model.read_now()
        except Exception as error:
            return self._tell(Notice(f"Could not clear {label}: {reason(error)}", error=True))
        if not cleared.count:
            return self._say(f"Nothing to clear: {label} had no entries left.")
        what = quantities.count(cleared.count, "entry", "entries")
        return self._say(f"Cleared {label} ({what}).", cleared.undo)

    def _say(self, text: str, undo: Callable[[], bool] | None = None) -> Notice:
        return self._tell(Notice(text, until=self._model.clock() + UNDO_SECONDS, undo=undo))

    def _tell(self, notice: Notice) -> Notice:
        self._model.notice = notice
        return notice

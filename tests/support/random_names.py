"""Programs made at random of names that mean something else after an edit, called with and without the cache.

What a name is bound to, what somebody put under a library's name or on a library's class, and names that stand only
in texts or are taken out of namespaces. The two answers must never differ; where nothing has changed for the function,
or all was taken back, or the kernel was started anew, the call must be a hit.

Run as a script: ``random_names.py --programs 500 --seed 1``.
"""

from __future__ import annotations

import random
import re
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from edits import Notebook
from random_programs import Tally, play_each, run

__all__ = ["KINDS", "play"]


class Kind(NamedTuple):
    """A way to use a name: $ is the name, V one of its values.

    Attributes
    ----------
    define : the statement that gives it a value
    use : the expression that depends on the value
    values : texts; any two of them give different answers
    undo : a statement that leaves the library as it was; "" where the name is the program's own
    """

    define: str
    use: str
    values: tuple[str, ...]
    undo: str = ""


_NUMBERS = ("1", "2", "3")
_LIMITS = ("1", "2", "7")
_ACCESSOR = (
    "@pd.api.extensions.register_dataframe_accessor('$')\n"
    "class C$:\n  def __init__(self, frame): pass\n  def m(self): return V"
)
_SPACE = "pd.DataFrame.__dict__.get('$') and delattr(pd.DataFrame, '$')"
KINDS = {
    "module under an alias": Kind("import V as $", "repr($.sqrt(4))", ("math", "cmath", "numpy")),
    "module as a value": Kind("import V as $", "str($.__name__)", ("json", "pickle", "numpy.fft", "scipy.fft")),
    "function taken from a module": Kind("from V import sqrt as $", "repr($(4))", ("math", "cmath", "numpy")),
    "function of a library": Kind("$ = np.V", "repr($([1.0, 4.0, 9.0]))", ("mean", "median", "max", "square")),
    "function of one name": Kind(
        "from V import convolve as $", "repr($(np.eye(3), np.eye(3)).shape)", ("scipy.signal", "scipy.ndimage")
    ),
    "class of a library": Kind("from V as $", "repr($(3))", ("fractions import Fraction", "decimal import Decimal")),
    "type": Kind("$ = V", "repr($(3))", ("int", "float", "str", "bool")),
    "method": Kind("$ = str.V", "$('aB')", ("upper", "lower", "swapcase")),
    "ufunc of a function": Kind("$ = np.frompyfunc(lambda a: a + V, 1, 1)", "$(1)", _NUMBERS),
    "partial": Kind("$ = functools.partial(V.sqrt)", "repr($(4))", ("math", "cmath")),
    "in a list": Kind("$ = [V.sqrt]", "repr($[0](4))", ("math", "cmath")),
    "added to a module": Kind("math.$ = V", "math.$", ("1", "1.0", "'1'", "True"), "vars(math).pop('$', None)"),
    "function added to a module": Kind(
        "json.$ = lambda: V", "json.$()", ("1", "1.0", "'1'"), "vars(json).pop('$', None)"
    ),
    "data added to a module": Kind("np.$ = np.array([V])", "np.$.tolist()", _NUMBERS, "vars(np).pop('$', None)"),
    "list added to a module": Kind("json.$ = [V]", "json.$[0]", _NUMBERS, "vars(json).pop('$', None)"),
    "other function in a module": Kind(
        "colorsys.$ = colorsys.V",
        "repr(colorsys.$(0.1, 0.2, 0.3))",
        ("rgb_to_hls", "rgb_to_hsv", "hsv_to_rgb"),
        "vars(colorsys).pop('$', None)",
    ),
    "added to builtins": Kind("builtins.$ = V", "$", ("1", "2.0", "'x'"), "vars(builtins).pop('$', None)"),
    "function added to builtins": Kind("builtins.$ = lambda: V", "$()", _NUMBERS, "vars(builtins).pop('$', None)"),
    "accessor": Kind(_ACCESSOR, "frame.$.m()", _NUMBERS, _SPACE),
    "accessor by text": Kind(_ACCESSOR, "getattr(frame, '$').m()", _NUMBERS, _SPACE),
    "method of a frame": Kind("pd.DataFrame.$ = lambda self: V", "frame.$()", _NUMBERS, _SPACE),
    "property of a frame": Kind("pd.DataFrame.$ = property(lambda self: V)", "frame.$", _NUMBERS, _SPACE),
    "attribute of a function": Kind("def $(): pass\n$.limit = V", "$.limit", _NUMBERS),
    "attribute of a function in a list": Kind("def f$(): pass\nf$.limit = V\n$ = [f$]", "$[0].limit", _NUMBERS),
    "query": Kind("$ = V", "len(frame.query('v > @$'))", _LIMITS),
    "query of a text made elsewhere": Kind("$ = V\ntext$ = 'v > @$'", "len(frame.query(text$))", _LIMITS),
    "eval of a frame": Kind("$ = V", "frame.eval('v * @$').tolist()", _LIMITS),
    "eval of pandas": Kind("$ = V", "int(pd.eval('$ + 1'))", _LIMITS),
    "eval": Kind("$ = V", "eval('$')", ("1", "1.0", "'a'")),
    "eval of a function": Kind("def $(): return V", "eval('$()')", _NUMBERS),
    "key of globals": Kind("$ = V", "globals()['$']", ("1", "1.0", "'a'")),
    "get of globals": Kind("$ = V", "globals().get('$')", ("1", "1.0", "'a'")),
    "format of globals": Kind("$ = V", "'{$}'.format(**globals())", ("1", "1.5", "'a'")),
    "percent of globals": Kind("$ = V", "'%($)s' % globals()", ("1", "1.5", "'a'")),
    "attribute of the module": Kind("$ = V", "sys.modules[__name__].$", ("1", "1.0", "'a'")),
    "attribute of main": Kind("$ = V", "sys.modules['__main__'].$", ("1", "1.0", "'a'")),
    "SQL": Kind("$ = pd.DataFrame({'v': [V]})", "duckdb.sql('select sum(v) from $').fetchall()", _NUMBERS),
}
_FIRST = (
    "import builtins, cmath, colorsys, decimal, fractions, functools, json, math, sys\n"
    "import duckdb\nimport numpy as np\nimport pandas as pd\n"
    "frame = pd.DataFrame({'v': [1, 2, 3, 9]})\n"
)
# How a definition is reached from the function.
_WAYS = {
    "straight": ("", "USE"),
    "helper": ("def h#(): return USE", "h#()"),
    "helper's helper": ("def g#(): return USE\ndef h#(): return g#()", "h#()"),
    "method": ("class H#:\n  def m(self): return USE", "H#().m()"),
    "lambda": ("h# = lambda: USE", "h#()"),
    "comprehension": ("", "[USE for _ in 'a']"),
    "default": ("def h#(x=0): return (x, USE)", "h#()"),
    "unused": ("def h#(): return USE", "0"),
}


@dataclass(frozen=True)
class Slot:
    """One name of a program."""

    kind: str
    way: str
    value: str


class Program:
    """One program in one notebook."""

    def __init__(self, chance: random.Random, book: Notebook, tally: Tally, start: Callable[[], None]) -> None:
        self.chance, self.book, self.tally = chance, book, tally
        self.log: list[str] = []
        self._start = start
        self.slots = [self._slot() for _ in range(chance.randint(2, 6))]

    def _slot(self) -> Slot:
        kind = self.chance.choice(list(KINDS))
        return Slot(kind, self.chance.choice(list(_WAYS)), self.chance.choice(KINDS[kind].values))

    def run(self, cell: str) -> None:
        self.log.append(cell)
        self.book.run(cell)

    def define(self, number: int) -> None:
        slot = self.slots[number]
        self.run(re.sub(r"\bV\b", slot.value, KINDS[slot.kind].define).replace("$", f"n{number}"))

    def run_all(self) -> None:
        """Define everything, as `Restart and Run All` does."""
        self.run(_FIRST)
        uses = []
        for number, slot in enumerate(self.slots):
            self.define(number)
            before, use = _WAYS[slot.way]
            written = KINDS[slot.kind].use.replace("$", f"n{number}")
            if before:
                self.run(before.replace("USE", written).replace("#", str(number)))
            uses.append(use.replace("USE", written).replace("#", str(number)))
        self.run(f"@cache_data(show_spinner=False)\ndef foo():\n  return ({', '.join(uses)},)")

    def call(self, must_hit: str = "") -> None:
        """Call with and without the cache, and compare."""
        foo = self.book.space["foo"]
        misses = foo.info().misses
        answer = repr(foo())
        hit = foo.info().misses == misses
        truth = repr(foo.__wrapped__())
        self.log.append(f"# foo() {'hit' if hit else 'miss'}")
        missed = foo.explain() if must_hit and not hit else ""
        self.tally.compared(answer, truth, hit, self.log, must_hit, missed)

    def change(self) -> bool:
        """Give one name another value; tell whether the function can see it."""
        number = self.chance.randrange(len(self.slots))
        slot = self.slots[number]
        others = [value for value in KINDS[slot.kind].values if value != slot.value]
        self.slots[number] = replace(slot, value=self.chance.choice(others))
        self.tally.edits[slot.kind] += 1
        self.define(number)
        return slot.way != "unused"

    def harmless(self) -> str:
        """Do something that changes nothing for the function; tell what."""
        match self.chance.choice(("again", "aside", "restart")):
            case "again":
                self.define(number := self.chance.randrange(len(self.slots)))
                return f"n{number} was given an equal value"
            case "aside":
                self.run("aside = 5\nmath.aside = 5\npd.DataFrame.aside = lambda self: 5\ndef other(): return 5")
                return "an edit aside"
        self.log.append("# restart")
        self._start()
        self.run_all()
        return "a restart"

    def play(self, rounds: int) -> None:
        for _ in range(rounds):
            self.run_all()
            self.call()
            self.call("nothing")
            self.call(self.harmless())
            before = list(self.slots)
            seen = False
            for _ in range(self.chance.randint(1, 4)):
                seen = self.change() or seen
                self.call("" if seen else "an edit of what is not reached")
            self.slots = before
            self.run_all()
            self.call("all was taken back")

    def undo(self) -> None:
        """Leave the libraries as they were."""
        for number, slot in enumerate(self.slots):
            if undo := KINDS[slot.kind].undo:
                self.book.run(undo.replace("$", f"n{number}"))
        self.book.run("vars(math).pop('aside', None)\n'aside' in vars(pd.DataFrame) and delattr(pd.DataFrame, 'aside')")


def play(count: int, seed: int, folder: Path) -> Tally:
    """Play programs in folders of their own, up to the first one that goes wrong."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return play_each(count, seed, folder, _play_one)


def _play_one(*begun: Any) -> None:
    program = Program(*begun)
    try:
        program.play(2)
    finally:
        program.undo()


if __name__ == "__main__":
    sys.exit(run(__doc__, 500, play))

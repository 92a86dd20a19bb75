"""Programs made at random, edited at random, and called with and without the cache after every edit.

A program is a notebook of definitions that use one another: functions, classes, closures, partials, globals, files,
folders and modules, below a cached function ``foo``. The two answers must never differ. Where an edit can change
nothing, or has been taken back, or the kernel was started anew, the call must be a hit.

Run as a script: ``random_programs.py --programs 2000 --seed 1``.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from edits import Notebook, notebook, taken_back

from nbcache import cache_data, registry
from nbcache.config import settings
from nbcache.engine.cache import Cache
from nbcache.engine.tiers import open_tiers

# Values that are easily taken for one another.
VALUES = (
    *(
        "0",
        "1",
        "2",
        "1.0",
        "0.0",
        "-0.0",
        "True",
        "False",
        "None",
        "'1'",
        "b'1'",
        "'a'",
        "(1,)",
        "(1.0,)",
        "('a', 'b')",
    ),
    *("('ab',)", "12", "3", "frozenset({1})", "1j", "10**20"),
)
FIRST = (
    "import dataclasses, functools, os, types\n"
    "def read(name):\n"
    "  try:\n    with open(name) as file: return file.read()\n"
    "  except FileNotFoundError: return None\n"
    "class Root:\n  def m(self): return 'root'\n"
    "def names(folder): return sorted(os.listdir(folder))\n"
)

# kind: how it is defined and how it is used. $ is the name, V the value, U what it uses at each call, and D another
# function (or class) that is taken up when it is defined.
CODE = {
    "function": ("def $():\n  return (V, U)", "$()"),
    "default": ("def $(v=V):\n  return (v, U)", "$()"),
    "keyword default": ("def $(*, v=V):\n  return (v, U)", "$()"),
    "class": ("class $:\n  k = V\n  def m(self): return (self.k, U)", "$().m()"),
    "property": ("class $:\n  @property\n  def p(self): return (V, U)", "$().p"),
    "class method": ("class $:\n  @classmethod\n  def m(cls): return (cls.__name__, V, U)", "$.m()"),
    "base": ("class B$:\n  def m(self): return (V, U)\nclass $(B$): pass", "$().m()"),
    "metaclass": ("class M$(type):\n  def m(cls): return (V, U)\nclass $(metaclass=M$): pass", "$.m()"),
    "dataclass": ("@dataclasses.dataclass\nclass $:\n  v: object = V\n  def m(self): return (self.v, U)", "$().m()"),
    "closure": ("def make(v):\n  def inner(): return (v, U)\n  return inner\n$ = make(V)", "$()"),
    "lambda": ("$ = lambda: (V, U)", "$()"),
    "lambdas": ("$, other = (lambda: (V, U)), (lambda: 7)", "$()"),
    "partial": ("$ = functools.partial(lambda *a: (a, U), V)", "$()"),
    "bound method": (
        "class C$:\n  def __init__(self, v): self.v = v\n  def m(self): return (self.v, U)\n$ = C$(V).m",
        "$()",
    ),
    "in a dict": ("$ = {'a': lambda: (V, U), 'b': [V]}", "$['a']()"),
    "in a list": ("def inner(): return (V, U)\n$ = [inner, V]", "$[0]()"),
    "decorated": (
        "def d$(n):\n  def w(f):\n    def g(): return (n, f())\n    return g\n  return w\n@d$(V)\ndef $(): return U",
        "$()",
    ),
    "comprehension": ("def $(): return [(V, U) for _ in range(2)]", "$()"),
    "inner function": ("def $():\n  def inner(): return (V, U)\n  return inner()", "$()"),
    "cached": ("@cache_data\ndef $(): return (V, U)", "$()"),
    "callable": ("class C$:\n  def __call__(self): return (V, U)\n$ = C$()", "$()"),
    "keeps a log": ("log$ = []\ndef $():\n  log$.append(1)\n  return (V, U)", "$()"),
    "changes itself": (
        "class C$:\n  def __init__(self, v): self.v, self.log = v, []\n"
        "  def m(self):\n    self.log.append(1)\n    return (self.v, U)\n$ = C$(V)",
        "$.m()",
    ),
    "alias": ("$ = D", "$()"),
    "wrapper": ("@functools.wraps(D)\ndef $(): return (V, D())", "$()"),
    "partial of another": ("$ = functools.partial(lambda f, v: (f(), v, U), D, V)", "$()"),
    "function as default": ("def $(f=D): return (V, f(), U)", "$()"),
    "closure over another": ("def make(f):\n  def inner(): return (V, f(), U)\n  return inner\n$ = make(D)", "$()"),
    "in a tuple": ("$ = (V, D)", "$[1]()"),
    "deep in a dict": ("$ = {'a': {'b': [V, D]}}", "$['a']['b'][1]()"),
    "class that holds one": ("class $:\n  f = staticmethod(D)\n  v = [V]", "($.f(), repr($.v))"),
    "object that holds one": ("$ = types.SimpleNamespace(f=D, v=V)", "($.f(), $.v)"),
    "subclass": ("class $(D):\n  def m(self): return (V, super().m(), U)", "$().m()"),
}
DATA = {
    "constant": ("$ = V", "$"),
    "list": ("$ = [V, [V]]", "repr($)"),
    "dict": ("$ = {'k': V, 'd': {'k': V}}", "sorted(map(repr, $.items()))"),
    "instance": ("$ = types.SimpleNamespace(v=V, inner=types.SimpleNamespace(v=V))", "repr($)"),
    "object": ("class C$: pass\n$ = C$()\n$.v = V", "repr($.v)"),
    "class data": ("class $: v = [V]", "repr($.v)"),
}
OUTSIDE = {
    "file": ("", "read('$.txt')"),
    "file of a global name": ("$ = '$.txt'", "read($)"),
    "folder": ("", "names('$')"),
    "module": ("import $", "$.f()"),
    "module constant": ("import $", "$.V"),
    "from a module": ("from $ import f as f$", "f$()"),
    "module of a module": ("import $", "$.f()"),
    "from a module of a module": ("from $ import f as f$", "f$()"),
}
CHAINS = {
    "module of a module": "import inner_{name}\ndef f(): return inner_{name}.f()\n",
    "from a module of a module": "from inner_{name} import f as inner\ndef f(): return inner()\n",
}
KINDS = CODE | DATA | OUTSIDE
MODULE = "V = {value}\ndef g():\n    return V\ndef f():\n    return ('f', g())\ndef unused():\n    return {unused}\n"

# What changes an object in place; $ is the name, V a value.
MUTATIONS = {
    "list": ("$.append(V)", "$[1].append(V)", "$[0] = V", "$.reverse()", "$[1].clear()"),
    "dict": ("$['k'] = V", "$['d']['k'] = V", "$['new'] = V", "$.pop('k', None)"),
    "instance": ("$.v = V", "$.inner.v = V", "$.more = V"),
    "object": ("$.v = V", "C$.v = V", "$.__dict__['v'] = V"),
    "class data": ("$.v.append(V)", "$.v = V"),
    "class": ("$.k = V", "$.m = lambda self: V"),
    "function": ("$.__code__ = (lambda: V).__code__",),
    "default": ("$.__defaults__ = (V,)",),
    "keyword default": ("$.__kwdefaults__['v'] = V",),
    "in a dict": ("$['a'] = lambda: V",),
    "in a list": ("$[0] = lambda: V",),
    "module constant": ("$.V = V",),
    "module": ("$.V = V", "$.g = lambda: V"),
}


@dataclass(frozen=True)
class Node:
    """One definition: what it is, the value in it, which one it takes up, which others it uses and how."""

    kind: str
    value: str
    other: int = 0
    uses: tuple[tuple[str, tuple[int, ...]], ...] = ()
    cosmetic: str = ""


@dataclass
class Tally:
    """What was found."""

    programs: int = 0
    calls: int = 0
    hits: int = 0
    changed: int = 0
    must_hit: int = 0
    wrong: list[str] = field(default_factory=list)
    false_misses: list[str] = field(default_factory=list)
    edits: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        return (
            f"{self.programs} programs, {self.calls} calls compared ({self.changed} with a new answer), "
            f"{self.hits} hits, {len(self.wrong)} wrong; "
            f"{self.must_hit} calls had to hit, {len(self.false_misses)} false misses"
        )

    def compared(self, answer: str, truth: str, hit: bool, log: list[str], must_hit: str, why: object = "") -> None:
        """Note one call, with the cache and without; `must_hit` tells why it has to hit, `why` why it did not."""
        self.calls += 1
        self.hits += hit
        if answer != truth:
            self.wrong.append("\n".join([f"## cached {answer}, uncached {truth}", *log]))
        if must_hit:
            self.must_hit += 1
            if not hit:
                self.false_misses.append("\n".join([f"## no hit after {must_hit}: {why}", *log]))


class Program:
    """One program in one notebook."""

    def __init__(
        self, chance: random.Random, book: Notebook, tally: Tally, start: Callable[[], None], cached: Any
    ) -> None:
        self.chance = chance
        self.book = book
        self.tally = tally
        self.log: list[str] = []
        self._start = start
        self._cached = cached
        self._truths: dict[int, str] = {}
        count = chance.randint(2, 9)
        self.nodes = [self._node(index, count) for index in range(count)]
        self.top = self._uses(-1, count, 3)

    # -- making it ----------------------------------------------------------------------------------------------------

    def _node(self, index: int, count: int) -> Node:
        kind = self.chance.choice(list(self.chance.choice((CODE, CODE, DATA, OUTSIDE))))
        other = self.chance.randint(index + 1, count)
        return Node(kind, self.chance.choice(VALUES), other, self._uses(index, count, 2) if kind in CODE else ())

    def _uses(self, index: int, count: int, most: int) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """Pick definitions below, so that no call runs in a circle."""
        below = range(index + 1, count)
        if not below:
            return ()
        forms = ["%", "%", "%", "[% for _ in 'ab']", "(lambda: %)()", "(% if repr(%) < repr(%) else %)"]
        forms += ["(% if x else %)"] if index < 0 else []
        picked = []
        for _ in range(self.chance.randint(0 if index >= 0 else 1, most)):
            form = self.chance.choice(forms)
            picked.append((form, tuple(self.chance.choice(below) for _ in range(form.count("%")))))
        return tuple(picked)

    def _used(self, uses: tuple[tuple[str, tuple[int, ...]], ...]) -> str:
        texts = []
        for form, targets in uses:
            parts = form.split("%")
            filled = [f"{part}{self._use(target)}" for part, target in zip(parts, targets, strict=False)]
            texts.append("".join(filled) + parts[-1])
        return f"({', '.join(texts)}{',' if texts else ''})"

    def _use(self, target: int) -> str:
        return KINDS[self.nodes[target].kind][1].replace("$", f"n{target}")

    def _cell(self, index: int) -> str:
        node = self.nodes[index]
        text = _with_value(KINDS[node.kind][0], node.value).replace("$", f"n{index}")
        if node.kind in CODE:
            text = text.replace("D", self._other(index)).replace("U", self._used(node.uses))
        return node.cosmetic.replace("TEXT", text) if node.cosmetic else text

    def _other(self, index: int) -> str:
        """The function or class that a definition takes up: one below, or else one of its own."""
        node = self.nodes[index]
        wanted, instead = ("$().m()", "Root") if node.kind == "subclass" else ("$()", "(lambda: 5)")
        fits = node.other < len(self.nodes) and KINDS[self.nodes[node.other].kind][1] == wanted
        return f"n{node.other}" if fits else instead

    def _taken_up(self, index: int) -> bool:
        return any(f"n{index}" == self._other(above) for above in range(index))

    def reached(self) -> set[int]:
        """The definitions that ``foo`` can reach."""
        found: set[int] = set()
        pending = [target for _, targets in self.top for target in targets]
        while pending:
            index = pending.pop()
            if index not in found:
                found.add(index)
                pending += [target for _, targets in self.nodes[index].uses for target in targets]
                pending += [self.nodes[index].other] if self.nodes[index].other < len(self.nodes) else []
        return found

    # -- running it ---------------------------------------------------------------------------------------------------

    def run_all(self) -> None:
        """Write every file, and run every cell from below to above."""
        self.book.space["cache_data"] = self._cached
        self.run(FIRST)
        for index in reversed(range(len(self.nodes))):
            self.run_one(index)
        self.run_top()

    def run_top(self) -> None:
        self.run(f"@cache_data\ndef foo(x):\n  return (x, {self._used(self.top)})")

    def run_one(self, index: int) -> None:
        """Write what lies outside of a definition, and run its cell."""
        node, name = self.nodes[index], f"n{index}"
        if node.kind.startswith("file"):
            self._write(Path(f"{name}.txt"), None if node.value == "None" else node.value)
        elif node.kind == "folder":
            Path(name).mkdir(exist_ok=True)
            for entry in Path(name).iterdir():
                entry.unlink()
            (Path(name) / node.value.replace("/", "")).touch()
        elif "module" in node.kind:
            inner = f"inner_{name}" if node.kind in CHAINS else name
            self._write(Path(f"{inner}.py"), MODULE.format(value=node.value, unused=len(node.cosmetic)))
            if inner != name:
                self._write(Path(f"{name}.py"), CHAINS[node.kind].format(name=name))
            for module in dict.fromkeys((inner, name)):
                if module in sys.modules:
                    self.run(f"import importlib, {module}\nimportlib.reload({module})")
        self.run(self._cell(index))

    def _write(self, path: Path, text: str | None) -> None:
        if text is None:
            path.unlink(missing_ok=True)
        elif not path.exists() or path.read_text() != text or self.chance.random() < 0.5:
            path.write_text(text)

    def run(self, cell: str) -> None:
        self.log.append(cell)
        self.book.run(cell)

    def call(self, argument: int, must_hit: str = "") -> None:
        """Call with and without the cache, and compare."""
        foo = self.book.space["foo"]
        misses = foo.info().misses
        answer = _outcome(foo, argument)
        hit = foo.info().misses == misses
        settings().off = True
        try:
            with taken_back(self.book.space):
                truth = _outcome(foo, argument)
        finally:
            settings().off = False
        self.log.append(f"# foo({argument}) {'hit' if hit else 'miss'}")
        self.tally.changed += self._truths.get(argument, truth) != truth
        self._truths[argument] = truth
        self.tally.compared(answer, truth, hit, self.log, must_hit)

    # -- editing it ---------------------------------------------------------------------------------------------------

    def edit(self) -> None:
        """Change one definition, as it stands in its cell or outside."""
        index = self.chance.randrange(len(self.nodes))
        node = self.nodes[index]
        match self.chance.choice(("value", "value", "uses", "kind", "top")):
            case "value":
                self.nodes[index] = replace(node, value=self.chance.choice(VALUES))
            case "uses" if node.kind in CODE:
                self.nodes[index] = replace(node, uses=self._uses(index, len(self.nodes), 2))
            case "kind" if node.kind in CODE:
                # the way it is used must stay the same
                same = [kind for kind in CODE if CODE[kind][1] == CODE[node.kind][1]]
                self.nodes[index] = replace(node, kind=self.chance.choice(same))
            case "top":
                self.top = self._uses(-1, len(self.nodes), 3)
                self.run_top()
                return
        self.tally.edits[self.nodes[index].kind] += 1
        self.run_one(index)

    def mutate(self) -> None:
        """Change something in place, without a cell."""
        index = self.chance.randrange(len(self.nodes))
        statements = MUTATIONS.get(self.nodes[index].kind)
        if not statements:
            return
        self.tally.edits[f"{self.nodes[index].kind} in place"] += 1
        text = _with_value(self.chance.choice(statements), self.chance.choice(VALUES)).replace("$", f"n{index}")
        self.run(f"try:\n  {text}\nexcept (AttributeError, IndexError, TypeError): pass")

    def change(self) -> None:
        self.chance.choice((self.edit, self.edit, self.mutate))()

    def decorate(self) -> str:
        """Change a cell so that nothing changes; tell how."""
        index = self.chance.randrange(len(self.nodes))
        how = self.chance.choice(
            (
                "",
                "# a remark\n\nTEXT",
                "\n\n\nTEXT  # a remark",
                "unrelated = 5\nTEXT",
                "TEXT\ndef unrelated(): return 6",
            )
        )
        self.nodes[index] = replace(self.nodes[index], cosmetic=how)
        # what took it up goes on with the one of before, and two equal functions are not the same one twice
        self.run_all() if self._taken_up(index) else self.run_one(index)
        return f"a cosmetic edit of n{index}"

    def edit_aside(self) -> str:
        """Change a definition that ``foo`` cannot reach."""
        aside = sorted(set(range(len(self.nodes))) - self.reached())
        if not aside:
            return "nothing"
        index = self.chance.choice(aside)
        self.nodes[index] = replace(self.nodes[index], value=self.chance.choice(VALUES))
        self.run_one(index)
        return f"an edit of n{index}, which is not reached"

    def restart(self) -> str:
        self.log.append("# restart")
        self.book.space.clear()
        self.book.space.update(type(self.book)().space)
        for index in range(len(self.nodes)):
            sys.modules.pop(f"n{index}", None)
            sys.modules.pop(f"inner_n{index}", None)
        self._start()
        self.run_all()
        return "a restart"

    def play(self, rounds: int) -> None:
        """Rounds of: a clean state, what must change nothing, changes, and the way back."""
        for _ in range(rounds):
            self.run_all()
            self.call(0)
            self.call(0, "nothing")
            harmless = self.chance.choice((self.decorate, self.edit_aside, self.restart))
            self.call(0, harmless())
            before = list(self.nodes), self.top
            for _ in range(self.chance.randint(1, 4)):
                self.change()
                self.call(0)
                if self.chance.random() < 0.3:
                    self.call(1)
            if self.chance.random() < 0.5:
                self.nodes, self.top = list(before[0]), before[1]
                self.run_all()
                self.call(0, "all was taken back")


def _with_value(text: str, value: str) -> str:
    return re.sub(r"(?<!\.)\bV\b", value.replace("\\", r"\\"), text)


def _outcome(foo: Any, argument: int) -> str:
    try:
        return repr(foo(argument))
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def play(count: int, seed: int, folder: Path, cached: Any = cache_data) -> Tally:
    """Play programs in folders of their own, up to the first one that goes wrong."""
    return play_each(count, seed, folder, lambda *begun: Program(*begun, cached).play(2))


def play_each(
    count: int, seed: int, folder: Path, one: Callable[[random.Random, Notebook, Tally, Callable[[], None]], None]
) -> Tally:
    """Let `one` play a program after the other, each in a folder and a store of its own, up to the first wrong one."""
    tally = Tally()
    for number in range(count):
        home = folder / str(number)

        def start(store: Path = home / "store") -> None:
            settings().dir = str(store)
            settings().persist = "disk"
            registry.replace_cache(Cache(open_tiers()))

        with notebook(home / "work") as book:
            start()
            one(random.Random(f"{seed} {number}"), book, tally, start)
            registry.the_cache().close()
        tally.programs += 1
        if tally.wrong or tally.false_misses:
            print(f"program {number} of seed {seed}", file=sys.stderr)
            break
    return tally


def run(description: str | None, programs: int, play: Callable[[int, int, Path], Tally]) -> int:
    """Do what the command line asks for, print what was found, and return the exit code."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=int, default=programs)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NBCACHE_KEY_FILE"] = str(Path(folder) / "keys" / "key")
        tally = play(chosen.programs, chosen.seed, Path(folder))
        registry.replace_cache(None)
    print(*tally.wrong, *tally.false_misses, sep="\n\n")
    print(f"seed {chosen.seed}: {tally}")
    print("edits:", ", ".join(f"{kind} {count}" for kind, count in sorted(tally.edits.items())))
    return 1 if tally.wrong or tally.false_misses else 0


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    sys.exit(run(__doc__, 2000, play))

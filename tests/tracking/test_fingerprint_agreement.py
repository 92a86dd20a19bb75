"""Other processes find the same fingerprint, and over programs made at random it changes exactly when it must."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from notebook_code import state_of

pytestmark = pytest.mark.usefixtures("main_module")

SCRIPT = """
import dataclasses, enum, functools, sys
sys.path.insert(0, {root!r})
from nbcache.tracking.fingerprint import Tracker
from nbcache.hashing import hasher

SET = {{"a", "b", "c", ("d", 1)}}
FUNCTIONS = {{len, print, max}}
class Base:
    names = frozenset("xyz")
    def m(self, *, k={{"p", "q"}}): return self.names
@dataclasses.dataclass
class Point(Base):
    x: int = 1
    y: set = dataclasses.field(default_factory=lambda: {{"r", "s"}})
class Colour(enum.Flag):
    A = 1
    B = 2
@functools.lru_cache
def helper(x): return x in {{"one", "two", "three"}}
TABLE = {{"f": lambda x: x + 1, "g": helper, "h": Point, "set": {{Colour.A, Colour.B}}, "fs": {{lambda: 1, lambda: 2}}}}
POINT = Point()
def foo(x):
    return helper(x), SET, FUNCTIONS, TABLE, POINT, Colour.A | Colour.B
code = compile({source!r}, {name!r}, "exec")
exec(code)
print(Tracker({{"": foo}}).state().digest.hex())
"""


def test_another_process_with_another_hash_seed_agrees() -> None:
    root = str(Path(__file__).resolve().parents[2])
    outputs = set()
    for seed in ("0", "1", "12345"):
        script = SCRIPT.format(root=root, source="def later(): return foo", name=f"<cell {seed}>")
        result = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        outputs.add(result.stdout)

    assert len(outputs) == 1


# -- programs made at random -------------------------------------------------------------------------------------------


@st.composite
def programs(draw: st.DrawFn) -> tuple[list[tuple[str, int]], list[list[int]], int]:
    """Draw nodes (what each is, and its value), what each reaches, and the node that an edit changes."""
    count = draw(st.integers(2, 9))
    kinds = draw(
        st.lists(st.sampled_from(["function", "global", "list", "class", "closure"]), min_size=count, max_size=count)
    )
    edges = [
        draw(st.lists(st.integers(0, count - 1), max_size=3)) if kind in ("function", "class", "closure") else []
        for kind in kinds
    ]
    return [(kind, 1) for kind in kinds], edges, draw(st.integers(0, count - 1))


def _source(nodes: list[tuple[str, int]], edges: list[list[int]], shift: int) -> str:
    lines = ["#"] * shift
    for index, (kind, value) in enumerate(nodes):
        uses = "".join(f", n{edge}" for edge in edges[index])
        lines += {
            "function": [f"def n{index}(x=0):", f"    return ({value}{uses})"],
            "global": [f"n{index} = {value}.5"],
            "list": [f"n{index} = [{value}, ['x']]"],
            "class": [f"class n{index}:", f"    def m(self): return ({value}{uses})"],
            "closure": [f"def make{index}(v):", f"    return lambda: (v{uses})", f"n{index} = make{index}({value})"],
        }[kind]
    return "\n".join([*lines, "def foo(): return n0"])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(programs())
def test_an_edit_changes_the_fingerprint_exactly_when_it_is_reached(program: Any) -> None:
    nodes, edges, edited = program
    reached, pending = set(), [0]
    while pending:
        node = pending.pop()
        if node not in reached:
            reached.add(node)
            pending.extend(edges[node])
    changed = [(kind, 2 if index == edited else value) for index, (kind, value) in enumerate(nodes)]

    before = state_of(_source(nodes, edges, 0)).digest
    again = state_of(_source(nodes, edges, 3)).digest
    after = state_of(_source(changed, edges, 0)).digest

    assert before == again
    assert (before != after) == (edited in reached)

"""Random programs that seed, draw, set options and variables, compared with the same programs without the cache."""

from __future__ import annotations

import decimal
import os
import random
import sys
import types
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from nbcache import cache_data
from nbcache.engine.cache import Cache

FUNCTIONS = """
@cached
def a(): return random.random()
@cached
def b(x): return [random.gauss(0, 1) for _ in range(x)]
@cached
def c(): return float(np.random.rand())
@cached
def d(x): return [float(np.random.randn()) for _ in range(x)]
@cached
def e(): return a() + c()
@cached
def f(x): return [random.random() if x > 1 else 0, *b(x), c()]
@cached
def g(): np.random.seed(3); return float(np.random.rand()) + a()
@cached
def h(x): return float(rng.random()) if x else 0
@cached
def i(one): return float(one.random())
@cached
def j(): return [h(1), float(rng.random()), i(rng)]
@cached
def k(): return str(decimal.Decimal(1) / 3)
@cached
def m(): return os.environ.get("NBX_STATE"), k()
@cached
def n(): return str(np.array([1 / 3])), m(), a()
"""
CALLS = ["a()", "b(1)", "b(2)", "c()", "d(1)", "d(3)", "e()", "f(1)", "f(2)", "g()"]
CALLS += ["h(0)", "h(1)", "i(rng)", "i(other)", "j()", "k()", "m()", "n()"]
CHANGES = [
    *("random.seed({})", "np.random.seed({})", "rng = np.random.default_rng({})", "other = random.Random({})"),
    *("random.random()", "np.random.rand()", "rng.random()", "other.random()"),
    *("decimal.getcontext().prec = 4 + {}", "np.set_printoptions(precision=3 + {})", "os.environ['NBX_STATE'] = '{}'"),
    *("os.environ.pop('NBX_STATE', None)", "kept = random.getstate()", "random.setstate(kept)"),
]


def lines_of(number: int) -> list[str]:
    """A program, always the same for a number; it begins with a seed for everything."""
    dice = random.Random(number)
    lines = [change.format(1) for change in CHANGES[:4]] + ["kept = random.getstate()"]
    for _ in range(30):
        if dice.random() < 0.65:
            lines.append(f"seen.append({dice.choice(CALLS)})")
        else:
            lines.append(dice.choice(CHANGES).format(dice.randrange(2)))
    return [*lines, "seen += [random.random(), float(np.random.rand()), float(rng.random()), other.random()]"]


def seen_by(lines: list[str], module: types.ModuleType) -> list[Any]:
    module.__dict__["seen"] = []
    decimal.getcontext().prec = 28
    np.set_printoptions(precision=8)
    os.environ.pop("NBX_STATE", None)
    for line in lines:
        exec(line, module.__dict__)
    seen: list[Any] = module.__dict__["seen"]
    return seen


@pytest.fixture
def modules() -> Iterator[list[types.ModuleType]]:
    made = []
    for name, cached in (("nbx_plain", lambda function: function), ("nbx_cached", cache_data(show_spinner=False))):
        module = types.ModuleType(name)
        module.__dict__.update(cached=cached, random=random, np=np, os=os, decimal=decimal)
        sys.modules[name] = module
        exec(FUNCTIONS, module.__dict__)
        made.append(module)
    with decimal.localcontext(), np.printoptions():
        yield made
    os.environ.pop("NBX_STATE", None)
    for module in made:
        del sys.modules[module.__name__]
    random.seed()
    np.random.seed()


@pytest.mark.parametrize("block", range(6))
def test_a_program_sees_the_same_with_and_without_the_cache(
    block: int, modules: list[types.ModuleType], cache: Cache
) -> None:
    plain, cached = modules
    for number in range(block * 20, block * 20 + 20):
        lines = lines_of(number)
        right = seen_by(lines, plain)

        assert seen_by(lines, cached) == right, "\n".join(lines)
        misses = [cached.__dict__[name].info().misses for name in "abcdefghijkmn"]
        assert seen_by(lines, cached) == right, "\n".join(lines)
        assert [cached.__dict__[name].info().misses for name in "abcdefghijkmn"] == misses, "\n".join(lines)

"""What code asks functions and classes for: attributes, documentation, annotations, text, whoever holds them."""

from __future__ import annotations

from typing import Any

import pytest
from two_ways import both, run

from nbcache import cache_data

# How a function `f` is asked, and what changes the answer.
ASKED = {
    "by name": "f.weight",
    "by text": "getattr(f, 'weight', 0)",
    "all of it": "vars(f)['weight']",
    "its dict": "f.__dict__['weight']",
}
HELD = {
    "function": "def f(*given): return 1",
    "memo": "import functools\n@functools.lru_cache\ndef f(*given): return 1",
    "partial": "import functools\nf = functools.partial(int)",
    "cached": "@cache_data\ndef f(number): return 1",
    "wrapper": "import functools\ndef deco(h):\n    @functools.wraps(h)\n    def inner(*given): return h(*given)\n"
    "    return inner\n@deco\ndef f(): return 1",
    "dispatching": "import functools\n@functools.singledispatch\ndef f(given): return 1",
}
SAID = {
    "documentation": ("return f.__doc__", 'def f(number: int):\n    "{}"'),
    "documentation by inspect": ("import inspect\n    return inspect.getdoc(f)", 'def f(number: int):\n    "{}"'),
    "text": ("import inspect\n    return inspect.getsource(f)", "def f(number: int):\n    # {}\n    return 1"),
    "documentation of a class": ("return f.__doc__", 'class f:\n    "{}"'),
    "documentation of a method": ("return f.go.__doc__", 'class f:\n    def go(self):\n        "{}"'),
    "signature": ("import inspect\n    return str(inspect.signature(f))", "def f(number: '{}'): return 1"),
}
BY_OTHER_NAMES = {
    "an alias": ("from inspect import signature as said", "str(said(f))"),
    "attrgetter": ("import operator\nsaid = operator.attrgetter('__annotations__')", "str(said(f))"),
}


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("held", HELD)
def test_what_hangs_on_a_function_counts_as_global_and_as_argument(held: str, asked: str, cache: object) -> None:
    plain, cached = both(
        HELD[held],
        f"f.weight = 3\n@cache_data\ndef use(number): return {ASKED[asked]}\n"
        f"@cache_data\ndef take(f): return {ASKED[asked]}\n",
        "use(1), take(f)",
        "f.weight = 5",
        "use(1), take(f)",
        "use(1), take(f)",
    )
    assert cached == plain


def test_what_hangs_on_the_cached_function_itself_counts(cache: object) -> None:
    for asked in ASKED.values():
        plain, cached = both(
            f"@cache_data\ndef f(number): return {asked}", "f.weight = 3", "f(1)", "f.weight = 5", "f(1)"
        )
        assert cached == plain


@pytest.mark.parametrize("said", SAID)
def test_what_a_function_says_of_itself_counts_where_code_asks(said: str, cache: object) -> None:
    asks, written = SAID[said]
    plain, cached = both(
        written.format("one"),
        f"held = {{'f': f}}\n@cache_data\ndef use(number):\n    {asks}\n@cache_data\ndef take(f):\n    {asks}\n"
        f"@cache_data\ndef look(number):\n    f = held['f']\n    {asks}\n",
        "use(1), take(f), look(1)",
        written.format("two"),
        "held['f'] = f",
        "use(1), take(f), look(1)",
    )
    assert cached == plain


@pytest.mark.parametrize("how", BY_OTHER_NAMES)
def test_annotations_are_asked_for_by_other_names_too(how: str, cache: object) -> None:
    imported, asks = BY_OTHER_NAMES[how]
    plain, cached = both(
        f"{imported}\ndef f(number: int): return 1\n@cache_data\ndef use(number): return {asks}",
        "use(1)",
        "def f(number: str): return 1",
        "use(1)",
    )
    assert cached == plain


def test_documentation_that_nobody_asks_for_does_not_count(calls: Any, cache: object) -> None:
    space: dict[str, Any] = {"__name__": "__main__", "cache_data": cache_data, "calls": calls}
    run(space, "@cache_data\ndef take(f):\n    calls()\n    return f(1)")
    for text in ("one", "two"):
        run(space, f'def f(number):\n    "{text}"\n    return 1')
        run(space, "take(f)")
    assert len(calls) == 1

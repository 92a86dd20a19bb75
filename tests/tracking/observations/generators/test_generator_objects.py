"""Generators that are globals or arguments: a hit leaves them where the run left them."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from nbcache import CacheWarning, cache_data
from nbcache.engine.cache import Cache
from nbcache.tracking.observations.generators.objects import is_generator, put, state_of

#: A line a kind: makes it with a seed, makes it without one, draws from it.
KINDS = {
    "default_rng": ("np.random.default_rng({})", "rng.random()"),
    "PCG64": ("np.random.Generator(np.random.PCG64({}))", "rng.normal()"),
    "Philox": ("np.random.Generator(np.random.Philox({}))", "rng.random()"),
    "SFC64": ("np.random.Generator(np.random.SFC64({}))", "rng.random()"),
    "MT19937": ("np.random.Generator(np.random.MT19937({}))", "rng.random()"),
    "RandomState": ("np.random.RandomState({})", "rng.randn()"),
    "random.Random": ("random.Random({})", "rng.gauss(0, 1)"),
    "torch.Generator": ("seeded({})", "torch.rand(1, generator=rng).item()"),
}
HEAD = "import random\nimport numpy as np\n"
TORCH = (
    "import torch\n"
    "def seeded(seed=None):\n"
    "    one = torch.Generator()\n"
    "    one.manual_seed(seed) if seed is not None else one.seed()\n"
    "    return one\n"
)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    if request.param.startswith("torch"):
        pytest.importorskip("torch")
    return str(request.param)


@pytest.fixture
def book(kind: str, calls: Any) -> Iterator[Callable[[str], Any]]:
    """Run lines in a module of their own; the value of the last one comes back."""
    module = types.ModuleType("nbx_generators")
    sys.modules[module.__name__] = module
    module.__dict__.update(cache_data=cache_data, calls=calls, make=lambda *seed: make(*seed))
    exec(HEAD + (TORCH if kind.startswith("torch") else ""), module.__dict__)

    def make(*seed: int) -> Any:
        return eval(KINDS[kind][0].format(*(seed or ("",))), module.__dict__)

    def run(source: str) -> Any:
        source = source.replace("DRAW", KINDS[kind][1])
        *lines, last = source.strip().split("\n")
        exec("\n".join(lines), module.__dict__)
        return eval(last, module.__dict__)

    yield run
    del sys.modules[module.__name__]


GLOBAL = "@cache_data(show_spinner=False)\ndef foo():\n    calls()\n    return DRAW\n"
GIVEN = "@cache_data(show_spinner=False)\ndef foo(rng):\n    calls()\n    return DRAW\n"


def test_a_global_generator_goes_on_as_without_the_cache(book: Callable[[str], Any], cache: Cache, calls: Any) -> None:
    plain = book("rng = make(42)\n[DRAW, DRAW, DRAW]")
    book(f"{GLOBAL}\n0")

    for _ in range(2):
        assert book("rng = make(42)\n[foo(), foo(), DRAW]") == plain
        assert len(calls) == 2
    other = book("rng = make(43)\n[foo(), foo(), DRAW]")
    assert not set(other) & set(plain)


def test_a_generator_that_is_given_goes_on_as_without_the_cache(
    book: Callable[[str], Any], cache: Cache, calls: Any
) -> None:
    plain = book("rng = make(42)\n[DRAW, DRAW, DRAW]")
    book(f"{GIVEN}\n0")

    for _ in range(2):
        assert book("rng = make(42)\n[foo(rng), foo(rng=rng), DRAW]") == plain
        assert len(calls) == 2


HOLDERS = {
    "an attribute": ("class Holder: pass\nheld = Holder()\nheld.rng = rng", "held.rng"),
    "an item of a dict": ("held = {'rng': rng}", "held['rng']"),
    "an item of a list": ("held = [0, rng]", "held[1]"),
    "a slot": ("class Holder: __slots__ = ('rng',)\nheld = Holder()\nheld.rng = rng", "held.rng"),
    "deep inside": ("class Holder: pass\nheld = Holder()\nheld.parts = {'a': [rng]}", "held.parts['a'][0]"),
}
#: Where a generator has no name that a later session could find it by.
ELSEWHERE = {
    "a closure": "def make_foo(rng):\n    @cache\n    def foo(): return DRAW\n    return foo\nfoo = make_foo(RNG)",
    "a default": "@cache\ndef foo(rng=RNG): return DRAW",
    "a default by name": "@cache\ndef foo(*, rng=RNG): return DRAW",
    "a class": "class Holder: rng = RNG\n@cache\ndef foo(): rng = Holder.rng; return DRAW",
    "a function": "def helper(): rng = helper.rng; return DRAW\nhelper.rng = RNG\n@cache\ndef foo(): return helper()",
    "a partial": "def draw(rng): return DRAW\npart = functools.partial(draw, RNG)\n@cache\ndef foo(): return part()",
    "a cached function inside": (
        "def make_foo(rng):\n    @cache\n    def inner(): return DRAW\n    @cache\n    def foo(): return inner()\n"
        "    return foo\nfoo = make_foo(RNG)"
    ),
}


@pytest.mark.parametrize("holder", HOLDERS)
def test_a_generator_inside_an_argument_goes_on_as_without_the_cache(
    holder: str, book: Callable[[str], Any], kind: str, cache: Cache, calls: Any
) -> None:
    hold, path = HOLDERS[holder]
    draw = KINDS[kind][1].replace("rng", path)
    plain = book("rng = make(42)\n[DRAW, DRAW, DRAW]")
    book(f"@cache_data(show_spinner=False)\ndef foo(held):\n    calls()\n    return {draw}\n\n0")

    for _ in range(2):
        assert book(f"rng = make(42)\n{hold}\n[foo(held), foo(held), DRAW]") == plain
        assert len(calls) == 2


def test_a_cached_method_moves_the_generator_of_its_object(
    book: Callable[[str], Any], kind: str, cache: Cache, calls: Any
) -> None:
    draw = KINDS[kind][1].replace("rng", "self.rng")
    plain = book("rng = make(42)\n[DRAW, DRAW, DRAW]")
    book(
        "class Sampler:\n    def __init__(self, rng): self.rng = rng\n"
        f"    @cache_data(show_spinner=False)\n    def sample(self):\n        calls()\n        return {draw}\n\n0"
    )

    for _ in range(2):
        assert book("rng = make(42)\none = Sampler(rng)\n[one.sample(), one.sample(), DRAW]") == plain
        assert len(calls) == 2


@pytest.mark.parametrize("kind", ["default_rng", "random.Random"], indirect=True)
@pytest.mark.parametrize("where", ELSEWHERE)
@pytest.mark.filterwarnings("ignore:The result of")
def test_a_run_that_draws_from_a_generator_elsewhere_is_no_hit(where: str, book: Callable[[str], Any]) -> None:
    source = f"import functools\n{ELSEWHERE[where]}\n[foo(), foo(), foo()]".replace("RNG", "make(42)")
    book("cache = lambda function: function\n0")
    plain = book(source)
    book("cache = cache_data(show_spinner=False)\n0")

    for _ in range(2):
        assert book(source) == plain


@pytest.mark.parametrize("kind", ["default_rng"], indirect=True)
def test_it_is_said_why_a_run_that_draws_from_one_elsewhere_is_not_kept(book: Callable[[str], Any]) -> None:
    book("cache = cache_data(show_spinner=False)\n0")

    with pytest.warns(CacheWarning, match="it drew from the random generator in closure rng"):
        said = book(f"{ELSEWHERE['a closure']}\n[foo(), str(foo.explain())][1]".replace("RNG", "make(42)"))

    assert "it drew from the random generator in closure rng" in said


@pytest.mark.parametrize("kind", ["default_rng", "random.Random"], indirect=True)
@pytest.mark.parametrize("where", ELSEWHERE)
def test_one_elsewhere_that_nobody_seeded_does_not_count(where: str, book: Callable[[str], Any]) -> None:
    book("cache = cache_data(show_spinner=False)\n0")

    drawn = book(f"import functools\n{ELSEWHERE[where]}\n[foo(), foo()]".replace("RNG", "make()"))

    assert drawn[0] == drawn[1]


@pytest.mark.parametrize("holder", HOLDERS)
def test_a_generator_inside_a_global_goes_on_as_without_the_cache(
    holder: str, book: Callable[[str], Any], kind: str, cache: Cache, calls: Any
) -> None:
    hold, path = HOLDERS[holder]
    draw = KINDS[kind][1].replace("rng", path)
    plain = book("rng = make(42)\n[DRAW, DRAW, DRAW]")
    book(f"@cache_data(show_spinner=False)\ndef foo():\n    calls()\n    return {draw}\n\n0")

    assert book(f"rng = make(42)\n{hold}\n[foo(), foo(), DRAW]") == plain
    computed = len(calls)
    for _ in range(2):
        assert book(f"rng = make(42)\n{hold}\n[foo(), foo(), DRAW]") == plain
    assert len(calls) <= computed + 2


@pytest.mark.parametrize("seed", ["1", "np.random.RandomState(1)", "np.random.default_rng(1)"])
@pytest.mark.parametrize("name", ["norm", "multivariate_normal"])
def test_the_generator_of_a_library_s_object_goes_on_as_without_the_cache(
    name: str, seed: str, cache: Cache, calls: Any
) -> None:
    stats = pytest.importorskip("scipy.stats")
    space = {"stats": stats, "np": np, "cache_data": cache_data, "calls": calls, "__name__": "__main__"}
    drawn = f"stats.{name}.rvs(size=2).tolist()"
    exec(f"@cache_data(show_spinner=False)\ndef foo():\n    calls()\n    return {drawn}", space)
    try:
        exec(f"foo(); stats.{name}.random_state = {seed}", space)
        plain = eval(f"[{drawn}, {drawn}, {drawn}]", space)
        for _ in range(2):
            exec(f"stats.{name}.random_state = {seed}", space)
            assert eval(f"[foo(), foo(), {drawn}]", space) == plain
            assert len(calls) == 3
    finally:
        exec(f"stats.{name}.random_state = None", space)


def test_a_refreshed_call_moves_the_generator_that_it_is_given(
    book: Callable[[str], Any], cache: Cache, calls: Any
) -> None:
    plain = book("rng = make(42)\n[DRAW, DRAW]")

    book(f"{GIVEN}\nrng = make(42)\nfoo.refresh(rng)")

    assert book("rng = make(42)\n[foo(rng), DRAW]") == plain
    assert len(calls) == 1


def test_a_cached_call_inside_passes_a_global_generator_on(
    book: Callable[[str], Any], cache: Cache, calls: Any
) -> None:
    plain = book("rng = make(42)\n[DRAW, DRAW, DRAW, DRAW]")
    outer = "@cache_data(show_spinner=False)\ndef outer():\n    calls()\n    return [DRAW, foo(), DRAW]\n"
    book(f"{GLOBAL}{outer}\n0")

    for _ in range(2):
        assert book("rng = make(42)\n[*outer(), DRAW]") == plain
        assert len(calls) == 2


def test_a_call_inside_that_is_given_one_moves_it(book: Callable[[str], Any], cache: Cache, calls: Any) -> None:
    plain = book("rng = make(42)\n[DRAW, DRAW, DRAW, DRAW]")
    outer = "@cache_data(show_spinner=False)\ndef outer(rng):\n    calls()\n    return [DRAW, foo(rng), DRAW]\n"
    book(f"{GIVEN}{outer}\n0")

    for _ in range(2):
        assert book("rng = make(42)\n[*outer(rng), DRAW]") == plain
        assert len(calls) == 2


def test_a_generator_that_is_not_drawn_from_does_not_count(
    book: Callable[[str], Any], cache: Cache, calls: Any
) -> None:
    source = "@cache_data(show_spinner=False)\ndef foo(x):\n    calls()\n    return DRAW if x else 0\n"

    book(f"{source}\nrng = make(1)\nfoo(0)")
    book("rng = make(2)\nfoo(0)")

    assert len(calls) == 1


def test_a_miss_names_the_generator(book: Callable[[str], Any], cache: Cache, calls: Any) -> None:
    book(f"{GLOBAL}\nrng = make(1)\nfoo()")

    assert "changed: random generator rng" in book("rng = make(2)\nstr(foo.explain())")


def test_one_without_a_seed_does_not_count(book: Callable[[str], Any], kind: str, cache: Cache, calls: Any) -> None:
    if kind.startswith("torch"):
        pytest.skip("a seed of torch does not tell where it comes from")
    first = book(f"{GLOBAL}\nrng = make()\nfoo()")

    assert book("rng = make()\nfoo()") == first
    assert len(calls) == 1


def test_a_state_put_back_is_the_state_it_was(book: Callable[[str], Any], kind: str) -> None:
    rng = book("rng = make(1)\nrng")
    book("DRAW")
    before = state_of(rng)
    drawn = book("[DRAW, DRAW]")

    put(rng, before)

    assert is_generator(rng)
    assert state_of(rng) == before
    assert book("[DRAW, DRAW]") == drawn


def test_the_global_generators_are_no_objects_of_the_user_s() -> None:
    assert not is_generator(np.random.mtrand._rand)
    assert not is_generator(1)


def test_it_holds_after_a_restart(python: Callable[..., str]) -> None:
    source = """
        import sys
        import numpy as np
        from nbcache import cache_data
        rng = np.random.default_rng(int(sys.argv[1]))
        @cache_data(show_spinner=False, persist="disk")
        def foo():
            print("runs", end=" ")
            return rng.random()
        print(foo(), foo(), rng.random())
        """

    plain = np.random.default_rng(5).random(3)
    first = python(source, "5")
    assert first.replace("runs ", "").split() == [str(float(one)) for one in plain]
    assert first.count("runs") == 2
    assert python(source, "5") == first.replace("runs ", "")
    assert python(source, "6").count("runs") == 2

"""What the parameters, methods and calls of `cache_data` promise, a short test for each promise that no room owns."""

from __future__ import annotations

import asyncio
import functools
import operator
import sys
import threading
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nbcache import CacheWarning, cache_data


class Account:
    def __init__(self, balance: int) -> None:
        self.balance = balance

    @cache_data
    def doubled(self, plus: int = 0) -> int:
        """Twice the balance."""
        return self.balance * 2 + plus


# -- parameters -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [lambda: pd.DataFrame({"a": [1]}), lambda: np.zeros(3), lambda: [1]])
def test_a_lone_table_or_array_to_depend_on_counts_by_its_content(make: Any, calls: Any, cache: Any) -> None:
    followed = make()

    @cache_data(depends_on=[followed] if isinstance(followed, list) else followed)
    def foo() -> None:
        calls()

    foo(), foo()
    assert len(calls) == 1
    if isinstance(followed, pd.DataFrame):
        followed.iloc[0, 0] = 2
    else:
        followed[0] = 2
    foo(), foo()
    assert len(calls) == 2


# -- callables --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "args", "kwargs"),
    [
        (np.add, (1, 2), {}),
        (np.add, (1, 2), {"dtype": float}),
        (np.array, ([1, 2],), {}),
        (np.array, ([1, 2],), {"dtype": float, "ndmin": 2}),
        (np.linspace, (0, 1, 3), {}),
        (sorted, ([2, 1],), {"reverse": True}),
        (pow, (2, 3, 5), {}),
        (sum, ([1], 5), {}),
        (int, ("11",), {"base": 2}),
        (pd.DataFrame, ({"a": [1]},), {}),
        (Counter, ("aab",), {}),
        (functools.partial(pow, 2), (3,), {}),
        (functools.reduce, (operator.add, [1, 2]), {}),
        (operator.itemgetter(1), ([1, 2],), {}),
        ("a b".split, (), {}),
    ],
)
def test_what_is_written_in_c_and_classes_can_be_cached(function: Any, args: Any, kwargs: Any, cache: Any) -> None:
    cached = cache_data(function)
    expected = function(*args, **kwargs)
    for _ in range(2):
        got = cached(*args, **kwargs)
        assert type(got) is type(expected) and repr(got) == repr(expected)
    assert cached.info().hits == 1


def test_attributes_of_a_function_never_hide_our_methods(cache: Any) -> None:
    class Thing:
        def clear(self) -> str:
            return "theirs"

    def foo() -> int:
        return 1

    foo.clear = foo.colour = "theirs"  # type: ignore[attr-defined]
    cached, made = cache_data(foo), cache_data(Thing)
    cached(), made()
    cached.clear(), made.clear()
    assert not cached.is_cached() and not made.is_cached()
    assert cached.colour == "theirs"  # type: ignore[attr-defined]


# -- methods ----------------------------------------------------------------------------------------------------------


def test_a_parameter_may_have_any_name_that_ours_have(cache: Any) -> None:
    @cache_data
    def foo(self: int, args: int = 0, kwargs: int = 0, partial: int = 0) -> int:
        return self

    assert foo(self=1) == 1
    assert foo.is_cached(self=1) and foo.explain(self=1).hit and foo.refresh(self=1) == 1
    foo.clear_where(self=2, args=0)
    assert foo.is_cached(1)
    foo.clear(self=1)
    assert not foo.is_cached(1)


def test_results_of_one_instance_are_found_by_it(cache: Any) -> None:
    one, other = Account(1), Account(2)
    one.doubled(), one.doubled(1), other.doubled()
    one.doubled.clear_where(self=one)
    assert (one.doubled.is_cached(), one.doubled.is_cached(1), other.doubled.is_cached()) == (False, False, True)


def test_a_cached_method_shows_its_own_documentation() -> None:
    assert Account(1).doubled.__doc__ == Account.doubled.__doc__ == "Twice the balance."


def test_two_looks_at_one_method_are_equal() -> None:
    one, other = Account(1), Account(1)
    assert one.doubled == one.doubled and hash(one.doubled) == hash(one.doubled)
    assert one.doubled != other.doubled and one.doubled != Account.doubled


# -- keys -------------------------------------------------------------------------------------------------------------

CHANGES = {
    "a global list": "made = []\nclass A:\n @cache_data\n def m(self, x): made.append(x); return x\n",
    "a list that only a helper method reaches": "made = []\nclass A:\n def note(self, x): made.append(x)\n"
    " @cache_data\n def m(self, x): self.note(x); return x\n",
    "a counter of the class": "class A:\n n = 0\n @cache_data\n def m(self, x): A.n += 1; made.append(x); return x\n",
    "a list of the class": "class A:\n seen = []\n @cache_data\n def m(self, x): self.seen.append(x); made.append(x)\n",
    "what a class method changes": "class A:\n n = 0\n @classmethod\n @cache_data\n"
    " def m(cls, x): cls.n += 1; made.append(x); return x\n",
    "what a function given as an argument changes": "memo = {}\ndef f(x): memo[x] = 1; made.append(x)\n"
    "@cache_data\ndef run(f, x): return f(x)\nclass A:\n def m(self, x): return run(f, x)\n",
}


@pytest.mark.parametrize("source", CHANGES.values(), ids=CHANGES)
def test_what_a_run_changes_through_its_arguments_makes_no_miss(source: str, cache: Any, restart: Any) -> None:
    made: list[int] = []
    space: dict[str, Any] = {"cache_data": cache_data, "made": made, "__name__": "my_analysis"}
    exec(source.replace("@cache_data", "@cache_data(persist='disk')"), space)
    made = space["made"]
    one = space["A"]()

    one.m(1), one.m(1), space["A"]().m(1)
    assert made == [1]
    one.m(2), one.m(2)
    assert made == [1, 2]


def test_what_a_run_changes_through_its_arguments_is_explained_and_an_edit_of_it_is_a_miss(cache: Any) -> None:
    space: dict[str, Any] = {"cache_data": cache_data, "__name__": "my_analysis"}
    exec("seen = []\nclass A:\n def n(self): seen.append(1); return len(seen)\n", space)
    exec("@cache_data\ndef foo(a): return a.n()\n", space)
    foo, one = space["foo"], space["A"]()

    assert (foo(one), foo(one)) == (1, 1)
    assert any("seen in A" in line for line in foo.explain(one).unfollowed)
    space["seen"] = [1, 2, 3]
    assert foo(one) == 4


def test_what_one_piece_of_code_changes_still_counts_where_another_of_that_name_reads_it(cache: Any) -> None:
    def make(acc: list[int], adding: bool) -> Any:
        return (lambda: acc.append(1)) if adding else (lambda: len(acc))

    @cache_data
    def run(what: Any) -> Any:
        return what()

    acc = [1]
    run(make([], True))
    count = make(acc, False)
    assert run(count) == 1
    acc.append(2)
    assert run(count) == 2


FIRST, SECOND = object(), object()


def test_sentinels_are_told_apart_by_their_names(cache: Any) -> None:
    @cache_data
    def which(given: object = FIRST) -> int:
        return 1 if given is FIRST else 2

    assert (which(FIRST), which(SECOND), which(), which(object())) == (1, 2, 1, 2)
    assert (which.info().misses, which.info().hits) == (3, 1)


def test_two_arguments_that_are_one_object_are_another_call_than_two_equal_ones(cache: Any) -> None:
    @cache_data
    def tail(first: list[int], second: list[int], *more: Any, **named: Any) -> list[int]:
        first.append(1)
        return list(second)

    one: list[int] = []
    assert (tail([], []), tail(one, one), tail([], [])) == ([], [1], [])
    text, pair = "a" * 50, (1, 2)
    tail([], [2], text, text, pair, a=len, b=len)
    assert tail.is_cached([], [2], "a" * 50, text, (1, 2), a=len, b=len)


# -- faults -----------------------------------------------------------------------------------------------------------


class Fragile:
    broken = False

    def __setstate__(self, state: Any) -> None:
        if Fragile.broken:
            raise ValueError("the state means nothing")
        vars(self).update(state)


class Gone:
    pass


KINDS = {"fragile": Fragile, "gone": Gone}


@pytest.mark.parametrize(("kind", "advice"), [("gone", "import the classes"), ("fragile", "nothing for now")])
def test_a_result_that_cannot_be_loaded_is_computed_again_with_fitting_advice(
    kind: str, advice: str, restart: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    @cache_data(persist="disk", track=False)
    def foo(kind: str) -> Any:
        made = KINDS[kind]()
        made.x = 1
        return made

    foo(kind)
    restart()
    monkeypatch.setattr(Fragile, "broken", True)
    monkeypatch.delattr(sys.modules[__name__], "Gone")
    with pytest.warns(CacheWarning, match=advice) as caught:
        assert isinstance(foo(kind), KINDS[kind])
    assert sum(advice in str(warning.message) for warning in caught) == 1


def test_a_shared_store_that_cannot_be_opened_costs_one_warning(python: Any) -> None:
    program = """
        import warnings
        from nbcache import cache_data
        square = cache_data(persist="disk")(lambda x: x * x)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            print(square(2), square(3), square.is_cached(2), square.entries()[0].tier)
        print([(w.category.__name__, w.filename == __file__, "nonsense" in str(w.message)) for w in caught])
    """
    lines = python(program, NBCACHE_STORE="nonsense://x").splitlines()
    assert lines == ["4 9 True memory", "[('CacheWarning', True, True)]"]


@cache_data
def no_use(x: int = 1) -> Any:
    return threading.Lock()


@cache_data
async def no_use_soon() -> Any:
    return threading.Lock()


@pytest.mark.parametrize(
    "ask",
    [
        lambda: no_use(),
        lambda: no_use.refresh(),
        lambda: no_use.map([1], n_jobs=1, progress=False),
        lambda: asyncio.run(no_use_soon()),
    ],
)
def test_a_warning_points_at_the_users_line_through_libraries(ask: Any, cache: Any) -> None:
    with pytest.warns(CacheWarning) as caught:
        ask()
    assert [(warning.filename, warning.lineno) for warning in caught] == [(__file__, ask.__code__.co_firstlineno)]


# -- looking, naming, settings ----------------------------------------------------------------------------------------


class Kind:
    def __init__(self, n: int) -> None:
        self.n = n


class Special(Kind):
    pass


def test_hash_funcs_match_the_exact_type_then_its_bases_also_inside_containers_and_never_results(cache: Any) -> None:
    @cache_data(hash_funcs={f"{__name__}.Kind": lambda kind: kind.n % 10, int: lambda n: n % 10})
    def foo(x: Any) -> Any:
        return x

    assert foo(Kind(1)).n == foo(Kind(11)).n == 1
    assert foo([{"a": Special(2)}])[0]["a"].n == foo([{"a": Special(12)}])[0]["a"].n == 2
    assert not foo.is_cached([{"a": Special(3)}])
    assert (foo(7), foo(17), foo.is_cached(True)) == (7, 7, False)


def test_looking_counts_no_hit_and_reorders_nothing(cache: Any, clock: Any) -> None:
    @cache_data(max_entries=2, persist="disk")
    def foo(x: int) -> int:
        return x

    foo(1), clock.move(1), foo(2), clock.move(1)
    foo.is_cached(1), foo.explain(1), foo.entries(), foo.info(), cache_data.info(), cache_data.entries()
    assert foo.info().hits == 0
    foo(3)
    assert [foo.is_cached(x) for x in (1, 2, 3)] == [False, True, True]


def test_one_row_per_entry_names_its_fastest_tier(cache: Any, restart: Any) -> None:
    @cache_data(persist="disk")
    def foo(x: int) -> int:
        return x

    foo(1), foo(2)
    restart()
    foo(2)
    rows = {row.arguments: row.tier for row in foo.entries()}
    assert rows == {"1": "disk", "2": "memory"}


def test_two_programs_of_one_folder_share_the_name_and_never_results(python: Any) -> None:
    program = """
        import sys
        from nbcache import cache_data
        @cache_data(persist="disk")
        def foo(x):
            return x + {}
        if "clear" in sys.argv:
            foo.clear()
        print(foo(1) if "call" in sys.argv else "", foo.info().entries)
    """
    assert python(program.format(1), "call").split() == ["2", "1"]
    assert python(program.format(2), "call").split() == ["3", "2"]
    assert python(program.format(1), "call").split() == ["2", "2"]
    assert python(program.format(3), "clear").split() == ["0"]


def test_settings_come_from_the_call_then_config_then_the_file_then_the_environment(tmp_path: Any, python: Any) -> None:
    profile = tmp_path / "ipython" / "profile_default"
    profile.mkdir(parents=True)
    (profile / "ipython_config.py").write_text("c.NBCache.persist = 'disk'\nc.NBCache.max_disk_size = '3GB'\n")
    program = """
        from IPython import start_ipython
        lines = '''
        %load_ext nbcache
        from nbcache.config import settings
        print(settings().persist, settings().max_disk_size, settings().trust)
        %config NBCache.persist = "memory"
        print(settings().persist, cache_data(persist=True)(len).info().entries)
        '''
        start_ipython(["--no-banner", "--colors=nocolor", "--HistoryManager.enabled=False", "-c", lines])
    """
    environment = {"NBCACHE_PERSIST": "memory", "NBCACHE_MAX_DISK_SIZE": "1GB", "NBCACHE_TRUST": "strict"}
    lines = python(program, IPYTHONDIR=str(tmp_path / "ipython"), **environment).splitlines()
    assert lines == ["disk 3GB strict", "memory 0"]


def test_a_folder_and_its_store_say_what_they_are(cache: Any, tmp_path: Any) -> None:
    cache_data(persist="disk")(len)([1])
    store = tmp_path / "store"
    assert (store / ".gitignore").read_text().splitlines()[-1] == "*"
    assert (store / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55")
    assert {path.stat().st_mode & 0o077 for path in (store, *store.rglob("*"))} == {0}


# -- names of parameters ----------------------------------------------------------------------------------------------

OURS = "_slot _slow _fast _clock _touch _now _type _current _function _bound _call _key _default_0 _0 _1 _nbcache_slot"
OFTEN = "self cls args kwargs key value slot function map len all Exception type LookupError"


@pytest.mark.parametrize("declaration", ["{}", "{}=1", "*{}", "a, *, {}=2", "a, {}=2, /, b=3", "*{}, z=1, **more"])
@pytest.mark.parametrize("name", [*OURS.split(), *OFTEN.split()])
def test_a_parameter_may_be_called_anything(name: str, declaration: str, cache: Any) -> None:
    space: dict[str, Any] = {"ALPHA": 1}
    exec(f"def foo({declaration.format(name)}):\n  return {name}, ALPHA", space)
    plain, cached = space["foo"], cache_data(ttl=60, max_entries=9)(space["foo"])
    other = 5 if name.startswith("_") else 6  # left out of the key
    for value in (5, 5, other, 5):
        assert cached(value) == plain(value)
    assert cached.info().hits >= 2 and cached.is_cached(5) and cached.explain(5).hit
    space["ALPHA"] = 2
    assert cached(5) == plain(5)


@pytest.mark.parametrize("name", ["<lambda>", "class", "None", "a b", "", "len", "_nbcache_slow"])
def test_a_function_may_be_called_anything(name: str, cache: Any) -> None:
    def foo(x: int) -> int:
        return x + 1

    foo.__name__ = foo.__qualname__ = name
    cached = cache_data(foo)
    assert (cached(1), cached(1), cached.info().hits) == (2, 2, 1)

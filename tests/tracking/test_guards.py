"""The guards of a fingerprint: quick, safe among threads, and keeping nothing alive."""

from __future__ import annotations

import functools
import gc
import threading
import timeit
import types
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from notebook_code import run, state_of
from threads import together

from nbcache.tracking import fingerprint
from nbcache.tracking.fingerprint import Tracker, code_digest

pytestmark = pytest.mark.usefixtures("main_module")


@pytest.mark.parametrize(
    "root", [len, str.upper, functools.partial(max, 1), "a".join, dict, types.SimpleNamespace(), range]
)
def test_anything_callable_has_a_fingerprint(root: Any) -> None:
    assert Tracker({"": root}).state().digest == Tracker({"": root}).state().digest


def test_texts_that_may_name_files_are_found() -> None:
    state = state_of("P = 'data/a.parquet'\ndef h(): return 'b.csv'\ndef foo():\n 'doc.txt'\n return P, h(), 'c.csv'")

    assert {"data/a.parquet", "b.csv", "c.csv"} <= set(state.paths)
    assert "doc.txt" not in state.paths


def test_the_simple_guard_agrees_with_the_function() -> None:
    space = run("A = 1\ndef h(): return A\ndef foo(): return h(), len('a')")
    state = Tracker({"": space["foo"]}).state()
    assert state.simple is not None
    assert eval(state.simple, dict(state.names))

    space["A"] = 2

    assert not eval(state.simple, dict(state.names))
    assert not state.current()


def test_mutable_globals_have_no_simple_guard() -> None:
    assert state_of("A = []\ndef foo(): return A").simple is None


def test_closures_given_as_arguments_are_not_kept_alive() -> None:
    space = run("def make(n): return lambda: n\nf = make([1])")
    code_digest(space["f"])
    gone = weakref.ref(space["f"])

    del space
    gc.collect()

    assert gone() is None


def test_a_table_that_the_user_deletes_leaves_memory() -> None:
    space = run("import numpy as np\nA = np.zeros(1000)\nB = {'a': np.zeros(1000)}\ndef foo(): return A, B")
    tracker = Tracker({"": space["foo"]})
    state = tracker.state()
    gone = weakref.ref(space["A"]), weakref.ref(space["B"]["a"])

    del space["A"], space["B"]
    gc.collect()

    assert [reference() for reference in gone] == [None, None]
    assert not state.current()


def test_threads_may_ask_at_once() -> None:
    space = run("A = [1]\ndef h(): return A\ndef foo(): return h()")
    tracker = Tracker({"": space["foo"]})

    found = together(lambda _: tracker.state().digest, range(8))

    assert len(set(found)) == 1


def test_ten_dependencies_are_guarded_in_about_a_microsecond() -> None:
    source = "".join(f"A{i} = {i} + 0.5\ndef h{i}(): return A{i}\n" for i in range(5))
    space = run(source + "def foo(): return " + " + ".join(f"h{i}()" for i in range(5)))
    current = Tracker({"": space["foo"]}).state().current

    seconds = min(timeit.repeat(current, number=2000, repeat=20)) / 2000

    assert seconds < 4e-6  # 1 us on an idle machine; this one is shared


def test_a_long_global_list_is_followed() -> None:
    space = run("A = list(range(200_000))\ndef foo(): return A")
    tracker = Tracker({"": space["foo"]})
    before = tracker.state()
    assert before.current()

    space["A"][150_000] = -1

    assert not before.current()


def test_a_guard_that_another_thread_is_compiling_counts_as_a_change_and_raises_nothing() -> None:
    compiling, go_on = threading.Event(), threading.Event()

    def make() -> Callable[[], bool]:
        compiling.set()
        assert go_on.wait(60)
        return lambda: True

    current = fingerprint._at_first_use(make)
    found: list[bool] = []
    other = threading.Thread(target=lambda: found.append(current()))
    other.start()
    assert compiling.wait(60)

    meanwhile = current()
    go_on.set()
    other.join(60)

    assert (meanwhile, found, current()) == (False, [True], True)

"""The guards of a fingerprint: quick, safe among threads, and keeping nothing alive."""

from __future__ import annotations

import contextlib
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
from nbcache.tracking.guards import Guards

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


def test_a_guard_that_another_thread_is_compiling_is_made_by_hand_meanwhile() -> None:
    compiling, go_on = threading.Event(), threading.Event()

    class Slow(Guards):
        def compile(self) -> Callable[[], bool]:
            compiling.set()
            assert go_on.wait(60)
            return lambda: True

    guards = Slow()
    guards.content(lambda: False)
    current = fingerprint.LateGuard(guards)
    found: list[bool] = []
    other = threading.Thread(target=lambda: found.append(current.compiled()()))
    other.start()
    assert compiling.wait(60)

    meanwhile = current.compiled()()
    go_on.set()
    other.join(60)

    assert (meanwhile, found, current()) == (False, [True], True)


_CHANGES = {
    "global": ("A = 1.5\ndef foo(): return A", "A = 2.5"),
    "name gone": ("A = 1.5\ndef foo(): return A", "del A"),
    "name that was missing": ("def foo():\n try: return A\n except NameError: return 0", "A = 1"),
    "names that were missing": ("def foo():\n try: return A, B, C, D\n except NameError: return 0", "C = 1"),
    "helper": ("def h(): return 1\ndef foo(): return h()", "def h(): return 2"),
    "code of a helper": ("def h(): return 1\ndef foo(): return h()", "h.__code__ = (lambda: 2).__code__"),
    "default": ("def h(a=1): return a\ndef foo(): return h()", "h.__defaults__ = (2,)"),
    "keyword default": ("def h(*, a=1): return a\ndef foo(): return h()", "h.__kwdefaults__['a'] = 2"),
    "attribute of a function": ("def h(): return h.a\nh.a = 1.5\ndef foo(): return h()", "h.a = 2.5"),
    "closure": ("def m(n):\n def s(v):\n  nonlocal n\n  n = v\n return (lambda: n), s\n"
                "h, s = m(1.5)\ndef foo(): return h()", "s(2.5)"),
    "class attribute": ("class C:\n a = 1.5\ndef foo(): return C.a", "C.a = 2.5"),
    "method": ("class C:\n def a(self): return 1\ndef foo(): return C().a()", "C.a = lambda self: 2"),
    "new member": ("class C:\n pass\ndef foo(): return C()", "C.__len__ = lambda self: 2"),
    "base": ("class A:\n pass\nclass B:\n pass\nclass C(A):\n pass\ndef foo(): return C()", "C.__bases__ = (B,)"),
    "registration": ("import collections.abc as c\nclass A:\n pass\ndef foo(x): return isinstance(x, c.Sized), A",
                     "c.Sized.register(A)"),
    "content": ("A = [1]\ndef foo(): return A", "A.append(2)"),
}  # fmt: skip


@pytest.mark.parametrize(("source", "change"), _CHANGES.values(), ids=_CHANGES)
def test_guards_agree_by_hand_and_as_code(source: str, change: str) -> None:
    space = run(source)
    state = Tracker({"": space["foo"]}).state()
    by_hand, compiled = state.current, state.compiled()
    simple = None if state.simple is None else functools.partial(eval, state.simple, dict(state.names))
    assert by_hand()
    assert compiled()
    assert simple is None or simple()

    exec(change, space)

    assert not by_hand()
    assert not compiled()
    if simple is not None:
        with contextlib.suppress(LookupError, AttributeError, ValueError):
            assert not simple()

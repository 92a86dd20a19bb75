"""What changes in a running session is seen, and what the function itself changes is no reason to miss."""

from __future__ import annotations

import gc
import weakref

import pytest
from notebook_code import labels, run

from nbcache.tracking.fingerprint import Tracker

pytestmark = pytest.mark.usefixtures("main_module")

MUTATIONS = {
    "dict": ("A = {'a': 1}\ndef foo(): return A", "A['a'] = 2"),
    "nested list": ("A = {'a': [[1]]}\ndef foo(): return A", "A['a'][0].append(2)"),
    "set": ("A = {1, 2}\ndef foo(): return A", "A.add(3)"),
    "equal value of another type": ("A = [1]\ndef foo(): return A", "A[0] = True"),
    "keys that swap values": ("A = {'a': 1, 'b': 2}\ndef foo(): return A", "A['a'], A['b'] = 2, 1"),
    "attribute": ("class C: pass\nA = C()\nA.x = 1\ndef foo(): return A.x", "A.x = 2"),
    "slot": ("class C: __slots__ = 'x'\nA = C()\nA.x = 1\ndef foo(): return A.x", "A.x = 2"),
    "nested attribute": ("class C: pass\nA = C()\nA.x = [C()]\ndef foo(): return A", "A.x[0].y = 2"),
    "array": ("import numpy as np\nA = np.arange(3)\ndef foo(): return A", "A[1] = 9"),
    "array in an object": (
        "import numpy as np\nclass C: x = 1\nA = C()\nA.a = np.arange(3)\ndef foo(): return A",
        "A.a[1] = 9",
    ),
    "frame": ("import pandas as pd\nA = pd.DataFrame({'a': [1]})\ndef foo(): return A", "A.loc[0, 'a'] = 2"),
    "deque": ("import collections\nA = collections.deque([1])\ndef foo(): return A", "A.append(2)"),
    "bytearray": ("A = bytearray(b'a')\ndef foo(): return A", "A[0] = 7"),
    "rebound global": ("A = 1\ndef foo(): return A", "A = 2"),
    "deleted global": ("A = 1\ndef foo(): return A", "del A"),
    "defined global": ("def foo(): return A", "A = 1"),
    "shadowed builtin": ("def foo(): return len('')", "len = 1"),
    "redefined helper": ("def h(): return 1\ndef foo(): return h()", "def h(): return 2"),
    "helper's code": ("def h(): return 1\ndef foo(): return h()", "h.__code__ = (lambda: 2).__code__"),
    "helper's defaults": ("def h(x=1): return 1\ndef foo(): return h()", "h.__defaults__ = (2,)"),
    "helper's keyword default": ("def h(*, x=1): return 1\ndef foo(): return h()", "h.__kwdefaults__['x'] = 2"),
    "mutable default": ("def h(x=[1]): return 1\ndef foo(): return h()", "h.__defaults__[0].append(2)"),
    "closure": (
        "def make(x):\n def foo(): return x\n return foo\nfoo = make([1])",
        "foo.__closure__[0].cell_contents = [2]",
    ),
    "patched method": ("class C:\n def m(self): return 1\ndef foo(): return C()", "C.m = lambda self: 2"),
    "added method": ("class C: pass\ndef foo(): return C()", "C.m = lambda self: 2"),
    "class attribute": ("class C: x = 1\ndef foo(): return C.x", "C.x = 2"),
    "mutable class attribute": ("class C: x = {}\ndef foo(): return C.x", "C.x['a'] = 2"),
    "attribute of a function": ("def h(): pass\nh.n = 1\ndef foo(): return h.n", "h.n = 2"),
    "partial's keyword": (
        "import functools\nh = functools.partial(print, end='')\ndef foo(): return h",
        "h.keywords['end'] = 'x'",
    ),
    "dict in a partial": (
        "import functools\nh = functools.partial(print, {})\ndef foo(): return h",
        "h.args[0]['a'] = 1",
    ),
    "registered later": (
        "import functools\n@functools.singledispatch\ndef h(x): return 0\ndef foo(): return h(1)",
        "h.register(int, lambda x: 1)",
    ),
    "function put into a list": ("L = [len]\ndef foo(): return L", "L[0] = lambda x: 1"),
}


@pytest.mark.parametrize("case", MUTATIONS)
def test_a_change_in_the_same_session_is_seen_at_once(case: str) -> None:
    source, change = MUTATIONS[case]
    space = run(source)
    tracker = Tracker({"": space["foo"]})
    before = tracker.state()
    assert before.current()
    assert tracker.state() is before

    exec(change, space)

    assert not before.current()
    after = tracker.state()
    assert after.digest != before.digest
    assert after.current()


def test_a_change_that_is_taken_back_restores_the_fingerprint() -> None:
    space = run("A = {'a': [1]}\ndef foo(): return A")
    tracker = Tracker({"": space["foo"]})
    before = tracker.state().digest

    space["A"]["a"].append(2)
    between = tracker.state().digest
    space["A"]["a"].pop()

    assert between != before
    assert tracker.state().digest == before


def test_an_equal_object_in_place_of_another_changes_nothing() -> None:
    space = run("A = {'a': [1.5, 'x']}\ndef h(): return 1\ndef foo(): return A, h()")
    tracker = Tracker({"": space["foo"]})
    before = tracker.state().digest

    exec("A = {'a': [3 / 2, ''.join(['x'])]}\ndef h(): return 1", space)

    assert tracker.state().digest == before


def test_a_global_that_the_function_assigns_is_left_out() -> None:
    space = run("n = 0\ndef foo():\n global n\n n += 1\n return n")
    tracker = Tracker({"": space["foo"]})
    before = tracker.state()

    space["foo"]()

    assert before.current()
    assert tracker.state().digest == before.digest
    assert any("global n" in line for line in before.unfollowed)


def test_a_global_that_a_helper_assigns_is_left_out() -> None:
    space = run("n = 0\ndef h():\n global n\n n += 1\ndef foo():\n h()\n return n")
    tracker = Tracker({"": space["foo"]})
    before = tracker.state()

    space["foo"]()

    assert tracker.state() is before


@pytest.mark.parametrize(
    ("source", "label"),
    [
        ("A = []\ndef foo(): A.append(1)", "global A"),
        ("A = {}\ndef foo(): A['n'] = A.get('n', 0) + 1", "global A"),
        ("class C: n = 0\ndef foo(): C.n += 1", "class C.n"),
        ("def foo(acc=[]): acc.append(1)", "default of foo"),
        ("def make():\n n = 0\n def foo():\n  nonlocal n\n  n += 1\n return foo\nfoo = make()", "closure n"),
        ("class C: pass\nA = C()\nA.n = 0\ndef foo(): A.n += 1", "global A"),
    ],
)
def test_what_the_function_itself_changes_is_found_after_the_run_and_can_be_left_out(source: str, label: str) -> None:
    space = run(source)
    tracker = Tracker({"": space["foo"]})
    before = tracker.state()
    assert before.changed() == frozenset()

    space["foo"]()

    assert before.changed() == {label}
    without = tracker.state(frozenset({label}))
    assert any(label in line for line in without.unfollowed)
    space["foo"]()
    assert without.current()
    assert tracker.state(frozenset({label})).digest == without.digest


def test_what_the_function_changes_counts_as_it_was_before_while_it_is_the_same_object() -> None:
    space = run("A = [1]\nB = [5]\ndef foo(): A.append(2); B.append(6)")
    tracker = Tracker({"": space["foo"]})
    before = tracker.state()
    own = frozenset({"global A", "global B"})
    space["foo"]()
    before.note_origins(before.changed())

    learnt = tracker.state(own)
    space["foo"]()
    again = tracker.state(own)
    exec("A = [1]", space)
    equal = tracker.state(own)
    exec("A = [3]", space)
    edited = tracker.state(own)

    assert learnt.digest == before.digest
    assert again is learnt
    assert equal.digest == before.digest
    assert edited.digest != before.digest
    assert labels(before, edited) == {"global A"}


def test_what_the_function_puts_in_place_of_a_value_counts_as_the_value_before() -> None:
    source = "def make(n):\n acc = [n]\n def foo():\n  nonlocal acc\n  acc = [*acc, 2]\n  return acc[0]\n return foo\n"
    space = run(source + "foo = make(1)\nother = make(3)")
    tracker = Tracker({"": space["foo"]})
    before = tracker.state()
    own = frozenset({"closure acc"})
    digests = []
    state = before
    for _ in range(3):
        space["foo"]()
        state.note_origins(state.changed())
        state = tracker.state(own)
        digests.append(state.digest)

    assert digests == [before.digest] * 3
    assert Tracker({"": space["other"]}).state(own).digest != before.digest


def test_what_the_function_changes_is_not_kept_alive() -> None:
    space = run("import numpy as np\nA = np.zeros(9)\ndef foo(): A[0] += 1")
    tracker = Tracker({"": space["foo"]})
    before = tracker.state()
    space["foo"]()
    before.note_origins(before.changed())
    gone = weakref.ref(space["A"])

    del space["A"], before
    tracker.state()
    gc.collect()

    assert gone() is None


def test_leaving_one_global_out_keeps_the_others() -> None:
    space = run("A = []\nB = [1]\ndef foo(): A.append(1); return B")
    tracker = Tracker({"": space["foo"]})
    before = tracker.state(frozenset({"global A"}))

    space["B"].append(2)

    assert not before.current()
    assert tracker.state(frozenset({"global A"})).digest != before.digest

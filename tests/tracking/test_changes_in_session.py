"""What changes in a running session is seen, and what the function itself changes is no reason to miss."""

from __future__ import annotations

import pytest
from notebook_code import run

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

"""The comparer of namespaces: it sees values, types, and who shares what, and nothing else."""

from __future__ import annotations

import copy
import weakref
from collections import deque

import pytest
from namespace_graph import differences, lines_of


class Box:
    pass


def _lines(source):
    namespace = {"__name__": "__main__", "Box": Box}
    exec(source, namespace)
    return lines_of(namespace)


@pytest.mark.parametrize(
    "source",
    [
        "a = [1, 2.5, 'x', None, (1, 2)]",
        "a = {'k': [1]}; b = a['k']",
        "a = Box(); a.me = a",
        "import numpy as np; a = np.arange(6.0); b = a[2:4]",
        "import pandas as pd; d = pd.DataFrame({'a': [1, 2], 'b': ['x', None]}); s = d['a']",
        "import random; r = random.Random(1)",
        "import numpy as np; r = np.random.default_rng(3)",
        "x = 1\ndef f(n=[1]):\n    return x + n[0]\nf.calls = 2",
        "class C:\n    __slots__ = ('p',)\nc = C(); c.p = {1, 2}; m = c.__init__",
        "from collections import Counter, OrderedDict; a = Counter('aab'); b = OrderedDict(x=1)",
        "import io; a = io.BytesIO(b'abc'); _ = a.read(1)",
    ],
)
def test_the_same_source_gives_the_same_lines(source):
    assert differences(_lines(source), _lines(source)) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a = [1]", "a = [2]"),
        ("a = 1", "a = 1.0"),
        ("a = [1]; b = a", "a = [1]; b = [1]"),
        ("a = {'x': [1]}; b = a['x']", "a = {'x': [1]}; b = [1]"),
        ("a = Box(); a.v = []; b = a.v", "a = Box(); a.v = []; b = []"),
        ("import numpy as np; a = np.arange(4); b = a[:2]", "import numpy as np; a = np.arange(4); b = a[:2].copy()"),
        (
            "import numpy as np; a = np.arange(4); b = a[:2]",
            "import numpy as np; a = np.arange(4); b = a[-4:2][::1]; a[0] = 9",
        ),
        ("a = {'x': 1, 'y': 2}", "a = {'y': 2, 'x': 1}"),
        ("import random; r = random.Random(1)", "import random; r = random.Random(2)"),
        ("def f(): return 1", "def f(): return 2"),
        ("class C: x = 1", "class C: x = 2"),
        ("a = [1]; f = a.append", "a = [1]; f = [1].append"),
        (
            "import pandas as pd; a = pd.Series([1, 2]); b = a.index",
            "import pandas as pd; a = pd.Series([1, 2]); b = a.index.copy()",
        ),
    ],
)
def test_another_value_or_another_sharing_gives_other_lines(one, other):
    assert differences(_lines(one), _lines(other)) != []


def test_a_deep_copy_of_all_names_together_is_alike():
    inner = [1, {"x": deque([2], 3)}]
    namespace = {"a": inner, "b": [inner, inner[1]]}
    assert lines_of(namespace) == lines_of(copy.deepcopy(namespace))


class Step:
    def __init__(self, number, before):
        self.number = number
        self.before = set(before)


def test_sets_of_objects_that_hold_sets_are_walked_once_each():
    steps = [Step(0, ()), Step(1, ())]
    for number in range(2, 60):
        steps.append(Step(number, steps[-2:]))

    found = lines_of({"last": steps[-1]})

    assert len(found) == 1 + 2 * 60
    assert found == lines_of({"last": steps[-1]})


def test_a_weak_proxy_is_walked_while_its_object_lives_and_afterwards():
    box = Box()
    box.inner = [1]
    namespace = {"proxy": weakref.proxy(box), "inner": box.inner}
    alive = lines_of(namespace)

    del box

    assert alive[2:] == ["#0 list {1}", "#1 weakref.ProxyType {stands for: #2}", f"#2 {__name__}.Box {{.inner: #0}}"]
    assert lines_of(namespace)[3:] == ["#1 weakref.ProxyType {stands for: None}"]


def test_an_object_that_answers_to_any_name_is_walked():
    class Library:
        __slots__ = ()

        def __getattr__(self, name):
            return print

    assert lines_of({"library": Library()})

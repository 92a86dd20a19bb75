"""What a hit looks at before it is one: the same whether its guard asks the state or is part of the function by now."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from notebook_code import run

pytestmark = pytest.mark.usefixtures("own_main", "cache")

#: Hits after which a guard is made by hand, is generated, and is part of the function.
_HITS = (1, 12, 40)

_HEAD = "from nbcache import cache_data\nruns = []\n"
_SOURCES = {
    "number": ("A = 1.5\n", "A", "A = 2.5", "A = 1.5"),
    "list": ("A = [1.5]\n", "A[0]", "A[0] = 2.5", "A[0] = 1.5"),
    "helper": ("def h(): return 1.5\ng = h\n", "h()", "def h(): return 2.5", "h = g"),
}


@pytest.mark.parametrize("hits", _HITS)
@pytest.mark.parametrize(("before", "reads", "change", "back"), _SOURCES.values(), ids=_SOURCES)
def test_a_change_is_a_miss_and_changed_back_a_hit_after_any_number_of_hits(
    hits: int, before: str, reads: str, change: str, back: str
) -> None:
    space = run(f"{_HEAD}{before}@cache_data(track=True)\ndef foo(x):\n return x + {reads}\n")
    foo = space["foo"]

    for _ in range(3):  # each state is met by hand and as code
        assert [foo(1) for _ in range(hits)] == [2.5] * hits
        exec(change, space)
        assert [foo(1) for _ in range(hits)] == [3.5] * hits
        exec(back, space)
    assert foo(1) == 2.5
    assert foo.info().misses == 2


def test_threads_that_hit_while_a_global_changes_never_get_what_another_value_gave() -> None:
    space: dict[str, Any] = run(f"{_HEAD}A = 0\n@cache_data\ndef foo():\n return A\n")
    foo, wrong, over = space["foo"], [], threading.Event()
    for space["A"] in range(4):
        foo()

    def ask() -> None:
        while not over.is_set():
            foo()

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for step in range(60):
        space["A"] = step % 4
        wrong += [(step, found) for found in (foo() for _ in range(50)) if found != step % 4]
    over.set()
    for thread in threads:
        thread.join(60)

    assert wrong == []
    assert foo.info().misses == 4

"""`explain` says, in plain words, what a hit rests on and why a miss is one; a surprising miss can say so by itself."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from edits import Notebook, foo_of

from nbcache import CacheWarning, UntrustedEntryError, cache_data, registry
from nbcache.config import settings
from nbcache.engine.cache import Cache

Restart = Callable[[], Cache]


def test_a_hit_tells_what_it_rests_on(book: Notebook, cache: Cache, clock: Any) -> None:
    Path("data.csv").write_text("1")
    foo = foo_of(
        book,
        "import json\nALPHA = 0.1\ndef h(x): return ALPHA * x\n"
        "@cache_data(ttl='1h')\ndef foo(x): return h(x), open('data.csv').read()",
    )
    foo(3)
    clock.move(180)

    found = foo.explain(3)

    assert found.hit
    assert found.changed == ()
    lines = str(found).splitlines()
    assert lines[0].startswith("foo(3): hit, computed 3 min ago in ")
    assert lines[0].endswith("expires in 57 min")
    assert "  depends on x = 3" in lines
    assert "  depends on ALPHA = 0.1" in lines
    assert "  depends on function h: def h(x): return ALPHA * x" in lines
    assert "  depends on its code: def foo(x): return h(x), open('data.csv').read()" in lines
    assert "  depends on file data.csv" in lines


def test_what_is_not_followed_is_listed_for_hit_and_miss(book: Notebook, cache: Cache) -> None:
    foo = foo_of(
        book,
        "import os, threading\nlock, seen = threading.Lock(), []\n"
        "@cache_data\ndef foo():\n  seen.append(1)\n  with lock: return os.environ.get('HOME'), eval(str(1))",
    )

    before = str(foo.explain())
    foo()
    foo()
    after = str(foo.explain())

    for text in (before, after):
        assert "not followed: os.environ" not in text
        assert "not followed: eval() in foo" in text
        assert "not followed: global lock" in text
    assert "not followed: what the function does to global seen" in after
    assert after.startswith("foo(): hit")


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("import time\ndef h(): return time.time()", "the clock (time.time) in h"),
        ("from datetime import datetime\ndef h(): return datetime.now()", "the clock (datetime.datetime.now) in h"),
        ("import urllib.request\ndef h(): urllib.request.urlopen", "the network (urllib.request.urlopen) in h"),
        ("def h():\n  import socket\n  socket.socket", "the network (socket.socket) in h"),
        ("import subprocess as s\ndef h(): s.run", "another program (subprocess.run) in h"),
        ("import pandas as pd\ndef h(): pd.read_sql", "a database (pandas.read_sql) in h"),
    ],
)
def test_what_comes_from_outside_of_the_program_is_listed(source: str, line: str, book: Notebook, cache: Cache) -> None:
    foo = foo_of(book, f"{source}\n@cache_data\ndef foo():\n  h")
    assert f"not followed: {line}" in str(foo.explain())


def test_what_stays_within_the_program_is_not_listed(book: Notebook, cache: Cache) -> None:
    foo = foo_of(
        book,
        "import time, datetime, os, pandas\nfrom datetime import timedelta\n"
        "@cache_data\ndef foo():\n  time.sleep, datetime.datetime(1, 1, 1), os.path, pandas.read_csv, timedelta(1)",
    )
    assert foo.explain().unfollowed == ()


def test_a_global_that_the_function_changes_is_no_reason_for_a_later_miss(book: Notebook, cache: Cache) -> None:
    source = "seen = []\n# %%\ndef h(): return 1\n# %%\n@cache_data\ndef foo():\n  seen.append(1)\n  return h()"
    foo_of(book, source)()

    found = foo_of(book, source.replace("return 1", "return 2")).explain()

    assert found.changed == ("helper h changed: 1 line: def h(): return 1 -> def h(): return 2",)


def test_without_tracking_the_text_says_so(book: Notebook, cache: Cache) -> None:
    foo = foo_of(book, "A = 1\n@cache_data(track=False)\ndef foo(): return A")
    foo()

    found = foo.explain()

    assert found.unfollowed[0] == "globals, helpers, classes and files (track=False)"
    assert "global A" not in "".join(found.depends_on)
    foo_of(book, "A = 2\n@cache_data(track=False)\ndef foo(): return A")
    assert foo.explain().hit


def test_decorators_are_no_lines_of_the_code(book: Notebook, cache: Cache) -> None:
    source = "@cache_data(\n  ttl=60,\n)\ndef foo():\n  def inner(): return 1\n  return inner()"
    foo_of(book, source)()

    found = foo_of(book, source.replace("ttl=60", "ttl=90").replace("return 1", "return 2")).explain()

    assert found.changed == ("code changed: 1 line: def inner(): return 1 -> def inner(): return 2",)


def test_what_it_was_told_to_depend_on_is_listed_and_named(book: Notebook, cache: Cache) -> None:
    Path("data.bin").write_text("1")
    version = [1]
    book.space["version"] = lambda: version[0]
    foo = foo_of(book, "@cache_data(depends_on=['data.bin', version])\ndef foo(): return 1")
    foo()
    hit = foo.explain()

    Path("data.bin").write_text("2")
    version[0] = 2

    assert [line for line in hit.depends_on if line.startswith("depends_on data.bin")]
    changed = foo.explain().changed
    assert len(changed) == 2
    assert changed[0].startswith("depends_on data.bin changed")
    assert "depends_on" in changed[1]


def test_a_first_call_has_nothing_stored(book: Notebook, cache: Cache) -> None:
    memory = foo_of(book, "@cache_data\ndef foo(x): return x")
    assert str(memory.explain(1)).startswith("foo(1): miss, no result is in this session's memory yet")

    disk = foo_of(book, "@cache_data(persist=True)\ndef foo(x): return x")
    assert str(disk.explain(1)).startswith("foo(1): miss, no result is stored yet")


def test_other_arguments_are_compared_with_the_nearest_call(book: Notebook, cache: Cache) -> None:
    foo = foo_of(book, "@cache_data\ndef foo(x, y=0): return x + y")
    foo(1, 2)
    foo(8, 9)

    found = foo.explain(1, 3)

    assert found.reason == "nothing is stored for these arguments; the nearest is foo(1, y=2)"
    assert found.changed == ("argument y 2 -> 3",)


def test_the_nearest_entry_is_that_of_the_same_arguments(book: Notebook, cache: Cache, clock: Any) -> None:
    source = "A = 1\nB = 1\n@cache_data\ndef foo(x): return A, B, x"
    foo_of(book, source)(1)
    clock.move(60)
    foo_of(book, source.replace("A = 1", "A = 2"))(2)
    clock.move(60)

    found = foo_of(book, source.replace("A = 1", "A = 3").replace("B = 1", "B = 3")).explain(1)

    assert found.changed == ("global A 1 -> 3", "global B 1 -> 3")
    assert found.reason == "last computed 2 min ago"


def test_an_expired_entry_says_since_when(book: Notebook, cache: Cache, clock: Any) -> None:
    foo = foo_of(book, "@cache_data(ttl=60)\ndef foo(): return 1")
    foo()
    clock.move(60 + 180)

    found = foo.explain()

    assert not found.hit
    assert found.reason == "expired 3 min ago"


def test_an_expired_entry_that_is_answered_in_the_background_is_a_hit(book: Notebook, cache: Cache, clock: Any) -> None:
    foo = foo_of(book, "@cache_data(ttl=60, refresh_mode='background')\ndef foo(): return 1")
    foo()
    clock.move(90)

    found = foo.explain()

    assert found.hit
    assert found.reason.startswith("expired 30 s ago, and returned once more")


@pytest.mark.parametrize("reads", ["1", "open('data.txt').read()"])
def test_an_evicted_entry_says_so(reads: str, book: Notebook, cache: Cache, clock: Any) -> None:
    Path("data.txt").write_text("1")
    foo = foo_of(book, f"@cache_data(max_entries=1)\ndef foo(x): return x, {reads}")
    foo(1)
    foo(2)
    clock.move(180)

    assert foo.explain(1).reason == "evicted 3 min ago"
    assert foo.explain(2).hit


def test_a_cleared_entry_says_so(book: Notebook, cache: Cache, clock: Any) -> None:
    foo = foo_of(book, "@cache_data\ndef foo(x): return x")
    foo(1)
    foo.clear(1)
    clock.move(5)

    assert foo.explain(1).reason == "cleared 5 s ago"


def test_a_result_that_was_not_kept_says_why(book: Notebook, cache: Cache, clock: Any) -> None:
    foo = foo_of(book, "@cache_data(cache_if=bool)\ndef foo(x): return x")
    foo(0)
    clock.move(5)
    assert foo.explain(0).reason == "not kept: cache_if rejected its result; computed 5 s ago"

    foo = foo_of(book, "import threading\n@cache_data\ndef foo(): return threading.Lock()")
    with pytest.warns(CacheWarning):
        foo()
    assert foo.explain().reason == "not kept: its result cannot be pickled; computed just now"

    foo = foo_of(book, "@cache_data\ndef foo(x):\n  n = int(open('n.txt').read())\n"
                       "  open('n.txt', 'w').write(str(n + 1))\n  return n")  # fmt: skip
    Path("n.txt").write_text("1")
    foo(1)
    assert foo.explain(1).reason.startswith("not kept: a file that it read changed while it ran")


def test_the_off_switch_and_a_ttl_of_zero_are_reasons(book: Notebook, cache: Cache) -> None:
    foo = foo_of(book, "@cache_data\ndef foo(): return 1")
    foo()

    settings().off = True
    assert foo.explain().reason.startswith("the cache is switched off")
    settings().off = False
    assert foo.explain().hit

    foo = foo_of(book, "@cache_data(ttl=0)\ndef foo(): return 1")
    foo()
    assert foo.explain().reason == "results are not kept (ttl is 0)"


def persisted(book: Notebook, result: str = "[1]") -> Any:
    return foo_of(book, f"@cache_data(persist=True)\ndef foo(): return {result}")


def another_key(tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "keys")


@pytest.mark.parametrize("result", ["[1]", "open('data.txt').read()"])
def test_an_entry_of_another_key_is_not_trusted(
    result: str, book: Notebook, cache: Cache, restart: Restart, tmp_path: Path
) -> None:
    Path("data.txt").write_text("1")
    foo = persisted(book, result)
    foo()
    another_key(tmp_path)
    restart()

    found = foo.explain()

    assert not found.hit
    assert found.reason.startswith("entry not trusted: it was signed with another key")
    foo()
    assert foo.explain().hit


def test_an_entry_of_another_key_is_not_trusted_and_no_error_of_explain(
    book: Notebook, cache: Cache, restart: Restart, tmp_path: Path
) -> None:
    foo = persisted(book)
    foo()
    another_key(tmp_path)
    settings().trust = "strict"
    restart()

    assert foo.explain().reason.startswith("entry not trusted, which is an error with trust='strict'")
    with pytest.raises(UntrustedEntryError):
        foo()


def test_an_entry_that_safe_mode_does_not_load_says_so(book: Notebook, cache: Cache, restart: Restart) -> None:
    foo = persisted(book, "__import__('collections').Counter('a')")
    foo()
    settings().trust = "safe"
    restart()

    assert foo.explain().reason == "entry not trusted: loading it could run code (trust='safe')"


def test_a_damaged_entry_says_so(book: Notebook, cache: Cache, restart: Restart, tmp_path: Path) -> None:
    foo = persisted(book)
    foo()
    entry = next(path for path in (tmp_path / "store").rglob("*.nbc") if "note" not in path.name)
    entry.write_bytes(b"garbage")
    restart()

    with pytest.warns(CacheWarning):
        found = foo.explain()

    assert found.reason == "its entry on disk cannot be read"


def test_functions_that_change_places_are_a_change_though_each_is_as_it_was(book: Notebook, cache: Cache) -> None:
    source = "a, b = (lambda: 1), (lambda: 2)\ndef foo(): return a(), b()"
    foo_of(book, source.replace("def", "@cache_data\ndef"))()

    found = foo_of(book, source.replace("a, b", "b, a").replace("def", "@cache_data\ndef")).explain()

    assert not found.hit
    assert found.changed


def test_private_explanations_hold_no_values(book: Notebook, cache: Cache) -> None:
    settings().private = True
    source = "SECRET = 'hush'\n@cache_data\ndef foo(x): return SECRET, 'quiet'"
    foo_of(book, source)("still")

    found = foo_of(book, source.replace("hush", "shush").replace("quiet", "silent")).explain("still")

    assert found.changed == ("code changed", "global SECRET changed")
    assert not [word for word in ("hush", "quiet", "silent", "still") if word in f"{found}{found.depends_on}"]


def test_explaining_computes_and_stores_nothing(cache: Cache, tmp_path: Path) -> None:
    made = []

    @cache_data(persist=True)
    def foo(x: int) -> int:
        made.append(x)
        return x

    foo.explain(1)
    gc.collect()

    assert made == []
    assert not (tmp_path / "store").exists()
    assert registry.the_cache() is cache
    assert foo.info().misses == 0


def test_another_object_in_place_of_one_that_the_function_changes_is_named(book: Notebook, cache: Cache) -> None:
    source = "seen = [0]\n# %%\n@cache_data\ndef foo():\n    seen.append(1)\n    return 1"
    foo_of(book, source)()
    foo = foo_of(book, source)
    assert foo.explain().hit

    found = foo_of(book, source.replace("[0]", "[5]")).explain()

    assert found.changed == ("global seen [0] -> [5]",)


def test_to_explain_a_miss_few_entries_are_read(
    cache: Cache, restart: Restart, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = {"factor": 1}

    @cache_data(persist="disk")
    def scaled(x: int) -> int:
        return x * made["factor"]

    for number in range(150):
        scaled(number)
    disk = restart().tiers.outer.disk
    read: list[object] = []
    plain = disk._reader.head
    monkeypatch.setattr(disk._reader, "head", lambda *given: read.append(given) or plain(*given))

    assert "nearest" in str(scaled.explain(1000))
    assert len(read) <= 100
    read.clear()
    settings().explain_misses = True
    scaled(1001)
    assert len(read) == 0 and not capsys.readouterr().err
    made["factor"] = 2
    scaled(7)
    assert len(read) <= 3 and "scaled(7) is computed again" in capsys.readouterr().err

"""Environment variables that a run reads are part of what its result rests on."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from os import environ
from typing import Any

import pytest
from counted import cached

from nbcache import cache_data
from nbcache.engine.cache import Cache

READS: dict[str, Callable[[], object]] = {
    "an item": lambda: os.environ["NBX_MODE"],
    "get": lambda: os.environ.get("NBX_MODE"),
    "getenv": lambda: os.getenv("NBX_MODE", "none"),
    "bytes": lambda: os.environb[b"NBX_MODE"],
    "a test for it": lambda: "NBX_MODE" in os.environ,
    "all of them": lambda: {name: text for name, text in os.environ.items() if name.startswith("NBX_")},
    "a name for the mapping": lambda: environ.get("NBX_MODE"),
    "their text": lambda: str(os.environ).rpartition("'NBX_MODE': ")[2][:3],
    "a copy": lambda: os.environ.copy().get("NBX_MODE"),
    "a user's folder": lambda: os.path.expandvars("$NBX_MODE/data"),
    "a thread": lambda: ThreadPoolExecutor(1).submit(os.getenv, "NBX_MODE").result(),
}


@pytest.mark.parametrize("how", READS)
def test_another_value_is_a_miss_and_the_old_one_a_hit(
    how: str, cache: Cache, calls: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    foo = cached(READS[how], calls)
    monkeypatch.setenv("NBX_MODE", "a")
    first = foo()

    monkeypatch.setenv("NBX_MODE", "b")
    other = foo()
    monkeypatch.setenv("NBX_MODE", "a")

    assert foo() == first
    assert len(calls) == 2
    assert other != first or how == "a test for it"


def test_a_missing_variable_counts_as_missing(cache: Cache, calls: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    foo = cached(lambda: os.environ.get("NBX_MODE"), calls)
    monkeypatch.delenv("NBX_MODE", raising=False)
    assert (foo(), foo(), len(calls)) == (None, None, 1)

    monkeypatch.setenv("NBX_MODE", "")

    assert foo() == ""


def test_a_variable_that_nobody_reads_makes_no_miss(cache: Cache, calls: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    foo = cached(lambda: os.environ.get("NBX_MODE"), calls)
    foo()

    monkeypatch.setenv("NBX_OTHER", "1")
    foo()

    assert len(calls) == 1


def test_reading_all_of_them_leaves_out_what_tells_one_session_from_another(
    cache: Cache, calls: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    foo = cached(lambda: sorted(name for name, _ in os.environ.items() if name.startswith("NBX_")), calls)
    monkeypatch.setenv("JPY_PARENT_PID", "1")
    foo()

    monkeypatch.setenv("JPY_PARENT_PID", "2")
    foo()
    assert len(calls) == 1

    monkeypatch.setenv("NBX_NEW", "1")
    assert foo() == ["NBX_NEW"]


def test_of_a_library_that_picks_its_own_from_all_of_them_these_count(
    cache: Cache, calls: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    library: dict[str, Any] = {"__name__": "numba.core.config", "os": os}
    exec("def own(): return {k: v for k, v in os.environ.items() if k.startswith('NUMBA_X')}", library)
    own = library["own"]
    foo = cached(lambda: own(), calls)
    assert (foo(), foo()) == ({}, {})
    monkeypatch.setenv("NBX_OTHER", "1")
    foo()
    assert len(calls) == 1

    monkeypatch.setenv("NUMBA_X", "1")
    assert foo() == {"NUMBA_X": "1"}
    monkeypatch.setenv("NUMBA_X", "2")
    assert foo() == {"NUMBA_X": "2"}


def test_their_number_counts(cache: Cache, calls: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    foo = cached(lambda: len(os.environ), calls)
    first = foo()

    monkeypatch.setenv("NBX_NEW", "1")

    assert foo() == first + 1


def test_a_global_that_is_the_mapping_counts_by_what_is_asked_of_it(
    cache: Cache, calls: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    foo = cached(lambda: environ.get("NBX_MODE"), calls)
    foo()

    monkeypatch.setenv("NBX_OTHER", "1")
    foo()

    assert len(calls) == 1


def test_of_the_proxies_only_their_variables_count(cache: Cache, calls: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    foo = cached(lambda: urllib.request.getproxies_environment().get("nbx"), calls)
    foo()
    monkeypatch.setenv("NBX_OTHER", "1")
    foo()
    assert len(calls) == 1

    monkeypatch.setenv("NBX_PROXY", "a")
    assert foo() == "a"


def test_a_variable_of_the_session_counts_when_it_is_read_by_name(
    cache: Cache, calls: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    foo = cached(lambda: os.environ["JPY_PARENT_PID"], calls)
    monkeypatch.setenv("JPY_PARENT_PID", "1")
    foo()

    monkeypatch.setenv("JPY_PARENT_PID", "2")

    assert foo() == "2"


def test_what_the_run_sets_itself_is_its_own(cache: Cache, calls: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def set_and_read() -> str:
        os.environ["NBX_MODE"] = "own"
        return os.environ["NBX_MODE"]

    monkeypatch.setenv("NBX_MODE", "a")
    foo = cached(set_and_read, calls)
    foo()

    monkeypatch.setenv("NBX_MODE", "b")
    foo()

    assert len(calls) == 1


def test_what_was_read_before_it_was_set_counts_as_it_was_read(
    cache: Cache, calls: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_and_set() -> str:
        found = os.environ["NBX_MODE"]
        os.environ["NBX_MODE"] = found + "+"
        return found

    foo = cached(read_and_set, calls)
    monkeypatch.setenv("NBX_MODE", "a")
    foo()
    monkeypatch.setenv("NBX_MODE", "a")

    assert foo() == "a"
    assert len(calls) == 1


def test_a_cached_call_inside_passes_its_variables_on(
    cache: Cache, calls: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBX_MODE", "a")
    inner = cached(lambda: os.environ["NBX_MODE"], lambda: None)
    inner()
    outer = cached(lambda: inner(), calls)
    assert outer() == "a"

    monkeypatch.setenv("NBX_MODE", "b")

    assert outer() == "b"


def test_an_import_inside_the_run_reads_on_its_own_account(
    cache: Cache, calls: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / "nbx_settings.py").write_text("import os\nos.environ.get('NBX_IMPORTED')\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    foo = cached(lambda: __import__("nbx_settings").__name__, calls)
    foo()

    monkeypatch.setenv("NBX_IMPORTED", "1")
    foo()

    assert len(calls) == 1


def test_a_program_that_inherits_the_environment_does_not_read_it(
    cache: Cache, calls: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    foo = cached(lambda: subprocess.run([sys.executable, "-c", "print(1)"], capture_output=True).stdout, calls)
    foo()

    monkeypatch.setenv("NBX_OTHER", "1")
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}{os.pathsep}/nowhere")
    foo()

    assert len(calls) == 1


def test_explain_names_the_variable_and_never_its_value(
    cache: Cache, calls: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    @cache_data(show_spinner=False, persist="disk")
    def foo() -> int:
        return len(os.environ["NBX_TOKEN"])

    monkeypatch.setenv("NBX_TOKEN", "not-to-be-kept-1")
    foo()
    hit = str(foo.explain())
    monkeypatch.setenv("NBX_TOKEN", "not-to-be-kept-2")
    miss = str(foo.explain())

    assert "depends on environment variable NBX_TOKEN" in hit
    assert "changed: environment variable NBX_TOKEN" in miss
    assert "not-to-be-kept" not in hit + miss
    stored = b"".join(path.read_bytes() for path in (tmp_path / "store").rglob("*") if path.is_file())
    assert stored
    assert b"not-to-be-kept" not in stored


def test_a_variable_counts_after_a_restart(python: Callable[..., str], tmp_path: Any) -> None:
    program = """
        import os
        from nbcache import cache_data
        @cache_data(show_spinner=False, persist="disk")
        def foo():
            print("runs", end=" ")
            return os.environ.get("NBX_MODE")
        print(foo())
    """

    assert python(program, NBX_MODE="a") == "runs a\n"
    assert python(program, NBX_MODE="a") == "a\n"
    assert python(program, NBX_MODE="b") == "runs b\n"


def test_a_listed_environment_outside_of_a_run_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBX_MODE", "a")

    assert os.environ["NBX_MODE"] == "a"
    assert "NBX_MODE" in list(os.environ)
    with pytest.raises(KeyError):
        os.environ["NBX_NOT_THERE"]
    with pytest.raises(TypeError):
        os.environ[1]  # type: ignore[index]

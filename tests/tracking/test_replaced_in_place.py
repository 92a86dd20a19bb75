"""What is replaced in a function or a class after decoration counts, as it does for the plain function."""

from __future__ import annotations

import abc
import functools
import gc
import importlib
import sys
import types
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from replaced import ABSTRACT, ARGUMENTS, CLASSES, FUNCTIONS, OWN, WRAPPERS

from nbcache import cache_data
from nbcache.engine.cache import Cache
from nbcache.tracking import watch
from nbcache.tracking.fingerprint import Tracker

pytestmark = pytest.mark.usefixtures("cache", "main_module")
TABLES = {"own": OWN, "function": FUNCTIONS, "class": CLASSES, "wrapper": WRAPPERS, "abstract": ABSTRACT}


def answers(program: tuple[str, ...], decorate: Callable[[Any], Any], call: str = "foo()") -> list[object]:
    """What the program's function returns at first and after each statement, each time asked twice."""
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    space = module.__dict__
    space |= {"cache_data": decorate, "plain": lambda foo: getattr(foo, "__wrapped__", foo)}
    found: list[object] = []
    for statement in program:
        exec(compile(statement, "<statement>", "exec"), space)
        for _ in range(2):
            try:
                found.append(eval(call, space))
            except TypeError:
                found.append("TypeError")
    return found


def cached(function: Any) -> Any:
    return cache_data(show_spinner=False)(function)


def check(program: tuple[str, ...], call: str = "foo()") -> None:
    plain = answers(program, lambda function: function, call)
    assert len(set(map(repr, plain))) > 1, "these statements change nothing"

    assert answers(program, cached, call) == plain


@pytest.mark.parametrize(
    ("table", "name"), [pytest.param(table, name, id=f"{table}: {name}") for table in TABLES for name in TABLES[table]]
)
def test_a_replaced_part_counts(table: str, name: str) -> None:
    check(TABLES[table][name])


@pytest.mark.parametrize("name", ARGUMENTS)
def test_a_replaced_part_of_an_argument_counts(name: str) -> None:
    check(ARGUMENTS[name], "foo(h)")


TABLES_OF_LIBRARIES = {
    "yaml": (
        "import yaml\n@cache_data\ndef foo(): return yaml.safe_load('!nbx 4')",
        "yaml.SafeLoader.add_constructor('!nbx', lambda loader, node: 1)",
        "yaml.SafeLoader.add_constructor('!nbx', lambda loader, node: 2)",
        "yaml.SafeLoader.yaml_constructors['!nbx'] = yaml.SafeLoader.yaml_constructors[None]",
        "del yaml.SafeLoader.yaml_constructors['!nbx']",
    ),
    "jinja2": (
        "import jinja2\n@cache_data\ndef foo(): return jinja2.Environment().from_string('{{ 3 | nbx }}').render()",
        "jinja2.filters.FILTERS['nbx'] = lambda x: x + 1",
        "jinja2.filters.FILTERS['nbx'] = lambda x: x + 2",
        "del jinja2.filters.FILTERS['nbx']",
    ),
}


@pytest.mark.parametrize("library", TABLES_OF_LIBRARIES)
def test_what_is_registered_in_a_table_of_a_library_counts(library: str) -> None:
    pytest.importorskip(library)
    refused = {"yaml": "YAMLError", "jinja2": "TemplateError"}[library]
    first, *rest = TABLES_OF_LIBRARIES[library]
    quiet = first + f"\ndef call():\n  try: return foo()\n  except {library}.{refused}: return 'refused'"

    check((quiet, *rest), "call()")


def test_a_coroutine_function_is_called_by_its_present_defaults() -> None:
    program = (
        "import asyncio, inspect\n@cache_data\nasync def foo(a=1): return a",
        "foo.__defaults__ = (2,)\nassert inspect.iscoroutinefunction(foo)",
    )

    check(program, "asyncio.run(foo())")


def test_methods_are_called_by_their_present_defaults() -> None:
    program = ("class A:\n  @cache_data\n  def m(self, a=1): return a\nx = A()", "A.m.__defaults__ = (2,)")

    check(program, "x.m()")


def test_whoever_asks_about_a_call_means_the_present_defaults(cache: Cache) -> None:
    @cache_data(show_spinner=False)
    def foo(a: int = 1) -> int:
        return a

    foo.__defaults__ = (2,)
    foo()

    assert foo.is_cached(2)
    assert "hit" in str(foo.explain(2))
    foo.clear(2)
    assert not foo.is_cached()


def test_a_default_that_cannot_be_set_changes_nothing() -> None:
    foo = cached(lambda a=1: a)
    foo()

    with pytest.raises(TypeError):
        foo.__defaults__ = [2]

    assert (foo(), foo(), foo.info().misses) == (1, 1, 1)


def test_a_cached_function_that_is_gone_leaves_no_listener() -> None:
    foo = cached(lambda a=1: a)
    place, gone = id(foo.__wrapped__), weakref.ref(foo.__wrapped__)
    assert place in watch._told

    del foo
    gc.collect()

    assert gone() is None
    assert place not in watch._told


def test_registrations_that_do_not_count_leave_a_hit() -> None:
    class Asked(abc.ABC):  # noqa: B024
        pass

    class Other(abc.ABC):  # noqa: B024
        pass

    @cache_data(show_spinner=False)
    def foo() -> bool:
        return isinstance(1, Asked)

    foo()
    Other.register(int)

    assert foo() is False
    assert foo.info().misses == 1


def test_a_class_whose_module_was_loaded_anew_stays_that_of_who_imported_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "class Model:\n    def double(self): return {}\n"
    (tmp_path / "models_anew.py").write_text(text.format(2))
    (tmp_path / "uses_anew.py").write_text("from models_anew import Model\ndef make(): return Model()\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    models, uses = importlib.import_module("models_anew"), importlib.import_module("uses_anew")
    make = cached(uses.make)
    assert make().double() == 2

    importlib.reload(models)
    assert make.is_cached(), "equal code is no other class"
    (tmp_path / "models_anew.py").write_text(text.format(200))
    importlib.reload(models)
    try:
        for _ in range(2):
            assert make().double() == uses.make().double() == 2
            assert type(make()) is uses.Model
        importlib.reload(uses)
        assert cached(uses.make)().double() == 200
    finally:
        del sys.modules["models_anew"], sys.modules["uses_anew"]


def test_how_many_classes_a_process_has_registered_does_not_count() -> None:
    class Other(abc.ABC):  # noqa: B024
        pass

    def made() -> Any:
        dispatch = functools.singledispatch(lambda x: 0)
        dispatch.register(Sequence, lambda x: 1)
        return dispatch

    before = Tracker({"": made()}).state().digest
    Other.register(bytes)

    assert Tracker({"": made()}).state().digest == before

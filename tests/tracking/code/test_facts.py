"""What a code object says, whatever its layout."""

from __future__ import annotations

import ast
import importlib
import inspect
import linecache
import sys
import textwrap
import types
from pathlib import Path
from typing import Any

import pytest

from nbcache.tracking.code.facts import Import, LateSource, facts_of, source_of


def code(source: str, name: str = "foo") -> types.CodeType:
    """Compile source and give the code of its function `name`."""
    module = compile(textwrap.dedent(source), "<test>", "exec")
    return next(item for item in module.co_consts if isinstance(item, types.CodeType) and item.co_name == name)


@pytest.mark.parametrize(
    ("body", "reads"),
    [
        ("return np.linalg.norm(x)", {("np", "linalg", "norm")}),
        ("return a.b + c", {("a", "b"), ("c",)}),
        ("return [g(y).z for y in x]", {("g",)}),
        ("return lambda: h.k()", {("h", "k")}),
        ("return f'{a.b}'", {("a", "b")}),
        ("for i in range(n): pass", {("range",), ("n",)}),
        ("with lock.held: pass", {("lock", "held")}),
        ("class C(Base.Inner): z = w", {("Base", "Inner"), ("w",)}),
        ("return x.y", set()),
    ],
)
def test_chains_of_globals_are_read(body: str, reads: set[tuple[str, ...]]) -> None:
    assert set(facts_of(code(f"def foo(x):\n    {body}")).reads) - {("__name__",)} == reads


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("import a\n    return a.f()", Import("a", 0, ("f",))),
        ("import a.b\n    return a.b.f()", Import("a", 0, ("b", "f"))),
        ("import a.b as c\n    return c.f()", Import("a", 0, ("b", "f"))),
        ("import a.b.c as d\n    return d.f()", Import("a", 0, ("b", "c", "f"))),
        ("from a import e, f\n    return f()", Import("a", 0, ("f",))),
        ("from a import f\n    return f()", Import("a", 0, ("f",))),
        ("from a import f as g\n    return g.h()", Import("a", 0, ("f", "h"))),
        ("from .a import f\n    return f()", Import("a", 1, ("f",))),
        ("from .. import f\n    return f()", Import("", 2, ("f",))),
        ("import a\n    def g(): return a.f()\n    return g", Import("a", 0, ("f",))),
        ("import a\n    return a", Import("a", 0, ())),
        ("import a", Import("a", 0, ("__name__",))),
        ("return __import__('a').f()", Import("a", 0, ())),
    ],
)
def test_imports_inside_are_joined_with_what_is_read_from_them(body: str, expected: Import) -> None:
    imports = facts_of(code(f"def foo():\n    {body}")).imports

    assert expected in imports


def test_assigned_globals_and_attributes_are_told() -> None:
    facts = facts_of(code("def foo():\n    global n, m\n    n += 1\n    del m\n    config.debug = 1\n    a.b.c = 2"))

    assert facts.writes == {"n", "m"}
    assert facts.attribute_writes == {("config", "debug"), ("a", "b", "c")}


def test_texts_leave_docstrings_out() -> None:
    facts = facts_of(
        code("def foo():\n    'doc'\n    def g():\n        'inner'\n        return 'b.csv'\n    return g, ('c.csv',)")
    )

    assert set(facts.texts) == {"b.csv", "c.csv"}


def test_dynamic_code_is_noted() -> None:
    facts = facts_of(code("def foo(x):\n    return eval(x), os.environ['A'], importlib.import_module(x)"))

    assert set(facts.notes) == {"eval()", "import of a computed name"}


def test_code_with_hundreds_of_constants_and_names_is_read_right() -> None:
    body = "\n".join(f"    a{i} = {i} + n{i}.m{i}(b.c{i}, {i}.5)" for i in range(400))
    facts = facts_of(code(f"def foo():\n{body}"))

    assert {(f"n{i}", f"m{i}") for i in range(400)} | {("b", f"c{i}") for i in range(400)} == set(facts.reads)


def test_a_docstring_does_not_count_where_it_moves_constants_past_a_byte() -> None:
    body = "\n".join(f"    x = {i}.5" for i in range(300)) + "\n    while x: x = None\n    return x"

    one, other = code(f"def foo(x):\n{body}"), code(f"def foo(x):\n    'doc'\n{body}")

    assert facts_of(one).digest == facts_of(other).digest


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module) and len(node.body) > 1:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and type(first.value.value) is str:
                node.body = body[1:]
    return tree


def _functions(module: types.CodeType) -> list[types.CodeType]:
    found = []
    for item in module.co_consts:
        if isinstance(item, types.CodeType):
            found += [item] if item.co_flags & 2 else _functions(item)
    return found


@pytest.mark.parametrize("module", ["argparse", "dataclasses", "inspect", "json.decoder", "typing", "unittest.mock"])
def test_real_code_laid_out_anew_keeps_its_digest(module: str) -> None:
    source = inspect.getsource(importlib.import_module(module))
    before = _functions(compile(source, "a", "exec"))
    after = _functions(compile(ast.unparse(_without_docstrings(ast.parse(source))), "b", "exec"))

    different = [
        old.co_name for old, new in zip(before, after, strict=True) if facts_of(old).digest != facts_of(new).digest
    ]

    # Before 3.13, CPython threads a few jumps differently when they stand on other lines.
    assert len(different) <= (0 if sys.version_info >= (3, 13) else 0.05 * len(before) + 2), different


def test_the_digest_is_of_the_code_not_of_its_equality() -> None:
    digests = {facts_of(code(f"def foo(): return {text}")).digest for text in ("1", "1.0", "True", "(1,)", "(1.0,)")}

    assert len(digests) == 5


def test_source_is_given_as_it_was_written(tmp_path: Any) -> None:
    path = tmp_path / "mod.py"
    path.write_text(
        "x = 1\n\nclass C:\n    def foo(self):\n        # why\n        return [\n            1,\n        ]\n\ny = 2\n"
    )
    space: dict[str, Any] = {}
    exec(compile(path.read_text(), str(path), "exec"), space)

    assert source_of(space["C"].foo.__code__) == "def foo(self):\n    # why\n    return [\n        1,\n    ]"
    assert source_of(code("def foo(): pass")) == ""


def module_of(path: Path) -> Any:
    """The function `foo` of a module that lies in a file."""
    space: dict[str, Any] = {}
    exec(compile(path.read_text(), str(path), "exec"), space)
    return space["foo"].__code__


def test_source_is_read_when_somebody_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "late.py"
    path.write_text("def foo(): return 1\n")
    reads: list[str] = []
    lines = linecache.getlines
    monkeypatch.setattr(linecache, "getlines", lambda name: [reads.append(name), lines(name)][1])

    late = LateSource(module_of(path))

    assert reads == []
    assert late() == "def foo(): return 1"
    assert reads == [str(path)]


def test_source_written_after_its_code_was_met_is_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "late.py"
    path.write_text("def foo(): return 1\n")
    late = LateSource(module_of(path))
    path.write_text("def bar(): return 2\n\ndef foo(): return 3\n")

    assert late() == ""

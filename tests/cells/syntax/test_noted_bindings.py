"""Notes in the code of a cell: where they stand, and that nothing else is changed."""

from __future__ import annotations

import ast

import pytest

from nbcache.notebook.cells.syntax.noted_bindings import Marks, marked


def _noted(source, names, **namespace):
    marks = Marks()
    nodes = marked(ast.parse(source).body, set(names))
    compiled = marks.compiler(compile)(ast.Module(nodes, []), "noted", "exec")
    exec(compiled, namespace)
    return set(marks)


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("a = 1", "a"),
        ("(a, [b, *c]) = 1, (2, 3)", "abc"),
        ("a = b = 1", "ab"),
        ("a: int = 1", "a"),
        ("a = 1\na += 1", "a"),
        ("for a, b in [(1, 2)]: pass", "ab"),
        ("for _ in (): pass\nelse: a = 1", "a"),
        ("while True:\n    a = 1\n    break", "a"),
        ("try: a = 1\nfinally: b = 2", "ab"),
        ("try: raise KeyError\nexcept* KeyError as e: pass", "e"),
        ("if 1:\n    import os.path\n    import os.path as p", ["os", "p"]),
        ("if 1:\n    from os import path as p, sep", ["p", "sep"]),
        ("if 1:\n    class C: x = 1\n    async def f(): y = 1", "Cf"),
        ("import contextlib as k\nwith k.nullcontext((1, 2)) as (a, b): pass", "ab"),
        ("match {'k': [1, 2], 'm': 3}:\n    case {'k': [a, *b], **c} as d: pass", "abcd"),
        ("[(a := x) for x in (1, 2)]", "a"),
        ("print(end='', *[(a := 1)])", "a"),
        ("a = 1\nif 1:\n    del a", "a"),
    ],
)
def test_what_is_bound_is_noted(source, names):
    assert _noted(source, names) == set(names)


@pytest.mark.parametrize(
    "source",
    [
        "if 0: a = 1",
        "for a in (): pass",
        "while 0: a = 1",
        "try: pass\nexcept KeyError as a: pass",
        "try: a = 1 / 0\nexcept ZeroDivisionError: pass",
        "match 1:\n    case (a, 2): pass",
        "0 and (a := 1)",
        "[(a := x) for x in ()]",
        "def f():\n    a = 1\nf()",
        "class C: a = 1",
        "f = lambda: (a := 1)\nf()",
        "[a for a in (1,)]",
    ],
)
def test_what_is_not_bound_is_not_noted(source):
    assert _noted(source, "a") == set()


def test_the_given_statements_stay_as_they_are():
    nodes = ast.parse("if 1:\n    a = 1\nfor a in (1,): pass").body
    before = [ast.dump(node) for node in nodes]
    assert marked(nodes, {"a"}) != nodes
    assert [ast.dump(node) for node in nodes] == before


def test_functions_keep_their_code():
    source = "if 1:\n    def f():\n        a = 1\n        return (b := a)"
    namespace, plain = {}, {}
    marks = Marks()
    exec(
        marks.compiler(compile)(ast.Module(marked(ast.parse(source).body, {"f", "a", "b"}), []), "n", "exec"), namespace
    )
    exec(compile(source, "n", "exec"), plain)
    assert namespace["f"].__code__ == plain["f"].__code__


def test_errors_point_at_the_lines_of_the_cell():
    nodes = marked(ast.parse("if 1:\n    a = 1\n    b = 2\n    1 / 0").body, {"a", "b"})
    with pytest.raises(ZeroDivisionError) as caught:
        exec(Marks().compiler(compile)(ast.Module(nodes, []), "noted", "exec"), {})
    assert caught.tb.tb_next.tb_lineno == 4

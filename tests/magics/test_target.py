"""The text after a magic: a name, or a call with arguments that are never expanded."""

from __future__ import annotations

import pytest

from nbcache.errors import UnknownNameError
from nbcache.notebook.magics.target import parse, resolve, unknown


@pytest.mark.parametrize(
    ("line", "name", "args", "kwargs"),
    [
        ("foo 1", "foo", (1,), {}),
        ("foo bar=1", "foo", (), {"bar": 1}),
        ('foo(1, mode="fast")', "foo", (1,), {"mode": "fast"}),
        ("foo 1 -1", "foo", (1, -1), {}),
        ("foo 1 - 1", "foo", (0,), {}),
        ("foo -1", "foo", (-1,), {}),
        ('foo "a b" 2', "foo", ("a b", 2), {}),
        ('foo "a" "b"', "foo", ("a", "b"), {}),
        ("foo 1, 2", "foo", (1, 2), {}),
        ("foo [1, 2] {'a': 3}", "foo", ([1, 2], {"a": 3}), {}),
        ("foo (1, 2) x", "foo", ((1, 2), "x of the user"), {}),
        ("foo x.upper() n=len(x)", "foo", ("X OF THE USER",), {"n": 13}),
        ("foo *pair **options", "foo", (1, 2), {"deep": True}),
        ("foo(*pair, **options)", "foo", (1, 2), {"deep": True}),
        ("foo 1 if x else 2", "foo", (1,), {}),
        ("foo not x", "foo", (False,), {}),
        ("foo '1'", "foo", ("1",), {}),
        ("foo {x}", "foo", ({"x of the user"},), {}),
        ("foo '$x {x}'", "foo", ("$x {x}",), {}),
        ("foo [n for n in pair]", "foo", ([1, 2],), {}),
        ("foo lambda: 1", "foo", None, {}),
        ("foo None True", "foo", (None, True), {}),
        ("module.foo 1", "module.foo", (1,), {}),
        ("obj.method 1", "obj.method", (1,), {}),
        ("foo 1.5", "foo", (1.5,), {}),
        ("foo()", "foo", (), {}),
        ("foo 1  # the first", "foo", (1,), {}),
        ("foo(1)  # the call, (again)", "foo", (1,), {}),
        ("foo '#1' # a comment", "foo", ("#1",), {}),
    ],
)
def test_arguments_are_read_as_python(line, name, args, kwargs):
    target = parse(line)
    assert target.name == name and target.is_call
    values, keywords = target.evaluate({"x": "x of the user", "pair": (1, 2), "options": {"deep": True}})
    if args is not None:
        assert (values, keywords) == (args, kwargs)
        assert [type(value) for value in values] == [type(value) for value in args]


def test_a_name_alone_is_no_call():
    assert parse("  foo ").name == "foo"
    assert not parse("foo").is_call
    assert parse("   ") is None
    assert not parse("foo  # all of it").is_call
    assert parse("# everything") is None


@pytest.mark.parametrize("line", ["1", "foo 1 +", "foo (", "foo 'a", "-x", "foo )", "?", "foo = 3"])
def test_what_cannot_be_read_is_a_syntax_error(line):
    with pytest.raises(SyntaxError):
        target = parse(line)
        target.evaluate({})


def test_a_dotted_name_is_resolved_in_the_user_s_namespace():
    assert resolve("text.upper", {"text": "a"})() == "A"
    for name in ("missing", "text.missing", "text.upper.missing"):
        with pytest.raises(LookupError):
            resolve(name, {"text": "a"})


def test_an_unknown_name_suggests_near_matches():
    error = unknown("lod_data", ["load_data", "cell prices", "train"])
    assert isinstance(error, UnknownNameError)
    assert "load_data" in str(error)
    assert "prices" in str(unknown("price", ["cell prices"]))
    assert "Cached: train" in str(unknown("zzz", ["train"]))

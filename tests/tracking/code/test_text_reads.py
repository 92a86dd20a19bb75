"""Which names stand in the texts of a function: from its instructions, on every Python alike."""

from __future__ import annotations

import string
from typing import Any

import pytest

from nbcache import cache_data
from nbcache.tracking.code.facts import Facts, facts_of
from nbcache.tracking.code.strings import is_bare
from nbcache.tracking.code.text_reads import NOTHING

#: Source of an expression: the names that it reads beyond those that stand in it.
NAMES = {
    "df.query('a > @limit')": {"limit"},
    "df.query('a > @one and b < @ two')": {"one", "two"},
    "df.query('a > ' + '@limit')": {"limit"},
    "df.query(f'a > @limit and b < {x}')": {"limit"},
    "df.query('a > @one' if x else 'b > @two', inplace=False)": {"one", "two"},
    "df.query('a > @one' if x else ('b > @two' if y else 'c > @three'))": {"one", "two", "three"},
    "df.query(q or 'a > @limit')": {"limit"},
    "df.query(*['a > @limit'])": {"limit"},
    "df.query(**{'expr': 'a > @limit'})": {"limit"},
    "df.query('a > @x')": set(),
    "other(df.query('a > 1'), '@limit')": set(),
    "[df.query('a > @limit') for df in z]": {"limit"},
    "(lambda: df.query('a > @limit'))()": {"limit"},
    "df.eval('a * @limit')": {"limit"},
    "model.eval()": set(),
    "eval('limit + x')": {"limit"},
    "eval('[limit for limit in z]')": {"z"},
    "eval('not python at all')": set(),
    "eval('limit', {})": set(),
    "eval('limit', globals())": {"limit"},
    "exec('y = limit', globals(), z)": {"limit"},
    "inspect.currentframe().f_globals['limit']": {"limit"},
    "other.__globals__.get('limit')": {"limit"},
    "jinja2.Template('{{ limit | f }}{% if other %}{% endif %}').render(**globals())": {"limit", "f", "other"},
    "smf.ols('y ~ f(a) + I(b ** limit)', df)": {"f", "a", "I", "b", "limit"},
    "dmatrix('f(a)', data=df)": {"f", "a"},
    "model.fit(df)": set(),
    "model.fit('a')": set(),
    "exec('y = limit; z = y')": {"limit"},
    "globals()['limit']": {"limit"},
    "globals().get('limit', 1)": {"limit"},
    "'{limit} {x} {other[0]:>5}'.format(**globals())": {"limit", "other"},
    "'{limit}'.format_map(globals())": {"limit"},
    "'%(limit)5d' % globals()": {"limit"},
    "'{limit}'.format(limit=1)": set(),
    "string.Template('$limit ${other}').substitute(globals())": {"limit", "other"},
    "sys.modules[__name__].limit": {"limit"},
    "pd.eval('limit + 1')": {"limit"},
    "ne.evaluate('limit + 1')": {"limit"},
    "duckdb.sql('select v from df')": {"select", "v", "from", "df"},
    "duckdb.sql(f'select v from {name}')": {"select", "v", "from"},
    "con.execute('insert into t select * from df')": {"insert", "into", "t", "select", "from", "df"},
    "cursor.execute('vacuum df')": set(),
    "get_ipython().user_ns['limit']": {"limit"},
    "get_ipython().user_ns.get('limit')": {"limit"},
    "get_ipython().ev('limit + 1')": {"limit"},
    "sys.modules['__main__'].limit": {"limit"},
}

#: Names that the expressions load themselves.
WRITTEN = frozenset(
    (
        *("df", "z", "y", "q", "model", "pd", "ne", "duckdb", "con", "cursor", "name", "other", "string", "sys"),
        *("inspect", "jinja2", "smf", "dmatrix", "if", "endif"),
        *("eval", "exec", "globals", "get_ipython", "__name__"),
    )
)

#: Source of an expression: what is said to be not followed.
NOTES = {
    "eval('limit')": (),
    "eval(text)": ("eval()",),
    "exec(text)": ("exec()",),
    "exec('y = limit', globals(), z)": (),
    "eval(text, globals())": ("eval()", "globals()"),
    "frame.f_globals[name]": ("a computed name in f_globals",),
    "globals()['limit']": (),
    "globals()[name]": ("globals()",),
    "'{limit}'.format(**globals())": (),
    "TEXT.format(**globals())": (),
    "texts.of.mine.format_map(globals())": (),
    "TEXT % globals()": (),
    "x.format(**globals())": ("globals()",),
    "x % globals()": ("globals()",),
    "use(globals())": ("globals()",),
    "locals()": ("locals()",),
    "get_ipython().user_ns[name]": ("a computed name in user_ns",),
}


def facts(expression: str) -> Facts:
    space: dict[str, Any] = {}
    exec(f"def foo(x=1):\n    return {expression}\n", space)
    return facts_of(space["foo"].__code__)


def names_of(found: Facts) -> set[str]:
    hidden = found.hidden
    bare = {word for root, words in hidden.bare for word in words if is_bare(root)}
    return {chain[0] for chain in found.reads} | hidden.tables | hidden.main | hidden.present | bare


@pytest.mark.parametrize("expression", NAMES)
def test_names_in_texts_are_read(expression: str) -> None:
    found = names_of(facts(expression))

    assert NAMES[expression] <= found
    assert found - NAMES[expression] <= WRITTEN


@pytest.mark.parametrize("expression", NOTES)
def test_what_cannot_be_told_is_said(expression: str) -> None:
    assert facts(expression).notes == NOTES[expression]


def test_a_text_that_comes_from_elsewhere_may_be_any_statement_of_the_code() -> None:
    found = facts("df.query(q), 'a > @limit'")

    assert found.hidden.open_queries
    assert found.statements == ("a > @limit",)


@pytest.mark.parametrize("text", ["{limit:>5}", "%(limit)d", "$limit", "a > @limit", "a limit"])
@pytest.mark.parametrize(
    "expression", ["TEXT.format(**globals())", "x.format_map(globals())", "TEXT % globals()"], ids=["format", "x", "%"]
)
def test_a_format_that_comes_from_elsewhere_may_be_any_text_of_the_code(expression: str, text: str) -> None:
    found = facts(f"{expression}, {text!r}")

    assert found.hidden.open_formats
    assert found.statements == (text,)


TEXTS = {
    "format": ("{limit}", lambda: TEXT.format(**globals())),
    "format_map": ("{limit:>3}", lambda: TEXT.format_map(globals())),
    "%": ("%(limit)s", lambda: TEXT % globals()),
    "Template": ("${limit}", lambda: string.Template(TEXT).substitute(globals())),
}
TEXT = ""


@pytest.mark.parametrize("way", TEXTS)
def test_a_name_in_a_format_that_is_a_global_is_followed(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text, run = TEXTS[way]
    monkeypatch.setitem(globals(), "TEXT", text)
    cached = cache_data(show_spinner=False)(run)
    before = cached()

    monkeypatch.setitem(globals(), "limit", 2)
    changed = cached()
    monkeypatch.setitem(globals(), "limit", 1)

    assert (before.strip(), changed.strip(), cached()) == ("1", "2", before)
    assert cached.info().hits == 1


def test_code_without_such_calls_costs_no_second_look() -> None:
    assert facts("len(x) + abs(y)").hidden is NOTHING


FORMULA = "y ~ 0 + shifted(x)"
limit = 1


def shifted(x: Any) -> Any:
    return [one + limit for one in x]


def of_a_text() -> Any:
    import patsy

    return patsy.dmatrix("0 + shifted(x)", {"x": [1.0]})[0, 0].item()


def of_a_global() -> Any:
    import patsy

    return patsy.dmatrices(FORMULA, {"x": [1.0], "y": [1.0]})[1][0, 0].item()


def of_a_variable() -> Any:
    import patsy

    return patsy.dmatrix("0 + I([x[0] + limit])", {"x": [1.0]})[0, 0].item()


@pytest.mark.parametrize("run", [of_a_text, of_a_global, of_a_variable])
def test_a_name_in_a_formula_is_followed(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("patsy")
    cached = cache_data(show_spinner=False)(run)
    before = cached()

    monkeypatch.setitem(globals(), "limit", 2)
    changed = cached()
    monkeypatch.setitem(globals(), "limit", 1)

    assert (before, changed, cached()) == (2.0, 3.0, 2.0)
    assert cached.info().hits == 1

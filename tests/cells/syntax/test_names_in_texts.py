"""Which names of a cell stand in its texts, or are taken out of the namespace one by one."""

from __future__ import annotations

import ast

import pytest

from nbcache.notebook.cells.syntax.names import names_of

READS = {
    "globals()['x']": {"x"},
    "globals().get('x')": {"x"},
    "vars()['x']": {"x"},
    "get_ipython().user_ns['x']": {"x"},
    "'{x} {y.z}'.format(**globals())": {"x", "y"},
    "'{x}'.format_map(globals())": {"x"},
    "'%(x)s' % globals()": {"x"},
    "import sys\nsys.modules['__main__'].x": {"x"},
    "x = 1\nglobals()['x']": set(),
    "def f(): return globals()['x']\nf()": {"x"},
    "def f(): return '{x}'.format(**globals())\nf()": {"x"},
    "duckdb.query('select * from t')": {"duckdb", "t", "select", "from"},
    "duckdb.sql('select * from t')": {"duckdb", "t", "select", "from"},
    "q = 'select * from t'\nduckdb.sql(q)": {"duckdb", "t", "select", "from"},
    "q = 'a > @x'\ndf.query(q)": {"df", "x"},
    "ne.evaluate('x + 1')": {"ne", "x"},
    "con.execute('vacuum')": {"con"},
    "_ + 1": {"_"},
    "__": {"__"},
    "for _ in a: pass": {"a"},
}


@pytest.mark.parametrize("source", READS)
def test_names_in_texts_are_read_and_the_namespace_is_not(source: str) -> None:
    found = names_of(ast.parse(source))

    assert found.reads - {"sys", "get_ipython", "globals"} == READS[source]
    assert not found.whole

"""Which names stand in texts that are code: queries, SQL, formats, and the calls that read them.

One vocabulary for functions, whose instructions are read, and for cells, whose syntax tree is.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable
from types import FunctionType, ModuleType

__all__ = [
    "EVALUATING",
    "FORMATTING",
    "FORMULAS",
    "QUERYING",
    "SQL",
    "at_names",
    "fields",
    "identifiers",
    "in_statements",
    "is_bare",
    "is_formula",
    "is_sql",
    "may_be_table",
    "may_name",
]

_WORD = re.compile(r"[^\W\d]\w*")
_AT = re.compile(r"@\s*([^\W\d]\w*)")
_PERCENT = re.compile(r"%\(([^\W\d]\w*)\)")
_DOLLAR = re.compile(r"\$\{?([^\W\d]\w*)")
_NAMING = frozenset(" @{%$~")
_BRACES = re.compile(r"\{[{%](.*?)[%}]\}", re.DOTALL)
_STATEMENT = re.compile(r"\b(select|from|join|describe|summarize|show|copy|insert|create|with|pivot)\b", re.IGNORECASE)

#: Functions and methods whose text names variables with an @, such as `frame.query`.
QUERYING = frozenset({"query", "eval", "pd_eval", "evaluate"})
#: Those whose text may name tables that are variables.
SQL = frozenset({"sql", "sqldf", "query", "execute", "read_sql", "read_sql_query", "from_query", "from_substrait"})
#: Those that run a text.
EVALUATING = frozenset({"eval", "exec"})
#: Those that fill in the fields of a text.
FORMATTING = frozenset({"format", "format_map", "substitute", "safe_substitute", "render"})
#: Those whose text is a formula of patsy or formulaic, in which functions and variables of the caller may stand.
FORMULAS = frozenset(
    (
        *("dmatrix", "dmatrices", "incr_dbuilder", "incr_dbuilders", "model_matrix", "Formula", "from_formula"),
        *("ols", "gls", "wls", "glsar", "rlm", "glm", "gee", "ordinal_gee", "nominal_gee", "gam", "mixedlm", "phreg"),
        *("logit", "probit", "mnlogit", "poisson", "negativebinomial", "quantreg", "conditional_logit"),
        *("conditional_poisson", "conditional_mnlogit", "fit", "feols", "fepois"),
    )
)
# Modules whose `eval` and `evaluate` take names without an @; and what they are called in most programs.
_BARE = frozenset({"pandas", "numexpr", "pd", "ne"})


def identifiers(text: str) -> set[str]:
    """Return every word of `text` that could be a name."""
    return set(_WORD.findall(text))


def may_name(text: str) -> bool:
    """Tell whether a text may be a query, a statement of SQL, or a format."""
    return not _NAMING.isdisjoint(text)


def at_names(text: str) -> set[str]:
    """Return the variables that a query names with an @."""
    return set(_AT.findall(text))


def is_bare(module: str) -> bool:
    """Tell whether the texts that a module evaluates name variables without an @."""
    return module in _BARE


def is_sql(text: str) -> bool:
    """Tell whether a text may be SQL."""
    return _STATEMENT.search(text) is not None


def is_formula(text: str) -> bool:
    """Tell whether a text may be a formula: it has two sides, or calls something."""
    return ("~" in text or "(" in text) and "\n" not in text


def in_statements(texts: Iterable[str], queries: bool, tables: bool) -> set[str]:
    """Return the names in texts that may be queries, or SQL."""
    found: set[str] = set()
    for text in texts:
        if queries:
            found |= at_names(text)
        if tables and is_sql(text):
            found |= identifiers(text)
    return found


def fields(text: str) -> set[str]:
    """Return the names that a format, a template or a % text asks for; of a template of Jinja, all its words."""
    found = set(_PERCENT.findall(text)) | set(_DOLLAR.findall(text))
    found |= {word for part in _BRACES.findall(text) for word in identifiers(part)}
    try:
        parts = [name for _, name, _, _ in string.Formatter().parse(text) if name]
    except ValueError:  # no format
        return found
    return found | {word.group() for part in parts if (word := _WORD.match(part))}


# Packages whose objects SQL can read as tables.
_TABULAR = frozenset(
    {"pandas", "polars", "pyarrow", "duckdb", "numpy", "narwhals", "modin", "geopandas", "ibis", "cudf"}
)


def may_be_table(value: object) -> bool:
    """Tell whether SQL could read from a variable: from a frame, a table, an array; not from text, number or code."""
    cls = type(value)
    if issubclass(cls, type | FunctionType | ModuleType):
        return False
    tops = {str(base.__module__).partition(".")[0] for base in cls.__mro__}
    return not _TABULAR.isdisjoint(tops) or hasattr(cls, "__arrow_c_stream__")

"""Does a result come back? It is tried when the first one of its type is stored, not when somebody waits for it.

Much can be pickled that cannot be unpickled, or comes back as something else. Such a result would be stored, fail, and
be computed and stored again at every call.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pickle import PickleBuffer
from typing import Any

from nbcache.advice import advice_for
from nbcache.config import error_text
from nbcache.entries.entry import Entry
from nbcache.errors import UnhashableValueError, UnstorableResultError, UserHashError, explain
from nbcache.hashing.attributes import public, reduced_by_python, reduces_in_c
from nbcache.hashing.hasher import digest_of_pickled
from nbcache.hashing.immutable import ATOMS

__all__ = ["ReadBack"]

_LARGEST = 64 << 20
_LOOKED_AT = 50
# Of these an entry makes values in ways of its own, which tests vouch for.
_KNOWN = frozenset(
    (
        *("numpy.ndarray", "pandas.DataFrame", "pandas.Series", "pandas.core.frame.DataFrame"),
        *("pandas.core.series.Series", "polars.dataframe.frame.DataFrame", "polars.series.series.Series"),
        *("pyarrow.lib.Table", "torch.Tensor"),
    )
)


class ReadBack:
    """Remembers, for each function, which types of results come back and which do not."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], str] = {}

    def refused(self, owner: str, value: object) -> bool:
        """Tell whether results of this type were found to be lost, and that was said."""
        return bool(self._known) and bool(self._known.get((owner, _sort_of(value))))

    def check(self, owner: str, value: object, entry: Entry, load: Callable[[], object]) -> None:
        """Load the first result of a type once.

        Parameters
        ----------
        load : loads it from its entry

        Raises
        ------
        UnstorableResultError
            It cannot be loaded, or comes back as another type.
        """
        name, sort = _name_of(type(value)), _sort_of(value)
        if sort in _KNOWN or (owner, sort) in self._known or entry.size > _LARGEST:
            return
        if sort == name and not entry.by_pickle:
            return
        try:
            back = load()
        except Exception as error:
            cause = error.__cause__ or error
            problem = f"it can be pickled but not unpickled ({error_text(cause)})"
        else:
            problem = _difference(value, back)
        self._known[owner, sort] = problem
        if problem:
            raise UnstorableResultError(
                explain(
                    f"A result of type {name} would not be restored as it was.",
                    problem,
                    advice_for(value),
                )
            )

    def doubt(self, owner: str) -> None:
        """A stored result could not be loaded: try the next ones again."""
        for known in [known for known, problem in self._known.items() if known[0] == owner and not problem]:
            self._known.pop(known, None)


def _name_of(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")


def _sort_of(value: object) -> str:
    """The name of a type, and of what users hang on this value where the code that writes it may not know of that."""
    kind: Any = type(value)
    name = _name_of(kind)
    if kind.__dictoffset__ == 0 or not (name in _KNOWN or reduces_in_c(kind)):
        return name
    given = public(value)
    return f"{name} with {', '.join(sorted(given))}" if given else name


def _difference(value: Any, back: Any, depth: int = 3) -> str:
    """Say how what came back differs in its types, which is all that can be told in general; "" for nothing."""
    kind: Any = type(value)
    if kind is PickleBuffer:  # beside a stream of a cell's own, it comes back as a view
        return ""
    if type(back) is not kind:
        same = _name_of(type(back)) == _name_of(kind)
        return f"a {_name_of(kind)} comes back as " + ("one of another class" if same else f"a {_name_of(type(back))}")
    if not depth or kind not in (list, tuple, dict):
        lost = _attributes_lost(value, back)
        return f"a {_name_of(kind)} comes back without {lost}" if lost else ""
    if len(value) != len(back):
        return f"a {kind.__name__} of {len(value)} comes back with {len(back)}"
    pairs = zip(value.values(), back.values(), strict=True) if kind is dict else zip(value, back, strict=True)
    return next(filter(None, (_difference(*pair, depth - 1) for pair in islice(pairs, _LOOKED_AT))), "")


def _attributes_lost(value: Any, back: Any) -> str:
    """Name what was left out: an attribute, where code in C says what pickle takes, or else what a key would count.

    Classes that say it themselves leave out what they mean to.
    """
    kind: Any = type(value)
    if kind.__dictoffset__ != 0 and (reduces_in_c(kind) or reduced_by_python(kind)):
        missing = next((name for name in public(value) if name not in back.__dict__), "")
        if missing:
            return f"its attribute {missing!r}"
    if kind in ATOMS:
        return ""
    try:
        return "" if digest_of_pickled(value) == digest_of_pickled(back) else "a part of its content"
    except (UnhashableValueError, UserHashError):
        return ""

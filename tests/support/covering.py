"""A small set of combinations in which every pair of options stands together at least once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

Combination = dict[str, Any]
_Pair = tuple[str, int, str, int]


def covering(
    options: Mapping[str, Sequence[Any]], allowed: Callable[[Combination], bool] = lambda combination: True
) -> list[Combination]:
    """Combinations that hold every allowed pair of values of two options.

    Parameters
    ----------
    options : the values of each option
    allowed : whether values may stand together; asked of pairs and of whole combinations
    """
    names = list(options)

    def made(places: Mapping[str, int]) -> Combination:
        return {name: options[name][place] for name, place in places.items()}

    missing: set[_Pair] = {
        (one, first, other, second)
        for one, other in combinations(names, 2)
        for first in range(len(options[one]))
        for second in range(len(options[other]))
        if allowed(made({one: first, other: second}))
    }
    found = []
    while missing:
        one, first, other, second = min(missing)
        places = {one: first, other: second}
        for name in names:
            if name not in places:
                ranked = sorted(
                    range(len(options[name])), key=lambda place: (-_new(missing, places, name, place), place)
                )
                places[name] = next(place for place in ranked if allowed(made({**places, name: place})))
        missing -= set(_pairs(names, places))
        found.append(made({name: places[name] for name in names}))
    return found


def _new(missing: set[_Pair], places: Mapping[str, int], name: str, place: int) -> int:
    """How many missing pairs a value adds to a combination."""
    return sum(
        (known, value, name, place) in missing or (name, place, known, value) in missing
        for known, value in places.items()
    )


def _pairs(names: Sequence[str], places: Mapping[str, int]) -> Iterator[_Pair]:
    for one, other in combinations(names, 2):
        yield one, places[one], other, places[other]

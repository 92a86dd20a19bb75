"""What a refusal advises is done to the letter: it names what exists, and what it names is cached."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from zoo.checks import cached
from zoo.everything import families
from zoo.specimen import Specimen

from nbcache import UnhashableArgumentError, cache_data

pytestmark = pytest.mark.filterwarnings("ignore")

ALL = [specimen for family in families() for specimen in family.specimens]
UNKEYED = [specimen for specimen in ALL if specimen.unkeyed]
UNSTORED = [specimen for specimen in ALL if specimen.unstored]

#: What the expressions that are advised import.
MODULES = ("lxml.etree", "numpy", "traceback")

#: Where it names no expression: what it was made from, for those of the zoo.
MADE_FROM = {
    "classes of the notebook: HoldsLock": "value.n",
    "classes of the notebook: deep chain": "1",
    "classes of the notebook: fails to come back": "value.n",
    "standard library: Mock": "__import__('types').SimpleNamespace(a=value.a)",
    "standard library: MagicMock": "__import__('types').SimpleNamespace(a=value.a)",
    "Pillow: ImageFont": "value.size",
    "Pillow: ImageDraw": "value._image",
    "polars: SQLContext": "value.tables()",
    "small libraries: jinja2.Template": "'a'",
    "bokeh: figure": "value.title.text",
    "catboost: CatBoostClassifier with an evaluation set": "value.copy()",
}


def problems(specimens: Iterable[Specimen], check: Callable[[Specimen], str]) -> dict[str, str]:
    """What does not hold, by type; a check that raises does not hold either."""
    found = {}
    for specimen in specimens:
        try:
            found[str(specimen)] = check(specimen)
        except Exception as error:
            found[str(specimen)] = f"{type(error).__name__}: {error}"
    return {name: problem for name, problem in found.items() if problem}


def do(message: object) -> str:
    """What a warning says to do."""
    return re.sub(r"\s+", " ", str(message).partition("\nDo: ")[2])


def advised(specimen: Specimen) -> str:
    """Call a function that returns it; what the warning says to do."""
    name = f"refused_{specimen.number}"
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        cached(specimen, name, f"def {name}():\n    return {specimen.make}")()
    return next(do(one.message) for one in said if "is not cached" in str(one.message))


def problem_of_result(specimen: Specimen) -> str:
    """Follow the advice for a result; what does not hold."""
    advice = advised(specimen)
    expression = (
        None if "made from" in advice else re.search(r"^return (.+?)(?: in place of .*)?, (?:or leave|which)", advice)
    )
    if "make it where it is used" in advice or "read through it" in advice:
        return ""  # to leave it uncached is all that can be done
    found = MADE_FROM.get(str(specimen)) or (expression and expression[1])
    if not found:
        return f"no expression in: {advice}"
    name = f"instead_{specimen.number}"
    imports = "".join(f"    import {module}\n" for module in MODULES if f"{module}." in found)
    source = f"def {name}():\n{imports}    value = {specimen.make}\n    return {found}"
    load = cached(specimen, name, source)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        load(), load()
    refused = [str(one.message) for one in said if "is not cached" in str(one.message)]
    return "" if load.info().hits == 1 else f"{advice} gives no hit: {refused[:1]}"


def problem_of_argument(specimen: Specimen) -> str:
    """Follow both advices for an argument; what does not hold."""
    value = specimen.evaluate(specimen.make)
    name = f"taking_{specimen.number}"
    plain = cached(specimen, name, f"def {name}(x):\n    return 1")
    with pytest.raises(UnhashableArgumentError) as caught:
        plain(value)
    said = do(caught.value)
    named = re.search(r'name it \'_x\'.*hash_funcs={"([^"]+)": your_function}', said)
    if named is None:
        return f"another advice: {said}"
    name = f"aside_{specimen.number}"
    aside = cached(specimen, name, f"def {name}(_x):\n    return 1")
    name = f"hashed_{specimen.number}"
    hashed = cached(specimen, name, f"def {name}(x):\n    return 1", hash_funcs={named[1]: lambda value: 0})
    for function in (aside, hashed):
        function(value), function(value)
        if function.info().hits != 1:
            return f"{said} gives no hit"
    return ""


def test_what_a_refused_result_is_to_be_replaced_by_is_cached(cache: Any) -> None:
    found = problems(UNSTORED, problem_of_result)

    assert found == {}


def test_a_refused_argument_is_taken_under_both_advices(cache: Any) -> None:
    found = problems(UNKEYED, problem_of_argument)

    assert found == {}


def test_each_part_of_a_container_is_named_with_what_stands_for_it(cache: Any) -> None:
    load = cache_data(show_spinner=False)(lambda: [1, {"found": re.match("a", "a")}])

    with pytest.warns(match=r"return \(value.group\(\), .*\) in place of each re.Match in it"):
        load()

"""What must hold for every type of the zoo, as functions that list what does not."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

from nbcache import cache_data
from nbcache.errors import UnhashableValueError
from nbcache.hashing.hasher import digest
from zoo.specimen import Specimen

__all__ = ["after_restart", "as_global", "as_key", "as_result", "cached"]


def cached(specimen: Specimen, name: str, source: str, **options: Any) -> Any:
    """Define a cached function in the module of a specimen."""
    module = specimen.family.module()
    exec(compile(source, f"<{name}>", "exec"), module.__dict__)
    return cache_data(show_spinner=False, **options)(vars(module)[name])


def seeded(load: Callable[[], Any]) -> Any:
    """Call a function from the same state of Python's generator: what draws from a seeded one is another result."""
    random.seed(0)
    return load()


def as_key(specimen: Specimen) -> list[str]:
    """Equal content has one key, every difference another, and to use it is no difference."""
    one = specimen.evaluate(specimen.make)
    if specimen.unkeyed:
        try:
            digest(one)
        except UnhashableValueError:
            return []
        return ["it was to be refused, and has a key"]
    problems = []
    before = digest(one)
    if digest(one) != before:
        problems.append("looking at it changes its key")
    if not specimen.apart and digest(specimen.evaluate(specimen.make)) != before:
        problems.append("two equal ones have two keys")
    specimen.used(one)
    if digest(one) != before:
        problems.append("to use it changes its key")
    if digest(specimen.evaluate(specimen.other)) == before:
        problems.append("one that differs has the same key")
    if specimen.edit and digest(specimen.edited(one)) == before:
        problems.append("changed in place it has the same key")
    return problems


def as_result(specimen: Specimen) -> list[str]:
    """A hit is equal to what was returned, of its type, and independent."""
    name = f"load_{specimen.number}"
    load = cached(specimen, name, f"def {name}():\n    return {specimen.make}")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")  # for both calls: what a filter makes of a warning counts
        first = seeded(load)
        refused = [str(one.message) for one in said if "is not cached" in str(one.message)]
        expected = None if specimen.unkeyed else digest(first)
        hit = None if specimen.unstored else seeded(load)
    if specimen.unstored:
        kept = load.info().entries
        return [] if refused and not kept else ["it was to be refused as a result, and is kept"]
    if refused:
        return [f"it is not kept: {refused[0].splitlines()[1]}"]
    problems = []
    if load.info().hits != 1:
        problems.append("the second call is no hit")
    if type(hit) is not type(first):
        problems.append(f"a hit is a {type(hit).__name__}")
    if expected is not None and digest(hit) != expected:
        problems.append("a hit has another key")
    if specimen.edit:
        specimen.edited(hit)
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            again = seeded(load)
        if digest(again) != expected:
            problems.append("a change to one hit reaches the next")
    return problems


def as_global(specimen: Specimen) -> list[str]:
    """To use a global is no miss; an edit is one, and so is another object under its name."""
    module: ModuleType = specimen.family.module()
    vars(module)["held"] = specimen.evaluate(specimen.make)
    name = f"read_{specimen.number}"
    read = cached(specimen, name, f"def {name}():\n    x = held\n    {specimen.use}\n    return 1")
    problems = []
    read(), read()
    if read.info().misses != 1:
        problems.append("to use it is a miss")
    if specimen.use == "0":  # nothing of it is read; generators count where they are drawn from
        return problems
    if specimen.edit:
        before = read.info().misses
        specimen.edited(vars(module)["held"])
        read()
        if read.info().misses == before:
            problems.append("stale after an edit")
    other = specimen.evaluate(specimen.other)
    # An edit may have led to the very content of the other one, for which there is a result.
    if not specimen.unkeyed and digest(other) != digest(vars(module)["held"]):
        before = read.info().misses
        vars(module)["held"] = other
        try:
            read()
        except Exception:  # the other one may be of another type, which cannot be used like this one
            return problems
        if read.info().misses == before:
            problems.append("stale with another object under the name")
    return problems


def after_restart(specimen: Specimen, first: dict[str, Any], then: dict[str, Any]) -> list[str]:
    """List what the second session did not find."""
    errors = [session["error"] for session in (first, then) if "error" in session]
    if errors:
        return errors
    found = []
    if not specimen.unstored and then["type"] != first["type"]:
        found.append(f"a {first['type']} comes back as a {then['type']}")
    if not specimen.uncelled and then["made"] is not bool(specimen.unstored):
        found.append(
            "the cell that makes it is " + ("computed again" if then["made"] else "restored, against its reason")
        )
    if specimen.unkeyed:
        return found
    if not specimen.apart:
        if then["digest"] != first["digest"]:
            found.append("two processes give two keys")
        if not then["argument"]:
            found.append("a miss as an argument")
        if not then["global"]:
            found.append("a miss as a global")
    if specimen.unstored or specimen.uncelled:
        return found
    if then["restored"] != first["restored"]:
        found.append("what is restored has another key")
    if then["used"]:
        found.append("the cell that uses it is computed again")
    return found

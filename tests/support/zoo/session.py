"""One session over all types, for a test that starts two on one store: what the second finds of the first.

Run with the folder of the store in the environment; prints a line of JSON.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from typing import Any

from nbcache import registry
from nbcache.hashing.hasher import digest
from zoo.checks import cached
from zoo.everything import families
from zoo.specimen import Specimen


def main(phase: str) -> None:
    """Visit every type; the second session in the opposite order."""
    warnings.simplefilter("ignore")
    shown = families() if phase == "first" else families()[::-1]
    report = {}
    for family in shown:
        for specimen in family.specimens:
            try:
                report[str(specimen)] = visit(specimen)
            except Exception as error:
                report[str(specimen)] = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(report), flush=True)
    registry.the_cache().close()
    os._exit(0)  # not all libraries stand each other while a process ends


def visit(specimen: Specimen) -> dict[str, Any]:
    """Make a value in one function, give it to another, read it as a global of a third."""
    number = specimen.number
    module = specimen.family.module()
    load = cached(specimen, f"load_{number}", f"def load_{number}():\n    return {specimen.make}", persist="disk")
    take = cached(specimen, f"take_{number}", f"def take_{number}(x):\n    return 1", persist="disk")
    vars(module)[f"held_{number}"] = held = specimen.evaluate(specimen.make)
    body = f"def read_{number}():\n    x = held_{number}\n    {specimen.use}\n    return 1"
    read = cached(specimen, f"read_{number}", body, persist="disk")
    value = load()
    found: dict[str, Any] = {"type": f"{type(value).__module__}.{type(value).__qualname__}"}
    found["result"] = load.info().hits
    if not specimen.unkeyed:
        found["digest"] = digest(specimen.evaluate(specimen.make)).hex()
        found["restored"] = digest(value).hex()
        found["argument"] = take.is_cached(held)
        found["chain"] = take.is_cached(value)
        take(value)
    read()
    found["global"] = read.info().hits
    return found


if __name__ == "__main__":
    main(sys.argv[1])

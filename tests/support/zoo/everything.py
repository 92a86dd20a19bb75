"""All families of the zoo that can be shown here."""

from __future__ import annotations

import os

from zoo import claimed, heavy, science, small, standard, web
from zoo.specimen import Family

__all__ = ["families"]


def families() -> list[Family]:
    """The families whose packages are installed; the heavy ones where `NBCACHE_ZOO` asks for them.

    `NBCACHE_ZOO=heavy` asks for these alone: libraries that bring compilers and thread pools of their own do not all
    stand each other in one process. Names between commas ask for the families of those names.
    """
    found = [part for room in (standard, science, web, heavy) for part in vars(room).values() if type(part) is Family]
    found += [*small.FAMILIES, *claimed.FAMILIES]
    wanted = os.environ.get("NBCACHE_ZOO", "")
    named = [family for family in found if family.name in wanted.split(",")]
    shown = named or [family for family in found if (family.heavy if wanted == "heavy" else wanted or not family.heavy)]
    return [family for family in shown if family.here()]

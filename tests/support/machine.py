"""A program that stands for a machine: it has a folder of its own, and shares a key and a store with others.

``python machine.py FOLDER SECONDS CALL...`` notes every computation in FOLDER/computed, and prints what the calls gave.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from nbcache import cache_data
from nbcache.stores.remote import leases

FOLDER, SECONDS = Path(sys.argv[1]), float(sys.argv[2])
leases.LASTS = float(os.environ.get("LEASES_LAST", leases.LASTS))


@cache_data(persist="disk", show_spinner=False, track=False)
def load(x: int) -> list[int]:
    with open(FOLDER / "computed", "a") as file:
        file.write(f"{x}\n")
    time.sleep(SECONDS)
    return [x]


@cache_data(persist="disk", show_spinner=False, track=False)
def first(x: int) -> list[int]:
    with open(FOLDER / "computed", "a") as file:
        file.write(f"first {x}\n")
    time.sleep(SECONDS)
    return [x, *(second(x - 1) if x else [])]


@cache_data(persist="disk", show_spinner=False, track=False)
def second(x: int) -> list[int]:
    with open(FOLDER / "computed", "a") as file:
        file.write(f"second {x}\n")
    time.sleep(SECONDS)
    return [x, *(first(x - 1) if x else [])]


if __name__ == "__main__":
    print([eval(call) for call in sys.argv[3:]])

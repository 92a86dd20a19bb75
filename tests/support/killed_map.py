"""A sweep of twenty calls that kills a process in its midst.

``python killed_map.py FOLDER worker|parent|nobody``
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from nbcache import cache_data

FOLDER, WHO = Path(sys.argv[1]), sys.argv[2]


@cache_data(persist="disk", show_spinner=False, track=False)
def load(x: int) -> int:
    with open(FOLDER / "computed", "a") as file:
        file.write(f"{x}\n")
    if x == 7 and WHO != "nobody":
        os.kill(os.getppid() if WHO == "parent" else os.getpid(), signal.SIGKILL)
        os._exit(1)
    return x * x


if __name__ == "__main__":
    print(load.map(range(20), n_jobs=2, backend="loky", batch_size=1, progress=False))

"""What grows with the number of entries: each step at several sizes, its slope, and what that makes of a million.

python benchmarks/scale.py [--sizes 1000,3000,10000]

One function, tiny results, everything on one disk. "per entry" is the slope between the two largest sizes. The last
lines count the requests that calls send to a shared store.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

MILLION = 1_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="1000,3000,10000")
    sizes = [int(size) for size in parser.parse_args().sizes.split(",")]
    taken: dict[str, list[float]] = defaultdict(list)
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            os.environ |= {"NBCACHE_DIR": f"{folder}/store", "NBCACHE_KEY_FILE": f"{folder}/key"}
            for name, seconds in steps(size).items():
                taken[name].append(seconds)
    print(f"{'seconds':34}" + "".join(f"{size:>12,}" for size in sizes) + f"{'per entry':>14}{'a million':>12}")
    for name, times in taken.items():
        slope = max(0.0, times[-1] - times[-2]) / (sizes[-1] - sizes[-2])
        after = times[-1] + slope * (MILLION - sizes[-1])
        print(f"{name:34}" + "".join(f"{one:12.4f}" for one in times) + f"{slope * 1e6:11.1f} us{after:12.1f}")
    requests()
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} processors, Python {sys.version.split()[0]}")


def same(x: int) -> int:
    return x


def steps(size: int) -> dict[str, float]:
    """How long each step takes with so many entries."""
    import psutil

    from nbcache import NBCache, cache_data, registry

    NBCache.clear_instance()
    registry.replace_cache(None)
    process = psutil.Process()

    load = cache_data(persist="disk", show_spinner=False)(same)
    load(-1)
    before = process.memory_info().rss
    fill = timed(lambda: [load(x) for x in range(size)])
    grown = process.memory_info().rss - before
    found = {"a put, times a thousand": fill / size * 1000}
    found["memory, MB"] = grown / 2**20
    registry.replace_cache(None)  # as a new process begins
    found["the first hit, times a thousand"] = timed(lambda: load(size // 2)) * 1000
    found["explain() of a miss"] = timed(lambda: str(load.explain(-size)))
    found["info()"] = timed(load.info)
    found["one clear, and a look after it"] = timed(lambda: (load.clear(0), registry.the_cache().tiers.look()))
    found["clear() returns"] = timed(load.clear)
    return found


def timed(step: Callable[[], Any]) -> float:
    began = time.perf_counter()
    step()
    return time.perf_counter() - began


def requests() -> None:
    """Print how many requests of each kind calls send to a shared store."""
    from nbcache import NBCache, cache_data, registry
    from nbcache.stores.remote.folder import FolderBucket

    sent: Counter[str] = Counter()
    for name in ("read", "write", "create", "delete", "size"):
        plain = getattr(FolderBucket, name)

        def counted(self: Any, *given: Any, name: str = name, plain: Any = plain) -> Any:
            sent[name] += 1
            return plain(self, *given)

        setattr(FolderBucket, name, counted)

    @cache_data(persist="disk", show_spinner=False)
    def slow(x: int) -> int:
        time.sleep(0.05)
        return x

    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"NBCACHE_DIR": f"{folder}/one", "NBCACHE_STORE": f"file://{folder}/shared"}
        NBCache.clear_instance()
        registry.replace_cache(None)
        slow(0)
        for what in ("miss", "hit of another machine"):
            if what != "miss":
                NBCache.instance().dir = f"{folder}/two"
            registry.replace_cache(None)  # which sends what waits
            sent.clear()
            for x in range(1, 11):
                slow(x)
            registry.replace_cache(None)
            print(f"requests of one {what}: " + ", ".join(f"{count / 10:.1f} {name}" for name, count in sent.items()))


if __name__ == "__main__":
    main()

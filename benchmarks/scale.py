"""What grows with the number of entries: each step at several sizes, its slope, and what that makes of a million.

python benchmarks/scale.py [--sizes 1000,3000,10000] [--folder F] [--memory]

One function, tiny results, everything on one disk, or in memory. The first thousand are made by calls; those beyond are
put into the store as calls put them, which takes a third of the time: a million files take some minutes and 4 GB.
Times are CPU seconds, the system's share included, so that other programs on the machine hardly count. "per entry" is
the slope between the two largest sizes. The last lines count the requests that calls send to a shared store.
"""

from __future__ import annotations

import argparse
import gc
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from work import same_int

MILLION = 1_000_000
BY_CALLS = 1000
SOME = 50

#: What a new kernel does first.
FIRST = """
import gc, sys, time
sys.path.insert(0, sys.argv[1])
import platformdirs
from nbcache import cache_data
from work import same_int
load = cache_data(persist="disk", show_spinner=False)(same_int)
gc.collect()  # of what was imported: or it may come just now, and takes ten times as long as a first hit
began = time.process_time()
load(7)
print(time.process_time() - began)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="1000,3000,10000")
    parser.add_argument("--folder", type=Path, help="where the entries are written")
    parser.add_argument("--memory", action="store_true", help="entries in memory instead of on disk")
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")]
    taken: dict[str, list[float]] = defaultdict(list)
    for size in sizes:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            os.environ |= {"NBCACHE_DIR": f"{folder}/store", "NBCACHE_KEY_FILE": f"{folder}/key"}
            os.environ |= {"XDG_STATE_HOME": folder, "NBCACHE_MAX_DISK_SIZE": "50GB"}
            for name, seconds in (in_memory if options.memory else on_disk)(size).items():
                taken[name].append(seconds)
                print(f"{size:>10,} {name:40} {seconds:12.4f}", file=sys.stderr, flush=True)
    print(f"{'seconds':40}" + "".join(f"{size:>12,}" for size in sizes) + f"{'per entry':>14}{'a million':>12}")
    for name, times in taken.items():
        slope = max(0.0, times[-1] - times[-2]) / (sizes[-1] - sizes[-2]) if len(sizes) > 1 else 0.0
        after = times[-1] + slope * (MILLION - sizes[-1])
        print(f"{name:40}" + "".join(f"{one:12.4f}" for one in times) + f"{slope * 1e6:11.2f} us{after:12.2f}")
    if not options.memory:
        requests()
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} processors, Python {sys.version.split()[0]}")


def begun() -> Any:
    """An empty cache, as a new process has it."""
    from nbcache import NBCache, registry

    NBCache.clear_instance()
    registry.replace_cache(None)
    return registry.the_cache()


def filled(size: int, load: Any, put: Callable[[Any, Any], object]) -> float:
    """Fill a store; CPU seconds of a put by a call."""
    from nbcache.entries.entry import Address, Entry, Meta

    load(-1)
    by_call = min(timed(lambda at=at: [load(x) for x in range(at, at + 100)]) / 100 for at in range(0, BY_CALLS, 100))  # type: ignore[misc]
    owner = load.entries()[0].address.owner
    parts = (("argument x", "a" * 32, "12345"), ("code", "c" * 32, "same"))
    gc.disable()
    for x in range(size - BY_CALLS):
        # Keys are digests: they come in no order.
        key = f"{(x + 1) * 0x9E3779B97F4A7C15F39CC0605CEDC8341082276F % (1 << 160):040x}"
        put(Address(owner, key), Entry.of(x, Meta(owner, f"same({x})", 1.7e9 + x, None, 1e-6, parts=parts)))
    gc.enable()
    return by_call


def on_disk(size: int) -> dict[str, float]:
    """How long each step takes with so many entries on disk."""
    from nbcache import cache_data, registry
    from nbcache.notebook.panel.stored import StoredRows

    cache = begun()
    load = cache_data(persist="disk", show_spinner=False)(same_int)
    found = {
        "a put by a call, times a thousand": 1e3 * filled(size, load, lambda *put: cache.tiers.outer.disk.put(*put))
    }
    registry.replace_cache(None)
    place = str(Path(__file__).resolve().parent)
    command = [sys.executable, "-c", FIRST, place]
    starts = [float(subprocess.run(command, capture_output=True, text=True, check=True).stdout) for _ in range(3)]
    found["the first hit of a kernel, times a thousand"] = 1e3 * min(starts)
    found["a hit from disk, times a thousand"] = 1e3 * median([timed(lambda x=x: load(x)) for x in range(SOME)])
    found["a miss, times a thousand"] = 1e3 * median([timed(lambda x=x: load(-x)) for x in range(10, 10 + SOME)])
    found["a hit in memory, times a million"] = (
        1e6 * min(timed(lambda: [load(3) for _ in range(1000)]) for _ in range(9)) / 1e3
    )
    clears = [timed(lambda x=x: load.clear(x)) for x in range(100, 100 + SOME)]
    found["clear one, times a thousand"] = 1e3 * median(clears)
    found["a look after clears"] = timed(lambda: registry.the_cache().tiers.look())
    found["explain() of a miss"] = timed(lambda: str(load.explain(-size - 7)))
    registry.replace_cache(None)
    found["entries()"] = timed(load.entries)
    found["info()"] = timed(load.info)
    found["the panel knows how many"] = timed(lambda: StoredRows(registry.the_cache()).look())
    found["clear_where() of one"] = timed(lambda: load.clear_where(x=200))
    load = None  # of two functions of one name each has its own bound
    bounded = cache_data(persist="disk", show_spinner=False, max_entries=size - 200)(same_int)
    found["the first put of a bounded function"] = timed(lambda: bounded(-5001))
    found["its next puts, times a thousand"] = 1e3 * median(
        [timed(lambda x=x: bounded(-x)) for x in range(6000, 6000 + SOME)]
    )
    registry.replace_cache(None)
    began = time.perf_counter()
    found["clear(), in wall time"] = timed(bounded.clear, time.perf_counter)
    while any(Path(os.environ["NBCACHE_DIR"], "v1", ".trash").iterdir()):
        time.sleep(0.05)
    found["... until all files are gone"] = time.perf_counter() - began
    return found


def in_memory(size: int) -> dict[str, float]:
    """How long each step takes with so many entries in memory."""
    import psutil

    from nbcache import cache_data

    cache = begun()
    load = cache_data(show_spinner=False)(same_int)
    resident = psutil.Process().memory_info().rss
    found = {"a put by a call, times a million": 1e6 * filled(size, load, cache.tiers.memory.put)}
    found["memory, KB an entry"] = (psutil.Process().memory_info().rss - resident) / size / 1024
    found["a hit, times a million"] = 1e6 * min(timed(lambda: [load(3) for _ in range(1000)]) for _ in range(9)) / 1e3
    found["a miss, times a million"] = 1e6 * median([timed(lambda x=x: load(-x)) for x in range(10, 10 + SOME)])
    found["clear one, times a million"] = 1e6 * median(
        [timed(lambda x=x: load.clear(x)) for x in range(100, 100 + SOME)]
    )
    found["explain() of a miss"] = timed(lambda: str(load.explain(-size - 7)))
    found["entries()"] = timed(load.entries)
    found["info()"] = timed(load.info)
    load = None  # of two functions of one name each has its own bound
    bounded = cache_data(show_spinner=False, max_entries=size - 200)(same_int)
    found["the first put of a bounded function"] = timed(lambda: bounded(-5001))
    found["its next puts, times a million"] = 1e6 * median(
        [timed(lambda x=x: bounded(-x)) for x in range(6000, 6000 + SOME)]
    )
    found["clear()"] = timed(bounded.clear)
    return found


def median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def timed(step: Callable[[], Any], clock: Callable[[], float] = time.process_time) -> float:
    began = clock()
    step()
    return clock() - began


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

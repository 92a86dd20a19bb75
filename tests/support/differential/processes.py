"""Processes for sessions: forked from one that has the big libraries loaded, or new ones.

Run as a program it reads jobs, one JSON line each, forks for each, and answers with the path of the result.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

_ROOT = Path(__file__).resolve().parents[3]
_LOADED = (
    "IPython.core.interactiveshell",
    "matplotlib.figure",  # not pyplot: it looks for a shell when it is loaded
    "matplotlib.backends.backend_agg",
    "pandas",
    "scipy.stats",
    "sklearn.ensemble",
    "sklearn.model_selection",
    "statsmodels.api",
    "nbcache.notebook.extension",
    "nbcache.notebook.cells.cell",
    "nbcache.notebook.cells.pickling",
)


_BUSY = "--cpu"


class Processes:
    """Runs jobs in processes of one hash seed.

    Parameters
    ----------
    loaded : modules that every session finds loaded
    busy : whether time is that of the processor, for a machine that does other work at the same time
    """

    def __init__(self, seed: int, loaded: tuple[str, ...] = _LOADED, busy: bool = False) -> None:
        path = os.pathsep.join([str(_ROOT), str(_ROOT / "tests" / "support"), os.environ.get("PYTHONPATH", "")])
        environment = {name: text for name, text in os.environ.items() if not name.startswith("NBCACHE_")}
        environment |= {
            "PYTHONPATH": path,
            "PYTHONHASHSEED": str(seed),
            "MPLBACKEND": "module://matplotlib_inline.backend_inline",
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "differential.processes", *([_BUSY] if busy else []), *loaded],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def start(self, job: dict[str, Any]) -> None:
        """Have a job run; jobs run one after the other."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()

    def result(self) -> list[list[dict[str, Any]]]:
        """What the oldest job that was started has seen."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the process that runs sessions has ended"
        path = Path(line.strip())
        assert path.exists(), f"a session ended before its last cell ({line.strip()})"
        found: list[list[dict[str, Any]]] = json.loads(path.read_text())
        path.unlink()
        return found

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()


def _measure_the_processor() -> None:
    """Let time be what the processor spends on this process; who sleeps is woken at once, and the clock put forward."""
    sleep = _Sleep()
    time.perf_counter = lambda: time.process_time() + sleep.slept
    time.sleep = sleep


class _Sleep:
    """Sleeps in no time; its state is in no key."""

    slept = 0.0
    really = staticmethod(time.sleep)

    def __call__(self, seconds: float) -> None:
        self.slept += seconds
        if seconds <= 0.05:  # somebody looks again and again for what another process does
            self.really(seconds)

    def __cache_key__(self) -> str:
        return "sleep"


def _serve() -> None:
    loaded = sys.argv[1:]
    if loaded and loaded[0] == _BUSY:
        loaded.pop(0)
        _measure_the_processor()
    for name in loaded:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()  # a collection in a child would copy all that the libraries hold
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        job = json.loads(line)
        handle, path = tempfile.mkstemp(suffix=".json")
        os.close(handle)
        os.unlink(path)
        child = os.fork()
        if child == 0:
            _run(job, path)
        os.waitpid(child, 0)
        answers.write(path + "\n")
        answers.flush()


def _run(job: dict[str, Any], path: str) -> None:
    import faulthandler
    import traceback

    from differential import session

    faulthandler.dump_traceback_later(job.get("timeout", 300), exit=True)
    os.environ |= {"NBCACHE_DIR": job["store"], "NBCACHE_KEY_FILE": job["key"], "HOME": job["home"]}
    try:
        found = session.run(job)
        Path(path + "~").write_text(json.dumps(found, default=str))
        os.replace(path + "~", path)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)


if __name__ == "__main__":
    _serve()

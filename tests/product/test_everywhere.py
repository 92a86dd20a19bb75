r"""The core holds where there is nothing of POSIX, and where there are neither processes nor threads (JupyterLite).

For the latter, `NBCACHE_PYODIDE` names a folder with the npm package `pyodide` and a wheel of xxhash for it::

    npm install --prefix FOLDER pyodide
    pip download --dest FOLDER --no-deps --only-binary :all: --python-version 3.14 \\
        --platform pyemscripten_2026_0_wasm32 xxhash
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from processes import SUPPORT, python_path, without_settings

ROOT = Path(__file__).resolve().parents[2]
PYODIDE = os.environ.get("NBCACHE_PYODIDE", "")

#: What the session and the tests need, all in Python; not every IPython needs all of it.
PURE = """
    asttokens cloudpickle comm decorator executing iniconfig ipython ipython-pygments-lexers ipywidgets joblib
    matplotlib-inline packaging platformdirs pluggy prompt_toolkit pure_eval pygments pytest stack_data traitlets
    typing_extensions wcwidth
"""
#: Tests of what differs between Pythons and systems, and needs no library, process or thread.
CHOSEN = ("tracking/code", "keys", "cells/syntax")

SESSION = """
import sys
from pathlib import Path
sys.dont_write_bytecode = True
sys.path[:0] = ["/src", "/src/tests/support"]
from everywhere import session
await session(Path("/tmp/place"))
print("all of it on", sys.version)
import pytest
options = ["-q", "-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir=/src", "--import-mode=importlib"]
options += ["-o", "pythonpath=/src /src/tests /src/tests/support /src/tests/plugins"]
print("pytest ended with", int(pytest.main([*options, *{chosen}])))
"""


def test_nothing_of_posix_is_needed(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, str(SUPPORT / "without_posix.py"), str(tmp_path)],
        env={**without_settings(), "PYTHONPATH": python_path()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout == "all of it\n", ended.stderr


def _mounts(folder: Path, place: Path) -> dict[str, str]:
    """What Pyodide sees: this project, pure packages of this environment, and xxhash from its wheel."""
    (wheel,) = folder.glob("xxhash-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place)
    sources = [*place.iterdir()]
    for name in PURE.split():
        try:
            files = importlib.metadata.files(name) or []
        except importlib.metadata.PackageNotFoundError:  # this IPython does without
            continue
        tops = {file.parts[0] for file in files if file.suffix in (".py", "") or file.parts[0].endswith(".dist-info")}
        sources += [
            Path(str(importlib.metadata.distribution(name).locate_file(top))) for top in tops if ".." not in top
        ]
    packages = "/lib/python3.14/site-packages"
    found = {f"{packages}/{source.name}": str(source) for source in sources if source.name != "__pycache__"}
    return {"/src": str(ROOT), **found}


@pytest.mark.timeout(300)
@pytest.mark.skipif(not PYODIDE, reason="NBCACHE_PYODIDE names no folder with pyodide")
@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_core_runs_in_pyodide(tmp_path: Path) -> None:
    folder = Path(PYODIDE)
    program = tmp_path / "program.py"
    program.write_text(SESSION.format(chosen=[f"/src/tests/{one}" for one in CHOSEN]), encoding="utf-8")
    (tmp_path / "xxhash").mkdir()
    ended = subprocess.run(
        [
            "node",
            str(SUPPORT / "in_pyodide.mjs"),
            str(folder),
            json.dumps(_mounts(folder, tmp_path / "xxhash")),
            program,
        ],
        env={**without_settings(), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "all of it on 3.14" in ended.stdout, ended.stdout[-2000:] + ended.stderr[-2000:]
    assert "pytest ended with 0" in ended.stdout, ended.stdout[-6000:]

"""What a cell imports comes back as an import: the object of the module, whatever kind of object that is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap

import pytest

# A cell, what a later cell does, and what that must give.
CASES = {
    "a method of the hidden generator": (
        "from random import randint, seed",
        "seed(5); a = randint(1, 10**9); import random; random.seed(5); same = a == randint(1, 10**9)",
    ),
    "the environment": ("from os import environ", "import os; same = environ is os.environ"),
    "the import path": (
        "from sys import path, modules",
        "import sys; same = path is sys.path and modules is sys.modules",
    ),
    "a settings dict of an own module": (
        "from settings import CONFIG, scale",
        "CONFIG['factor'] = 10; same = scale(1) == 10",
    ),
    "an object of an own module": (
        "from settings import app",
        "app.on = True; import settings; same = settings.app.on",
    ),
    "an attribute of a module": ("import settings\nc = settings.CONFIG", "same = c is settings.CONFIG"),
    "what a function of a module gives": (
        "from settings import get\nc = get()",
        "c['factor'] = 3; same = get()['factor'] == 3",
    ),
    "a holder of such an object": (
        "import settings\nh = {'c': settings.CONFIG, 'x': [settings.app]}",
        "same = h['c'] is settings.CONFIG and h['x'][0] is settings.app",
    ),
    "numpy's functions of random numbers": (
        "from numpy.random import rand, seed",
        "import numpy as np; seed(0); a = rand(); np.random.seed(0); same = a == np.random.rand()",
    ),
    "an attribute of numpy.random": (
        "import numpy as np\nrand = np.random.rand",
        "np.random.seed(0); a = rand(); np.random.seed(0); same = a == np.random.rand()",
    ),
    "a distribution": (
        "from scipy.stats import norm",
        "import numpy as np; np.random.seed(0); a = norm.rvs(); np.random.seed(0); same = a == norm.rvs()",
    ),
    "a frozen distribution": (
        "import scipy.stats as st\nd = st.norm(0, 1)",
        "import numpy as np; np.random.seed(0); a = d.rvs(); np.random.seed(0); same = a == d.rvs()",
    ),
    "parameters of matplotlib": (
        "from matplotlib import rcParams",
        "import matplotlib; rcParams['figure.dpi'] = 42; same = matplotlib.rcParams['figure.dpi'] == 42",
    ),
}

SETTINGS = """
CONFIG = {'factor': 2}
class App:
    on = False
app = App()
def scale(x): return x * CONFIG['factor']
def get(): return CONFIG
"""

SESSION = """
import json, sys
sys.path.insert(0, "")
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
shell.run_cell("%load_ext nbcache", store_history=True)
first = set(shell.user_ns)
for kind, (cell, later) in json.load(sys.stdin).items():
    for name in set(shell.user_ns) - first:
        del shell.user_ns[name]
    print("--", kind)
    shell.run_cell("%%cache_cell\\n" + cell, store_history=True)
    shell.run_cell(later, store_history=True)
    print("same:", shell.user_ns.get("same"))
    sys.modules.pop("settings", None)
"""


@pytest.fixture(scope="module")
def sessions(tmp_path_factory):
    """What two sessions say, one after the other; each begins as a new process."""
    folder = tmp_path_factory.mktemp("imported")
    (folder / "settings.py").write_text(textwrap.dedent(SETTINGS))
    env = {name: text for name, text in os.environ.items() if not name.startswith("NBCACHE_")}
    env |= {"HOME": str(folder), "IPYTHONDIR": str(folder / "ipy"), "NBCACHE_DIR": str(folder / "cache")}
    said = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", SESSION],
            input=json.dumps(CASES),
            cwd=folder,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=True,
        )
        parts = done.stdout.split("-- ")
        said.append({part.partition("\n")[0]: part for part in parts[1:]})
    return said


@pytest.mark.parametrize("kind", CASES)
def test_an_import_comes_back_as_an_import(kind, sessions):
    for library in ("numpy", "scipy", "matplotlib"):
        if library in CASES[kind][0]:
            pytest.importorskip(library)
    for said in sessions:
        assert "same: True" in said[kind], said[kind]
    assert "restored" in sessions[1][kind], sessions

"""`%cache_cells on` in a real kernel: what is kept, what simply runs, and what a new kernel finds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from live import live

IMPORTS = "import pandas as pd, numpy as np, matplotlib, warnings, sklearn"
# Cells that set an option, how it is looked at, and what sets it to something else.
OPTIONS = {
    "import pandas as pd\npd.set_option('display.precision', 3)": (
        "pd.get_option('display.precision')",
        "pd.reset_option('display.precision')",
    ),
    "import pandas as pd\npd.options.display.precision = 4": (
        "pd.get_option('display.precision')",
        "pd.reset_option('display.precision')",
    ),
    "import matplotlib.pyplot as plt\nplt.rcParams['axes.grid'] = True": (
        "matplotlib.rcParams['axes.grid']",
        "matplotlib.rcParams['axes.grid'] = False",
    ),
    "import matplotlib.pyplot as plt\nplt.rc('font', size=7)": (
        "matplotlib.rcParams['font.size']",
        "matplotlib.rcParams['font.size'] = 10",
    ),
    "from matplotlib import pyplot as plt\nplt.style.use('ggplot')": (
        "matplotlib.rcParams['axes.facecolor']",
        "matplotlib.rcdefaults()",
    ),
    "import numpy as np\nnp.set_printoptions(precision=3)": (
        "np.get_printoptions()['precision']",
        "np.set_printoptions(precision=8)",
    ),
    "import warnings\nwarnings.filterwarnings('ignore', 'of the promise')": (
        "any(kind == 'ignore' and 'of the promise' in str(text) for kind, text, *_ in warnings.filters)",
        "warnings.resetwarnings()",
    ),
    "from sklearn import set_config\nset_config(display='text')": (
        "sklearn.get_config()['display']",
        "sklearn.set_config(display='diagram')",
    ),
    "def hide():\n    import pandas\n    pandas.set_option('display.width', 50)\nimport pandas\nhide()": (
        "pd.get_option('display.width')",
        "pd.reset_option('display.width')",
    ),
}


@pytest.fixture
def nb(emptied_kernel):
    return emptied_kernel


class TestAutomatic:
    def test_it_is_off_until_told_and_off_again_leaves_no_hook(self, nb):
        hooked = "'run_ast_nodes' in vars(__import__('IPython').get_ipython())"
        assert nb.eval(hooked) == "False"
        nb("%cache_cells on --min-time 0s")
        nb("x = [1]")
        assert nb("x = [1]").hit and nb.eval(hooked) == "True"
        nb("%cache_cells off")
        assert not nb("x = [1]").hit and nb.eval(hooked) == "False"
        nb("%%cache_cell\nx = [2]")
        assert nb("%%cache_cell\nx = [2]").hit and nb.eval(hooked) == "False"
        nb("%cache_cells on --min-time 0s")
        assert nb("x = [1]").hit  # what was kept is still there

    def test_only_cells_that_took_long_enough_are_kept(self, nb):
        nb("%cache_cells on --min-time 1h")
        nb("x = [1]")
        assert not nb("x = [1]").hit
        assert re.search(r"x = \[1\] .*not cached .*it took", nb.eval("%cache_cells status"))

    def test_a_cell_too_large_simply_runs(self, nb):
        nb("%cache_cells on --min-time 0s --max-size 1KB")
        large, _ = nb("x = bytes(10_000)"), nb("y = [1]")
        assert large.err == "" and not nb("x = bytes(10_000)").hit and nb("y = [1]").hit
        assert re.search(r"x = bytes.* not cached .*it keeps .* more than --max-size", nb.eval("%cache_cells status"))

    def test_cells_that_do_something_outside_simply_run_and_status_says_why(self, nb):
        nb("%cache_cells on --min-time 0s")
        cells = {
            "_ = open('left.txt', 'a').write('x')": "left.txt",
            "import subprocess; done = subprocess.run(['true'])": "it runs true",
            "!true && touch left.txt": "it runs touch",
            "words = !date": "it runs date",
            "import os; done = os.system('true')": "it runs true",
            "child = os.posix_spawn('/bin/true', ['true'], {}); _ = os.waitpid(child, 0)": "it runs true",
            "import pty; done = pty.spawn('true')": "it runs a program",
            "import socket; _ = socket.socket().connect_ex(('127.0.0.1', 9))": "network",
            "n = len(globals())": "globals()",
            "%env CELL_PROMISE=2": "%env",
            "g = (n for n in [])": "generator",
            "1 / 0": "",
        }
        for source in [*cells, *cells]:
            shown = nb(source, fails=True)
            assert not shown.hit and "CacheWarning" not in shown.err, source
        status = nb.eval("%cache_cells status")
        for source, why in cells.items():
            line = next(line for line in status.splitlines() if source[:30] in line)
            assert why in line and ("not cached" in line or "failed" in line), line
        (Path(nb.folder) / "left.txt").unlink()

    @pytest.mark.parametrize("source", OPTIONS)
    def test_an_option_that_a_cell_sets_is_set_again_by_a_hit(self, nb, source):
        value, other = OPTIONS[source]
        nb(IMPORTS)
        nb(other)
        fresh = nb.eval(value)
        nb("%cache_cells on --min-time 0s")
        nb(source)
        wanted = nb.eval(value)
        nb(source)  # where it is set already, nothing is left to set
        nb("%cache_cells off")
        nb(other)
        nb("%cache_cells on --min-time 0s")

        again = nb(source)

        assert again.hit, nb.eval("%cache_cells status")
        nb("%cache_cells off")
        assert nb.eval(value) == wanted != fresh

    @pytest.mark.parametrize("source", OPTIONS)
    def test_an_option_that_was_set_already_is_set_where_it_is_not(self, nb, source):
        value, other = OPTIONS[source]
        nb(IMPORTS)
        nb(source)
        wanted = nb.eval(value)
        nb("%cache_cells on --min-time 0s")
        nb(source)
        nb("%cache_cells off")
        nb(other)
        nb("%cache_cells on --min-time 0s")

        nb(source)

        nb("%cache_cells off")
        assert nb.eval(value) == wanted
        nb(other)

    def test_a_file_that_a_cell_writes_is_written_again_by_a_hit(self, nb):
        nb("%cache_cells on --min-time 0s")
        file = nb.folder / "written.txt"
        cell = "with open('written.txt', 'w') as file:\n    _ = file.write('x')"
        nb(cell)
        for before in (None, "another"):
            file.unlink()
            if before is not None:
                file.write_text(before)
            again = nb(cell)
            assert again.hit and "written.txt" in again.note
            assert file.read_text() == "x"
        file.unlink()

    @pytest.mark.parametrize(
        "source",
        [
            "import sys\nsys.path.append('elsewhere')",
            "import os\nos.environ['CELL_PROMISE'] = 'set'",
            "import os\nos.makedirs('below', exist_ok=True)\nos.chdir('below')",
            "import logging\nlogging.getLogger('a').setLevel(10)",
            "from tqdm import tqdm\ntqdm.pandas()",
            "import json as settings\nsettings.mine = 1",
            "import json as settings\ndel settings.mine",
        ],
    )
    def test_a_cell_that_sets_up_the_session_simply_runs(self, nb, source):
        nb("%cache_cells on --min-time 0s")
        for _ in range(3):
            shown = nb(source, fails=True)
            assert not shown.hit and shown.err == ""
            rows = [line for line in nb.eval("%cache_cells status").splitlines() if source.partition("\n")[0] in line]
            assert "changes" in rows[-1], rows
        nb("import os; os.chdir(os.path.dirname(os.environ['NBCACHE_DIR']))")

    @pytest.mark.parametrize(
        "source",
        [
            "import pandas as pd\ndf = pd.DataFrame({'a': [1]})\ndf['b'] = 1\ndf.columns = ['c', 'd']",
            "import pandas as pd\ns = pd.Series([1, 2])\ns.apply(str)\ns = s.set_axis(['a', 'b'])\ns",
            "import matplotlib.pyplot as plt\nfig, ax = plt.subplots(figsize=(1, 1))\nlines = ax.plot([1])\n"
            "plt.setp(lines, color='r')\nax.set_title('t')\nfig",
            "from sklearn.tree import DecisionTreeClassifier\ntree = DecisionTreeClassifier()\n"
            "tree.set_params(max_depth=1)\ntree.fit([[0], [1]], [0, 1])\ntree.predict([[1]])",
            "class Box: pass\nbox = Box()\nbox.value = 1\nseen = set()\nseen.add(1)",
            "import random, numpy as np\nrandom.seed(1)\nnp.random.seed(2)\nx = random.random() + np.random.rand()",
        ],
    )
    def test_a_cell_that_changes_only_its_own_things_is_kept(self, nb, source):
        nb("%cache_cells on --min-time 0s")
        for _ in range(2):
            nb("import random; random.seed(0); import numpy; numpy.random.seed(0)")
            again = nb(source)
        assert again.hit, nb.eval("%cache_cells status")

    def test_a_changed_input_helper_or_file_is_a_miss(self, nb):
        (nb.folder / "seen.txt").write_text("one")
        nb("a = 1\ndef f(): return a")
        nb("%cache_cells on --min-time 0s")
        cell = "with open('seen.txt') as file:\n    text = file.read()\nprint(text, f())"
        nb(cell)
        assert nb(cell).hit
        nb("a = 2")
        assert nb(cell).out == "one 2\n"
        (nb.folder / "seen.txt").write_text("three")
        assert nb(cell).out == "three 2\n"
        nb("def f(): return -a")
        assert nb(cell).out == "three -2\n" and nb(cell).hit


class TestRandomNumbers:
    def test_a_cell_that_seeds_before_it_draws_is_a_hit_in_a_new_kernel(self):
        following = "random.random(), np.random.rand()"
        cell = f"import random\nimport numpy as np\nrandom.seed(1)\nnp.random.seed(2)\nx = {following}\nx"
        shown = []
        for again in (False, True):
            with live() as nb:
                nb("import random, numpy; _ = random.random(), numpy.random.rand()")
                nb("%cache_cells on --min-time 0s")
                ran = nb(cell)
                assert ran.hit is again
                shown.append((ran.value, nb(following).value))
        assert shown[0] == shown[1]

    def test_only_the_generators_that_a_cell_draws_from_count(self):
        shown = []
        for again in (False, True):
            with live() as nb:
                nb("import numpy as np\nnp.random.seed(3)")  # and `random` as the system seeds it
                nb("%cache_cells on --min-time 0s")
                cell = nb("x = np.random.rand()\nx")
                assert cell.hit is again
                shown.append((cell.value, nb.eval("np.random.rand()")))
        assert shown[0] == shown[1]

    def test_another_seed_in_an_earlier_cell_is_a_miss(self, nb):
        nb("%cache_cells on --min-time 0s")
        values = []
        for seed in (1, 2, 1):
            nb(f"import random\nrandom.seed({seed})")
            values.append(nb("x = random.random()\nx").value)
        assert values[0] == values[2] != values[1]

    def test_numbers_that_the_system_seeds_come_back_and_those_that_follow_are_new(self):
        shown = []
        for again in (False, True):
            with live() as nb:
                nb("%cache_cells on --min-time 0s")
                cell = nb("import random\nrandom.seed()\nx = random.random()\nx")
                assert cell.hit is again
                nb("%cache_cells off")
                shown.append((cell.value, nb.eval("random.random()")))
        assert shown[0][0] == shown[1][0] and shown[0][1] != shown[1][1]

    def test_a_seed_is_seen_though_the_generator_already_stood_there(self, nb):
        nb("%cache_cells on --min-time 0s")
        for _ in range(3):
            nb("import random\nrandom.seed(1)")
        nb("random.random()")
        assert nb("import random\nrandom.seed(1)").hit
        nb("%cache_cells off")
        assert nb.eval("random.random() == random.Random(1).random()") == "True"

    def test_the_first_run_of_a_seed_may_find_the_generator_where_it_puts_it(self, nb):
        nb("import random, numpy\nrandom.seed(1); numpy.random.seed(1)")
        nb("%cache_cells on --min-time 0s")
        cell = "random.seed(1); numpy.random.seed(1)"
        nb(cell)
        nb("%cache_cells off")
        nb("random.seed(2); numpy.random.seed(2)")
        nb("%cache_cells on --min-time 0s")

        assert nb(cell).hit

        nb("%cache_cells off")
        drawn = "random.random() == random.Random(1).random()"
        assert nb.eval(f"{drawn}, numpy.random.rand() == numpy.random.RandomState(1).rand()") == "(True, True)"

    def test_a_function_that_seeds_is_itself_again_after_the_cell(self, nb):
        cell = "%%cache_cell\nfrom random import seed\nseed(1)"
        nb(cell)
        assert nb(cell).hit
        assert nb.eval("import random\nseed is random.seed") == "True"
        assert nb.eval("seed(5); random.random() == random.Random(5).random()") == "True"

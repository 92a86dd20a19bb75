"""What a cell does beside the namespace: a hit sets options again, and what registers something makes the cell run."""

from __future__ import annotations

import os
import sys
import warnings
from types import ModuleType, SimpleNamespace

import pytest

from nbcache.notebook.cells.effects.library_options import LibraryOptions, set_again
from nbcache.notebook.cells.known import known_cells


@pytest.fixture
def nb(nb, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    nb("%cache_cells on --min-time 0s")
    return nb


def last(nb):
    return known_cells(nb.shell).rows()[-1][2]


NUMPY_ERRORS = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}
# library, code that sets an option, how it is read, and code that puts it back
OPTIONS = {
    "rc": ("matplotlib", "plt.rc('lines', linewidth=7)", "plt.rcParams['lines.linewidth']", "plt.rcdefaults()"),
    "rcParams": ("matplotlib", "plt.rcParams['figure.dpi'] = 51", "plt.rcParams['figure.dpi']", "plt.rcdefaults()"),
    "style": ("matplotlib", "plt.style.use('ggplot')", "plt.rcParams['axes.facecolor']", "plt.rcdefaults()"),
    "theme": ("seaborn", "sns.set_theme()", "plt.rcParams['axes.facecolor']", "plt.rcdefaults()"),
    "set_option": ("pandas", "pd.set_option('display.max_rows', 7)", "pd.get_option('display.max_rows')", None),
    "options": ("pandas", "pd.options.display.max_rows = 8", "pd.get_option('display.max_rows')", None),
    "printoptions": ("numpy", "np.set_printoptions(precision=3)", "np.get_printoptions()['precision']", None),
    "seterr": ("numpy", "np.seterr(all='ignore')", "np.geterr()['divide']", f"np.seterr(**{NUMPY_ERRORS})"),
    "set_config": ("sklearn", "sklearn.set_config(display='text')", "sklearn.get_config()['display']", None),
    "decimal": ("decimal", "decimal.getcontext().prec = 9", "decimal.getcontext().prec", None),
    "recursion": ("sys", "sys.setrecursionlimit(4321)", "sys.getrecursionlimit()", None),
    "threads": ("torch", "torch.set_num_threads(3)", "torch.get_num_threads()", "torch.set_num_threads(1)"),
    "tensors": (
        "torch",
        "torch.set_printoptions(precision=2)",
        "torch._tensor_str.PRINT_OPTS.precision",
        "torch.set_printoptions(profile='default')",
    ),
    "locale": (
        "locale",
        "locale.setlocale(locale.LC_TIME, 'C.UTF-8' if locale.setlocale(locale.LC_TIME) == 'C' else 'C')",
        "locale.setlocale(locale.LC_TIME)",
        "locale.setlocale(locale.LC_TIME, 'C')",
    ),
    "template": (
        "plotly",
        "pio.templates.default = 'ggplot2'",
        "pio.templates.default",
        "pio.templates.default = 'plotly'",
    ),
    "renderer": ("plotly", "pio.renderers.default = 'json'", "pio.renderers.default", "pio.renderers.default = ''"),
    "update": (
        "matplotlib",
        "plt.rcParams.update({'lines.linewidth': 6})",
        "plt.rcParams['lines.linewidth']",
        "plt.rcdefaults()",
    ),
    "below": (
        "numpy",
        "def quiet(): np.seterr(over='ignore')\nquiet()",
        "np.geterr()['over']",
        f"np.seterr(**{NUMPY_ERRORS})",
    ),
}
IMPORTS = (
    "import sys, decimal, locale, numpy as np, pandas as pd, matplotlib.pyplot as plt\n"
    "try: import seaborn as sns\nexcept ImportError: pass\n"
    "try: import sklearn\nexcept ImportError: pass\n"
    "try: import torch\nexcept ImportError: pass\n"
    "try: import plotly.io as pio\nexcept ImportError: pass"
)


@pytest.mark.parametrize(("library", "sets", "reads", "back"), OPTIONS.values(), ids=OPTIONS)
def test_an_option_is_set_again(nb, library, sets, reads, back):
    pytest.importorskip(library)
    nb(IMPORTS)
    if library != "sys":
        _put_back(nb, library, back, 28)  # another test may have left it otherwise
    before = nb(f"%cache_cells off\n{reads}").value
    cell = f"{sets}\nx = 1"
    nb("%cache_cells on --min-time 0s")
    with _options_kept():
        nb(cell)
        assert last(nb).outcome == "stored", last(nb).reason
        after = nb.shell.ev(reads)
        _put_back(nb, library, back, before)
        assert nb.shell.ev(reads) == before != after

        nb(cell)

        assert last(nb).outcome == "hit" and nb.shell.ev(reads) == after
        _put_back(nb, library, back, before)


def test_an_option_in_no_key_that_stood_already_is_set_again_where_it_does_not(nb):
    nb("import sys")
    before = nb.shell.ev("sys.getrecursionlimit()")
    cell = "sys.setrecursionlimit(4321)\nx = 1"
    try:
        nb.shell.ex("sys.setrecursionlimit(4321)")
        nb(cell)
        assert last(nb).outcome == "stored", last(nb).reason
        nb.shell.ex(f"sys.setrecursionlimit({before})")

        nb(cell)

        assert last(nb).outcome == "hit" and nb.shell.ev("sys.getrecursionlimit()") == 4321
    finally:
        nb.shell.ex(f"sys.setrecursionlimit({before})")


def _put_back(nb, library, back, before):
    ways = {
        "pandas": "pd.reset_option('display.max_rows')",
        "numpy": "np.set_printoptions(precision=8)",
        "sklearn": "sklearn.set_config(display='diagram')",
        "decimal": f"decimal.getcontext().prec = {before}",
        "sys": f"sys.setrecursionlimit({before})",
    }
    nb.shell.ex(back or ways[library])


class _options_kept:
    def __enter__(self):
        import sys

        self.limit = sys.getrecursionlimit()

    def __exit__(self, *error):
        import decimal
        import sys

        sys.setrecursionlimit(self.limit)
        decimal.getcontext().prec = 28
        for name, undo in (
            ("matplotlib", lambda one: one.rcdefaults()),
            ("pandas", lambda one: one.reset_option("display.max_rows")),
            ("numpy", lambda one: [one.set_printoptions(precision=8), one.seterr(**NUMPY_ERRORS)]),
            ("sklearn", lambda one: one.set_config(display="diagram")),
        ):
            if name in sys.modules:
                undo(sys.modules[name])


def test_warning_filters_are_set_again_in_front():
    with warnings.catch_warnings():
        began = LibraryOptions()
        warnings.filterwarnings("ignore", message="xyz")
        changed = began.changed()
        del warnings.filters[0]

        set_again(changed)

        assert warnings.filters[0][1].pattern == "xyz" and warnings.filters[1:] == began._before["warnings"]["filters"]


# library, code that registers something, how it is undone
REGISTRATIONS = {
    "pandas accessor": ("pandas", "@pd.api.extensions.register_dataframe_accessor('geo')\nclass Geo: pass", ""),
    "polars namespace": ("polars", "@pl.api.register_dataframe_namespace('geo')\nclass Geo: pass", ""),
    "xarray accessor": ("xarray", "@xr.register_dataarray_accessor('geo')\nclass Geo: pass", ""),
    "line magic": (
        "IPython",
        "from IPython.core.magic import register_line_magic\n@register_line_magic\ndef mine(line): pass",
        "",
    ),
    "pickle": (
        "copyreg",
        "copyreg.pickle(slice, lambda s: (slice, (s.start, s.stop)))",
        "copyreg.dispatch_table.pop(slice)",
    ),
    "pickle below": (
        "copyreg",
        "def f(): copyreg.pickle(slice, lambda s: 's')\nf()",
        "copyreg.dispatch_table.pop(slice)",
    ),
    "formatter": ("IPython", "get_ipython().display_formatter.formatters['text/html'].for_type(complex, str)", ""),
    "logging handler": (
        "logging",
        "logging.getLogger('app').addHandler(logging.NullHandler())",
        "logging.getLogger('app').handlers.clear()",
    ),
    "logging level": (
        "logging",
        "def f(): logging.getLogger('matplotlib').setLevel(7)\nf()",
        "logging.getLogger('matplotlib').setLevel(0)",
    ),
    "signal": (
        "signal",
        "def f(): signal.signal(signal.SIGUSR1, lambda *a: None)\nf()",
        "signal.signal(signal.SIGUSR1, signal.SIG_DFL)",
    ),
    "atexit": ("atexit", "atexit.register(print)", "atexit.unregister(print)"),
    "abc": ("collections.abc", "class S: pass\ncollections.abc.Sequence.register(S)", ""),
    "sys.path": ("sys", "def f(): sys.path.append('nowhere')\nf()", "sys.path.remove('nowhere')"),
    "import hook": (
        "sys",
        "class Finder:\n    def find_spec(self, *a): pass\ndef f(): sys.meta_path.append(Finder())\nf()",
        "sys.meta_path.pop()",
    ),
    "builtins": ("builtins", "def f(): builtins.mine = 1\nf()", "del builtins.mine"),
    "umask": ("os", "os.umask(0o77)", "os.umask(0o22)"),
    "joblib": (
        "joblib",
        "joblib.parallel_config('threading')",
        "joblib.parallel.get_active_backend; joblib.parallel._backend.__dict__.clear()",
    ),
    "callback": (
        "IPython",
        "def hook(): pass\ndef f(): get_ipython().events.register('post_run_cell', hook)\nf()",
        "get_ipython().events.unregister('post_run_cell', hook)",
    ),
    "duckdb": ("duckdb", "def f(): duckdb.sql('create table t (a int)')\nf()", "duckdb.sql('drop table t')"),
    "environment": ("os", "os.environ['NBTEST_X'] = '1'", "os.environ.pop('NBTEST_X')"),
    "attribute of a library": ("pandas", "pd.DataFrame.twice = lambda self: 2", "del pd.DataFrame.twice"),
    "umask taken": ("os", "before = os.umask(0o77)", "os.umask(0o22)"),
    "umask below": ("os", "def f(): return os.umask(0o77)\nx = f()", "os.umask(0o22)"),
    "csv": ("csv", "before = csv.field_size_limit(77)", "csv.field_size_limit(131072)"),
    "csv below": ("csv", "def f(): csv.field_size_limit(77)\nf()", "csv.field_size_limit(131072)"),
    "types of files": ("mimetypes", "mimetypes.add_type('a/b', '.nbx')", "mimetypes.init()"),
    "memory traced": ("tracemalloc", "tracemalloc.start()", "tracemalloc.stop()"),
    "memory traced below": ("tracemalloc", "def f(): tracemalloc.start()\nf()", "tracemalloc.stop()"),
    "garbage": ("gc", "def f(): gc.set_threshold(321)\nf()", "gc.set_threshold(*thresholds)"),
    "sockets": ("socket", "def f(): socket.setdefaulttimeout(7)\nf()", "socket.setdefaulttimeout(None)"),
    "weeks": ("calendar", "def f(): calendar.setfirstweekday(6)\nf()", "calendar.setfirstweekday(0)"),
    "digits": ("sys", "def f(): sys.set_int_max_str_digits(9999)\nf()", "sys.set_int_max_str_digits(4300)"),
    "start method": (
        "multiprocessing",
        "def f(): multiprocessing.set_start_method('spawn', force=True)\nf()",
        "multiprocessing.set_start_method(None, force=True)",
    ),
    "shown errors": (
        "IPython",
        "def f(): get_ipython().set_custom_exc((KeyError,), lambda *a: None)\nf()",
        "get_ipython().set_custom_exc((), None)",
    ),
    "a setter of another library": (
        "numba",
        "import numba\nnumba.set_num_threads(1)",
        "numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)",
    ),
    "a list of a library's": ("sys", "sys.path.append('nowhere')", "sys.path.remove('nowhere')"),
}
LIBRARIES = (
    "import atexit, builtins, calendar, collections.abc, copyreg, csv, gc, logging, mimetypes, multiprocessing, os\n"
    "import importlib, signal, socket, sys, tracemalloc\n"
    "thresholds = gc.get_threshold()\n"
    "for name, short in dict(pandas='pd', polars='pl', xarray='xr', duckdb='duckdb', joblib='joblib').items():\n"
    "    try: globals()[short] = importlib.import_module(name)\n    except ImportError: pass"
)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("library", "registers", "undo"), REGISTRATIONS.values(), ids=REGISTRATIONS)
def test_what_registers_something_simply_runs(nb, library, registers, undo):
    pytest.importorskip(library)
    nb.shell.ex(LIBRARIES)
    try:
        nb(registers)
        assert last(nb).outcome == "not cached" and "it changes" in last(nb).reason, last(nb)
    finally:
        if undo:
            nb.shell.ex(undo)


OWN = {
    "a thread": "import threading; threading.Thread(target=abs, args=(1,)).start()",
    "setters on the current axes": "plt.plot([1, 2]); plt.gca().set_aspect('equal'); plt.close()",
    "ticks": "plt.plot([1, 2]); plt.gca().xaxis.set_ticklabels([]); plt.close()",
    "the size of the figure": "plt.plot([1, 2]); plt.gcf().set_size_inches(3, 3); plt.close()",
    "a name that the cell binds": "fig, axes = plt.subplots(); axes.set_xlabel('x'); plt.close(); del fig, axes",
    "a callable object": "p[0] = 5",
}


@pytest.mark.parametrize("cell", OWN.values(), ids=OWN)
def test_setters_on_the_notebooks_own_objects_change_nothing_else(nb, cell):
    pytest.importorskip("matplotlib").use("agg")
    nb("import matplotlib.pyplot as plt, numpy as np\nfrom pylab import *\np = np.poly1d([1, 2])")
    nb(cell)
    assert last(nb).outcome == "stored", last(nb).reason


def test_a_figure_that_pyplot_goes_on_drawing_into_makes_the_cell_run(nb):
    pytest.importorskip("matplotlib").use("agg")
    nb("import matplotlib.pyplot as plt")
    nb("plt.plot([1, 2])")
    assert last(nb).outcome == "not cached" and "stay open" in last(nb).reason
    nb("plt.close()")


def test_a_program_that_a_library_starts_for_itself_is_no_effect(nb, tmp_path, monkeypatch):
    folder = tmp_path / "site-packages" / "counting"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(
        "import os, subprocess, sys, tempfile\n"
        "def cores():\n"
        "    place = os.path.join(tempfile.gettempdir(), f'counting_{os.getpid()}')\n"
        "    os.makedirs(place)\n"
        "    open(os.path.join(place, 'x'), 'w').close()\n"
        "    return subprocess.run([sys.executable, '-c', 'print(2)'], capture_output=True).stdout\n"
    )
    monkeypatch.syspath_prepend(str(folder.parent))
    nb("import counting, subprocess, sys")

    nb("n = counting.cores()")
    assert last(nb).outcome == "stored", last(nb).reason

    nb("m = subprocess.run([sys.executable, '-c', 'print(2)'], capture_output=True).stdout")
    assert last(nb).outcome == "not cached" and "it runs python" in last(nb).reason


def test_training_is_cached(nb):
    pytest.importorskip("sklearn")
    nb("import numpy as np\nfrom sklearn.cluster import KMeans\nX = np.arange(40.).reshape(-1, 2)")
    nb("km = KMeans(3, n_init=1, random_state=0).fit(X)")
    assert last(nb).outcome == "stored", last(nb).reason
    nb("km = KMeans(3, n_init=1, random_state=0).fit(X)")
    assert last(nb).outcome == "hit"
    assert os.getcwd()


# what functions and classes of the notebook do, the cell that uses them, and whether that changes a library
BELOW = {
    "an attribute": ("def f(): string.nbx = 1", "f()", True),
    "two functions down": ("def g(): string.nbx = 1\ndef f(): return g()", "x = f()", True),
    "a setter": ("def f():\n    import numba as n\n    n.set_num_threads(1)", "f()", True),
    "a list of a library's": ("def f(): string.nbx_names.append(1)", "f()", True),
    "a method": ("class A:\n    def fit(self): string.nbx = 1", "A().fit()", True),
    "a constructor": ("class A:\n    def __init__(self): string.nbx = 1", "a = A()", True),
    "behind a wrapper": ("import functools\n@functools.lru_cache\ndef f(): string.nbx = 1", "x = f()", True),
    "another method": (
        "class A:\n    def fit(self): string.nbx = 1\n    def get(self): return 1",
        "x = A().get()",
        False,
    ),
    "defined only": ("", "def f(): string.nbx = 1", False),
    "of its own": ("def f(string): string.nbx = 1; return string\nclass B: pass", "x = f(B())", False),
    "set back": (
        "import io\ndef f():\n    old, sys.stdout = sys.stdout, io.StringIO()\n    sys.stdout = old",
        "x = f()",
        False,
    ),
}


@pytest.mark.parametrize(("code", "cell", "changes"), BELOW.values(), ids=BELOW)
def test_what_a_function_of_the_notebook_changes_in_a_library_makes_the_cell_run(nb, code, cell, changes):
    pytest.importorskip("numba") if "numba" in code else None
    nb.shell.ex("import string, sys\nstring.nbx_names = []")
    try:
        nb(code or "None")
        nb(cell)
        assert ("it changes the session" in last(nb).reason) is changes, last(nb)
        nb(cell)
        assert last(nb).outcome == ("not cached" if changes else "hit"), last(nb)
    finally:
        nb.shell.ex("vars(string).pop('nbx', None); del string.nbx_names")
        if "numba" in code:
            nb.shell.ex("import numba; numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)")


@pytest.mark.parametrize("draws", ["ax.plot([1, 2])", "ax.set_title('x')", "fig.add_axes((0, 0, 1, 1))"])
def test_drawing_into_a_figure_of_an_earlier_cell_runs_and_says_so(nb, draws):
    pytest.importorskip("matplotlib").use("agg")
    nb("import matplotlib.pyplot as plt\nfig, ax = plt.subplots(); plt.close(fig)")
    nb(f"{draws}; None")
    assert last(nb).outcome == "not cached" and "it draws into" in last(nb).reason


def test_what_is_no_part_of_a_figure_is_changed_in_place_again(nb):
    pytest.importorskip("matplotlib")
    nb("from matplotlib.colors import Normalize\nn = Normalize(0, 1)")
    nb("n.vmin = .5")
    assert last(nb).outcome == "stored", last(nb).reason


@pytest.mark.parametrize(("closes", "interactive"), [(False, True), (True, False)])
def test_a_figure_that_inline_leaves_open_makes_the_cell_run(nb, closes, interactive):
    pytest.importorskip("matplotlib").use("agg")
    config = pytest.importorskip("matplotlib_inline.config")
    nb("import matplotlib.pyplot as plt")
    plt = nb.ns["plt"]
    plt.switch_backend("module://matplotlib_inline.backend_inline")
    backend = config.InlineBackend.instance(parent=nb.shell)
    was = plt.isinteractive()
    try:
        backend.close_figures = closes
        plt.interactive(interactive)
        nb("plt.plot([1, 2])\nx = 1")
        assert last(nb).outcome == "not cached" and "stay open" in last(nb).reason
        nb("plt.plot([2, 1])\nx = 2")
        assert last(nb).outcome == "not cached" and "stay open" in last(nb).reason
    finally:
        plt.interactive(was)
        config.InlineBackend.clear_instance()
        plt.close("all")
        plt.switch_backend("agg")


def test_names_that_keras_gives_go_on_after_a_hit(monkeypatch):
    """Of keras only the counter is here: to import it takes longer than all tests of this file."""
    names = {"dense": 1}
    module = "keras.src.backend.common.global_state"
    monkeypatch.setitem(sys.modules, module, SimpleNamespace(get_global_attribute=lambda *_, **__: names))
    before = LibraryOptions()
    names["dense"] = 3
    changed = before.changed()

    names["dense"] = 2
    set_again(changed)
    assert names["dense"] == 3
    names["dense"] = 9
    set_again(changed)
    assert names["dense"] == 9


CHANGED_ARGUMENTS = {
    "an object of an earlier cell": ("G = nx.path_graph(3)", "nx.set_node_attributes(G, 7, 'n')\nn = G.nodes[2]['n']"),
    "an object of its own": ("", "G = nx.path_graph(3)\nnx.set_node_attributes(G, 7, 'n')\nn = G.nodes[2]['n']"),
    "the argument of a helper": (
        "def label(H): nx.set_node_attributes(H, 7, 'n')\nG = nx.path_graph(3)",
        "label(G)\nn = G.nodes[2]['n']",
    ),
}


@pytest.mark.parametrize(("before", "cell"), CHANGED_ARGUMENTS.values(), ids=CHANGED_ARGUMENTS)
def test_a_function_of_a_library_that_changes_its_argument_changes_no_library(nb, before, cell):
    pytest.importorskip("networkx")
    nb("import networkx as nx")
    for _ in range(2):
        nb(before)
        nb("held = [globals().get('G')]")
        nb(cell)
    assert last(nb).outcome == "hit" and nb.ns["n"] == 7
    assert not before or nb.ns["held"][0] is nb.ns["G"]


LIBRARY_ALL_THE_SAME = {
    "a text first": "name = 'n'\nlocal.set_option(name, 5)",
    "an object of another library": "value = [1]\nlocal.set_hook(value, 5)",
    "setattr": "setattr(local, 'option', 5)",
}


@pytest.mark.parametrize("cell", LIBRARY_ALL_THE_SAME.values(), ids=LIBRARY_ALL_THE_SAME)
def test_a_function_of_a_library_that_takes_something_else_changes_the_library(nb, monkeypatch, cell):
    local = ModuleType("local")
    local.set_option = local.set_hook = lambda *given: given
    monkeypatch.setitem(sys.modules, "local", local)
    nb("import local")
    nb(cell)
    assert "it changes the session" in last(nb).reason

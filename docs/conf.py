"""How the documentation site is built; `python3 dev.py docs` builds and checks it."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT))

import nbcache  # noqa: E402

project = "nbcache"
author = "nbcache contributors"
copyright = author
release = version = nbcache.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "numpydoc", "sphinx_copybutton"]
exclude_patterns = ["_build", "**/.ipynb_checkpoints"]
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb"}

# Pages are read with the same rules on code-hosting sites: nothing that only Sphinx understands but a few directives.
myst_enable_extensions = ["attrs_inline"]
myst_heading_anchors = 3

# The notebooks lie beside the package, where people look for them.
notebooks = HERE / "notebooks"
shutil.rmtree(notebooks, ignore_errors=True)
notebooks.mkdir()
for notebook in sorted((ROOT / "notebooks").glob("*.ipynb")):
    shutil.copy(notebook, notebooks)
nb_execution_mode = os.environ.get("NBCACHE_DOCS_EXECUTE", "off")
nb_execution_timeout = 300
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_merge_streams = True
# A page has no kernel behind a widget: the table or the text beside it is shown, and no code for widgets is fetched.
nb_ipywidgets_js = {}
nb_mime_priority_overrides = [("html", "application/vnd.jupyter.widget-view+json", None)]

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_class_signature = "separated"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False



def described(app, what, name, obj, options, lines):  # noqa: ANN001
    """Let numpydoc read "name : what it means", our short form, as a name and its description."""
    shown, inside = [], False
    for line, following in zip(lines, [*lines[1:], ""]):
        if following.strip() and set(following.strip()) == {"-"}:
            inside = line.strip() in ("Parameters", "Attributes")
        match = re.fullmatch(r"(\w[\w, ]*?) : (.*)", line) if inside else None
        shown += [match[1], f"    {match[2]}"] if match else [line]
    lines[:] = shown


def setup(app):  # noqa: ANN001
    app.connect("autodoc-process-docstring", described, priority=100)


html_theme = "pydata_sphinx_theme"
html_title = "nbcache"
html_static_path = []
html_show_sourcelink = False
html_context = {"default_mode": "auto"}
html_sidebars = {"**": ["globaltoc.html"]}
html_theme_options = {
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "show_prev_next": True,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "navbar_center": [],
    "navbar_end": ["theme-switcher"],
    "globaltoc_includehidden": True,
    "globaltoc_maxdepth": 1,
}
copybutton_exclude = ".linenos, .gp, .go"

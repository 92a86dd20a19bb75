"""Make nbcache's magics available without `%load_ext nbcache`, for those who set NBCACHE_AUTOLOAD=1.

IPython runs this file in every terminal and kernel of the environment, so it does nothing unless asked to,
imports nothing, and registers the magics lazily: the first one used loads the extension.
"""


def _register_magics_of_nbcache():
    import os

    if os.environ.get("NBCACHE_AUTOLOAD", "").strip().lower() in ("", "0", "false", "no", "off"):
        return
    names = ("clear", "info", "explain", "panel", "cell", "cells", "trust")
    try:
        magics = get_ipython().magics_manager  # noqa: F821  (IPython runs this file where the name exists)
        for name in names:
            magics.register_lazy(f"cache_{name}", "nbcache")
    except Exception as error:  # a start must not fail for a convenience
        print(f"nbcache: NBCACHE_AUTOLOAD had no effect ({error}); use %load_ext nbcache")


_register_magics_of_nbcache()
del _register_magics_of_nbcache

"""The panel: see the cache, clear the cache."""

from nbcache.notebook.panel.static import text_table

__all__ = ["text_table"]

"""The panel: see the cache, clear the cache."""

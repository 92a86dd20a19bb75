"""Cache what a notebook computes: `%load_ext nbcache`, `@cache_data`, `%%cache_cell`."""

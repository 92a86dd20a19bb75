"""How the real thing is run: once per key, in the background, or in parallel."""

"""Which options of libraries does code use, and what are they now."""

"""One cached cell: found by its key and restored, or run and kept."""

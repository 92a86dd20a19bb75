"""What is in the cache, and why: rows of numbers, explanations, whole or damaged files, trusted keys."""

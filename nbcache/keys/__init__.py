"""What makes two calls equal: digests of values, fingerprints of code, files that were read, and the key of a call."""

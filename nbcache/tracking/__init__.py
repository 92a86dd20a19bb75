"""What does code rest on, and what did a run see: fingerprints of functions, and the files that were read."""

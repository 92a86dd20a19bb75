"""What is one value, as a digest: on its full content, equal over processes and hash seeds."""

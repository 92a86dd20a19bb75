"""One folder of signed files, shared by many processes."""

"""What does one code object say: its digest, what it reads and writes, and the texts in it that are code."""

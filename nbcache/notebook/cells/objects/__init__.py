"""Which objects do the names of a namespace reach, which of them share parts, and how is one put back as it was."""

"""What does the syntax tree of a cell say: names read and bound, in code and in strings."""

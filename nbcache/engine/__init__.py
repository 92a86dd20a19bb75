"""How a result is found or made: one road for functions and cells."""

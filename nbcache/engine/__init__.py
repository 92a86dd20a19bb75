"""How a result is found or made: one path for functions and cells."""

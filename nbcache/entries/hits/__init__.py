"""How a hit gets a value of its own, cheaply for what its holder does with it."""

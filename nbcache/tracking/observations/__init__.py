"""What did a run see of the world outside its arguments and code: each thing with a kind, a name, and a digest."""

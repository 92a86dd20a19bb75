"""Which files does a run write, and how does a hit put them back."""

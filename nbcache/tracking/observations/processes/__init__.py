"""What other processes see for a run: programs, workers, and children that cannot tell."""

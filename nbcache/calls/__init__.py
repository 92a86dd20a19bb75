"""What happens when a cached function is called."""

"""What does a cell do beside the namespace: programs, options, and what it registers."""

"""What does a cell do beside the namespace: files, programs, options, and what it registers."""

"""What does the line of a magic mean, and what does it print."""

"""What makes two calls equal: a call bound to its signature, and its key."""

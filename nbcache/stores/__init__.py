"""Where the bytes of entries live, and for how long."""

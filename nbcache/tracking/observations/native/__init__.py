"""Which files does native code open, unseen by Python."""

"""The parts of the stress run: what all processes share, what is cached, who calls, and who disturbs."""

"""Random generators: in which state does a run find those that it draws from, and in which does it leave them?"""

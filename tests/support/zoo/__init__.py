"""The zoo: objects of the types that data scientists meet, as tables of what a test needs to know of each."""

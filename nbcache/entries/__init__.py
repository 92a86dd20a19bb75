"""How a value becomes trusted bytes, and back.

Above this wing there are values, below it only buffers: `entry` alone opens bytes, and verifies before it loads.
"""

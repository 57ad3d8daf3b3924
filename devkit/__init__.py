"""What developers use and production does not have: everything on one machine, the story,
benchmarks, the test kit.
"""

"""What developers use and production does not have: `wishtree up`, benchmarks, the test kit."""

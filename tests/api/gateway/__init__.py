"""The pages, in front of all four services."""

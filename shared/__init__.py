"""Plumbing and contracts of all four services. Imports no service: `cli` and `gateway` load them by
name.
"""

SERVICES = ("registration", "wishes", "rewards", "notify")

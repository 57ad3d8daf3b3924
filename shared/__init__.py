"""The library of all four services: plumbing and the contracts of events. Imports no service."""

SERVICES = ("registration", "wishes", "rewards", "notify")

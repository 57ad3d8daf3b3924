"""Everything on one machine: private servers, a supervisor for our processes, and `wishtree up`.

Not used in production, where database and broker are given. Nothing here opens a port beyond
loopback, changes accounts of the machine or touches servers that it did not start.
"""

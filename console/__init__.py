"""The `wishtree` command: the one place that knows every service, the gateway and the tools for
developers.
"""

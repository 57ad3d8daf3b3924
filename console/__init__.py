"""The `wishtree` command: the only place that knows every service, the gateway and the tools."""

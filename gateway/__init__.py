"""One origin for all services: each resource is passed to the service that owns it; pages and
log-in are here.
"""

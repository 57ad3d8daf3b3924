"""Serve all services and the pages at one address.

Each API request goes to the service that owns its path; pages and log-in are served here.
"""

"""Backup and restore of all schemas at once, without PostgreSQL's client programs.

The production image has none of them, and they would have to fit the server's version.
"""

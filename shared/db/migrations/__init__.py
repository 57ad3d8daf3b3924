"""Alembic for every service: `plumbing/` is the history of the tables that all services have.

Each service keeps the history of its own tables.
"""

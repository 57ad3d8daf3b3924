"""Alembic for every service: one history of the tables that all have (`plumbing/`), and one for
each service's own.
"""

"""Celery: make its app, schedule periodic jobs, and enqueue jobs after a commit."""

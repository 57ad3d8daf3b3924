"""Celery entry points of registration: a few lines each, calling a verb."""

from shared import housekeeping

housekeeping.declare("registration")

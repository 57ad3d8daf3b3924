"""Celery entry points of rewards: a few lines each, calling a verb."""

from shared import housekeeping

housekeeping.declare("rewards")

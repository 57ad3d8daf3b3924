"""Celery entry points of notify: a few lines each, calling a verb."""

from shared import housekeeping

housekeeping.declare("notify")

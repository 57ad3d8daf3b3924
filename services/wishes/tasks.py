"""Celery entry points of wishes: a few lines each, calling a verb."""

from shared import housekeeping

housekeeping.declare("wishes")

"""One blueprint per resource: parse, call one verb, render."""

from apiflask import APIBlueprint

from services.wishes.api import claims, statistics, wishes

BLUEPRINTS: tuple[APIBlueprint, ...] = (wishes.bp, claims.bp, statistics.bp)

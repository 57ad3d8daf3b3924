"""One blueprint per resource: parse, call one verb, render."""

from apiflask import APIBlueprint

BLUEPRINTS: tuple[APIBlueprint, ...] = ()

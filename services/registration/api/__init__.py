"""One blueprint per resource: parse, call one verb, render."""

from apiflask import APIBlueprint

from services.registration.api import activities, auth, organisations, records, volunteers

BLUEPRINTS: tuple[APIBlueprint, ...] = (
    auth.bp,
    organisations.bp,
    volunteers.bp,
    activities.bp,
    records.bp,
)

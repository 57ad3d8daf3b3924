"""One blueprint per resource: parse, call one verb, render."""

from apiflask import APIBlueprint

from services.notify.api import alerts, messages, subscriptions
from shared.service.dead_letters_api import dead_letters_blueprint

BLUEPRINTS: tuple[APIBlueprint, ...] = (
    alerts.bp,
    messages.bp,
    subscriptions.bp,
    dead_letters_blueprint("/v1/dead-letters"),
)

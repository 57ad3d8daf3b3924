"""Which service owns which path.

A path is the same at the service itself, through the gateway and through the ingress, whose map
`gateway.nginx_map` writes from this table. A test compares the table with the routes of the apps.
"""

import re

from shared import SERVICES

RESOURCES = {
    "registration": (
        "auth",
        "oauth",
        "clients",
        "staff",
        "organisations",
        "volunteers",
        "activities",
        "sessions",
        "service-records",
        "corrections",
    ),
    "wishes": (
        "wishes",
        "claims",
        "statistics",
    ),
    "rewards": (
        "venues",
        "products",
        "rules",
        "accounts",
        "exchanges",
        "vouchers",
        "holds",
        "webhooks",
        "pool",
        "disputes",
        "settlements",
        "ledger",
    ),
    "notify": (
        "people",
        "alerts",
        "messages",
        "templates",
        "subscriptions",
        "dead-letters",
    ),
}
"""The first part of a path below /v1/, besides `BY_SERVICE`."""

OWN_PAGES = ("openapi.json", "docs", "readyz", "metrics", "dead-letters")
"""What each service serves below its own name. /wishes/{id} is a page of the gateway."""

BY_SERVICE = ("events", "audit", "evidence")
"""What every service serves below /v1/, by its own name: /v1/events/{service}."""

_OWNER = {resource: service for service, resources in RESOURCES.items() for resource in resources}
_RESOURCE = re.compile(r"/v1/([a-z-]+)(?:[/:]|$)")


def owner_of(path: str) -> str | None:
    """The service that answers this path, or None for the gateway itself."""
    if path.startswith("/.well-known/jwks.json"):
        return "registration"
    resource = _RESOURCE.match(path)
    if resource and resource[1] in _OWNER:
        return _OWNER[resource[1]]
    return _owner_by_name(path.split("/"))


def _owner_by_name(parts: list[str]) -> str | None:
    """The service that a path names: as in /v1/events/{service} or /{service}/{page}."""
    match parts:
        case ["", "v1", part, service, *_] if part in BY_SERVICE and service in SERVICES:
            return service
        case ["", service, page, *_] if service in SERVICES and page in OWN_PAGES:
            return service
    return None

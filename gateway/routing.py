"""Which service owns which path. The same path works directly at the service and through the
gateway.
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
        "help-requests",
        "joint-events",
        "salons",
        "certificates",
        "imports",
        "exports",
        "reports",
    ),
    "wishes": ("wishes", "claims", "claimers", "matchings", "statistics"),
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
        "wechat",
        "dead-letters",
    ),
}
OWN_PAGES = ("openapi.json", "docs", "readyz", "metrics", "parts", "dead-letters")
"""What a service serves under its own name; `/wishes/{id}` is a page of the gateway."""

_OWNER = {resource: service for service, resources in RESOURCES.items() for resource in resources}
_RESOURCE = re.compile(r"/v1/([a-z-]+)(?:[/:]|$)")


def owner_of(path: str) -> str | None:
    """The service that answers this path, or None for the gateway itself."""
    if path.startswith("/.well-known/jwks.json"):
        return "registration"
    parts = path.split("/")
    if path.startswith("/v1/events/") and parts[3] in SERVICES:
        return parts[3]
    if len(parts) > 2 and parts[1] in SERVICES and parts[2] in OWN_PAGES:
        return parts[1]
    found = _RESOURCE.match(path)
    return _OWNER.get(found.group(1)) if found else None

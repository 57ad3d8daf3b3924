"""The settings that our processes read from their environment."""

import os
from collections.abc import Mapping
from pathlib import Path

from devkit.local.place import Place
from devkit.local.ports import LOOPBACK
from devkit.local.secret_files import new_data_key, new_signing_key, secret, secret_file
from devkit.local.servers import PostgresServer, RabbitServer, ValkeyServer
from shared import SERVICES

DATABASE = "wishtree"
OWNER = "wishtree_owner"
HIDDEN = {"WISHTREE_SIGNING_KEY", "WISHTREE_DATA_KEY", "WISHTREE_DATABASE_URL"}
"""A stray secret in our own environment must not hide the one in the file."""


def owner_password(data: Path) -> str:
    return secret(data, "owner-database-password")


def settings_of(
    place: Place, postgres: PostgresServer, broker: ValkeyServer | RabbitServer
) -> dict[str, str]:
    """All settings of an installation. Secrets are made at the first start."""
    data, embedded = place.data, place.mode == "embedded"
    settings = {
        "WISHTREE_OWNER_DATABASE_URL": postgres.url(OWNER, owner_password(data), DATABASE),
        "WISHTREE_BROKER_URL": broker.url(),
        "WISHTREE_SIGNING_KEY_FILE": str(secret_file(data, "signing-key.pem", new_signing_key)),
        "WISHTREE_DATA_KEY_FILE": str(secret_file(data, "data-key", new_data_key)),
        "WISHTREE_PUBLIC_URL": f"http://localhost:{place.port}",
        "WISHTREE_EMBEDDED": "true" if embedded else "false",
        "WISHTREE_CATCH_UP_EVERY_SECONDS": "30" if embedded else "180",
        # The story's webhook receiver runs on this machine.
        "WISHTREE_WEBHOOK_TEST_NETWORKS": "127.0.0.0/8",
        "WISHTREE_DATA_DIR": str(data),
    }
    for service in SERVICES:
        settings |= _settings_of_service(service, place, postgres)
    return settings


def _settings_of_service(service: str, place: Place, postgres: PostgresServer) -> dict[str, str]:
    prefix = f"WISHTREE_{service.upper()}_"
    password = secret(place.data, f"{service}-database-password")
    return {
        prefix + "DATABASE_URL": postgres.url(f"{service}_app", password, DATABASE),
        prefix + "URL": f"http://{LOOPBACK}:{place.port_of(service)}",
        prefix + "CLIENT_SECRET": secret(place.data, f"{service}-client-secret"),
    }


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Our own environment with these settings, and no proxy between the services."""
    env = {name: value for name, value in os.environ.items() if name not in HIDDEN}
    proxied = env.get("NO_PROXY", env.get("no_proxy", ""))
    direct = ",".join(filter(None, [proxied, "localhost", LOOPBACK]))
    return {**env, "PYTHONUNBUFFERED": "1", "NO_PROXY": direct, "no_proxy": direct, **settings}

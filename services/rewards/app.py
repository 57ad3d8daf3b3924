"""The service rewards, as the command line and the tests load it."""

from pathlib import Path

from services.rewards import audit, events, tasks
from services.rewards.api import BLUEPRINTS
from services.rewards.models.base import Base
from services.rewards.venues.keys import principal_of_key
from shared.core.settings import Settings
from shared.service.definition import ServiceDefinition
from shared.service.web import ServiceApp, make_app

SERVICE = ServiceDefinition(
    name="rewards",
    models=Base.metadata,
    events=events,
    tasks=tasks,
    blueprints=BLUEPRINTS,
    migrations=Path(__file__).parent / "migrations",
    checks=audit.CHECKS,
    kinds=audit.KINDS,
    api_keys=principal_of_key,
)


def create_app(settings: Settings | None = None) -> ServiceApp:
    """The web app of rewards. `wishtree api rewards` serves it."""
    return make_app(SERVICE, settings or Settings.read())

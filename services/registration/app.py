"""The service registration, as the command line and the tests load it."""

from pathlib import Path

from services.registration import audit, events, tasks
from services.registration.api import BLUEPRINTS
from services.registration.models.base import Base
from shared.core.settings import Settings
from shared.service.definition import ServiceDefinition
from shared.service.web import ServiceApp, make_app

SERVICE = ServiceDefinition(
    name="registration",
    models=Base.metadata,
    events=events,
    tasks=tasks,
    blueprints=BLUEPRINTS,
    migrations=Path(__file__).parent / "migrations",
    evidence=audit.EVIDENCE,
    checks=audit.CHECKS,
    kinds=audit.KINDS,
)


def create_app(settings: Settings | None = None) -> ServiceApp:
    """The web app of registration. `wishtree api registration` serves it."""
    return make_app(SERVICE, settings or Settings.read())

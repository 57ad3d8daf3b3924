"""The service notify, as the command and the tests load it."""

from pathlib import Path

from services.notify import audit, events, tasks
from services.notify.api import BLUEPRINTS
from services.notify.models.base import Base
from shared.core.settings import Settings
from shared.service.definition import ServiceDefinition
from shared.service.web import ServiceApp, make_app

SERVICE = ServiceDefinition(
    name="notify",
    models=Base.metadata,
    events=events,
    tasks=tasks,
    blueprints=BLUEPRINTS,
    migrations=Path(__file__).parent / "migrations",
    checks=audit.CHECKS,
    kinds=audit.KINDS,
)


def create_app(settings: Settings | None = None) -> ServiceApp:
    """The web app of notify. `wishtree api notify` serves it."""
    return make_app(SERVICE, settings or Settings.read())

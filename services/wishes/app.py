"""The service wishes, as the command line and the tests load it."""

from pathlib import Path

from services.wishes import audit, events, tasks
from services.wishes.api import BLUEPRINTS
from services.wishes.models.base import Base
from services.wishes.settings import WishesSettings
from shared.service.definition import ServiceDefinition
from shared.service.web import ServiceApp, make_app

SERVICE = ServiceDefinition(
    name="wishes",
    models=Base.metadata,
    events=events,
    tasks=tasks,
    blueprints=BLUEPRINTS,
    migrations=Path(__file__).parent / "migrations",
    evidence=audit.EVIDENCE,
    checks=audit.CHECKS,
    kinds=audit.KINDS,
    settings=WishesSettings,
)


def create_app(settings: WishesSettings | None = None) -> ServiceApp:
    """The web app of wishes. `wishtree api wishes` serves it."""
    return make_app(SERVICE, settings or WishesSettings.read())

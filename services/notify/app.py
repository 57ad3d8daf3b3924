"""The web app of notify. `wishtree api notify` serves it."""

from services.notify.api import BLUEPRINTS
from services.notify.settings import NotifySettings
from shared.service.web import ServiceApp, make_app


def create_app(settings: NotifySettings | None = None) -> ServiceApp:
    return make_app("notify", settings or NotifySettings.read(), BLUEPRINTS)

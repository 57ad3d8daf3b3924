"""The web app of wishes. `wishtree api wishes` serves it."""

from services.wishes.api import BLUEPRINTS
from services.wishes.settings import WishesSettings
from shared.service.web import ServiceApp, make_app


def create_app(settings: WishesSettings | None = None) -> ServiceApp:
    return make_app("wishes", settings or WishesSettings.read(), BLUEPRINTS)

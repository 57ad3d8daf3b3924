"""The web app of registration. `wishtree api registration` serves it."""

from services.registration.api import BLUEPRINTS
from services.registration.settings import RegistrationSettings
from shared.service.web import ServiceApp, make_app


def create_app(settings: RegistrationSettings | None = None) -> ServiceApp:
    return make_app("registration", settings or RegistrationSettings.read(), BLUEPRINTS)

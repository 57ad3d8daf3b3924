"""The web app of rewards. `wishtree api rewards` serves it."""

from services.rewards.api import BLUEPRINTS
from services.rewards.settings import RewardsSettings
from services.rewards.venues.keys import principal_of_key
from shared.service.web import ServiceApp, make_app


def create_app(settings: RewardsSettings | None = None) -> ServiceApp:
    return make_app("rewards", settings or RewardsSettings.read(), BLUEPRINTS, api_keys=principal_of_key)

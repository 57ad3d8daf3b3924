"""Compact mode: serve all four services and the gateway from one process."""

from console.services import create_api
from gateway.app import Gateway, caller_of
from gateway.shell import make_pages
from shared import SERVICES
from shared.core.settings import Settings


def create_compact() -> Gateway:
    apps = {service: create_api(service) for service in SERVICES}
    return Gateway(apps, make_pages(Settings.read(), caller_of(apps)))

"""The Celery app of wishes: its task list, queue and beat schedule. Compact mode joins all four."""

from celery import Celery

from services.wishes.settings import WishesSettings
from shared.jobs.celery import make_celery


def create_celery(settings: WishesSettings | None = None) -> Celery:
    return make_celery(["wishes"], settings or WishesSettings.read())

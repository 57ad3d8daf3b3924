"""The Celery app of notify: its task list, queue and beat schedule. Compact mode joins all four."""

from celery import Celery

from services.notify.settings import NotifySettings
from shared.jobs.celery import make_celery


def create_celery(settings: NotifySettings | None = None) -> Celery:
    return make_celery(["notify"], settings or NotifySettings.read())

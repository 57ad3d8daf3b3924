"""The Celery app of registration: its task list, queue and beat schedule. Compact mode joins all four."""

from celery import Celery

from services.registration.settings import RegistrationSettings
from shared.jobs.celery import make_celery


def create_celery(settings: RegistrationSettings | None = None) -> Celery:
    return make_celery(["registration"], settings or RegistrationSettings.read())

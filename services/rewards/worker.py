"""The Celery app of rewards: its task list, queue and beat schedule. Compact mode joins all four."""

from celery import Celery

from services.rewards.settings import RewardsSettings
from shared.jobs.celery import make_celery


def create_celery(settings: RewardsSettings | None = None) -> Celery:
    return make_celery(["rewards"], settings or RewardsSettings.read())

"""Celery entry points of wishes: a few lines each, calling a verb."""

from services.wishes import audit, claims, contacts, lifecycle
from services.wishes.settings import own_settings
from shared.jobs.periodic import periodic, work_off
from shared.service import auditing, housekeeping

housekeeping.declare("wishes")
auditing.declare("wishes", audit.CHECKS)

BATCH = 200


@periodic("wishes.release_expired_claims", every_seconds=60)
def release_expired_claims() -> None:
    """Put wishes back on the tree whose lease has lapsed, a batch per transaction."""
    work_off(claims.release_expired_claims, BATCH)


@periodic("wishes.expire_unclaimed", every_seconds=3600)
def expire_unclaimed() -> None:
    """Take wishes off the tree whose day has passed."""
    work_off(lifecycle.expire_unclaimed, BATCH)


@periodic("wishes.erase_old_contacts", every_seconds=3600)
def erase_old_contacts() -> None:
    """Erase contact data that no delivery needs any more."""
    days = own_settings().contact_kept_days
    work_off(lambda session, limit: contacts.erase_old_contacts(session, days, limit), BATCH)

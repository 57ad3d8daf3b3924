"""Its side of the conversation: what wishes says, and one reaction per fact it hears."""

from sqlalchemy.orm import Session

from services.wishes import claims, organisations, pool
from services.wishes.models import Standing
from shared.contracts.registration import (
    OrganisationRegistered,
    VolunteerActivated,
    VolunteerErased,
    VolunteerLeft,
    VolunteerMerged,
    VolunteerSuspended,
)
from shared.contracts.rewards import PoolWishGranted
from shared.messaging.inbox import handles


@handles(OrganisationRegistered)
def copy_organisations(session: Session, events: list[OrganisationRegistered]) -> None:
    """Know stations by their public name and whom they stand under."""
    organisations.note_organisations(session, events)


@handles(VolunteerSuspended)
def release_suspended(session: Session, events: list[VolunteerSuspended]) -> None:
    """What suspended volunteers hold hangs again, and they may not claim."""
    for event in sorted(events, key=lambda f: f.volunteer_id):
        claims.set_standing(
            session, event.volunteer_id, Standing.SUSPENDED, event.envelope.sequence, "staff"
        )


@handles(VolunteerActivated)
def welcome_back(session: Session, events: list[VolunteerActivated]) -> None:
    """Activated volunteers may claim, also after a suspension."""
    for event in sorted(events, key=lambda f: f.volunteer_id):
        claims.set_standing(
            session, event.volunteer_id, Standing.GOOD, event.envelope.sequence, None
        )


@handles(VolunteerLeft, VolunteerErased)
def release_gone(session: Session, events: list[VolunteerLeft | VolunteerErased]) -> None:
    """What volunteers held who left hangs again."""
    for event in sorted(events, key=lambda f: f.volunteer_id):
        claims.set_standing(
            session, event.volunteer_id, Standing.GONE, event.envelope.sequence, "claimer"
        )


@handles(VolunteerMerged)
def move_claims(session: Session, events: list[VolunteerMerged]) -> None:
    """Wishes that a duplicate held or granted belong to the registration that stays."""
    for event in sorted(events, key=lambda f: f.envelope.sequence):
        claims.merge_claimer(session, event.volunteer_id, event.into_id, event.envelope.sequence)


@handles(PoolWishGranted)
def grant_from_pool(session: Session, events: list[PoolWishGranted]) -> None:
    """Claim wishes for the vouchers that the pool gave for them, as far as they are still free."""
    for event in sorted(events, key=lambda f: f.wish_id):
        pool.take_grant(session, event)

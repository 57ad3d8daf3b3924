"""What wishes does about each event that it handles."""

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
    """Store public names of stations, and which organisation is above which."""
    organisations.note_organisations(session, events)


@handles(VolunteerSuspended)
def bar_suspended_volunteers(session: Session, events: list[VolunteerSuspended]) -> None:
    """Release what suspended volunteers claimed, and let them claim no more."""
    for event in sorted(events, key=lambda event: event.volunteer_id):
        claims.set_standing(
            session, event.volunteer_id, Standing.SUSPENDED, event.envelope.sequence, "staff"
        )


@handles(VolunteerActivated)
def let_activated_volunteers_claim(session: Session, events: list[VolunteerActivated]) -> None:
    """Let activated volunteers claim, also after a suspension."""
    for event in sorted(events, key=lambda event: event.volunteer_id):
        claims.set_standing(
            session, event.volunteer_id, Standing.GOOD, event.envelope.sequence, None
        )


@handles(VolunteerLeft, VolunteerErased)
def release_claims_of_those_who_left(
    session: Session, events: list[VolunteerLeft | VolunteerErased]
) -> None:
    """Release what volunteers claimed who left, and let them claim no more."""
    for event in sorted(events, key=lambda event: event.volunteer_id):
        claims.set_standing(
            session, event.volunteer_id, Standing.GONE, event.envelope.sequence, "claimer"
        )


@handles(VolunteerMerged)
def move_claims(session: Session, events: list[VolunteerMerged]) -> None:
    """Move what a duplicate claimed or granted to the registration that stays."""
    for event in sorted(events, key=lambda event: event.envelope.sequence):
        claims.merge_claimer(session, event.volunteer_id, event.into_id, event.envelope.sequence)


@handles(PoolWishGranted)
def grant_from_pool(session: Session, events: list[PoolWishGranted]) -> None:
    """Claim wishes for the vouchers that the pool gave for them, where they are still free."""
    for event in sorted(events, key=lambda event: event.wish_id):
        pool.take_grant(session, event)

"""Its side of the conversation: what wishes says, and one reaction per fact it hears."""

from sqlalchemy.orm import Session

from services.wishes import claims, organisations, pool
from services.wishes.models import Standing
from shared.auth.withdrawn import note_access_changed
from shared.contracts.base import Fact
from shared.contracts.registration import (
    OrganisationRegistered,
    PersonAccessChanged,
    VolunteerActivated,
    VolunteerErased,
    VolunteerLeft,
    VolunteerMerged,
    VolunteerSuspended,
)
from shared.contracts.rewards import PoolWishGranted
from shared.contracts.wishes import (
    WishClaimed,
    WishConfirmed,
    WishExpired,
    WishFulfilled,
    WishGrantDeclined,
    WishPublished,
    WishRejected,
    WishReleased,
    WishSubmitted,
    WishVerified,
    WishWithdrawn,
)
from shared.messaging.inbox import hears

PUBLISHES: tuple[type[Fact], ...] = (
    WishSubmitted,
    WishVerified,
    WishRejected,
    WishPublished,
    WishClaimed,
    WishReleased,
    WishFulfilled,
    WishConfirmed,
    WishWithdrawn,
    WishExpired,
    WishGrantDeclined,
)


@hears(PersonAccessChanged)
def withdraw_access(session: Session, facts: list[PersonAccessChanged]) -> None:
    """Tokens issued before the change no longer count here."""
    note_access_changed(session, facts)


@hears(OrganisationRegistered)
def copy_organisations(session: Session, facts: list[OrganisationRegistered]) -> None:
    """Know stations by their public name and whom they stand under."""
    organisations.note_organisations(session, facts)


@hears(VolunteerSuspended)
def release_suspended(session: Session, facts: list[VolunteerSuspended]) -> None:
    """What suspended volunteers hold hangs again, and they may not claim."""
    for fact in sorted(facts, key=lambda f: f.volunteer_id):
        claims.set_standing(
            session, fact.volunteer_id, Standing.SUSPENDED, fact.envelope.sequence, "staff"
        )


@hears(VolunteerActivated)
def welcome_back(session: Session, facts: list[VolunteerActivated]) -> None:
    """Activated volunteers may claim, also after a suspension."""
    for fact in sorted(facts, key=lambda f: f.volunteer_id):
        claims.set_standing(session, fact.volunteer_id, Standing.GOOD, fact.envelope.sequence, None)


@hears(VolunteerLeft, VolunteerErased)
def release_gone(session: Session, facts: list[VolunteerLeft | VolunteerErased]) -> None:
    """What volunteers held who left hangs again."""
    for fact in sorted(facts, key=lambda f: f.volunteer_id):
        claims.set_standing(
            session, fact.volunteer_id, Standing.GONE, fact.envelope.sequence, "claimer"
        )


@hears(VolunteerMerged)
def move_claims(session: Session, facts: list[VolunteerMerged]) -> None:
    """Wishes that a duplicate held or granted belong to the registration that stays."""
    for fact in sorted(facts, key=lambda f: f.envelope.sequence):
        claims.merge_claimer(session, fact.volunteer_id, fact.into_id, fact.envelope.sequence)


@hears(PoolWishGranted)
def grant_from_pool(session: Session, facts: list[PoolWishGranted]) -> None:
    """Claim wishes for the vouchers that the pool gave for them, as far as they are still free."""
    for fact in sorted(facts, key=lambda f: f.wish_id):
        pool.take_grant(session, fact)

"""How a wish gets onto the tree and off it again. What happens in between is in `claims`.

Every step is one guarded UPDATE (`move`): the second of two finds no row, and no decision depends
on what was read before.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, select, update
from sqlalchemy.orm import Session

from services.wishes.claimers import uncount_claim
from services.wishes.contacts import Person, keep_beneficiary, person_of
from services.wishes.models import HELD, OPEN, AgeBand, Wish, WishMove, WishStatus
from services.wishes.screening import APPEALS, findings
from shared.contracts.wishes import (
    ClaimerKind,
    WishExpired,
    WishPublished,
    WishRejected,
    WishSubmitted,
    WishVerified,
    WishWithdrawn,
)
from shared.core.clock import SITE, app_now, now
from shared.core.problems import Conflict, NotFound, Unprocessable
from shared.messaging.outbox import publish

CLOCK = "clock"
"""The actor of what no person did."""
ENDED = (WishStatus.CONFIRMED, WishStatus.REJECTED, WishStatus.WITHDRAWN, WishStatus.EXPIRED)


class WishNotFound(NotFound):
    """There is no such wish, or you may not see it."""


class WishNotReady(Conflict):
    """The wish is not in the state that this step starts from."""


class AppealForOtherChannels(Unprocessable):
    """For money or medical costs please turn to the channels named here."""


class WordsNotPublic(Unprocessable):
    """The text contains something that the public tree may not show."""


class RejectReason(StrEnum):
    """Why a wish was refused."""

    NOT_A_WISH = "not_a_wish"
    DUPLICATE = "duplicate"
    CASH_OR_MEDICAL = "cash_or_medical"
    UNSAFE = "unsafe"
    NO_CONSENT = "no_consent"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class NewWish:
    """A wish as it is submitted."""

    title: str
    description: str
    category: str
    age_band: AgeBand
    station_id: UUID
    need_by: date | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """A wish after its move, and whose it was before."""

    wish: Wish
    was: WishStatus
    claimer_id: UUID | None
    claimer_kind: ClaimerKind | None
    fence: int


def move(
    session: Session,
    wish_id: UUID,
    to: WishStatus,
    actor: str,
    *when: ColumnElement[bool],
    reason: str | None = None,
    **values: Any,
) -> Moved | None:
    """Move a wish if `when` holds, in one UPDATE, and write its history.

    Returns None if it does not hold: nothing changed.
    """
    if to in ENDED:
        values["ended_at"] = app_now()
    before = _update_if(session, wish_id, when, {"status": to, **values})
    if before is None:
        return None
    # Read again: the UPDATE did not change the session's copy of the row.
    wish = session.get_one(Wish, wish_id, populate_existing=True)
    _add_history(session, wish, before.status, actor, reason)
    return Moved(wish, before.status, before.claimer_id, before.claimer_kind, before.fence)


def _add_history(
    session: Session,
    wish: Wish,
    was: WishStatus | None,
    actor: str,
    reason: str | None = None,
) -> None:
    session.add(
        WishMove(
            wish_id=wish.id,
            from_status=was,
            to_status=wish.status,
            actor=actor,
            reason=reason,
            fence=wish.fence,
        )
    )


def _update_if(
    session: Session,
    wish_id: UUID,
    when: Iterable[ColumnElement[bool]],
    values: Mapping[str, object],
) -> Row[WishStatus, UUID | None, ClaimerKind | None, int] | None:
    """Update a wish if `when` holds on its newest row. Returns what the row was before."""
    # Locked and read first only to return what it was: `when` is what decides.
    before = select(Wish).where(Wish.id == wish_id).with_for_update().cte("before")
    return session.execute(
        update(Wish)
        .where(Wish.id == before.c.id, *when)
        .values(**values)
        .returning(before.c.status, before.c.claimer_id, before.c.claimer_kind, before.c.fence)
        .execution_options(synchronize_session=False)
    ).one_or_none()


def get_wish(session: Session, wish_id: UUID) -> Wish:
    """Return the newest row of a wish. Raises WishNotFound."""
    wish = session.get(Wish, wish_id, populate_existing=True)
    if wish is None:
        raise WishNotFound(f"No wish {wish_id}.")
    return wish


def not_ready(wish: Wish) -> WishNotReady:
    return WishNotReady(f"Wish {wish.id} is {wish.status}.", wish_status=wish.status)


def submit_wish(session: Session, person: Person, new: NewWish, actor: str) -> Wish:
    """Take in a wish for verification, and publish `wish.submitted`. The public sees none of it.

    Raises AppealForOtherChannels, GuardianConsentMissing.
    """
    _check_appeal(f"{new.title}\n{new.description}")
    wish = Wish(
        title=new.title,
        description=new.description,
        category=new.category,
        age_band=new.age_band,
        station_id=new.station_id,
        beneficiary_id=keep_beneficiary(session, person, new.age_band).id,
        need_by=new.need_by,
        status=WishStatus.SUBMITTED,
        fence=0,
    )
    session.add(wish)
    session.flush()
    _add_history(session, wish, None, actor)
    publish(
        session,
        WishSubmitted(wish_id=wish.id, station_id=new.station_id, category=new.category),
    )
    return wish


def _check_appeal(words: str) -> None:
    """Raises AppealForOtherChannels for an appeal for cash or medical fees."""
    found = APPEALS.intersection(findings(words))
    if found:
        raise AppealForOtherChannels(
            "Civil affairs (social assistance, 12345), medical assistance at the health insurance "
            "bureau (12393), or the Red Cross can help here.",
            findings=sorted(found),
            channels=["12345", "12393"],
        )


def verify_wish(
    session: Session,
    wish_id: UUID,
    actor: str,
    *,
    title: str | None = None,
    description: str | None = None,
) -> Wish:
    """Verify a wish whose words, perhaps edited here, are clean; publish `wish.verified`.

    Repeating it changes nothing, also later on. Raises WishNotFound, WishNotReady, WordsNotPublic
    (naming each finding, never what was found).
    """
    wish = get_wish(session, wish_id)
    if wish.status is WishStatus.SUBMITTED:
        new_title = title or wish.title
        new_description = wish.description if description is None else description
        _verify(session, wish, actor, new_title, new_description)
        wish = get_wish(session, wish_id)
    # Any later state was verified once: repeating the step is harmless.
    if wish.status in (WishStatus.SUBMITTED, WishStatus.REJECTED, WishStatus.WITHDRAWN):
        raise not_ready(wish)
    return wish


def _verify(session: Session, wish: Wish, actor: str, title: str, description: str) -> None:
    names = person_of(session, wish).names
    _check_words(names, title=title, description=description)
    moved = move(
        session,
        wish.id,
        WishStatus.VERIFIED,
        actor,
        Wish.status == WishStatus.SUBMITTED,
        title=title,
        description=description,
    )
    if moved:
        publish(session, WishVerified(wish_id=wish.id, station_id=wish.station_id))


def _check_words(names: list[str], **words: str) -> None:
    errors = [
        {"pointer": f"/{field}", "detail": finding}
        for field, text in words.items()
        for finding in findings(text, names)
    ]
    if errors:
        raise WordsNotPublic("Send edited words with the verification.", errors=errors)


def reject_wish(session: Session, wish_id: UUID, actor: str, reason: RejectReason) -> Wish:
    """Reject a wish that is not on the tree yet, and publish `wish.rejected`.

    Repeating it changes nothing. Raises WishNotFound, WishNotReady.
    """
    moved = move(
        session,
        wish_id,
        WishStatus.REJECTED,
        actor,
        Wish.status.in_([WishStatus.SUBMITTED, WishStatus.VERIFIED]),
        reason=reason,
    )
    wish = get_wish(session, wish_id)
    if moved:
        publish(
            session, WishRejected(wish_id=wish_id, station_id=wish.station_id, reason_code=reason)
        )
    elif wish.status is not WishStatus.REJECTED:
        raise not_ready(wish)
    return wish


def publish_wish(session: Session, wish_id: UUID, actor: str) -> Wish:
    """Put a verified wish on the public tree, and publish `wish.published`.

    Repeating it changes nothing, also later on. Raises WishNotFound, WishNotReady.
    """
    moved = move(
        session,
        wish_id,
        WishStatus.PUBLISHED,
        actor,
        Wish.status == WishStatus.VERIFIED,
        published_at=app_now(),
    )
    wish = get_wish(session, wish_id)
    if moved:
        publish(
            session,
            WishPublished(
                wish_id=wish_id,
                station_id=wish.station_id,
                category=wish.category,
                title=wish.title,
            ),
        )
    elif wish.published_at is None or wish.status is WishStatus.WITHDRAWN:
        raise not_ready(wish)
    return wish


def withdraw_wish(session: Session, wish_id: UUID, actor: str, reason: str | None = None) -> Wish:
    """Take a wish back, also from its claimer, and publish `wish.withdrawn`.

    Repeating it changes nothing. Raises WishNotFound, WishNotReady.
    """
    moved = move(
        session,
        wish_id,
        WishStatus.WITHDRAWN,
        actor,
        Wish.status.in_(OPEN),
        reason=reason,
        claimer_id=None,
        claimer_kind=None,
        lease_until=None,
    )
    wish = get_wish(session, wish_id)
    if moved:
        if moved.was in HELD:
            uncount_claim(session, moved.claimer_id)
        publish(session, _withdrawn(moved))
    elif wish.status is not WishStatus.WITHDRAWN:
        raise not_ready(wish)
    return wish


def _withdrawn(moved: Moved) -> WishWithdrawn:
    wish = moved.wish
    return WishWithdrawn(
        wish_id=wish.id,
        station_id=wish.station_id,
        # Words that were never screened are not published.
        title=wish.title if moved.was is not WishStatus.SUBMITTED else "",
        claimer_id=moved.claimer_id,
        claimer_kind=moved.claimer_kind,
    )


def expire_unclaimed(session: Session, limit: int = 500) -> int:
    """Take wishes off the tree that nobody claimed before their day; returns how many."""
    is_published = Wish.status == WishStatus.PUBLISHED
    late = (
        select(Wish.id)
        .where(is_published, Wish.need_by < now().astimezone(SITE).date())
        .order_by(Wish.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    moves = [
        move(session, wish_id, WishStatus.EXPIRED, CLOCK, is_published)
        for wish_id in session.scalars(late).all()
    ]
    expired = [moved.wish for moved in moves if moved]
    publish(session, *map(_expired, expired))
    return len(expired)


def _expired(wish: Wish) -> WishExpired:
    return WishExpired(wish_id=wish.id, station_id=wish.station_id, title=wish.title)

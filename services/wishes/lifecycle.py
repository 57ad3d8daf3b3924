"""How a wish gets onto the tree and off it again. Claims, which happen in between, are in `claims`.

Every step is one guarded UPDATE (`move`): whoever comes second finds no row, and nothing is read
and then written.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from services.wishes.contacts import Person, keep_beneficiary, person_of
from services.wishes.models import HELD, OPEN, AgeBand, ClaimerLoad, Wish, WishMove, WishStatus
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
    """There is no such wish, or it is not yours to see."""


class WishNotReady(Conflict):
    """The wish is not in the state that this step starts from."""


class AppealForOtherChannels(Unprocessable):
    """Wishes are goods, services or company. For money or medical costs please turn to the channels
    named here.
    """


class WordsNotPublic(Unprocessable):
    """These words hold something that may not stand on the public tree."""


class RejectReason(StrEnum):
    """Why a wish was refused."""

    NOT_A_WISH = "not_a_wish"
    DUPLICATE = "duplicate"
    CASH_OR_MEDICAL = "cash_or_medical"
    UNSAFE = "unsafe"
    NO_CONSENT = "no_consent"
    OTHER = "other"


@dataclass(frozen=True)
class Moved:
    """A wish after its move, and who held it before."""

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
    """Move a wish if `when` holds, in one UPDATE, and write its history. None if it does not hold:
    nothing changed.

    `before` is locked first only to be able to say who held the wish; `when` is what decides, on
    the newest row.
    """
    before = select(Wish).where(Wish.id == wish_id).with_for_update().cte("before")
    if to in ENDED:
        values["ended_at"] = app_now()
    row = session.execute(
        update(Wish)
        .where(Wish.id == before.c.id, *when)
        .values(status=to, **values)
        .returning(before.c.status, before.c.claimer_id, before.c.claimer_kind, before.c.fence)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if row is None:
        return None
    wish = session.get_one(Wish, wish_id, populate_existing=True)
    session.add(
        WishMove(
            wish_id=wish_id,
            from_status=row.status,
            to_status=to,
            actor=actor,
            reason=reason,
            fence=wish.fence,
        )
    )
    return Moved(wish, row.status, row.claimer_id, row.claimer_kind, row.fence)


def find_wish(session: Session, wish_id: UUID) -> Wish:
    """The newest row of a wish. Raises WishNotFound."""
    wish = session.get(Wish, wish_id, populate_existing=True)
    if wish is None:
        raise WishNotFound(f"No wish {wish_id}.")
    return wish


def not_ready(wish: Wish) -> WishNotReady:
    return WishNotReady(f"Wish {wish.id} is {wish.status}.", wish_status=wish.status)


def submit_wish(
    session: Session,
    person: Person,
    band: AgeBand,
    *,
    title: str,
    description: str,
    category: str,
    station_id: UUID,
    need_by: date | None,
    actor: str,
) -> Wish:
    """Hang a wish for verification. Its words are kept as they are, unseen by the public.

    Raises AppealForOtherChannels, GuardianConsentMissing.
    """
    found = APPEALS.intersection(findings(f"{title}\n{description}"))
    if found:
        raise AppealForOtherChannels(
            "Civil affairs (social assistance, 12345), medical assistance at the health insurance bureau (12393), "
            "or the Red Cross can help here.",
            findings=sorted(found),
            channels=["12345", "12393"],
        )
    beneficiary = keep_beneficiary(session, person, band)
    wish = Wish(
        title=title,
        description=description,
        category=category,
        age_band=band,
        station_id=station_id,
        beneficiary_id=beneficiary.id,
        need_by=need_by,
        status=WishStatus.SUBMITTED,
        fence=0,
    )
    session.add(wish)
    session.flush()
    session.add(WishMove(wish_id=wish.id, to_status=WishStatus.SUBMITTED, actor=actor, fence=0))
    publish(session, WishSubmitted(wish_id=wish.id, station_id=station_id, category=category))
    return wish


def verify_wish(
    session: Session,
    wish_id: UUID,
    actor: str,
    *,
    title: str | None = None,
    description: str | None = None,
) -> Wish:
    """Vouch for a wish whose words, perhaps edited here, are clean. Repeating it changes nothing,
    also later on.

    Raises WishNotFound, WishNotReady, WordsNotPublic (naming each finding, never what was found).
    """
    wish = find_wish(session, wish_id)
    if wish.status is WishStatus.SUBMITTED:
        title, description = (
            title or wish.title,
            wish.description if description is None else description,
        )
        _check_words(person_of(session, wish).names, title=title, description=description)
        moved = move(
            session,
            wish_id,
            WishStatus.VERIFIED,
            actor,
            Wish.status == WishStatus.SUBMITTED,
            title=title,
            description=description,
        )
        if moved:
            publish(session, WishVerified(wish_id=wish_id, station_id=wish.station_id))
        wish = find_wish(session, wish_id)
    if wish.status in (WishStatus.SUBMITTED, WishStatus.REJECTED, WishStatus.WITHDRAWN):
        raise not_ready(wish)
    return wish


def _check_words(names: list[str], **words: str) -> None:
    errors = [
        {"pointer": f"/{field}", "detail": finding}
        for field, text in words.items()
        for finding in findings(text, names)
    ]
    if errors:
        raise WordsNotPublic("Send edited words with the verification.", errors=errors)


def reject_wish(session: Session, wish_id: UUID, actor: str, reason: RejectReason) -> Wish:
    """Refuse a wish that is not on the tree yet. Repeating it changes nothing. Raises WishNotFound,
    WishNotReady.
    """
    moved = move(
        session,
        wish_id,
        WishStatus.REJECTED,
        actor,
        Wish.status.in_([WishStatus.SUBMITTED, WishStatus.VERIFIED]),
        reason=reason,
    )
    wish = find_wish(session, wish_id)
    if moved:
        publish(
            session, WishRejected(wish_id=wish_id, station_id=wish.station_id, reason_code=reason)
        )
    elif wish.status is not WishStatus.REJECTED:
        raise not_ready(wish)
    return wish


def publish_wish(session: Session, wish_id: UUID, actor: str) -> Wish:
    """Hang a verified wish on the public tree. Repeating it changes nothing, also later on.

    Raises WishNotFound, WishNotReady.
    """
    moved = move(
        session,
        wish_id,
        WishStatus.PUBLISHED,
        actor,
        Wish.status == WishStatus.VERIFIED,
        published_at=app_now(),
    )
    wish = find_wish(session, wish_id)
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
    """Take a wish back, also from who holds it. Repeating it changes nothing. Raises WishNotFound,
    WishNotReady.
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
    wish = find_wish(session, wish_id)
    if moved:
        if moved.was in HELD:
            give_back(session, moved.claimer_id)
        # Words that were never screened do not leave in a fact.
        title = wish.title if moved.was is not WishStatus.SUBMITTED else ""
        publish(
            session,
            WishWithdrawn(
                wish_id=wish_id,
                station_id=wish.station_id,
                title=title,
                claimer_id=moved.claimer_id,
                claimer_kind=moved.claimer_kind,
            ),
        )
    elif wish.status is not WishStatus.WITHDRAWN:
        raise not_ready(wish)
    return wish


def give_back(session: Session, claimer_id: UUID | None) -> None:
    """One wish less counts against this claimer's limit."""
    session.execute(
        update(ClaimerLoad)
        .where(ClaimerLoad.claimer_id == claimer_id)
        .values(active=ClaimerLoad.active - 1)
        .execution_options(synchronize_session=False)
    )


def expire_unclaimed(session: Session, limit: int = 500) -> int:
    """Take wishes off the tree that nobody claimed before their day; returns how many."""
    late = (
        select(Wish.id)
        .where(Wish.status == WishStatus.PUBLISHED, Wish.need_by < now().astimezone(SITE).date())
        .order_by(Wish.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    expired = [
        moved.wish
        for wish_id in session.scalars(late).all()
        if (
            moved := move(
                session, wish_id, WishStatus.EXPIRED, CLOCK, Wish.status == WishStatus.PUBLISHED
            )
        )
    ]
    publish(
        session,
        *(WishExpired(wish_id=w.id, station_id=w.station_id, title=w.title) for w in expired),
    )
    return len(expired)

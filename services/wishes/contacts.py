"""Who a wish is for: sealed when it comes in, opened only for the delivery, every look logged,
erased when over.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from services.wishes.models import AgeBand, Beneficiary, ContactLook, Wish, WishStatus
from shared.core.clock import app_now
from shared.core.crypto import Vault, vault
from shared.core.problems import Conflict, Unprocessable, invalid
from shared.db.engine import current_database


class GuardianConsentMissing(Unprocessable):
    """A minor's wish needs the consent of a guardian."""


class ContactErased(Conflict):
    """The contact data of this wish has been erased."""


class Why(StrEnum):
    """On what ground somebody looks."""

    STAFF = "staff"
    STATION = "station"
    DELIVERY = "delivery"  #: the claimer, while claimed


@dataclass(frozen=True)
class Guardian:
    name: str
    phone: str


@dataclass(frozen=True)
class Person:
    """A beneficiary in the clear: only on the way in, and on the way out to somebody who may see
    it.
    """

    name: str | None
    phone: str
    guardian: Guardian | None = None

    @property
    def names(self) -> list[str]:
        return [name for name in (self.name, self.guardian and self.guardian.name) if name]


def age_band(told: str) -> AgeBand:
    """The coarse band that holds the youngest age of `60+`, `14-17` or `30-39`. Raises 422 for a
    band upside down.
    """
    low, _, high = told.rstrip("+").partition("-")
    if high and int(high) < int(low):
        raise invalid("/beneficiary/age_band", "The second age must not be lower than the first.")
    bounds = ((14, AgeBand.CHILD), (18, AgeBand.YOUTH), (60, AgeBand.ADULT))
    return next((band for bound, band in bounds if int(low) < bound), AgeBand.SENIOR)


def keep_beneficiary(session: Session, person: Person, band: AgeBand) -> Beneficiary:
    """Seal and store a beneficiary who consented. Raises GuardianConsentMissing for a minor without
    a guardian.
    """
    if band in (AgeBand.CHILD, AgeBand.YOUTH) and person.guardian is None:
        raise GuardianConsentMissing(
            "Send beneficiary.guardian with name, phone and consent.",
            errors=[{"pointer": "/beneficiary/guardian", "detail": "needed below 18"}],
        )
    box, guardian = _box(), person.guardian
    beneficiary = Beneficiary(
        name=box.seal(person.name or ""),
        phone=box.seal(person.phone),
        guardian_name=box.seal(guardian.name) if guardian else None,
        guardian_phone=box.seal(guardian.phone) if guardian else None,
        guardian_consented_at=app_now() if guardian else None,
    )
    session.add(beneficiary)
    session.flush()
    return beneficiary


def person_of(session: Session, wish: Wish) -> Person:
    """The beneficiary in the clear, for rules that compare. Whoever shows it to somebody uses
    `look_at_contact`.

    Raises ContactErased.
    """
    kept = session.get_one(Beneficiary, wish.beneficiary_id)
    if kept.name is None or kept.phone is None:
        raise ContactErased(f"Wish {wish.id} has ended.")
    box = _box()
    guardian = None
    if kept.guardian_name is not None and kept.guardian_phone is not None:
        guardian = Guardian(box.unseal(kept.guardian_name), box.unseal(kept.guardian_phone))
    return Person(box.unseal(kept.name), box.unseal(kept.phone), guardian)


def look_at_contact(session: Session, wish: Wish, actor: str, why: Why) -> Person:
    """What this ground shows, and a row that says who looked. A giver sees a minor's guardian, not
    the child.

    Raises ContactErased.
    """
    person = person_of(session, wish)
    session.add(
        ContactLook(wish_id=wish.id, beneficiary_id=wish.beneficiary_id, looked_by=actor, why=why)
    )
    session.flush()
    if why is Why.DELIVERY and person.guardian is not None:
        return Person(None, person.guardian.phone, person.guardian)
    return person


def erase_old_contacts(session: Session, days: int, limit: int = 500) -> int:
    """Erase contact data of wishes that ended more than `days` days ago; returns how many.

    Words that were never screened may hold a phone number too: they go with it.
    """
    old = (
        select(Beneficiary.id)
        .join(Wish, Wish.beneficiary_id == Beneficiary.id)
        .where(Wish.ended_at < app_now() - timedelta(days=days), Beneficiary.erased_at.is_(None))
        .limit(limit)
        .with_for_update(skip_locked=True, of=Beneficiary)
    )
    ids: list[UUID] = list(session.scalars(old))
    session.execute(
        update(Beneficiary)
        .where(Beneficiary.id.in_(ids))
        .values(name=None, phone=None, guardian_name=None, guardian_phone=None, erased_at=app_now())
    )
    never_shown = (WishStatus.REJECTED, WishStatus.WITHDRAWN)
    session.execute(
        update(Wish)
        .where(Wish.beneficiary_id.in_(ids), Wish.status.in_(never_shown))
        .values(title="", description="", fulfilment_note=None)
    )
    session.execute(update(Wish).where(Wish.beneficiary_id.in_(ids)).values(fulfilment_note=None))
    return len(ids)


def _box() -> Vault:
    return vault(current_database().settings, "beneficiaries.contact")

"""Who a wish is for.

Contact data is sealed when it comes in, opened only for the delivery, and erased when the wish is
over; every look is logged.
"""

from collections.abc import Sequence
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


class LookReason(StrEnum):
    """Why somebody may look at a contact."""

    STAFF = "staff"
    STATION = "station"
    DELIVERY = "delivery"  #: the claimer, while claimed


@dataclass(frozen=True, slots=True)
class Guardian:
    """Who consents for a minor 监护人."""

    name: str
    phone: str


@dataclass(frozen=True, slots=True)
class Person:
    """A beneficiary in the clear: only on the way in, and on the way out to who may see it."""

    name: str | None
    phone: str
    guardian: Guardian | None = None

    @property
    def names(self) -> list[str]:
        """Every name that must not be shown on the public tree."""
        guardian_name = self.guardian.name if self.guardian else None
        return [name for name in (self.name, guardian_name) if name]


def age_band(ages: str) -> AgeBand:
    """Return the coarse band of the youngest age in `60+`, `14-17` or `30-39`.

    Raises a 422 where the second age is the lower one.
    """
    low, _, high = ages.rstrip("+").partition("-")
    if high and int(high) < int(low):
        raise invalid("/beneficiary/age_band", "The second age must not be lower than the first.")
    bounds = ((14, AgeBand.CHILD), (18, AgeBand.YOUTH), (60, AgeBand.ADULT))
    return next((band for bound, band in bounds if int(low) < bound), AgeBand.SENIOR)


def keep_beneficiary(session: Session, person: Person, band: AgeBand) -> Beneficiary:
    """Seal and store a beneficiary who consented.

    Raises GuardianConsentMissing for a minor without a guardian.
    """
    guardian, box = person.guardian, _contact_vault()
    if band in (AgeBand.CHILD, AgeBand.YOUTH) and guardian is None:
        raise GuardianConsentMissing(
            "Send beneficiary.guardian with name, phone and consent.",
            errors=[{"pointer": "/beneficiary/guardian", "detail": "needed below 18"}],
        )
    beneficiary = Beneficiary(name=box.seal(person.name or ""), phone=box.seal(person.phone))
    if guardian is not None:
        beneficiary.guardian_name = box.seal(guardian.name)
        beneficiary.guardian_phone = box.seal(guardian.phone)
        beneficiary.guardian_consented_at = app_now()  # type: ignore[assignment]
    session.add(beneficiary)
    session.flush()
    return beneficiary


def person_of(session: Session, wish: Wish) -> Person:
    """Return the beneficiary in the clear, for rules that compare.

    Use `look_at_contact` to show it to somebody. Raises ContactErased.
    """
    stored = session.get_one(Beneficiary, wish.beneficiary_id)
    if stored.name is None or stored.phone is None:
        raise ContactErased(f"Wish {wish.id} has ended.")
    box = _contact_vault()
    return Person(box.unseal(stored.name), box.unseal(stored.phone), _guardian_of(stored))


def _guardian_of(stored: Beneficiary) -> Guardian | None:
    if stored.guardian_name is None or stored.guardian_phone is None:
        return None
    box = _contact_vault()
    return Guardian(box.unseal(stored.guardian_name), box.unseal(stored.guardian_phone))


def look_at_contact(session: Session, wish: Wish, actor: str, reason: LookReason) -> Person:
    """Return what somebody may see for this reason, and log who looked.

    The claimer sees a minor's guardian, not the child. Raises ContactErased.
    """
    person = person_of(session, wish)
    session.add(
        ContactLook(
            wish_id=wish.id, beneficiary_id=wish.beneficiary_id, looked_by=actor, why=reason
        )
    )
    session.flush()
    if reason is LookReason.DELIVERY and person.guardian is not None:
        return Person(None, person.guardian.phone, person.guardian)
    return person


def erase_old_contacts(session: Session, days: int, limit: int = 500) -> int:
    """Erase contact data of wishes that ended more than `days` days ago; returns how many."""
    ids = _to_erase(session, days, limit)
    session.execute(
        update(Beneficiary)
        .where(Beneficiary.id.in_(ids))
        .values(name=None, phone=None, guardian_name=None, guardian_phone=None, erased_at=app_now())
    )
    _erase_words(session, ids)
    return len(ids)


def _to_erase(session: Session, days: int, limit: int) -> Sequence[UUID]:
    ended_long_ago = Wish.ended_at < app_now() - timedelta(days=days)
    return session.scalars(
        select(Beneficiary.id)
        .join(Wish, Wish.beneficiary_id == Beneficiary.id)
        .where(ended_long_ago, Beneficiary.erased_at.is_(None))
        .limit(limit)
        .with_for_update(skip_locked=True, of=Beneficiary)
    ).all()


def _erase_words(session: Session, beneficiary_ids: Sequence[UUID]) -> None:
    """Erase words that were never screened: they may hold a phone number too."""
    of_these = Wish.beneficiary_id.in_(beneficiary_ids)
    never_shown = Wish.status.in_((WishStatus.REJECTED, WishStatus.WITHDRAWN))
    session.execute(update(Wish).where(of_these, never_shown).values(title="", description=""))
    session.execute(update(Wish).where(of_these).values(fulfilment_note=None))


def _contact_vault() -> Vault:
    return vault(current_database().settings, "beneficiaries.contact")

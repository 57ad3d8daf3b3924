"""What registration shows to the audits of others, and what its own audit compares.

Wishes proposes hours for granted wishes: each is a record here, once.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import and_, cast, select
from sqlalchemy.orm import Session, aliased
from sqlalchemy.types import Uuid

from services.registration.models import (
    Correction,
    Organisation,
    RecordStatus,
    ServiceRecord,
    Volunteer,
    VolunteerStatus,
)
from services.registration.proposals import BY_WISHES
from shared.contracts.evidence import (
    CorrectionEvidence,
    OrganisationEvidence,
    RecordEvidence,
    VolunteerEvidence,
    WishEvidence,
)
from shared.contracts.registration import Bucket, Origin
from shared.contracts.wishes import ClaimerKind
from shared.db.keyset import Keyset
from shared.service.audit import Comparison
from shared.service.differences import NOTHING, Difference, DifferenceKind
from shared.service.evidence_api import EvidenceRows

_EARNS = and_(
    ServiceRecord.bucket == Bucket.VERIFIED,
    ServiceRecord.origin != Origin.IMPORT,
    ServiceRecord.status.in_([RecordStatus.RECORDED, RecordStatus.SUPERSEDED]),
)
_Replaced = aliased(ServiceRecord)

_RECORDS = select(ServiceRecord.id, ServiceRecord.volunteer_id, ServiceRecord.minutes).where(
    _EARNS, ServiceRecord.id == ServiceRecord.root_id
)

_CORRECTIONS = (
    select(
        ServiceRecord.id,
        ServiceRecord.root_id.label("record_id"),
        (ServiceRecord.minutes - _Replaced.minutes).label("minutes"),
    )
    .join(Correction, Correction.new_record_id == ServiceRecord.id)
    .join(_Replaced, _Replaced.id == Correction.record_id)
    .where(_EARNS)
)

EVIDENCE = (
    EvidenceRows(RecordEvidence, Keyset(ServiceRecord.id, _RECORDS)),
    EvidenceRows(CorrectionEvidence, Keyset(ServiceRecord.id, _CORRECTIONS)),
    EvidenceRows(
        VolunteerEvidence,
        Keyset(Volunteer.id, select(Volunteer.id, Volunteer.status, Volunteer.merged_into_id)),
    ),
    EvidenceRows(
        OrganisationEvidence,
        Keyset(
            Organisation.id,
            select(
                Organisation.id,
                Organisation.name,
                Organisation.kind.label("organisation_kind"),
                Organisation.parent_id,
            ),
        ),
    ),
)

PROPOSAL_MISSING = DifferenceKind(
    "proposal_missing",
    "A wish was granted and its hours were never proposed.",
    "Record the hours of the wish for its volunteer; a second person approves them.",
)
PROPOSAL_WITHOUT_WISH = DifferenceKind(
    "proposal_without_wish",
    "Hours were proposed for a wish that was not granted.",
    "If the record is pending, reject it; if it counts, ask for a correction to no time.",
)
PROPOSAL_VOLUNTEER = DifferenceKind(
    "proposal_volunteer",
    "Hours for a granted wish belong to somebody else than who granted it.",
    "Ask for a correction to no time, and record the hours for the right volunteer.",
)
KINDS = (PROPOSAL_MISSING, PROPOSAL_WITHOUT_WISH, PROPOSAL_VOLUNTEER)


class Proposal(NamedTuple):
    """A record that was made for a granted wish; `id` is the wish."""

    id: UUID
    volunteer_id: UUID


def compare_proposal(wish: WishEvidence | None, proposal: Proposal | None) -> Difference | None:
    """Compare a wish with the record that was made for it."""
    if wish is None or not _proposes_hours(wish):
        if proposal is None:
            return None
        there = wish.status if wish else NOTHING
        return PROPOSAL_WITHOUT_WISH(proposal.id, "proposed", there)
    if proposal is None:
        there = f"{wish.proposed_minutes} min by {wish.claimer_id}"
        return PROPOSAL_MISSING(wish.id, NOTHING, there, wish.claimer_id)
    if proposal.volunteer_id != wish.claimer_id:
        people = proposal.volunteer_id, wish.claimer_id
        return PROPOSAL_VOLUNTEER(wish.id, *people, *people)
    return None


def _proposes_hours(wish: WishEvidence) -> bool:
    is_granted = wish.status == "confirmed" and wish.claimer_kind is ClaimerKind.VOLUNTEER
    return is_granted and wish.proposed_minutes > 0


def leave_out_who_left(session: Session, found: Sequence[Difference]) -> Sequence[Difference]:
    """Nobody gets hours who had left when the wish was confirmed: their proposal was refused."""
    people = {UUID(one) for difference in found for one in difference.about}
    volunteers = select(Volunteer).where(Volunteer.id.in_(people))
    by_id = {volunteer.id: volunteer for volunteer in session.scalars(volunteers)}
    return [
        one
        for one in found
        if one.kind != PROPOSAL_MISSING.name
        or any(_takes_hours(session, by_id.get(UUID(person))) for person in one.about)
    ]


def _takes_hours(session: Session, volunteer: Volunteer | None) -> bool:
    if volunteer is not None and volunteer.merged_into_id is not None:
        volunteer = session.get(Volunteer, volunteer.merged_into_id)
    ended = (VolunteerStatus.LEFT, VolunteerStatus.ERASED)
    return volunteer is not None and volunteer.status not in ended


_PROPOSALS = select(
    cast(ServiceRecord.reference, Uuid).label("id"), ServiceRecord.volunteer_id
).where(ServiceRecord.client == BY_WISHES.client)

CHECKS = (
    Comparison(
        WishEvidence,
        WishEvidence.source,
        WishEvidence.kind,
        Keyset(ServiceRecord.reference, _PROPOSALS, stored_as=str),
        Proposal,
        compare_proposal,
        confirm=leave_out_who_left,
    ),
)

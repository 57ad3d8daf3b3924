"""What wishes shows to the audits of others, and what its own audit compares.

Copied here: organisations, and whether a volunteer may claim.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.wishes.claimers import end_of_mergers
from services.wishes.models import ClaimerLoad, KnownOrganisation, Standing, Wish, WishStatus
from shared.contracts.evidence import OrganisationEvidence, VolunteerEvidence, WishEvidence
from shared.contracts.wishes import ClaimerKind
from shared.db.keyset import Keyset
from shared.service.audit import Comparison
from shared.service.differences import NOTHING, Difference, DifferenceKind
from shared.service.evidence_api import EvidenceRows

SHOWN = (
    WishStatus.PUBLISHED,
    WishStatus.CLAIMED,
    WishStatus.FULFILLED,
    WishStatus.CONFIRMED,
    WishStatus.WITHDRAWN,
    WishStatus.EXPIRED,
)
"""States that are published with an event that another service handles."""

EVIDENCE = (
    EvidenceRows(
        WishEvidence,
        Keyset(
            Wish.id,
            select(
                Wish.id, Wish.status, Wish.claimer_id, Wish.claimer_kind, Wish.proposed_minutes
            ).where(Wish.status.in_(SHOWN)),
        ),
    ),
)

ORGANISATION_MISSING = DifferenceKind(
    "organisation_missing",
    "Wishes does not know an organisation.",
    "Its coordinators cannot verify wishes. If no event is missing, take the copy from a backup.",
)
ORGANISATION_DIFFERS = DifferenceKind(
    "organisation_differs",
    "Wishes knows another name, kind or place of an organisation.",
    "Registration is right. If no event is missing, take the copy from a backup.",
)
ORGANISATION_UNKNOWN = DifferenceKind(
    "organisation_unknown",
    "Wishes knows an organisation that registration does not have.",
    "After a restore: register it again with the same id, or withdraw its wishes.",
)
CLAIMER_STANDING = DifferenceKind(
    "claimer_standing",
    "Wishes and registration disagree about whether a volunteer may claim.",
    "Suspend the volunteer and activate them again: the newest event sets it right.",
)
CLAIMER_UNKNOWN = DifferenceKind(
    "claimer_unknown",
    "Wishes barred a volunteer whom registration does not have.",
    "After a restore: register the volunteer again, or release what they claimed.",
)
KINDS = (
    ORGANISATION_MISSING,
    ORGANISATION_DIFFERS,
    ORGANISATION_UNKNOWN,
    CLAIMER_STANDING,
    CLAIMER_UNKNOWN,
)


class OrganisationCopy(NamedTuple):
    """An organisation as it is known here."""

    id: UUID
    name: str
    kind: str
    parent_id: UUID | None


def compare_organisation(
    theirs: OrganisationEvidence | None, ours: OrganisationCopy | None
) -> Difference | None:
    """Compare an organisation with its copy."""
    if theirs is None:
        return ORGANISATION_UNKNOWN(ours.id, ours.kind, NOTHING) if ours else None
    if ours is None:
        return ORGANISATION_MISSING(theirs.id, NOTHING, theirs.organisation_kind)
    there = (theirs.name, theirs.organisation_kind, theirs.parent_id)
    here = (ours.name, ours.kind, ours.parent_id)
    if here == there:
        return None
    pairs = zip(("name", "kind", "parent"), here, there, strict=True)
    which = ", ".join(name for name, one, other in pairs if one != other)
    return ORGANISATION_DIFFERS(theirs.id, f"other {which}", which)


class ClaimerCopy(NamedTuple):
    """What is known here about whether a volunteer may claim."""

    id: UUID
    standing: Standing
    standing_sequence: int
    merged_into: UUID | None


_STANDINGS = {
    "applied": Standing.GOOD,
    "active": Standing.GOOD,
    "suspended": Standing.SUSPENDED,
    "left": Standing.GONE,
    "erased": Standing.GONE,
    "merged": Standing.MERGED,
}


def compare_claimer(
    volunteer: VolunteerEvidence | None, claimer: ClaimerCopy | None
) -> Difference | None:
    """Compare a volunteer with their standing here. Without a row they may claim."""
    if volunteer is None:
        if claimer is None or claimer.standing_sequence == 0:  # no event was about them
            return None
        return CLAIMER_UNKNOWN(claimer.id, claimer.standing, NOTHING)
    standing = claimer.standing if claimer else Standing.GOOD
    merged_into = claimer.merged_into if claimer else None
    expected = _STANDINGS.get(volunteer.status, volunteer.status)
    if (standing, merged_into) == (expected, volunteer.merged_into_id):
        return None
    here, there = _words(standing, merged_into), _words(volunteer.status, volunteer.merged_into_id)
    return CLAIMER_STANDING(volunteer.id, here, there, merged_into, volunteer.merged_into_id)


def _words(status: str, merged_into: UUID | None) -> str:
    return status if merged_into is None else f"{status} into {merged_into}"


def follow_mergers(session: Session, found: Sequence[Difference]) -> Sequence[Difference]:
    """Leave out who was merged over several steps: registration names only the end."""
    return [one for one in found if not _ends_alike(session, one)]


def _ends_alike(session: Session, difference: Difference) -> bool:
    if not difference.here.startswith(Standing.MERGED):
        return False
    return difference.there == _words("merged", end_of_mergers(session, difference.id))


CHECKS = (
    Comparison(
        OrganisationEvidence,
        OrganisationEvidence.source,
        OrganisationEvidence.kind,
        Keyset(
            KnownOrganisation.id,
            select(
                KnownOrganisation.id,
                KnownOrganisation.name,
                KnownOrganisation.kind,
                KnownOrganisation.parent_id,
            ),
        ),
        OrganisationCopy,
        compare_organisation,
    ),
    Comparison(
        VolunteerEvidence,
        VolunteerEvidence.source,
        VolunteerEvidence.kind,
        Keyset(
            ClaimerLoad.claimer_id,
            select(
                ClaimerLoad.claimer_id.label("id"),
                ClaimerLoad.standing,
                ClaimerLoad.standing_sequence,
                ClaimerLoad.merged_into,
            ).where(ClaimerLoad.claimer_kind == ClaimerKind.VOLUNTEER),
        ),
        ClaimerCopy,
        compare_claimer,
        confirm=follow_mergers,
    ),
)

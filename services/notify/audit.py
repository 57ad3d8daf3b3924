"""What notify's audit compares: alerts with the events that should have made them, and people.

An alert is written also where its topic is muted, so muting changes nothing here. Erased people
have no alerts.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, literal, select, union_all
from sqlalchemy.orm import Session

from services.notify.audiences import AUDIENCES, recipients_of
from services.notify.models import Alert, ErasedPerson, MergedPerson
from shared.contracts.base import events_handled_by
from shared.contracts.evidence import EventEvidence, VolunteerEvidence
from shared.db.keyset import Keyset
from shared.service.audit import Check, Comparison
from shared.service.differences import NOTHING, Difference, DifferenceKind
from shared.service.evidence_api import kind_for

ALERT_MISSING = DifferenceKind(
    "alert_missing",
    "An event was handled and an alert about it is missing.",
    "What happened is in force; only the person was not alerted. Write to them if it matters.",
)
ALERT_WITHOUT_EVENT = DifferenceKind(
    "alert_without_event",
    "An alert is about an event that its service never published.",
    "After a restore: tell the person that the alert no longer holds.",
)
MERGER_MISSING = DifferenceKind(
    "merger_missing",
    "Notify does not know that two registrations are one person.",
    "The one who stays does not see the alerts of the other. If no event is missing, take the row"
    " from a backup.",
)
ERASURE_MISSING = DifferenceKind(
    "erasure_missing",
    "Notify does not know that a person was erased.",
    "Their alerts are still there: if no event is missing, an operator deletes them today.",
)
PERSON_UNKNOWN = DifferenceKind(
    "person_unknown",
    "Notify merged or erased somebody whom registration did not.",
    "After a restore: merge or erase them in registration too.",
)
KINDS = (ALERT_MISSING, ALERT_WITHOUT_EVENT, MERGER_MISSING, ERASURE_MISSING, PERSON_UNKNOWN)


class AlertsOfEvent(NamedTuple):
    """The alerts that one event made; `id` is the event."""

    id: UUID
    recipients: list[str]  #: "person template"


def compare_alerts(event: EventEvidence | None, alerts: AlertsOfEvent | None) -> Difference | None:
    """Compare an event with the alerts that it should have made."""
    if event is None:
        return (
            ALERT_WITHOUT_EVENT(alerts.id, _words(alerts.recipients), NOTHING) if alerts else None
        )
    try:
        wanted = recipients_of(event.read())
    except ValueError:  # a dead letter of the inbox, which is named as that
        return None
    expected = {f"{person} {template}" for person, template in wanted}
    missing = expected - set(alerts.recipients if alerts else ())
    if not missing:
        return None
    people = [UUID(one.partition(" ")[0]) for one in missing]
    return ALERT_MISSING(event.id, f"without {_words(missing)}", event.type, *people)


def _words(recipients: Sequence[str] | set[str]) -> str:
    return ", ".join(sorted({one.partition(" ")[2] for one in recipients}))


def leave_out_erased(session: Session, found: Sequence[Difference]) -> Sequence[Difference]:
    """Erased people get no alerts."""
    people = {UUID(one) for difference in found for one in difference.about}
    erased = select(ErasedPerson.person_id).where(ErasedPerson.person_id.in_(people))
    gone = {str(one) for one in session.scalars(erased)}
    return [one for one in found if one.kind != ALERT_MISSING.name or _people(one) - gone]


def _people(difference: Difference) -> frozenset[str]:
    return difference.about - {str(difference.id)}


def _alerts_about(source: str) -> Comparison[EventEvidence, AlertsOfEvent]:
    """Alerts about the events of one service. An event is compared while feeds have it."""
    templates = sorted({one.template for one in AUDIENCES if one.event.source == source})
    recipient = func.concat(Alert.person_id, " ", Alert.template)
    rows = (
        select(Alert.event_id.label("id"), func.array_agg(recipient).label("recipients"))
        .where(Alert.template.in_(templates))
        .group_by(Alert.event_id)
    )
    return Comparison(
        EventEvidence,
        source,
        kind_for("notify"),
        Keyset(Alert.event_id, rows),
        AlertsOfEvent,
        compare_alerts,
        confirm=leave_out_erased,
        lately=True,
    )


class PersonCopy(NamedTuple):
    """What is known here of a merged or erased person."""

    id: UUID
    merged: bool
    erased: bool


def compare_person(
    volunteer: VolunteerEvidence | None, person: PersonCopy | None
) -> Difference | None:
    """Compare a volunteer's end with what is known of it. Who merged into an erased one is both."""
    status = volunteer.status if volunteer else NOTHING
    merged, erased = (person.merged, person.erased) if person else (False, False)
    if volunteer is not None and status == "merged" and not merged:
        return MERGER_MISSING(volunteer.id, NOTHING, status)
    if volunteer is not None and status == "erased" and not erased:
        return ERASURE_MISSING(volunteer.id, NOTHING, status)
    if person is not None and status not in ("merged", "erased"):
        return PERSON_UNKNOWN(person.id, "erased" if erased else "merged", status)
    return None


_PEOPLE = union_all(
    select(
        MergedPerson.person_id.label("id"),
        literal(True).label("merged"),
        literal(False).label("erased"),
    ),
    select(ErasedPerson.person_id, literal(False), literal(True)),
).subquery("people")

CHECKS: tuple[Check, ...] = (
    *(
        _alerts_about(source)
        for source in sorted({contract.source for contract in events_handled_by("notify")})
    ),
    Comparison(
        VolunteerEvidence,
        VolunteerEvidence.source,
        VolunteerEvidence.kind,
        Keyset(
            _PEOPLE.c.id,
            select(
                _PEOPLE.c.id,
                func.bool_or(_PEOPLE.c.merged).label("merged"),
                func.bool_or(_PEOPLE.c.erased).label("erased"),
            ).group_by(_PEOPLE.c.id),
        ),
        PersonCopy,
        compare_person,
    ),
)

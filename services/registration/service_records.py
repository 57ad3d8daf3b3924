"""Service records: blocks of volunteered time, from being sent to being counted or pending.

`record_hours` is the hot path: one statement inserts any number of records and decides all races
(references seen before, overlapping times, merged people); only what it did not insert is looked at
again, to say why.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from services.registration.models import RecordStatus, ServiceRecord
from services.registration.organisations import may_coordinate
from services.registration.policy import CLOCKS_DIFFER_BY
from shared.auth.principal import Principal
from shared.contracts.registration import Bucket, HoursRecorded, Origin
from shared.core.clock import SITE
from shared.core.ids import new_id
from shared.core.problems import Conflict, NotFound, Problem, Unavailable, Unprocessable
from shared.db.contention import constraint_of
from shared.db.statements import changed
from shared.messaging.outbox import publish

FAR = timedelta(days=400 * 365)
OVERLAP = "ex_service_records_no_overlap"


class RecordNotFound(NotFound):
    """This service record is not known here."""


class UnknownVolunteer(Unprocessable):
    """There is no such volunteer."""


class UnknownOrganisation(Unprocessable):
    """There is no such organisation."""


class NotWorkedYet(Unprocessable):
    """This time has not passed yet."""


class ReferenceReused(Conflict):
    """This reference was used before for something else."""


class OverlappingRecord(Conflict):
    """This volunteer already has a record at that time."""


@dataclass(frozen=True, slots=True)
class Work:
    """A block of time somebody volunteered, as it was sent."""

    volunteer_id: UUID
    organisation_id: UUID
    started_at: datetime
    ended_at: datetime
    category: str
    reference: str
    note: str | None = None
    session_id: UUID | None = None

    @property
    def minutes(self) -> int:
        return minutes_between(self.started_at, self.ended_at)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one block of time."""

    outcome: Literal["created", "exists", "refused"]
    id: UUID | None = None
    status: RecordStatus | None = None
    minutes: int | None = None
    problem: Problem | None = None


def minutes_between(started_at: datetime, ended_at: datetime) -> int:
    return int((ended_at - started_at) / timedelta(minutes=1))


_INSERT = text("""
    INSERT INTO service_records (id, volunteer_id, organisation_id, session_id, started_at, ended_at, times_known,
                                 minutes, category, note, origin, bucket, status, client, reference, recorded_by,
                                 root_id)
    SELECT i.id, v.id, o.id, i.session_id, i.started_at, i.ended_at, :times_known,
           i.minutes, i.category, i.note, :origin, :bucket, :status, :client, i.reference, :recorded_by, i.id
    FROM unnest(cast(:ids AS uuid[]), cast(:volunteers AS uuid[]), cast(:organisations AS uuid[]),
                cast(:sessions AS uuid[]), cast(:starts AS timestamptz[]), cast(:ends AS timestamptz[]),
                cast(:minutes AS bigint[]), cast(:categories AS text[]), cast(:notes AS text[]),
                cast(:refs AS text[]))
         AS i(id, volunteer_id, organisation_id, session_id, started_at, ended_at, minutes, category, note, reference)
    JOIN organisations o ON o.id = i.organisation_id
    JOIN volunteers given ON given.id = i.volunteer_id
    JOIN volunteers v ON v.id = coalesce(given.merged_into_id, given.id)
    WHERE v.status IN ('applied', 'active', 'suspended') AND i.ended_at <= app_now() + :clocks_differ_by
    ORDER BY v.id, i.id
    FOR SHARE OF v
    ON CONFLICT DO NOTHING
    RETURNING id, volunteer_id
""")
"""The lock on the volunteer keeps a merger waiting, so that no hour lands on the one that
disappears. Ordered, so that two batches wait for each other instead of deadlocking."""

_LOOK_AGAIN = text("""
    SELECT i.id AS item, s.id, s.status, s.minutes,
           coalesce(s.volunteer_id = v.id AND s.organisation_id = i.organisation_id AND s.category = i.category
                    AND s.started_at = i.started_at AND s.ended_at = i.ended_at
                    AND s.note IS NOT DISTINCT FROM i.note, false) AS same,
           v.id IS NOT NULL AND v.status IN ('applied', 'active', 'suspended') AS volunteer_known,
           o.id IS NOT NULL AS organisation_known,
           i.ended_at <= app_now() + :clocks_differ_by AS worked,
           EXISTS (SELECT FROM service_records other WHERE other.volunteer_id = v.id AND other.times_known
                   AND other.status IN ('pending', 'recorded')
                   AND tstzrange(other.started_at, other.ended_at) && tstzrange(i.started_at, i.ended_at)) AS overlaps
    FROM unnest(cast(:ids AS uuid[]), cast(:volunteers AS uuid[]), cast(:organisations AS uuid[]),
                cast(:starts AS timestamptz[]), cast(:ends AS timestamptz[]), cast(:categories AS text[]),
                cast(:notes AS text[]), cast(:refs AS text[]))
         AS i(id, volunteer_id, organisation_id, started_at, ended_at, category, note, reference)
    LEFT JOIN service_records s ON s.client = :client AND s.reference = i.reference
    LEFT JOIN organisations o ON o.id = i.organisation_id
    LEFT JOIN volunteers given ON given.id = i.volunteer_id
    LEFT JOIN volunteers v ON v.id = coalesce(given.merged_into_id, given.id)
""")


def record_hours(
    session: Session,
    items: Sequence[Work],
    *,
    client: str,
    recorded_by: str,
    origin: Origin,
    verified: bool = False,
    bucket: Bucket = Bucket.SUPPLEMENTED,
    times_known: bool = True,
) -> list[Outcome]:
    """Take in blocks of volunteered time, each by itself, in the order given.

    `verified` ones count and are announced at once; the others are pending and wait for a second
    person. The same (client, reference) with the same content gives the first record again; with
    other content it is refused. Hours of somebody who was merged go to the one who stays. Refusals
    carry UnknownVolunteer, UnknownOrganisation, NotWorkedYet, ReferenceReused or OverlappingRecord.
    Raises Unavailable when a race must be run again.
    """
    status = RecordStatus.RECORDED if verified else RecordStatus.PENDING
    bucket = Bucket.VERIFIED if verified else bucket
    ids = [new_id() for _ in items]
    columns = _columns(ids, items)
    rows = session.execute(
        _INSERT,
        columns
        | {
            "sessions": [item.session_id for item in items],
            "minutes": [item.minutes for item in items],
            "times_known": times_known,
            "origin": origin.value,
            "bucket": bucket.value,
            "status": status.value,
            "client": client,
            "recorded_by": recorded_by,
            "clocks_differ_by": _ahead(origin),
        },
    ).all()
    owner = {row.id: row.volunteer_id for row in rows}
    if verified:
        publish(
            session,
            *(
                _recorded(id_, owner[id_], item, origin, bucket)
                for id_, item in zip(ids, items, strict=True)
                if id_ in owner
            ),
        )
    missed = [(id_, item) for id_, item in zip(ids, items, strict=True) if id_ not in owner]
    explained = _explain(session, client, origin, missed) if missed else {}
    return [
        Outcome("created", id_, status, item.minutes) if id_ in owner else explained[id_]
        for id_, item in zip(ids, items, strict=True)
    ]


def _columns(ids: Sequence[UUID], items: Sequence[Work]) -> dict[str, Any]:
    return {
        "ids": list(ids),
        "volunteers": [item.volunteer_id for item in items],
        "organisations": [item.organisation_id for item in items],
        "starts": [item.started_at for item in items],
        "ends": [item.ended_at for item in items],
        "categories": [item.category for item in items],
        "notes": [item.note for item in items],
        "refs": [item.reference for item in items],
    }


def _ahead(origin: Origin) -> timedelta:
    """How far in the future hours may lie: attendance is known by check-in and waits if its time
    has not come.
    """
    return FAR if origin is Origin.ATTENDANCE else CLOCKS_DIFFER_BY


def _explain(
    session: Session, client: str, origin: Origin, missed: Sequence[tuple[UUID, Work]]
) -> dict[UUID, Outcome]:
    columns = _columns([id_ for id_, _ in missed], [item for _, item in missed])
    rows = session.execute(
        _LOOK_AGAIN, columns | {"client": client, "clocks_differ_by": _ahead(origin)}
    )
    return {row.item: _outcome(row) for row in rows}


def _outcome(row: Any) -> Outcome:
    if row.id is not None:
        if row.same:
            return Outcome("exists", row.id, RecordStatus(row.status), row.minutes)
        return Outcome(
            "refused",
            problem=ReferenceReused(f"The first one is record {row.id}.", record_id=str(row.id)),
        )
    if not row.volunteer_known:
        return Outcome("refused", problem=UnknownVolunteer("Not registered, or left."))
    if not row.organisation_known:
        return Outcome("refused", problem=UnknownOrganisation("Not registered."))
    if not row.worked:
        return Outcome("refused", problem=NotWorkedYet("`ended_at` lies in the future."))
    if row.overlaps:
        return Outcome(
            "refused",
            problem=OverlappingRecord("Send other times, or correct the record there is."),
        )
    # Somebody was merged, or a colliding record taken back, between the two statements.
    raise Unavailable("Something changed meanwhile. Send it again.")


def _recorded(
    record_id: UUID, volunteer_id: UUID, item: Work, origin: Origin, bucket: Bucket
) -> HoursRecorded:
    return HoursRecorded(
        record_id=record_id,
        volunteer_id=volunteer_id,
        organisation_id=item.organisation_id,
        session_id=item.session_id,
        minutes=item.minutes,
        category=item.category,
        bucket=bucket,
        origin=origin,
        worked_on=item.started_at.astimezone(SITE).date(),
    )


def record_of(session: Session, record_id: UUID) -> ServiceRecord:
    """Raises RecordNotFound."""
    record = session.get(ServiceRecord, record_id, populate_existing=True)
    if record is None:
        raise RecordNotFound(f"No record {record_id}.")
    return record


def own_record(session: Session, principal: Principal, record_id: UUID) -> ServiceRecord:
    record = record_of(session, record_id)
    if not may_coordinate(session, principal, record.organisation_id):
        raise RecordNotFound(f"No record {record_id}.")
    return record


def guarded(session: Session, statement: Any) -> bool:
    try:
        with session.begin_nested():
            return bool(
                changed(session.execute(statement.execution_options(synchronize_session=False)))
            )
    except IntegrityError as error:
        raise overlapping_record(error) from None


def overlapping_record(error: IntegrityError) -> OverlappingRecord:
    """The exclusion constraint spoke. Anything else is a fault of ours and is raised again."""
    if constraint_of(error) != OVERLAP:
        raise error
    return OverlappingRecord("Send other times, or correct the record there is.")

"""Service records: blocks of volunteered time, from being sent to being counted or pending.

`record_hours` is the hot path. One statement inserts any number of records and decides all races
(references seen before, overlapping times, merged people). A second statement looks only at what
the first did not insert, to find out why.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Row, Update, text
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

NO_LIMIT = timedelta(days=400 * 365)
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
    """A block of time that somebody volunteered, as it was sent."""

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
class Submission:
    """Who sent blocks of time, and as what they are stored."""

    client: str  #: whose references these are
    recorded_by: str
    origin: Origin
    status: RecordStatus = RecordStatus.PENDING  #: or RECORDED: counts and is published at once
    bucket: Bucket = Bucket.SUPPLEMENTED
    times_known: bool = True  #: False: only the length is certain

    @property
    def may_end_in(self) -> timedelta:
        """How far in the future hours may end.

        Attendance is seen by check-in: it is stored, and waits if its time has not come.
        """
        return NO_LIMIT if self.origin is Origin.ATTENDANCE else CLOCKS_DIFFER_BY


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


def day_at_site(moment: datetime) -> date:
    return moment.astimezone(SITE).date()


_INSERT = text("""
    INSERT INTO service_records
        (id, volunteer_id, organisation_id, session_id, started_at, ended_at, times_known,
         minutes, category, note, origin, bucket, status, client, reference, recorded_by, root_id)
    SELECT i.id, v.id, o.id, i.session_id, i.started_at, i.ended_at, :times_known,
           i.minutes, i.category, i.note, :origin, :bucket, :status, :client, i.reference,
           :recorded_by, i.id
    FROM unnest(cast(:ids AS uuid[]), cast(:volunteers AS uuid[]),
                cast(:organisations AS uuid[]), cast(:sessions AS uuid[]),
                cast(:starts AS timestamptz[]), cast(:ends AS timestamptz[]),
                cast(:minutes AS bigint[]), cast(:categories AS text[]),
                cast(:notes AS text[]), cast(:refs AS text[]))
         AS i(id, volunteer_id, organisation_id, session_id, started_at, ended_at, minutes,
              category, note, reference)
    JOIN organisations o ON o.id = i.organisation_id
    JOIN volunteers given ON given.id = i.volunteer_id
    JOIN volunteers v ON v.id = coalesce(given.merged_into_id, given.id)
    WHERE v.status IN ('applied', 'active', 'suspended')
      AND i.ended_at <= app_now() + :may_end_in
    ORDER BY v.id, i.id
    FOR SHARE OF v
    ON CONFLICT DO NOTHING
    RETURNING id, volunteer_id
""")
"""Insert many records at once.

The lock on the volunteer keeps a merger waiting, so that no hour lands on the one that disappears.
Ordered, so that two batches wait for each other instead of deadlocking.
"""

_LOOK_AGAIN = text("""
    SELECT i.id AS item, s.id, s.status, s.minutes,
           coalesce(s.volunteer_id = v.id AND s.organisation_id = i.organisation_id
                    AND s.category = i.category
                    AND s.started_at = i.started_at AND s.ended_at = i.ended_at
                    AND s.note IS NOT DISTINCT FROM i.note, false) AS same,
           v.id IS NOT NULL AND v.status IN ('applied', 'active', 'suspended') AS volunteer_known,
           o.id IS NOT NULL AS organisation_known,
           i.ended_at <= app_now() + :may_end_in AS worked,
           EXISTS (SELECT FROM service_records other
                   WHERE other.volunteer_id = v.id AND other.times_known
                   AND other.status IN ('pending', 'recorded')
                   AND tstzrange(other.started_at, other.ended_at)
                       && tstzrange(i.started_at, i.ended_at)) AS overlaps
    FROM unnest(cast(:ids AS uuid[]), cast(:volunteers AS uuid[]),
                cast(:organisations AS uuid[]), cast(:starts AS timestamptz[]),
                cast(:ends AS timestamptz[]), cast(:categories AS text[]),
                cast(:notes AS text[]), cast(:refs AS text[]))
         AS i(id, volunteer_id, organisation_id, started_at, ended_at, category, note, reference)
    LEFT JOIN service_records s ON s.client = :client AND s.reference = i.reference
    LEFT JOIN organisations o ON o.id = i.organisation_id
    LEFT JOIN volunteers given ON given.id = i.volunteer_id
    LEFT JOIN volunteers v ON v.id = coalesce(given.merged_into_id, given.id)
""")
"""Find out what kept records from being inserted. Its conditions are those of `_INSERT`."""


def record_hours(session: Session, works: Sequence[Work], submission: Submission) -> list[Outcome]:
    """Store blocks of volunteered time, each by itself; outcomes come in the order given.

    Recorded ones count and are published at once; pending ones wait for a second person.
    The same (client, reference) with the same content gives the first record again; with other
    content it is refused. Hours of somebody who was merged go to the one who stays. Refusals carry
    UnknownVolunteer, UnknownOrganisation, NotWorkedYet, ReferenceReused or OverlappingRecord.
    Raises Unavailable when a race must be run again.
    """
    # Ids are made here and not by the database: they tell which of the rows were inserted.
    sent = {new_id(): work for work in works}
    owners = _insert(session, sent, submission)
    if submission.status is RecordStatus.RECORDED:
        _publish_recorded(session, sent, owners, submission)
    missed = {id_: work for id_, work in sent.items() if id_ not in owners}
    outcomes = _explain(session, missed, submission) if missed else {}
    for id_ in owners:
        outcomes[id_] = Outcome("created", id_, submission.status, sent[id_].minutes)
    return [outcomes[id_] for id_ in sent]


def _insert(
    session: Session, sent: Mapping[UUID, Work], submission: Submission
) -> dict[UUID, UUID]:
    """Insert what can be inserted. Returns who owns each new record, in the order sent."""
    columns = _columns(sent) | {
        "sessions": [work.session_id for work in sent.values()],
        "minutes": [work.minutes for work in sent.values()],
    }
    rows = session.execute(_INSERT, columns | _constants(submission))
    # RETURNING gives the rows in the order in which volunteers were locked.
    owners: dict[UUID, UUID] = {row.id: row.volunteer_id for row in rows}
    return {id_: owners[id_] for id_ in sent if id_ in owners}


def _constants(submission: Submission) -> dict[str, object]:
    """Parameters that are the same for every new record."""
    return {
        "times_known": submission.times_known,
        "origin": submission.origin.value,
        "bucket": submission.bucket.value,
        "status": submission.status.value,
        "client": submission.client,
        "recorded_by": submission.recorded_by,
        "may_end_in": submission.may_end_in,
    }


def _columns(sent: Mapping[UUID, Work]) -> dict[str, object]:
    """Parameters that both statements take: a list for each column."""
    works = sent.values()
    return {
        "ids": list(sent),
        "volunteers": [work.volunteer_id for work in works],
        "organisations": [work.organisation_id for work in works],
        "starts": [work.started_at for work in works],
        "ends": [work.ended_at for work in works],
        "categories": [work.category for work in works],
        "notes": [work.note for work in works],
        "refs": [work.reference for work in works],
    }


def _publish_recorded(
    session: Session,
    sent: Mapping[UUID, Work],
    owners: Mapping[UUID, UUID],
    submission: Submission,
) -> None:
    events = [_recorded(id_, owner, sent[id_], submission) for id_, owner in owners.items()]
    publish(session, *events)


def _recorded(
    record_id: UUID, volunteer_id: UUID, work: Work, submission: Submission
) -> HoursRecorded:
    return HoursRecorded(
        record_id=record_id,
        volunteer_id=volunteer_id,
        organisation_id=work.organisation_id,
        session_id=work.session_id,
        minutes=work.minutes,
        category=work.category,
        bucket=submission.bucket,
        origin=submission.origin,
        worked_on=day_at_site(work.started_at),
    )


def _explain(
    session: Session, missed: Mapping[UUID, Work], submission: Submission
) -> dict[UUID, Outcome]:
    """Find out why each of these was not inserted."""
    given = {"client": submission.client, "may_end_in": submission.may_end_in}
    rows = session.execute(_LOOK_AGAIN, _columns(missed) | given)
    return {row.item: _outcome(row) for row in rows}


def _outcome(row: Row[Any]) -> Outcome:
    if row.id is None:
        return Outcome("refused", problem=_problem(row))
    if row.same:
        return Outcome("exists", row.id, RecordStatus(row.status), row.minutes)
    reused = ReferenceReused(f"The first one is record {row.id}.", record_id=str(row.id))
    return Outcome("refused", problem=reused)


def _problem(row: Row[Any]) -> Problem:
    if not row.volunteer_known:
        return UnknownVolunteer("Not registered, or left.")
    if not row.organisation_known:
        return UnknownOrganisation("Not registered.")
    if not row.worked:
        return NotWorkedYet("`ended_at` is in the future.")
    if row.overlaps:
        return OverlappingRecord("Send other times, or correct the record there is.")
    # Somebody was merged, or a colliding record taken back, between the two statements.
    raise Unavailable("Something changed meanwhile. Send it again.")


def get_record(session: Session, record_id: UUID) -> ServiceRecord:
    """Return the newest row of a record. Raises RecordNotFound."""
    record = session.get(ServiceRecord, record_id, populate_existing=True)
    if record is None:
        raise RecordNotFound(f"No record {record_id}.")
    return record


def own_record(session: Session, principal: Principal, record_id: UUID) -> ServiceRecord:
    """Return a record whose organisation the caller coordinates. Raises RecordNotFound."""
    record = get_record(session, record_id)
    if not may_coordinate(session, principal, record.organisation_id):
        raise RecordNotFound(f"No record {record_id}.")
    return record


def update_record(session: Session, statement: Update) -> bool:
    """Run a guarded UPDATE; returns whether it changed the record. Raises OverlappingRecord."""
    statement = statement.execution_options(synchronize_session=False)
    try:
        with session.begin_nested():
            return bool(changed(session.execute(statement)))
    except IntegrityError as error:
        raise overlapping_record(error) from None


def overlapping_record(error: IntegrityError) -> OverlappingRecord:
    """Turn the exclusion constraint's error into a refusal. Raise any other error again."""
    if constraint_of(error) != OVERLAP:
        raise error
    return OverlappingRecord("Send other times, or correct the record there is.")

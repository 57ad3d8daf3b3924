"""What registration says: who volunteers, for whom, when and how long."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from shared.contracts.base import Event, event

EVERYONE = ("wishes", "rewards", "notify")


class Bucket(StrEnum):
    """How sure we are of recorded time."""

    VERIFIED = "verified"  #: seen by check-in, or vouched for by a second person; earns
    SUPPLEMENTED = "supplemented"  #: typed in afterwards; counts as hours, never earns


class Origin(StrEnum):
    """Where a service record came from."""

    ATTENDANCE = "attendance"  #: check-in and check-out
    SYSTEM = "system"  #: another system's endpoint call
    MANUAL = "manual"  #: typed by staff or a coordinator
    IMPORT = "import"  #: an old stock of records: never alerts, never earns unless a rule says so


@event(
    "registration", "volunteer.registered", subject="volunteer_id", handled_by=("rewards", "notify")
)
class VolunteerRegistered(Event):
    """Somebody applied to be a volunteer. Name and contact stay in registration."""

    volunteer_id: UUID
    number: str  #: public volunteer number


@event("registration", "volunteer.activated", subject="volunteer_id", handled_by=EVERYONE)
class VolunteerActivated(Event):
    """Staff accepted a volunteer, or took a suspension back."""

    volunteer_id: UUID


@event("registration", "volunteer.suspended", subject="volunteer_id", handled_by=EVERYONE)
class VolunteerSuspended(Event):
    """A volunteer may not sign up, claim or exchange until activated again. Hours stay."""

    volunteer_id: UUID


@event("registration", "volunteer.left", subject="volunteer_id", handled_by=EVERYONE)
class VolunteerLeft(Event):
    """A volunteer ended their registration. The account closes; recorded hours stay."""

    volunteer_id: UUID


@event("registration", "volunteer.merged", subject="volunteer_id", handled_by=EVERYONE)
class VolunteerMerged(Event):
    """Two registrations were one person. All of `volunteer_id` now belongs to `into_id`, also what
    comes late.
    """

    volunteer_id: UUID  #: the duplicate, gone from now on
    into_id: UUID  #: the one that stays


@event("registration", "volunteer.erased", subject="volunteer_id", handled_by=EVERYONE)
class VolunteerErased(Event):
    """Personal data of a volunteer was erased; the id stays as a number without a person."""

    volunteer_id: UUID


@event("registration", "person.access_changed", subject="person_id", handled_by=EVERYONE)
class PersonAccessChanged(Event):
    """Tokens of this person issued before `valid_from` are void: demoted, suspended, signed out
    everywhere.
    """

    person_id: UUID
    valid_from: datetime


@event(
    "registration",
    "organisation.registered",
    subject="organisation_id",
    handled_by=("wishes", "notify"),
)
class OrganisationRegistered(Event):
    """An organisation joined the network, or its public name or place in the tree changed."""

    organisation_id: UUID
    name: str  #: public name of an organisation, not of a person
    kind: str  #: federation, branch, station, group, company, school, association
    parent_id: UUID | None = None


@event("registration", "activity.published", subject="activity_id", handled_by=("notify",))
class ActivityPublished(Event):
    """An activity can be seen and signed up for."""

    activity_id: UUID
    organisation_id: UUID
    title: str  #: public title
    category: str


@event("registration", "signup.confirmed", subject="volunteer_id", handled_by=("notify",))
class SignupConfirmed(Event):
    """A volunteer has a seat in a session."""

    session_id: UUID
    volunteer_id: UUID
    activity_id: UUID
    title: str
    starts_at: datetime


@event("registration", "signup.waitlisted", subject="volunteer_id", handled_by=("notify",))
class SignupWaitlisted(Event):
    """A session was full; the volunteer waits."""

    session_id: UUID
    volunteer_id: UUID
    activity_id: UUID
    title: str


@event("registration", "signup.cancelled", subject="volunteer_id", handled_by=("notify",))
class SignupCancelled(Event):
    """A seat or a place in the queue was given back."""

    session_id: UUID
    volunteer_id: UUID
    activity_id: UUID
    title: str


@event("registration", "attendance.checked_in", subject="volunteer_id", handled_by=("notify",))
class AttendanceCheckedIn(Event):
    """A volunteer arrived."""

    session_id: UUID
    volunteer_id: UUID
    at: datetime


@event("registration", "attendance.checked_out", subject="volunteer_id", handled_by=("notify",))
class AttendanceCheckedOut(Event):
    """A volunteer left; the minutes follow as `hours.recorded` if they count."""

    session_id: UUID
    volunteer_id: UUID
    at: datetime
    minutes: int  #: whole minutes between check-in and check-out inside the session


@event("registration", "hours.recorded", subject="record_id", handled_by=("rewards", "notify"))
class HoursRecorded(Event):
    """A block of volunteered time was accepted."""

    record_id: UUID  #: service_records.id in registration; the ledger's natural key
    volunteer_id: UUID
    organisation_id: UUID
    session_id: UUID | None = None
    minutes: int  #: always positive; corrections are their own fact
    category: str
    bucket: Bucket  #: only verified minutes earn
    origin: Origin
    worked_on: date  #: calendar day at the site, not UTC


@event("registration", "hours.corrected", subject="record_id", handled_by=("rewards", "notify"))
class HoursCorrected(Event):
    """A recorded block was replaced by a new record, asked for and approved by two different
    people.
    """

    correction_id: UUID  #: the new record
    record_id: UUID  #: the record as it was first said in `hours.recorded`, however often it was corrected since
    volunteer_id: UUID
    old_minutes: int
    new_minutes: int  #: 0 when the block never happened
    category: str
    bucket: Bucket
    origin: Origin
    worked_on: date


@event("registration", "hours.rejected", subject="record_id", handled_by=("notify",))
class HoursRejected(Event):
    """A pending block was looked at and not accepted."""

    record_id: UUID
    volunteer_id: UUID
    minutes: int

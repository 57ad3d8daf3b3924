"""The events that registration publishes: who volunteers, for whom, when and how long."""

from enum import StrEnum
from uuid import UUID

from shared.contracts.base import Event, event
from shared.contracts.bounds import (
    Code,
    Day,
    Instant,
    Minutes,
    MinutesBefore,
    SomeMinutes,
    Title,
)

EVERYONE = ("wishes", "rewards", "notify")


class Bucket(StrEnum):
    """Whether recorded time was confirmed, and so earns points."""

    VERIFIED = "verified"  #: by check-in or by a second person; earns points
    SUPPLEMENTED = "supplemented"  #: typed in afterwards; counts as hours, never earns points


class Origin(StrEnum):
    """Where a service record came from."""

    ATTENDANCE = "attendance"  #: check-in and check-out
    SYSTEM = "system"  #: another system, by a request to our API
    MANUAL = "manual"  #: typed by staff or a coordinator
    IMPORT = "import"  #: old records; never alerts, and earns only if a rule says so


@event(
    "registration", "volunteer.registered", subject="volunteer_id", handled_by=("rewards", "notify")
)
class VolunteerRegistered(Event):
    """Somebody applied to be a volunteer. Name and contact stay in registration."""

    volunteer_id: UUID
    number: Code  #: public volunteer number


@event("registration", "volunteer.activated", subject="volunteer_id", handled_by=EVERYONE)
class VolunteerActivated(Event):
    """Staff accepted a volunteer, or ended a suspension."""

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
    """Two registrations were one person. Everything of `volunteer_id` now belongs to `into_id`,
    also what arrives later.
    """

    volunteer_id: UUID  #: the duplicate, gone from now on
    into_id: UUID  #: the one that stays


@event("registration", "volunteer.erased", subject="volunteer_id", handled_by=EVERYONE)
class VolunteerErased(Event):
    """Personal data of a volunteer was erased. The id stays, without a person."""

    volunteer_id: UUID


@event("registration", "person.access_changed", subject="person_id", handled_by=EVERYONE)
class PersonAccessChanged(Event):
    """Tokens of this person issued before `valid_from` are void. The person was demoted, suspended
    or logged out everywhere.
    """

    person_id: UUID
    valid_from: Instant


@event(
    "registration",
    "organisation.registered",
    subject="organisation_id",
    handled_by=("wishes", "notify"),
)
class OrganisationRegistered(Event):
    """An organisation joined the network, or its public name or place in the tree changed."""

    organisation_id: UUID
    name: Title  #: public name of an organisation, not of a person
    kind: Code  #: federation, branch, station, group, company, school, association
    parent_id: UUID | None = None


@event("registration", "activity.published", subject="activity_id", handled_by=("notify",))
class ActivityPublished(Event):
    """An activity is public: people can see it and sign up."""

    activity_id: UUID
    organisation_id: UUID
    title: Title  #: public title
    category: Code


@event("registration", "signup.confirmed", subject="volunteer_id", handled_by=("notify",))
class SignupConfirmed(Event):
    """A volunteer has a seat in an activity session."""

    session_id: UUID
    volunteer_id: UUID
    activity_id: UUID
    title: Title
    starts_at: Instant


@event("registration", "signup.waitlisted", subject="volunteer_id", handled_by=("notify",))
class SignupWaitlisted(Event):
    """An activity session was full. The volunteer is on its waiting list."""

    session_id: UUID
    volunteer_id: UUID
    activity_id: UUID
    title: Title


@event("registration", "signup.cancelled", subject="volunteer_id", handled_by=("notify",))
class SignupCancelled(Event):
    """A volunteer gave up a seat, or a place on the waiting list."""

    session_id: UUID
    volunteer_id: UUID
    activity_id: UUID
    title: Title


@event("registration", "attendance.checked_in", subject="volunteer_id", handled_by=("notify",))
class AttendanceCheckedIn(Event):
    """A volunteer arrived at an activity session."""

    session_id: UUID
    volunteer_id: UUID
    at: Instant


@event("registration", "attendance.checked_out", subject="volunteer_id", handled_by=("notify",))
class AttendanceCheckedOut(Event):
    """A volunteer left an activity session. If the minutes count, `hours.recorded` follows."""

    session_id: UUID
    volunteer_id: UUID
    at: Instant
    minutes: Minutes  #: whole minutes between check-in and check-out inside the session


@event("registration", "hours.recorded", subject="record_id", handled_by=("rewards", "notify"))
class HoursRecorded(Event):
    """A block of volunteered time was accepted."""

    record_id: UUID  #: service_records.id in registration; the ledger's natural key
    volunteer_id: UUID
    organisation_id: UUID
    session_id: UUID | None = None
    minutes: SomeMinutes  #: always positive; a correction is an event of its own
    category: Code
    bucket: Bucket  #: only verified minutes earn points
    origin: Origin
    worked_on: Day  #: calendar day at the site, not UTC


@event("registration", "hours.corrected", subject="record_id", handled_by=("rewards", "notify"))
class HoursCorrected(Event):
    """A new record replaced a recorded block. One person proposed it, another approved it."""

    correction_id: UUID  #: the new record
    record_id: UUID  #: as in the first `hours.recorded`, however often it was corrected since
    volunteer_id: UUID
    old_minutes: MinutesBefore
    new_minutes: Minutes  #: 0 when the block never happened
    category: Code
    bucket: Bucket
    origin: Origin
    worked_on: Day


@event("registration", "hours.rejected", subject="record_id", handled_by=("notify",))
class HoursRejected(Event):
    """A pending block was reviewed and not accepted."""

    record_id: UUID
    volunteer_id: UUID
    minutes: MinutesBefore

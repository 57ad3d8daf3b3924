"""The demo district's organisations, people and one activity, for an empty database."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from console.demo import district
from services.registration import activities, clients, organisations, sign_ups, staff, volunteers
from services.registration.models import Organisation, OrganisationKind
from shared.auth.principal import Principal, Role
from shared.core.clock import SITE, now
from shared.db.engine import current_database


def seed(session: Session) -> Iterable[str]:
    """Fill an empty service; do nothing where there is an organisation already.

    Log-ins with a known password or printed secrets are made in embedded mode only.
    """
    if session.scalar(select(Organisation.id).limit(1)) is not None:
        return
    _seed_organisations(session)
    _seed_volunteers(session)
    _seed_activity(session)
    if current_database().settings.embedded:
        yield from _seed_log_ins(session)


def _seed_organisations(session: Session) -> None:
    for place in district.ORGANISATIONS:
        organisations.register_organisation(
            session, place.name, OrganisationKind(place.kind), place.parent_id, id_=place.id
        )


def _seed_volunteers(session: Session) -> None:
    for person in district.VOLUNTEERS:
        volunteers.register_volunteer(
            session, person.name, person.phone, date.fromisoformat(person.birth_date), id_=person.id
        )
        volunteers.activate_volunteer(session, person.id)
    organisations.grant_coordination(session, district.STATION_ID, district.COORDINATOR_ID, "seed")


def _seed_activity(session: Session) -> None:
    centre = Principal(Role.STAFF, district.STAFF_ID)
    activities.draft_activity(
        session,
        centre,
        district.STATION_ID,
        title="周六社区环境清洁",
        kind="service",
        category="environment",
        risk_statement="Light work outdoors; gloves and water are provided, "
        "a first-aider is present.",
        id_=district.ACTIVITY_ID,
    )
    starts_at = _next_saturday_at(time(9))
    activities.add_session(
        session,
        centre,
        district.ACTIVITY_ID,
        starts_at,
        ends_at=starts_at + timedelta(hours=2),
        capacity=20,
        place="花园社区广场",
        id_=district.SESSION_ID,
    )
    activities.publish_activity(session, centre, district.ACTIVITY_ID)
    sign_ups.sign_up(session, district.SESSION_ID, district.SHEN_FANG_ID)


def _next_saturday_at(hour: time) -> datetime:
    """Never today, so that the demo activity is always still to come."""
    today = now().astimezone(SITE).date()
    saturday = today + timedelta(days=(5 - today.weekday()) % 7 or 7)
    return datetime.combine(saturday, hour, SITE)


def _seed_log_ins(session: Session) -> Iterable[str]:
    login, password = district.STAFF_LOGIN, district.STAFF_PASSWORD
    staff.create_staff(session, login, password, id_=district.STAFF_ID)
    yield f"staff: log in as {login} with password {password}"
    for person in district.VOLUNTEERS:
        who = f"{person.name}: log in with phone {person.phone}"
        yield f"{who}; the code appears at /v1/auth/dev-mailbox"
    scopes = ["records:write", "records:verified"]
    client = clients.create_client(session, district.CLIENT_NAME, scopes)
    credentials = f"client {client.client_id}, secret {client.client_secret}"
    yield f"a system that records hours: {credentials}"

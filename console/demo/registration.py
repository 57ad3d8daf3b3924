"""A small demo district for an empty database."""

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
    """Organisations, people and an activity for next Saturday. Does nothing when there is an
    organisation already.

    Log-ins with a known password or printed secrets are made in embedded mode only.
    """
    if session.scalar(select(Organisation.id).limit(1)) is not None:
        return
    for place in district.ORGANISATIONS:
        organisations.register_organisation(
            session, place.name, OrganisationKind(place.kind), place.parent_id, id_=place.id
        )
    for person in district.VOLUNTEERS:
        volunteers.register_volunteer(
            session, person.name, person.phone, date.fromisoformat(person.birth_date), id_=person.id
        )
        volunteers.activate_volunteer(session, person.id)
    organisations.grant_coordination(session, district.STATION_ID, district.COORDINATOR_ID, "seed")
    _seed_activity(session)
    if current_database().settings.embedded:
        staff.create_staff(
            session, district.STAFF_LOGIN, district.STAFF_PASSWORD, id_=district.STAFF_ID
        )
        client = clients.create_client(
            session, district.CLIENT_NAME, ["records:write", "records:verified"]
        )
        yield f"staff: log in as {district.STAFF_LOGIN} with password {district.STAFF_PASSWORD}"
        for person in district.VOLUNTEERS:
            yield f"{person.name}: log in with phone {person.phone}; the code appears at /v1/auth/dev-mailbox"
        yield f"a system that records hours: client {client['client_id']}, secret {client['client_secret']}"


def _seed_activity(session: Session) -> None:
    centre = Principal(Role.STAFF, district.STAFF_ID)
    activities.draft_activity(
        session,
        centre,
        district.STATION_ID,
        "周六社区环境清洁",
        "service",
        "environment",
        "Light work outdoors; gloves and water are provided, a first-aider is present.",
        id_=district.ACTIVITY_ID,
    )
    today = now().astimezone(SITE).date()
    saturday = today + timedelta(days=(5 - today.weekday()) % 7 or 7)
    starts_at = datetime.combine(saturday, time(9), SITE)
    activities.add_session(
        session,
        centre,
        district.ACTIVITY_ID,
        starts_at,
        starts_at + timedelta(hours=2),
        20,
        "花园社区广场",
        id_=district.SESSION_ID,
    )
    activities.publish_activity(session, centre, district.ACTIVITY_ID)
    sign_ups.sign_up(session, district.SESSION_ID, district.SHEN_FANG_ID)

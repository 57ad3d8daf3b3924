"""A small demo district for an empty database."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.registration import activities, clients, organisations, sign_ups, staff, volunteers
from services.registration.models import Organisation, OrganisationKind
from shared import demo
from shared.auth import Principal, Role
from shared.clock import SITE, now
from shared.db import current_database


def seed(session: Session) -> Iterable[str]:
    """Organisations, people and an activity for next Saturday. Does nothing when there is an organisation already.

    Log-ins with a known password or printed secrets are made in embedded mode only.
    """
    if session.scalar(select(Organisation.id).limit(1)) is not None:
        return
    for place in demo.ORGANISATIONS:
        organisations.register_organisation(
            session, place.name, OrganisationKind(place.kind), place.parent_id, id_=place.id
        )
    for person in demo.VOLUNTEERS:
        volunteers.register_volunteer(
            session, person.name, person.phone, date.fromisoformat(person.birth_date), id_=person.id
        )
        volunteers.activate_volunteer(session, person.id)
    organisations.grant_coordination(session, demo.STATION_ID, demo.COORDINATOR_ID, "seed")
    _seed_activity(session)
    if current_database().settings.embedded:
        staff.create_staff(session, demo.STAFF_LOGIN, demo.STAFF_PASSWORD, id_=demo.STAFF_ID)
        client = clients.create_client(session, demo.CLIENT_NAME, ["records:write", "records:verified"])
        yield f"staff: log in as {demo.STAFF_LOGIN} with password {demo.STAFF_PASSWORD}"
        for person in demo.VOLUNTEERS:
            yield f"{person.name}: log in with phone {person.phone}; the code appears at /v1/auth/dev-mailbox"
        yield f"a system that records hours: client {client['client_id']}, secret {client['client_secret']}"


def _seed_activity(session: Session) -> None:
    centre = Principal(Role.STAFF, demo.STAFF_ID)
    activities.draft_activity(
        session, centre, demo.STATION_ID, "周六社区环境清洁", "service", "environment",
        "Light work outdoors; gloves and water are provided, a first-aider is present.", id_=demo.ACTIVITY_ID,
    )  # fmt: skip
    today = now().astimezone(SITE).date()
    saturday = today + timedelta(days=(5 - today.weekday()) % 7 or 7)
    starts_at = datetime.combine(saturday, time(9), SITE)
    activities.add_session(
        session, centre, demo.ACTIVITY_ID, starts_at, starts_at + timedelta(hours=2), 20, "花园社区广场",
        id_=demo.SESSION_ID,
    )  # fmt: skip
    activities.publish_activity(session, centre, demo.ACTIVITY_ID)
    sign_ups.sign_up(session, demo.SESSION_ID, demo.SHEN_FANG_ID)

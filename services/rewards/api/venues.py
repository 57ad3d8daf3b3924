"""`/v1/venues` and their secrets."""

from datetime import datetime
from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from pydantic import BaseModel
from sqlalchemy import select

from services.rewards import venues
from services.rewards.models import SecretKind, Venue
from shared.auth import Role, allow
from shared.db import transaction
from shared.fields import Body, Code, Shown, Title
from shared.paging import PageQuery, page_of

bp = APIBlueprint("venues", __name__, url_prefix="/v1")


class VenueBody(Body):
    name: Title
    kind: Code


class SecretBody(Body):
    kind: SecretKind


class VenueShown(Shown):
    id: UUID
    name: str
    kind: str
    created_at: datetime


class VenuesShown(BaseModel):
    items: list[VenueShown]
    next: str | None


class SecretShown(Shown):
    id: UUID
    kind: SecretKind
    secret: str


@bp.post("/venues")
@bp.input(VenueBody)
@bp.output(VenueShown, status_code=201)
@bp.doc(summary="Add a partner venue")
@allow(Role.STAFF)
def post_venue(json_data: VenueBody) -> Any:
    with transaction() as session:
        venue = venues.create_venue(session, json_data.name, json_data.kind)
        session.refresh(venue)
        return venue


@bp.get("/venues")
@bp.input(PageQuery, location="query")
@bp.output(VenuesShown)
@bp.doc(summary="All venues, newest first")
@allow(public=True)
def get_venues(query_data: PageQuery) -> Any:
    with transaction() as session:
        items, following = page_of(session, select(Venue), Venue.id, query_data)
        return {"items": items, "next": following}


@bp.get("/venues/<uuid:venue_id>")
@bp.output(VenueShown)
@bp.doc(summary="One venue")
@allow(public=True)
def get_venue(venue_id: UUID) -> Any:
    with transaction() as session:
        return venues.get_venue(session, venue_id)


@bp.post("/venues/<uuid:venue_id>/secrets")
@bp.input(SecretBody)
@bp.output(SecretShown, status_code=201)
@bp.doc(summary="Make a secret; it is shown only now. The older webhook secret stays valid for 24 h")
@allow(Role.STAFF)
def post_secret(venue_id: UUID, json_data: SecretBody) -> Any:
    with transaction() as session:
        return venues.create_secret(session, venue_id, json_data.kind)


@bp.delete("/venues/<uuid:venue_id>/secrets/<uuid:secret_id>")
@bp.output({}, status_code=204)
@bp.doc(summary="End a secret at once")
@allow(Role.STAFF)
def delete_secret(venue_id: UUID, secret_id: UUID) -> Any:
    with transaction() as session:
        venues.revoke_secret(session, venue_id, secret_id)
    return ""

"""`/v1/venues`: partner venues, their onboarding, suspension and secrets."""

from datetime import datetime
from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from pydantic import Field
from sqlalchemy import select

from services.rewards.models import SecretKind, Venue, VenueSecret, VenueStatus
from services.rewards.venues import keys, onboarding, venues
from services.rewards.venues.keys import Scope
from services.rewards.venues.onboarding import Step
from shared.auth.access import allow
from shared.auth.principal import Role
from shared.db.engine import transaction
from shared.http.paging import Page, PageQuery, page_of
from shared.http.schemas import Code, Instant, Name, RequestModel, ResponseModel, Title

bp = APIBlueprint("venues", __name__, url_prefix="/v1")


class VenueRequest(RequestModel):
    name: Title
    kind: Code
    sandbox: bool = Field(
        default=False, description="Only for practice. Cannot be changed later.", strict=True
    )


class SecretRequest(RequestModel):
    kind: SecretKind
    label: Name | None = Field(default=None, description="Where it is used, such as `till 2`.")
    scopes: list[Scope] = Field(
        default=[], max_length=10, description="What an API key may do; empty: everything."
    )
    expires_at: Instant | None = Field(default=None, description="When an API key ends.")


class VenueResponse(ResponseModel):
    id: UUID
    name: str
    kind: str
    status: VenueStatus
    sandbox: bool
    created_at: datetime


class SecretResponse(ResponseModel):
    """A secret in a list: never with the secret itself."""

    id: UUID
    kind: SecretKind
    label: str | None
    scopes: list[str]
    created_at: datetime
    valid_until: datetime | None


class NewSecretResponse(ResponseModel):
    id: UUID
    kind: SecretKind
    secret: str
    label: str | None
    scopes: list[str]
    valid_until: datetime | None


class OnboardingResponse(ResponseModel):
    venue_id: UUID
    steps: dict[Step, bool]
    next: Step | None = Field(description="What to do next; null when nothing is missing.")


@bp.post("/venues")
@bp.input(VenueRequest)
@bp.output(VenueResponse, status_code=201)
@bp.doc(summary="Add a partner venue")
@allow(Role.STAFF)
def post_venue(json_data: VenueRequest) -> Any:
    with transaction() as session:
        venue = venues.create_venue(session, json_data.name, json_data.kind, json_data.sandbox)
        session.refresh(venue)
        return venue


@bp.get("/venues")
@bp.input(PageQuery, location="query")
@bp.output(Page[VenueResponse])
@bp.doc(summary="List venues, newest first")
@allow(public=True)
def get_venues(query_data: PageQuery) -> Any:
    with transaction() as session:
        items, following = page_of(session, select(Venue), Venue.id, query_data)
        return {"items": items, "next": following}


@bp.get("/venues/<uuid:venue_id>")
@bp.output(VenueResponse)
@bp.doc(summary="Show a venue")
@allow(public=True)
def get_venue(venue_id: UUID) -> Any:
    with transaction() as session:
        return venues.get_venue(session, venue_id)


@bp.put("/venues/<uuid:venue_id>/suspension")
@bp.output(VenueResponse)
@bp.doc(
    summary="Suspend a venue: issue nothing new for it and refuse its API keys",
    description="Its signed webhooks are still accepted.",
)
@allow(Role.STAFF)
def put_suspension(venue_id: UUID) -> Any:
    with transaction() as session:
        return venues.set_status(session, venue_id, VenueStatus.SUSPENDED)


@bp.delete("/venues/<uuid:venue_id>/suspension")
@bp.output(VenueResponse)
@bp.doc(summary="Let a venue take part again")
@allow(Role.STAFF)
def delete_suspension(venue_id: UUID) -> Any:
    with transaction() as session:
        return venues.set_status(session, venue_id, VenueStatus.ACTIVE)


@bp.get("/venues/<uuid:venue_id>/onboarding")
@bp.output(OnboardingResponse)
@bp.doc(summary="Show what a new venue still lacks")
@allow(Role.STAFF)
def get_onboarding(venue_id: UUID) -> Any:
    with transaction() as session:
        return onboarding.onboarding(session, venue_id)


@bp.get("/venues/<uuid:venue_id>/secrets")
@bp.input(PageQuery, location="query")
@bp.output(Page[SecretResponse])
@bp.doc(
    summary="List a venue's API keys and webhook secrets, newest first",
    description="Ended ones are included. The secrets themselves are never shown.",
)
@allow(Role.STAFF)
def get_secrets(venue_id: UUID, query_data: PageQuery) -> Any:
    with transaction() as session:
        wanted = keys.secrets_of(session, venue_id)
        items, following = page_of(session, wanted, VenueSecret.id, query_data)
        return {"items": items, "next": following}


@bp.post("/venues/<uuid:venue_id>/secrets")
@bp.input(SecretRequest)
@bp.output(NewSecretResponse, status_code=201)
@bp.doc(
    summary="Make an API key or a webhook secret; it is shown only now",
    description="The older webhook secret stays valid for 24 hours.",
)
@allow(Role.STAFF)
def post_secret(venue_id: UUID, json_data: SecretRequest) -> Any:
    with transaction() as session:
        return keys.create_secret(
            session,
            venue_id,
            json_data.kind,
            label=json_data.label,
            scopes=json_data.scopes,
            expires_at=json_data.expires_at,
        )


@bp.delete("/venues/<uuid:venue_id>/secrets/<uuid:secret_id>")
@bp.output({}, status_code=204)
@bp.doc(summary="End a secret at once")
@allow(Role.STAFF)
def delete_secret(venue_id: UUID, secret_id: UUID) -> Any:
    with transaction() as session:
        keys.revoke_secret(session, venue_id, secret_id)
    return ""

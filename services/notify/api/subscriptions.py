"""`/v1/subscriptions`: webhooks of other systems, created by staff."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from apiflask import APIBlueprint
from pydantic import Field
from sqlalchemy import select

from services.notify.models import DeliveryAttempt, Subscription
from services.notify.webhooks import subscriptions
from shared.auth.access import allow, caller, settings
from shared.auth.principal import Role
from shared.db.engine import transaction
from shared.http.paging import Page, PageQuery, page_of
from shared.http.schemas import Code, Instant, RequestModel, ResponseModel

bp = APIBlueprint("subscriptions", __name__, tag="Subscriptions")


class SubscriptionRequest(RequestModel):
    url: Annotated[str, Field(min_length=8, max_length=2000)]
    events: Annotated[list[Code], Field(min_length=1, max_length=100)]
    venue_id: UUID | None = None


class RecoverRequest(RequestModel):
    since: Instant


class SubscriptionResponse(ResponseModel):
    id: UUID
    url: str
    events: list[str]
    venue_id: UUID | None
    created_at: datetime
    failing_since: datetime | None
    disabled_at: datetime | None
    disabled_reason: str | None


class CreatedResponse(SubscriptionResponse):
    secret: str


class SecretResponse(ResponseModel):
    secret: str


class PingResponse(ResponseModel):
    event_id: UUID


class RecoveredResponse(ResponseModel):
    deliveries: int


class AttemptResponse(ResponseModel):
    id: UUID
    delivery_id: UUID
    number: int
    status: int | None
    milliseconds: int
    error: str | None
    attempted_at: datetime


@bp.post("/v1/subscriptions")
@bp.input(SubscriptionRequest)
@bp.output(CreatedResponse, status_code=201)
@bp.doc(summary="Send events of these types to this address; the secret is shown once")
@allow(Role.STAFF)
def post_subscription(json_data: SubscriptionRequest) -> CreatedResponse:
    with transaction() as session:
        subscription, secret = subscriptions.subscribe(
            session,
            settings(),
            url=json_data.url,
            events=json_data.events,
            venue_id=json_data.venue_id,
            created_by=UUID(str(caller().subject)),
        )
        shown = SubscriptionResponse.model_validate(subscription)
        return CreatedResponse(**shown.model_dump(), secret=secret)


@bp.get("/v1/subscriptions")
@bp.input(PageQuery, location="query")
@bp.output(Page[SubscriptionResponse])
@bp.doc(summary="List all subscriptions, newest first")
@allow(Role.STAFF, Role.AUDITOR)
def get_subscriptions(query_data: PageQuery) -> Page[SubscriptionResponse]:
    with transaction() as session:
        found, after = page_of(session, select(Subscription), Subscription.id, query_data)
        items = [SubscriptionResponse.model_validate(subscription) for subscription in found]
        return Page[SubscriptionResponse](items=items, next=after)


@bp.get("/v1/subscriptions/<uuid:subscription_id>")
@bp.output(SubscriptionResponse)
@bp.doc(summary="Show one subscription")
@allow(Role.STAFF, Role.AUDITOR)
def get_subscription(subscription_id: UUID) -> Subscription:
    with transaction() as session:
        return subscriptions.get_subscription(session, subscription_id)


@bp.delete("/v1/subscriptions/<uuid:subscription_id>")
@bp.output({}, status_code=204)
@bp.doc(summary="End a subscription and delete its deliveries")
@allow(Role.STAFF)
def delete_subscription(subscription_id: UUID) -> str:
    with transaction() as session:
        subscriptions.unsubscribe(session, subscription_id)
    return ""


@bp.post("/v1/subscriptions/<uuid:subscription_id>/secrets")
@bp.output(SecretResponse, status_code=201)
@bp.doc(summary="Create a new secret; for 24 hours the previous one signs, too")
@allow(Role.STAFF)
def post_secret(subscription_id: UUID) -> SecretResponse:
    with transaction() as session:
        secret = subscriptions.rotate_secret(session, settings(), subscription_id)
        return SecretResponse(secret=secret)


@bp.post("/v1/subscriptions/<uuid:subscription_id>/test")
@bp.output(PingResponse, status_code=202)
@bp.doc(summary="Send a test message (`subscription.tested`) within seconds")
@allow(Role.STAFF)
def post_test(subscription_id: UUID) -> PingResponse:
    with transaction() as session:
        return PingResponse(event_id=subscriptions.ping(session, subscription_id))


@bp.get("/v1/subscriptions/<uuid:subscription_id>/attempts")
@bp.input(PageQuery, location="query")
@bp.output(Page[AttemptResponse])
@bp.doc(summary="List the attempts to send, newest first")
@allow(Role.STAFF, Role.AUDITOR)
def get_attempts(subscription_id: UUID, query_data: PageQuery) -> Page[AttemptResponse]:
    with transaction() as session:
        subscriptions.get_subscription(session, subscription_id)
        mine = select(DeliveryAttempt).where(DeliveryAttempt.subscription_id == subscription_id)
        found, after = page_of(session, mine, DeliveryAttempt.id, query_data)
        items = [AttemptResponse.model_validate(attempt) for attempt in found]
        return Page[AttemptResponse](items=items, next=after)


@bp.put("/v1/subscriptions/<uuid:subscription_id>/activation")
@bp.output(SubscriptionResponse)
@bp.doc(summary="Enable a disabled subscription again")
@allow(Role.STAFF)
def put_activation(subscription_id: UUID) -> Subscription:
    with transaction() as session:
        return subscriptions.enable_subscription(session, subscription_id)


@bp.post("/v1/subscriptions/<uuid:subscription_id>/recover")
@bp.input(RecoverRequest)
@bp.output(RecoveredResponse, status_code=202)
@bp.doc(summary="Send again everything undelivered since a moment")
@allow(Role.STAFF)
def post_recover(subscription_id: UUID, json_data: RecoverRequest) -> RecoveredResponse:
    with transaction() as session:
        deliveries = subscriptions.recover(session, subscription_id, json_data.since)
        return RecoveredResponse(deliveries=deliveries)

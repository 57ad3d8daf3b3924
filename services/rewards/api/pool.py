"""`/v1/pool`: what was left to whoever needs it, who asks for it, and how it is given out."""

from datetime import datetime
from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from pydantic import BaseModel, Field
from sqlalchemy import select

from services.rewards.api.vouchers import VoucherResponse
from services.rewards.models import Need, PoolRequest, PoolRequestStatus, PoolWish
from services.rewards.pool import allocation, requests, wishes
from services.rewards.pool.requests import PoolRequestNotFound
from shared.auth.access import allow, caller
from shared.auth.principal import Role
from shared.core.problems import NotFound, invalid
from shared.db.engine import transaction
from shared.http.paging import PageQuery, page_of
from shared.http.schemas import RequestModel, ResponseModel

bp = APIBlueprint("pool", __name__, url_prefix="/v1")
SEES_ALL = (Role.STAFF, Role.AUDITOR)


class PooledResponse(ResponseModel):
    product_id: UUID
    venue_id: UUID
    title: str
    count: int
    first_expires_at: datetime = Field(description="when the first of them ends")


class PoolResponse(BaseModel):
    items: list[PooledResponse]


class AskPoolRequest(RequestModel):
    need: Need
    product_id: UUID | None = Field(default=None, description="missing: anything")
    recipient_id: UUID | None = Field(
        default=None,
        description="the person in need: a volunteer, or a beneficiary of wishes; yourself if missing",
    )
    holder_id: UUID | None = Field(
        default=None, description="staff: who hands it over, else the person in need"
    )


class PoolRequestResponse(ResponseModel):
    id: UUID
    recipient_id: UUID
    holder_id: UUID = Field(description="who will see the code")
    product_id: UUID | None
    need: Need
    status: PoolRequestStatus
    voucher_id: UUID | None
    created_at: datetime
    ended_at: datetime | None


class PlaceResponse(ResponseModel):
    """Fewest received in a year comes first, then the longest wait; vouchers that end first go
    first.
    """

    received_before: int = Field(description="granted to this person in the year before")
    waited_days: int
    ahead: int | None = Field(description="how many wait before this one; none once it ended")


class ExplainedResponse(PoolRequestResponse):
    explanation: PlaceResponse


class RequestsQuery(PageQuery):
    status: PoolRequestStatus | None = None


class PoolRequestsResponse(BaseModel):
    items: list[PoolRequestResponse]
    next: str | None


class GrantedResponse(BaseModel):
    items: list[PoolRequestResponse]


class PoolWishResponse(ResponseModel):
    wish_id: UUID
    station_id: UUID | None
    category: str | None
    title: str | None


class PoolWishesResponse(BaseModel):
    items: list[PoolWishResponse]
    next: str | None


class WishGrantRequest(RequestModel):
    wish_id: UUID
    product_id: UUID
    holder_id: UUID = Field(description="who sees the code and hands it over")


@bp.get("/pool")
@bp.output(PoolResponse)
@bp.doc(summary="What lies in the pool, by product; nothing about persons")
@allow(public=True)
def get_pool() -> Any:
    with transaction() as session:
        return {"items": allocation.contents(session)}


@bp.post("/pool/requests")
@bp.input(AskPoolRequest)
@bp.output(PoolRequestResponse, status_code=201)
@bp.doc(
    summary="Ask the pool, for oneself or (coordinators, staff) for somebody in need; one request per person"
)
@allow(Role.VOLUNTEER, Role.COORDINATOR, Role.STAFF)
def post_request(json_data: AskPoolRequest) -> Any:
    recipient_id, holder_id = _for_whom(json_data)
    with transaction() as session:
        return requests.ask(
            session,
            recipient_id,
            holder_id,
            json_data.need,
            json_data.product_id,
            caller().key,
            by_staff=caller().is_staff,
        )


@bp.get("/pool/requests")
@bp.input(RequestsQuery, location="query")
@bp.output(PoolRequestsResponse)
@bp.doc(summary="One's own requests to the pool, newest first; staff and auditors see all")
@allow(Role.VOLUNTEER, Role.COORDINATOR, *SEES_ALL)
def get_requests(query_data: RequestsQuery) -> Any:
    wanted = select(PoolRequest)
    if caller().role not in SEES_ALL:
        wanted = wanted.where(PoolRequest.holder_id == caller().subject)
    if query_data.status is not None:
        wanted = wanted.where(PoolRequest.status == query_data.status)
    with transaction() as session:
        items, following = page_of(session, wanted, PoolRequest.id, query_data)
        return {"items": items, "next": following}


@bp.get("/pool/requests/<uuid:request_id>")
@bp.output(ExplainedResponse)
@bp.doc(summary="One request, and why it stands where it stands")
@allow(Role.VOLUNTEER, Role.COORDINATOR, *SEES_ALL)
def get_request(request_id: UUID) -> Any:
    with transaction() as session:
        request = _only_own(requests.find(session, request_id))
        shown = PoolRequestResponse.model_validate(request).model_dump()
        return shown | {"explanation": allocation.explain(session, request)}


@bp.delete("/pool/requests/<uuid:request_id>")
@bp.output(PoolRequestResponse)
@bp.doc(summary="Wait no longer; repeating it changes nothing")
@allow(Role.VOLUNTEER, Role.COORDINATOR, Role.STAFF)
def delete_request(request_id: UUID) -> Any:
    with transaction() as session:
        _only_own(requests.find(session, request_id))
        return requests.withdraw(session, request_id)


@bp.post("/pool/allocations")
@bp.output(GrantedResponse, status_code=201)
@bp.doc(summary="Give out now what lies in the pool, at most 100 at once")
@allow(Role.STAFF)
def post_allocation() -> Any:
    with transaction() as session:
        return {"items": allocation.allocate(session, actor=caller().key)}


@bp.get("/pool/wishes")
@bp.input(PageQuery, location="query")
@bp.output(PoolWishesResponse)
@bp.doc(summary="Wishes on the tree that the pool could grant")
@allow(Role.STAFF)
def get_wishes(query_data: PageQuery) -> Any:
    with transaction() as session:
        items, following = page_of(
            session, select(PoolWish).where(wishes.free()), PoolWish.wish_id, query_data
        )
        return {"items": items, "next": following}


@bp.post("/pool/wish-grants")
@bp.input(WishGrantRequest)
@bp.output(VoucherResponse, status_code=201)
@bp.doc(
    summary="Take a voucher out of the pool for a wish; it comes back if the wish is taken already"
)
@allow(Role.STAFF)
def post_wish_grant(json_data: WishGrantRequest) -> Any:
    with transaction() as session:
        return wishes.grant_wish(
            session, json_data.wish_id, json_data.product_id, json_data.holder_id, caller().key
        )


def _for_whom(body: AskPoolRequest) -> tuple[UUID, UUID]:
    """The person in need, and who will see the code: volunteers ask for themselves, coordinators
    also for others.
    """
    principal = caller()
    if principal.is_staff:
        if body.recipient_id is None:
            raise invalid("/recipient_id", "Say for whom.")
        return body.recipient_id, body.holder_id or body.recipient_id
    me = UUID(str(principal.subject))
    recipient_id = body.recipient_id or me
    if body.holder_id not in (None, me) or (
        principal.role is Role.VOLUNTEER and recipient_id != me
    ):
        raise NotFound("No such person.")
    return recipient_id, me


def _only_own(request: PoolRequest) -> PoolRequest:
    """Of who will see the code, and of the person in need; a foreign one is unknown."""
    principal = caller()
    if principal.role not in SEES_ALL and principal.subject not in (
        request.holder_id,
        request.recipient_id,
    ):
        raise PoolRequestNotFound(f"No request {request.id}.")
    return request

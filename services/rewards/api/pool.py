"""`/v1/pool`: donated vouchers, requests for them, and how they are given out."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from pydantic import BaseModel, Field
from sqlalchemy import Select, select

from services.rewards.api.vouchers import SEES_ALL, VoucherResponse
from services.rewards.models import Need, PoolRequest, PoolRequestStatus, PoolWish
from services.rewards.pool import allocation, requests, wishes
from services.rewards.pool.requests import PoolRequestNotFound
from shared.auth.access import allow, caller
from shared.auth.principal import Role
from shared.core.problems import NotFound, invalid
from shared.db.engine import transaction
from shared.http.paging import Page, PageQuery, page_of
from shared.http.schemas import RequestModel, ResponseModel

bp = APIBlueprint("pool", __name__, url_prefix="/v1")


class PooledResponse(ResponseModel):
    product_id: UUID
    venue_id: UUID
    title: str
    count: int
    first_expires_at: datetime = Field(description="When the first of them expires.")


class PoolResponse(BaseModel):
    items: list[PooledResponse]


class AskPoolRequest(RequestModel):
    need: Need
    product_id: UUID | None = Field(default=None, description="Any product if missing.")
    recipient_id: UUID | None = Field(
        default=None,
        description="The person in need, a volunteer or a beneficiary of wishes;"
        " yourself if missing.",
    )
    holder_id: UUID | None = Field(
        default=None,
        description="For staff: who hands the voucher over; the person in need if missing.",
    )


class PoolRequestResponse(ResponseModel):
    id: UUID
    recipient_id: UUID
    holder_id: UUID = Field(description="Who will see the code.")
    product_id: UUID | None
    need: Need
    status: PoolRequestStatus
    voucher_id: UUID | None
    created_at: datetime
    ended_at: datetime | None


class PlaceResponse(ResponseModel):
    """Fewest received in a year comes first, then the longest wait."""

    received_before: int = Field(description="Granted to this person in the year before.")
    waited_days: int
    ahead: int | None = Field(description="How many requests come first; null once it ended.")


class ExplainedResponse(PoolRequestResponse):
    explanation: PlaceResponse


class RequestsQuery(PageQuery):
    status: PoolRequestStatus | None = None


class GrantedResponse(BaseModel):
    items: list[PoolRequestResponse]


class PoolWishResponse(ResponseModel):
    wish_id: UUID
    station_id: UUID | None
    category: str | None
    title: str | None


class WishGrantRequest(RequestModel):
    wish_id: UUID
    product_id: UUID
    holder_id: UUID = Field(description="Who sees the code and hands the voucher over.")


@dataclass(frozen=True, slots=True)
class People:
    """The person in need, and who will see the code."""

    recipient_id: UUID
    holder_id: UUID


@bp.get("/pool")
@bp.output(PoolResponse)
@bp.doc(summary="List the pool's vouchers by product; names no persons")
@allow(public=True)
def get_pool() -> Any:
    with transaction() as session:
        return {"items": allocation.contents(session)}


@bp.post("/pool/requests")
@bp.input(AskPoolRequest)
@bp.output(PoolRequestResponse, status_code=201)
@bp.doc(
    summary="Request a voucher from the pool",
    description="One request per person. Coordinators and staff also ask for people in need.",
)
@allow(Role.VOLUNTEER, Role.COORDINATOR, Role.STAFF)
def post_request(json_data: AskPoolRequest) -> Any:
    people = _people_of(json_data)
    with transaction() as session:
        return requests.request_voucher(
            session,
            people.recipient_id,
            people.holder_id,
            json_data.need,
            json_data.product_id,
            caller().key,
            by_staff=caller().is_staff,
        )


@bp.get("/pool/requests")
@bp.input(RequestsQuery, location="query")
@bp.output(Page[PoolRequestResponse])
@bp.doc(
    summary="List one's own requests to the pool, newest first",
    description="Staff and auditors see all requests.",
)
@allow(Role.VOLUNTEER, Role.COORDINATOR, *SEES_ALL)
def get_requests(query_data: RequestsQuery) -> Any:
    with transaction() as session:
        wanted = _select_requests(query_data.status)
        items, following = page_of(session, wanted, PoolRequest.id, query_data)
        return {"items": items, "next": following}


def _select_requests(status: PoolRequestStatus | None) -> Select[PoolRequest]:
    wanted = select(PoolRequest)
    if caller().role not in SEES_ALL:
        wanted = wanted.where(PoolRequest.holder_id == caller().subject)
    if status is not None:
        wanted = wanted.where(PoolRequest.status == status)
    return wanted


@bp.get("/pool/requests/<uuid:request_id>")
@bp.output(ExplainedResponse)
@bp.doc(summary="Show a request and explain its place in the order")
@allow(Role.VOLUNTEER, Role.COORDINATOR, *SEES_ALL)
def get_request(request_id: UUID) -> Any:
    with transaction() as session:
        request = _only_own(requests.get_request(session, request_id))
        shown = PoolRequestResponse.model_validate(request).model_dump()
        return shown | {"explanation": allocation.explain(session, request)}


@bp.delete("/pool/requests/<uuid:request_id>")
@bp.output(PoolRequestResponse)
@bp.doc(summary="Withdraw a request; repeating it changes nothing")
@allow(Role.VOLUNTEER, Role.COORDINATOR, Role.STAFF)
def delete_request(request_id: UUID) -> Any:
    with transaction() as session:
        _only_own(requests.get_request(session, request_id))
        return requests.withdraw(session, request_id)


@bp.post("/pool/allocations")
@bp.output(GrantedResponse, status_code=201)
@bp.doc(summary="Allocate the pool's vouchers now, at most 100 at once")
@allow(Role.STAFF)
def post_allocation() -> Any:
    with transaction() as session:
        return {"items": allocation.allocate(session, actor=caller().key)}


@bp.get("/pool/wishes")
@bp.input(PageQuery, location="query")
@bp.output(Page[PoolWishResponse])
@bp.doc(summary="List wishes on the tree that the pool could grant")
@allow(Role.STAFF)
def get_wishes(query_data: PageQuery) -> Any:
    wanted = select(PoolWish).where(wishes.free())
    with transaction() as session:
        items, following = page_of(session, wanted, PoolWish.wish_id, query_data)
        return {"items": items, "next": following}


@bp.post("/pool/wish-grants")
@bp.input(WishGrantRequest)
@bp.output(VoucherResponse, status_code=201)
@bp.doc(
    summary="Take a voucher out of the pool for a wish",
    description="It comes back if somebody else claimed the wish first.",
)
@allow(Role.STAFF)
def post_wish_grant(json_data: WishGrantRequest) -> Any:
    with transaction() as session:
        return wishes.grant_wish(
            session, json_data.wish_id, json_data.product_id, json_data.holder_id, caller().key
        )


def _people_of(body: AskPoolRequest) -> People:
    """Check for whom the caller may ask: volunteers for themselves, coordinators also for others.

    Raises NotFound, and Unprocessable where staff name nobody.
    """
    principal = caller()
    if principal.is_staff:
        if body.recipient_id is None:
            raise invalid("/recipient_id", "Name the person this is for.")
        return People(body.recipient_id, body.holder_id or body.recipient_id)
    me = UUID(str(principal.subject))
    recipient_id = body.recipient_id or me
    for_somebody_else = principal.role is Role.VOLUNTEER and recipient_id != me
    if body.holder_id not in (None, me) or for_somebody_else:
        raise NotFound("No such person.")
    return People(recipient_id, me)


def _only_own(request: PoolRequest) -> PoolRequest:
    """Return a request to its holder, its recipient, staff and auditors.

    Raises PoolRequestNotFound for everybody else.
    """
    principal, people = caller(), (request.holder_id, request.recipient_id)
    if principal.role not in SEES_ALL and principal.subject not in people:
        raise PoolRequestNotFound(f"No request {request.id}.")
    return request

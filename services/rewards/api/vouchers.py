"""`/v1/vouchers` for holders, staff and auditors. The code is its holder's alone."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, Field
from sqlalchemy import select

from services.rewards.api.accounts import EntryResponse
from services.rewards.models import TransferKind, Venue, Voucher, VoucherOrigin, VoucherStatus
from services.rewards.vouchers import cards, lifecycle, trace
from services.rewards.vouchers.lifecycle import VoucherNotFound
from shared.auth.access import allow, caller, only_self_or_staff
from shared.auth.principal import Role
from shared.db.engine import transaction
from shared.http.paging import PageQuery, page_of
from shared.http.schemas import RequestModel, ResponseModel

bp = APIBlueprint("vouchers", __name__, url_prefix="/v1")
READERS = (Role.VOLUNTEER, Role.COORDINATOR, Role.STAFF, Role.AUDITOR)


class VoucherResponse(ResponseModel):
    id: UUID
    holder_id: UUID | None = Field(description="none in the pool, and of one to practise with")
    origin: VoucherOrigin
    product_id: UUID
    venue_id: UUID
    title: str
    points: int
    status: VoucherStatus
    issued_at: datetime
    expires_at: datetime
    ended_at: datetime | None


class VouchersQuery(PageQuery):
    holder_id: UUID | None = Field(
        default=None, description="yourself if missing; staff and auditors: everybody"
    )
    status: VoucherStatus | None = None


class VouchersResponse(BaseModel):
    items: list[VoucherResponse]
    next: str | None


class CodeResponse(ResponseModel):
    code: str


class VoidanceRequest(RequestModel):
    reason: Annotated[str, Field(min_length=1, max_length=500)]


class SourceResponse(ResponseModel):
    transfer_id: UUID
    kind: TransferKind
    cause_id: UUID
    record_id: UUID | None
    points: int
    rule_id: UUID | None
    rule_version: int | None
    created_at: datetime


class TraceResponse(ResponseModel):
    """For the holder of a gift: what happened since it came to them."""

    voucher: VoucherResponse
    transfers: list[EntryResponse]
    sources: list[SourceResponse]
    giver_id: UUID | None = Field(
        description="who gave it; the holder is told only if the giver wanted that"
    )


def _picture(content_type: str) -> dict[int, Any]:
    return {
        200: {
            "description": "The picture",
            "content": {content_type: {"schema": {"type": "string"}}},
        }
    }


@bp.get("/vouchers")
@bp.input(VouchersQuery, location="query")
@bp.output(VouchersResponse)
@bp.doc(summary="Vouchers of a holder, newest first")
@allow(*READERS)
def get_vouchers(query_data: VouchersQuery) -> Any:
    principal, holder_id = caller(), query_data.holder_id
    if principal.role not in (Role.STAFF, Role.AUDITOR):
        holder_id = holder_id or UUID(str(principal.subject))
        only_self_or_staff(holder_id)
    wanted = select(Voucher)
    if holder_id is not None:
        wanted = wanted.where(Voucher.holder_id == holder_id)
    if query_data.status is not None:
        wanted = wanted.where(Voucher.status == query_data.status)
    with transaction() as session:
        items, following = page_of(session, wanted, Voucher.id, query_data)
        return {"items": items, "next": following}


@bp.get("/vouchers/<uuid:voucher_id>")
@bp.output(VoucherResponse)
@bp.doc(summary="One voucher, without its code")
@allow(*READERS)
def get_voucher(voucher_id: UUID) -> Any:
    with transaction() as session:
        voucher = lifecycle.get_voucher(session, voucher_id)
    _only_for_readers(voucher)
    return voucher


@bp.get("/vouchers/<uuid:voucher_id>/code")
@bp.output(CodeResponse)
@bp.doc(summary="The code, for the holder only; every look is noted")
@allow(Role.VOLUNTEER, Role.COORDINATOR)
def get_code(voucher_id: UUID) -> Any:
    with transaction() as session:
        return {"code": lifecycle.show_code(session, voucher_id, UUID(str(caller().subject)))}


@bp.get("/vouchers/<uuid:voucher_id>/code.svg")
@bp.doc(
    summary="The code as a QR drawing, for the holder only; every look is noted",
    responses=_picture("image/svg+xml"),
)
@allow(Role.VOLUNTEER, Role.COORDINATOR)
def get_code_svg(voucher_id: UUID) -> Any:
    with transaction() as session:
        drawn = cards.qr_svg(lifecycle.show_code(session, voucher_id, UUID(str(caller().subject))))
    return Response(drawn, content_type="image/svg+xml")


@bp.get("/vouchers/<uuid:voucher_id>/code.png")
@bp.doc(
    summary="The code as a QR picture, for the holder only; every look is noted",
    responses=_picture("image/png"),
)
@allow(Role.VOLUNTEER, Role.COORDINATOR)
def get_code_png(voucher_id: UUID) -> Any:
    with transaction() as session:
        drawn = cards.qr_png(lifecycle.show_code(session, voucher_id, UUID(str(caller().subject))))
    return Response(drawn, content_type="image/png")


@bp.get("/vouchers/<uuid:voucher_id>/card.svg")
@bp.doc(
    summary="A card to print (A7) or keep on the phone, for the holder only; every look is noted",
    responses=_picture("image/svg+xml"),
)
@allow(Role.VOLUNTEER, Role.COORDINATOR)
def get_card(voucher_id: UUID) -> Any:
    with transaction() as session:
        code = lifecycle.show_code(session, voucher_id, UUID(str(caller().subject)))
        voucher = lifecycle.get_voucher(session, voucher_id)
        card = cards.card_svg(voucher, session.get_one(Venue, voucher.venue_id).name, code)
    return Response(card, content_type="image/svg+xml")


@bp.get("/vouchers/<uuid:voucher_id>/trace")
@bp.output(TraceResponse)
@bp.doc(summary="From the seat back to the check-in: transfers, rule versions, service records")
@allow(*READERS)
def get_trace(voucher_id: UUID) -> Any:
    with transaction() as session:
        _only_for_readers(lifecycle.get_voucher(session, voucher_id))
        return trace.trace(session, voucher_id, for_holder=not _sees_all())


@bp.put("/vouchers/<uuid:voucher_id>/voidance")
@bp.input(VoidanceRequest)
@bp.output(VoucherResponse)
@bp.doc(summary="Take a voucher back; its points return to the holder")
@allow(Role.STAFF)
def put_voidance(voucher_id: UUID, json_data: VoidanceRequest) -> Any:
    with transaction() as session:
        return lifecycle.void_voucher(session, voucher_id, json_data.reason, caller().key)


def _sees_all() -> bool:
    return caller().role in (Role.STAFF, Role.AUDITOR)


def _only_for_readers(voucher: Voucher) -> None:
    """A foreign voucher is an unknown one, down to the words."""
    if not _sees_all() and caller().subject != voucher.holder_id:
        raise VoucherNotFound(f"No voucher {voucher.id}.")

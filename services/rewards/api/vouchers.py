"""`/v1/vouchers` for holders, staff and auditors. Only the holder sees the code."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from services.rewards.api.accounts import EntryResponse
from services.rewards.models import TransferKind, Venue, Voucher, VoucherOrigin, VoucherStatus
from services.rewards.vouchers import cards, lifecycle, trace
from services.rewards.vouchers.lifecycle import VoucherNotFound
from shared.auth.access import allow, caller, only_self_or_staff
from shared.auth.principal import Role
from shared.db.engine import transaction
from shared.http.paging import Page, PageQuery, page_of
from shared.http.schemas import RequestModel, ResponseModel

bp = APIBlueprint("vouchers", __name__, url_prefix="/v1")
HOLDERS = (Role.VOLUNTEER, Role.COORDINATOR)
SEES_ALL = (Role.STAFF, Role.AUDITOR)
READERS = (*HOLDERS, *SEES_ALL)


class VoucherResponse(ResponseModel):
    id: UUID
    holder_id: UUID | None = Field(description="Null in the pool and in a sandbox.")
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
        default=None,
        description="Yourself if missing; for staff and auditors everybody.",
    )
    status: VoucherStatus | None = None


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
    """For the holder of a gift: what happened since they received it."""

    voucher: VoucherResponse
    transfers: list[EntryResponse]
    sources: list[SourceResponse]
    giver_id: UUID | None = Field(
        description="Who gave it; the holder sees it only if the giver agreed."
    )


def _picture(content_type: str) -> dict[int, Any]:
    content = {content_type: {"schema": {"type": "string"}}}
    return {200: {"description": "The picture", "content": content}}


@bp.get("/vouchers")
@bp.input(VouchersQuery, location="query")
@bp.output(Page[VoucherResponse])
@bp.doc(summary="List a holder's vouchers, newest first")
@allow(*READERS)
def get_vouchers(query_data: VouchersQuery) -> Any:
    wanted = _select_vouchers(query_data)
    with transaction() as session:
        items, following = page_of(session, wanted, Voucher.id, query_data)
        return {"items": items, "next": following}


def _select_vouchers(query: VouchersQuery) -> Select[Voucher]:
    holder_id = query.holder_id
    if not _sees_all():
        holder_id = holder_id or _caller_id()
        only_self_or_staff(holder_id)
    wanted = select(Voucher)
    if holder_id is not None:
        wanted = wanted.where(Voucher.holder_id == holder_id)
    if query.status is not None:
        wanted = wanted.where(Voucher.status == query.status)
    return wanted


@bp.get("/vouchers/<uuid:voucher_id>")
@bp.output(VoucherResponse)
@bp.doc(summary="Show a voucher, without its code")
@allow(*READERS)
def get_voucher(voucher_id: UUID) -> Any:
    with transaction() as session:
        voucher = lifecycle.get_voucher(session, voucher_id)
    _only_for_readers(voucher)
    return voucher


@bp.get("/vouchers/<uuid:voucher_id>/code")
@bp.output(CodeResponse)
@bp.doc(summary="Show the code to its holder", description="Each request is recorded.")
@allow(*HOLDERS)
def get_code(voucher_id: UUID) -> Any:
    with transaction() as session:
        return {"code": _code(session, voucher_id)}


@bp.get("/vouchers/<uuid:voucher_id>/code.svg")
@bp.doc(
    summary="Show the code to its holder, as a QR code in SVG",
    description="Each request is recorded.",
    responses=_picture("image/svg+xml"),
)
@allow(*HOLDERS)
def get_code_svg(voucher_id: UUID) -> Any:
    with transaction() as session:
        svg = cards.qr_svg(_code(session, voucher_id))
    return Response(svg, content_type="image/svg+xml")


@bp.get("/vouchers/<uuid:voucher_id>/code.png")
@bp.doc(
    summary="Show the code to its holder, as a QR code in PNG",
    description="Each request is recorded.",
    responses=_picture("image/png"),
)
@allow(*HOLDERS)
def get_code_png(voucher_id: UUID) -> Any:
    with transaction() as session:
        png = cards.qr_png(_code(session, voucher_id))
    return Response(png, content_type="image/png")


@bp.get("/vouchers/<uuid:voucher_id>/card.svg")
@bp.doc(
    summary="Show the voucher to its holder as a card, to print (A7) or keep on the phone",
    description="Each request is recorded.",
    responses=_picture("image/svg+xml"),
)
@allow(*HOLDERS)
def get_card(voucher_id: UUID) -> Any:
    with transaction() as session:
        code = _code(session, voucher_id)
        voucher = lifecycle.get_voucher(session, voucher_id)
        card = cards.card_svg(voucher, session.get_one(Venue, voucher.venue_id).name, code)
    return Response(card, content_type="image/svg+xml")


@bp.get("/vouchers/<uuid:voucher_id>/trace")
@bp.output(TraceResponse)
@bp.doc(summary="Trace a voucher back to its transfers, rule versions and service records")
@allow(*READERS)
def get_trace(voucher_id: UUID) -> Any:
    with transaction() as session:
        _only_for_readers(lifecycle.get_voucher(session, voucher_id))
        return trace.trace(session, voucher_id, for_holder=not _sees_all())


@bp.put("/vouchers/<uuid:voucher_id>/voidance")
@bp.input(VoidanceRequest)
@bp.output(VoucherResponse)
@bp.doc(summary="Void a voucher; its points return to the holder")
@allow(Role.STAFF)
def put_voidance(voucher_id: UUID, json_data: VoidanceRequest) -> Any:
    with transaction() as session:
        return lifecycle.void_voucher(session, voucher_id, json_data.reason, caller().key)


def _caller_id() -> UUID:
    return UUID(str(caller().subject))


def _code(session: Session, voucher_id: UUID) -> str:
    return lifecycle.show_code(session, voucher_id, _caller_id())


def _sees_all() -> bool:
    return caller().role in SEES_ALL


def _only_for_readers(voucher: Voucher) -> None:
    """Refuse somebody else's voucher, in the same words as an unknown one.

    Raises VoucherNotFound.
    """
    if not _sees_all() and caller().subject != voucher.holder_id:
        raise VoucherNotFound(f"No voucher {voucher.id}.")

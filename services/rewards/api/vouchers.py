"""`/v1/vouchers` for holders, staff and auditors. The code is its holder's alone."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from apiflask import APIBlueprint
from pydantic import BaseModel, Field
from sqlalchemy import select

from services.rewards import tracing, vouchers
from services.rewards.api.accounts import EntryShown
from services.rewards.models import TransferKind, Voucher, VoucherStatus
from services.rewards.vouchers import VoucherNotFound
from shared.auth import Role, allow, caller, only_self_or_staff
from shared.db import transaction
from shared.fields import Body, Shown
from shared.paging import PageQuery, page_of

bp = APIBlueprint("vouchers", __name__, url_prefix="/v1")
READERS = (Role.VOLUNTEER, Role.COORDINATOR, Role.STAFF, Role.AUDITOR)


class VoucherShown(Shown):
    id: UUID
    holder_id: UUID
    product_id: UUID
    venue_id: UUID
    title: str
    points: int
    status: VoucherStatus
    issued_at: datetime
    expires_at: datetime
    ended_at: datetime | None


class VouchersQuery(PageQuery):
    holder_id: UUID | None = Field(default=None, description="yourself if missing; staff and auditors: everybody")
    status: VoucherStatus | None = None


class VouchersShown(BaseModel):
    items: list[VoucherShown]
    next: str | None


class CodeShown(Shown):
    code: str


class VoidanceBody(Body):
    reason: Annotated[str, Field(min_length=1, max_length=500)]


class SourceShown(Shown):
    transfer_id: UUID
    kind: TransferKind
    cause_id: UUID
    record_id: UUID | None
    points: int
    rule_id: UUID | None
    rule_version: int | None
    created_at: datetime


class TraceShown(Shown):
    voucher: VoucherShown
    transfers: list[EntryShown]
    sources: list[SourceShown]


@bp.get("/vouchers")
@bp.input(VouchersQuery, location="query")
@bp.output(VouchersShown)
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
@bp.output(VoucherShown)
@bp.doc(summary="One voucher, without its code")
@allow(*READERS)
def get_voucher(voucher_id: UUID) -> Any:
    with transaction() as session:
        voucher = vouchers.get_voucher(session, voucher_id)
    _only_for_readers(voucher)
    return voucher


@bp.get("/vouchers/<uuid:voucher_id>/code")
@bp.output(CodeShown)
@bp.doc(summary="The code, for the holder only; every look is noted")
@allow(Role.VOLUNTEER, Role.COORDINATOR)
def get_code(voucher_id: UUID) -> Any:
    with transaction() as session:
        return {"code": vouchers.show_code(session, voucher_id, UUID(str(caller().subject)))}


@bp.get("/vouchers/<uuid:voucher_id>/trace")
@bp.output(TraceShown)
@bp.doc(summary="From the seat back to the check-in: transfers, rule versions, service records")
@allow(*READERS)
def get_trace(voucher_id: UUID) -> Any:
    with transaction() as session:
        found = tracing.trace(session, voucher_id)
    _only_for_readers(found.voucher)
    return found


@bp.put("/vouchers/<uuid:voucher_id>/voidance")
@bp.input(VoidanceBody)
@bp.output(VoucherShown)
@bp.doc(summary="Take a voucher back; its points return to the holder")
@allow(Role.STAFF)
def put_voidance(voucher_id: UUID, json_data: VoidanceBody) -> Any:
    with transaction() as session:
        return vouchers.void_voucher(session, voucher_id, json_data.reason, caller().key)


def _only_for_readers(voucher: Voucher) -> None:
    """A foreign voucher is an unknown one, down to the words."""
    principal = caller()
    if principal.role not in (Role.STAFF, Role.AUDITOR) and principal.subject != voucher.holder_id:
        raise VoucherNotFound(f"No voucher {voucher.id}.")

"""`/v1/vouchers/{id}/gift`, its chain of custody, and a new code for a lost one.

A gift cannot be withdrawn: its receiver may have used it in the same moment.
"""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from apiflask import APIBlueprint
from pydantic import BaseModel, Field, StrictBool

from services.rewards.api.vouchers import HOLDERS, READERS, SEES_ALL, VoucherResponse
from services.rewards.models import Handover, HandoverKind
from services.rewards.vouchers import handovers
from services.rewards.vouchers.handovers import Chain
from shared.auth.access import allow, caller
from shared.auth.principal import Role
from shared.db.engine import transaction
from shared.http.schemas import RequestModel, ResponseModel

bp = APIBlueprint("gifts", __name__, url_prefix="/v1")


class GiftRequest(RequestModel):
    to: UUID | Literal["pool"] = Field(
        description="A volunteer's id, or `pool` for people in need."
    )
    named: StrictBool = Field(
        default=False, description="Whether the receiver may know the giver; never in the pool."
    )


class GiftResponse(ResponseModel):
    """The voucher that replaced the giver's. Only the receiver sees its code."""

    voucher_id: UUID
    previous_id: UUID
    to: UUID | Literal["pool"]
    named: bool


class ReissueRequest(RequestModel):
    reason: Annotated[str, Field(min_length=1, max_length=500)]


class LinkResponse(ResponseModel):
    kind: HandoverKind
    from_voucher_id: UUID | None = Field(
        description="Null where a standing choice bought it for the pool."
    )
    to_voucher_id: UUID
    giver_id: UUID | None = Field(
        description="Null out of the pool, and where the giver stays unnamed."
    )
    receiver_id: UUID | None = Field(description="Null into the pool.")
    named: bool
    created_at: datetime

    @classmethod
    def of(cls, link: Handover, chain: Chain) -> "LinkResponse":
        return cls(
            kind=link.kind,
            from_voucher_id=link.from_voucher_id,
            to_voucher_id=link.to_voucher_id,
            giver_id=chain.giver_of(link),
            receiver_id=link.receiver_id,
            named=link.named,
            created_at=link.created_at,
        )


class ChainResponse(BaseModel):
    items: list[LinkResponse]

    @classmethod
    def of(cls, chain: Chain) -> "ChainResponse":
        return cls(items=[LinkResponse.of(link, chain) for link in chain.links])


@bp.post("/vouchers/<uuid:voucher_id>/gift")
@bp.input(GiftRequest)
@bp.output(GiftResponse, status_code=201)
@bp.doc(
    summary="Give one's own unused voucher away",
    description="The old code becomes void. A gift cannot be taken back.",
)
@allow(*HOLDERS)
def post_gift(voucher_id: UUID, json_data: GiftRequest) -> Any:
    giver_id = UUID(str(caller().subject))
    receiver_id = json_data.to if isinstance(json_data.to, UUID) else None
    with transaction() as session:
        given = handovers.give(
            session,
            voucher_id,
            giver_id,
            receiver_id,
            named=json_data.named,
            actor=caller().key,
        )
        return GiftResponse(
            voucher_id=given.id,
            previous_id=voucher_id,
            to=given.holder_id or "pool",
            named=json_data.named and receiver_id is not None,
        )


@bp.get("/vouchers/<uuid:voucher_id>/chain")
@bp.output(ChainResponse)
@bp.doc(
    summary="List who had a voucher, oldest first",
    description="Staff and auditors see all links, others the links that they took part in.",
)
@allow(*READERS)
def get_chain(voucher_id: UUID) -> Any:
    principal = caller()
    reader_id = None if principal.role in SEES_ALL else UUID(str(principal.subject))
    with transaction() as session:
        return ChainResponse.of(handovers.chain(session, voucher_id, reader_id))


@bp.post("/vouchers/<uuid:voucher_id>/reissue")
@bp.input(ReissueRequest)
@bp.output(VoucherResponse, status_code=201)
@bp.doc(
    summary="Reissue a voucher whose code was lost or seen by others",
    description="The holder gets a new code. Staff see neither code.",
)
@allow(Role.STAFF)
def post_reissue(voucher_id: UUID, json_data: ReissueRequest) -> Any:
    with transaction() as session:
        return handovers.reissue(session, voucher_id, json_data.reason, caller().key)

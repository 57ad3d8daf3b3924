"""A voucher in other hands: `/v1/vouchers/{id}/gift`, its chain of custody, and a new code for a
lost one.

There is no way to withdraw a gift: its receiver may have used it in the same moment.
"""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from apiflask import APIBlueprint
from pydantic import BaseModel, Field, StrictBool

from services.rewards.api.vouchers import READERS, VoucherResponse
from services.rewards.models import HandoverKind
from services.rewards.vouchers import handovers
from services.rewards.vouchers.handovers import Chain
from shared.auth.access import allow, caller
from shared.auth.principal import Role
from shared.db.engine import transaction
from shared.http.schemas import RequestModel, ResponseModel

bp = APIBlueprint("gifts", __name__, url_prefix="/v1")


class GiftRequest(RequestModel):
    to: UUID | Literal["pool"] = Field(
        description="a volunteer's id, or the pool for whoever needs it more"
    )
    named: StrictBool = Field(
        default=False, description="whether the receiver may know from whom; never in the pool"
    )


class GiftResponse(ResponseModel):
    """What became of the giver's voucher. The new one is the receiver's alone."""

    voucher_id: UUID
    previous_id: UUID
    to: UUID | Literal["pool"]
    named: bool


class ReissueRequest(RequestModel):
    reason: Annotated[str, Field(min_length=1, max_length=500)]


class LinkResponse(ResponseModel):
    kind: HandoverKind
    from_voucher_id: UUID | None = Field(
        description="none where a standing choice bought it for the pool"
    )
    to_voucher_id: UUID
    giver_id: UUID | None = Field(
        description="none out of the pool, and where the giver stays unnamed"
    )
    receiver_id: UUID | None = Field(description="none into the pool")
    named: bool
    created_at: datetime


class ChainResponse(BaseModel):
    items: list[LinkResponse]


@bp.post("/vouchers/<uuid:voucher_id>/gift")
@bp.input(GiftRequest)
@bp.output(GiftResponse, status_code=201)
@bp.doc(summary="Hand one's own unused voucher on; the old code dies, and there is no taking back")
@allow(Role.VOLUNTEER, Role.COORDINATOR)
def post_gift(voucher_id: UUID, json_data: GiftRequest) -> Any:
    me = UUID(str(caller().subject))
    to = json_data.to if isinstance(json_data.to, UUID) else None
    with transaction() as session:
        given = handovers.give(
            session, voucher_id, me, to, named=json_data.named, actor=caller().key
        )
        return GiftResponse(
            voucher_id=given.id,
            previous_id=voucher_id,
            to=given.holder_id or "pool",
            named=json_data.named and to is not None,
        )


@bp.get("/vouchers/<uuid:voucher_id>/chain")
@bp.output(ChainResponse)
@bp.doc(
    summary="Who had it: all of it for staff and auditors, the own links for whoever had it once"
)
@allow(*READERS)
def get_chain(voucher_id: UUID) -> Any:
    principal = caller()
    reader = None if principal.role in (Role.STAFF, Role.AUDITOR) else UUID(str(principal.subject))
    with transaction() as session:
        return _shown(handovers.chain(session, voucher_id, reader))


@bp.post("/vouchers/<uuid:voucher_id>/reissue")
@bp.input(ReissueRequest)
@bp.output(VoucherResponse, status_code=201)
@bp.doc(
    summary="A new code for the same holder, where the old one was lost or seen; staff see neither"
)
@allow(Role.STAFF)
def post_reissue(voucher_id: UUID, json_data: ReissueRequest) -> Any:
    with transaction() as session:
        return handovers.reissue(session, voucher_id, json_data.reason, caller().key)


def _shown(chain: Chain) -> ChainResponse:
    items = [
        LinkResponse(
            kind=link.kind,
            from_voucher_id=link.from_voucher_id,
            to_voucher_id=link.to_voucher_id,
            giver_id=chain.giver_of(link),
            receiver_id=link.receiver_id,
            named=link.named,
            created_at=link.created_at,
        )
        for link in chain.links
    ]
    return ChainResponse(items=items)

"""`/v1/exchanges`: points into a voucher on request."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from pydantic import Field, StrictBool

from services.rewards.api.vouchers import VoucherResponse
from services.rewards.issuing.exchange import exchange
from shared.auth.access import allow, caller
from shared.auth.principal import Role
from shared.core.problems import NotFound, invalid
from shared.db.engine import transaction
from shared.http.schemas import RequestModel, ResponseModel

bp = APIBlueprint("exchanges", __name__, url_prefix="/v1")


class ExchangeRequest(RequestModel):
    product_id: UUID
    wait: StrictBool = Field(
        default=False, description="if sold out, hold the points in a backorder"
    )
    volunteer_id: UUID | None = Field(
        default=None,
        description="who the voucher is for; staff must send it, for others it is themselves",
    )


class ExchangeResponse(ResponseModel):
    """`voucher`, or `backorder_id` if the product was sold out."""

    voucher: VoucherResponse | None
    backorder_id: UUID | None


@bp.post("/exchanges")
@bp.input(ExchangeRequest)
@bp.output(ExchangeResponse, status_code=201)
@bp.doc(summary="Spend points on a voucher; recorded hours stay as they are")
@allow(Role.VOLUNTEER, Role.COORDINATOR, Role.STAFF)
def post_exchange(json_data: ExchangeRequest) -> Any:
    volunteer_id = for_whom(json_data.volunteer_id, "/volunteer_id")
    with transaction() as session:
        return exchange(
            session, volunteer_id, json_data.product_id, wait=json_data.wait, actor=caller().key
        )


def for_whom(named: UUID | None, pointer: str) -> UUID:
    """Return the volunteer a request is for.

    Staff must name one; others request for themselves, and a foreign volunteer is unknown to them.
    """
    principal = caller()
    if principal.is_staff:
        if named is None:
            raise invalid(pointer, "Name the volunteer this is for.")
        return named
    me = UUID(str(principal.subject))
    if named not in (None, me):
        raise NotFound(f"No {named}.")
    return me

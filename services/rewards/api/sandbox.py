"""`POST /v1/venues/{id}/test-vouchers`: codes for a sandbox venue to practise with."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from apiflask import APIBlueprint
from pydantic import BaseModel, Field, StrictInt

from services.rewards.models import VoucherStatus
from services.rewards.redemption import sandbox
from services.rewards.redemption.sandbox import MOST, PracticeState
from services.rewards.venues.venues import VenueNotFound
from shared.auth.access import allow, caller
from shared.auth.principal import Role
from shared.db.engine import transaction
from shared.http.schemas import RequestModel, ResponseModel

bp = APIBlueprint("sandbox", __name__, url_prefix="/v1")


class StateQuery(RequestModel):
    state: PracticeState = PracticeState.ISSUED


class TestVouchersRequest(RequestModel):
    product_id: UUID
    count: Annotated[StrictInt, Field(ge=1, le=MOST)] = 1


class TestVoucherResponse(ResponseModel):
    id: UUID
    code: str
    status: VoucherStatus
    expires_at: datetime


class TestVouchersResponse(BaseModel):
    items: list[TestVoucherResponse]


@bp.post("/venues/<uuid:venue_id>/test-vouchers")
@bp.input(StateQuery, location="query")
@bp.input(TestVouchersRequest)
@bp.output(TestVouchersResponse, status_code=201)
@bp.doc(summary="Make vouchers with their codes for a sandbox venue, to practise each outcome")
@allow(Role.STAFF, Role.VENUE)
def post_test_vouchers(
    venue_id: UUID, query_data: StateQuery, json_data: TestVouchersRequest
) -> Any:
    if caller().role is Role.VENUE and caller().subject != venue_id:
        raise VenueNotFound(f"No venue {venue_id}.")
    with transaction() as session:
        made = sandbox.make_test_vouchers(
            session, venue_id, json_data.product_id, json_data.count, query_data.state, caller().key
        )
        return {"items": made}

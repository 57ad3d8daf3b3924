"""`POST /v1/webhooks/venues/{venue_id}`: redemptions that venues report.

The signature authenticates the venue.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import request

from services.rewards.redemption.outcomes import Outcome
from services.rewards.redemption.webhook import receive
from shared.auth.access import allow
from shared.db.engine import transaction
from shared.http.idempotency import exempt_from_idempotency_keys
from shared.http.schemas import ResponseModel

bp = APIBlueprint("webhooks", __name__, url_prefix="/v1")


class WebhookLineResponse(ResponseModel):
    reference: str
    outcome: Outcome
    voucher_id: UUID | None = None
    redeemed_at: datetime | None = None


class WebhookResponse(ResponseModel):
    """`outcome` for one redemption, `items` for a batch, in the order sent."""

    outcome: Outcome | None = None
    voucher_id: UUID | None = None
    redeemed_at: datetime | None = None
    items: list[WebhookLineResponse] | None = None


@bp.post("/webhooks/venues/<uuid:venue_id>")
@bp.output(WebhookResponse)
@bp.doc(
    summary="Report redemptions by a signed webhook (Standard Webhooks)",
    description="Types: `redemption.confirmed`, `redemption.reversed`, `redemption.batch`."
    " Send `webhook-id`, `webhook-timestamp` and `webhook-signature`."
    " The same `webhook-id` gets the same answer.",
)
@allow(public=True)
@exempt_from_idempotency_keys
def post_venue_webhook(venue_id: UUID) -> Any:
    with transaction() as session:
        headers = {name.lower(): value for name, value in request.headers.items()}
        return receive(session, venue_id, headers, request.get_data(cache=True))

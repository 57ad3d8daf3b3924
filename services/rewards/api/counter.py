"""A venue's counter: check, hold and redeem its own vouchers. Other vouchers are unknown to it."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from apiflask import APIBlueprint
from pydantic import Field, StrictInt
from sqlalchemy.orm import Session

from services.rewards.models import VoucherStatus
from services.rewards.redemption import lockout, redeem
from services.rewards.redemption.outcomes import Answer, Outcome
from services.rewards.venues.keys import Scope, require_scope
from services.rewards.vouchers import codes
from shared.auth.access import allow, caller
from shared.auth.principal import Role
from shared.db.engine import transaction
from shared.http.idempotency import exempt_from_idempotency_keys
from shared.http.schemas import Code, RequestModel, ResponseModel

bp = APIBlueprint("counter", __name__, url_prefix="/v1")

TypedCode = Annotated[
    str,
    Field(
        min_length=1,
        max_length=100,
        description="As typed; case, spaces and dashes do not matter.",
    ),
]


class CheckRequest(RequestModel):
    code: TypedCode


class HoldRequest(RequestModel):
    code: TypedCode
    seconds: Annotated[StrictInt, Field(ge=1, le=3600)] = redeem.HOLD_SECONDS


class RedeemRequest(RequestModel):
    code: TypedCode
    reference: Code
    hold_id: UUID | None = None


class OutcomeResponse(ResponseModel):
    outcome: Outcome
    voucher_id: UUID | None = None
    product_id: UUID | None = None
    title: str | None = None
    status: VoucherStatus | None = None
    expires_at: datetime | None = None
    redeemed_at: datetime | None = None
    hold_id: UUID | None = None
    held_until: datetime | None = None


@bp.post("/vouchers/check")
@bp.input(CheckRequest)
@bp.output(OutcomeResponse)
@bp.doc(summary="Check what redeeming would answer now; changes nothing")
@allow(Role.VENUE)
@exempt_from_idempotency_keys
def post_check(json_data: CheckRequest) -> Any:
    venue_id = _venue_with(Scope.CHECK)
    with transaction() as session:
        return _outcome_response(
            session, json_data.code, redeem.check_code(session, venue_id, json_data.code)
        )


@bp.post("/vouchers/hold")
@bp.input(HoldRequest)
@bp.output(OutcomeResponse)
@bp.doc(summary="Reserve a voucher for a short while")
@allow(Role.VENUE)
def post_hold(json_data: HoldRequest) -> Any:
    venue_id = _venue_with(Scope.HOLD)
    with transaction() as session:
        answer = redeem.hold_voucher(session, venue_id, json_data.code, json_data.seconds)
        return _outcome_response(session, json_data.code, answer)


@bp.delete("/holds/<uuid:hold_id>")
@bp.output({}, status_code=204)
@bp.doc(summary="End a hold early")
@allow(Role.VENUE)
def delete_hold(hold_id: UUID) -> Any:
    venue_id = _venue_with(Scope.HOLD)
    with transaction() as session:
        redeem.release_hold(session, venue_id, hold_id)
    return ""


@bp.post("/vouchers/redeem")
@bp.input(RedeemRequest)
@bp.output(OutcomeResponse)
@bp.doc(
    summary="Redeem a voucher, once",
    description="The same reference gets the same answer again.",
)
@allow(Role.VENUE)
def post_redeem(json_data: RedeemRequest) -> Any:
    venue_id = _venue_with(Scope.REDEEM)
    with transaction() as session:
        answer = redeem.redeem(
            session,
            venue_id,
            json_data.code,
            json_data.reference,
            channel=redeem.COUNTER,
            hold_id=json_data.hold_id,
        )
        return _outcome_response(session, json_data.code, answer)


def _venue_with(scope: Scope) -> UUID:
    """Return the venue that is calling. Raises Forbidden when its key lacks the scope."""
    require_scope(caller(), scope)
    return _venue_id()


def _venue_id() -> UUID:
    return UUID(str(caller().subject))


def _outcome_response(session: Session, code: str, answer: Answer) -> OutcomeResponse:
    voucher = answer.voucher
    if voucher is None:
        _note_guess(session, code)
        return OutcomeResponse(outcome=answer.outcome)
    held = answer.outcome is Outcome.HELD
    return OutcomeResponse(
        outcome=answer.outcome,
        voucher_id=voucher.id,
        product_id=voucher.product_id,
        title=voucher.title,
        status=voucher.status,
        expires_at=voucher.expires_at,
        redeemed_at=answer.redeemed_at,
        hold_id=voucher.hold_id if held else None,
        held_until=voucher.held_until if held else None,
    )


def _note_guess(session: Session, code: str) -> None:
    """Count an unknown code towards the lock-out. Raises TooManyGuesses."""
    # A typing error is not a guess: only codes whose check signs are right count.
    if codes.check(codes.normalise(code)):
        lockout.note_guess(session, _venue_id())

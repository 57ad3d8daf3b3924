"""`/v1/accounts`: what a volunteer has, and how it came there."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from pydantic import BaseModel, Field, model_validator
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.rewards.issuing.waiting_list import waiting_of
from services.rewards.ledger.expiry import lapsing_of
from services.rewards.ledger.statements import holdings_as_of, statement
from services.rewards.membership.members import choose
from services.rewards.models import Account, AccountStatus, StandingChoice, Transfer, TransferKind
from shared.auth.access import allow, only_self_or_staff
from shared.auth.principal import Role
from shared.db.engine import transaction
from shared.http.paging import Page, PageQuery, decode_cursor, encode_cursor, page_of
from shared.http.schemas import Day, Instant, RequestModel, ResponseModel

bp = APIBlueprint("accounts", __name__, url_prefix="/v1")


class LapsingResponse(ResponseModel):
    on: date = Field(
        description="the calendar day at the site on which they are gone, if not spent before"
    )
    points: int


class WaitingResponse(ResponseModel):
    product_id: UUID
    title: str
    points: int = Field(description="held for it")
    place: int = Field(description="among the backorders of the product; 1 is served next")
    since: datetime


class AccountResponse(ResponseModel):
    volunteer_id: UUID
    points_available: int = 0
    points_held: int = 0
    minutes_credited: int | None = Field(
        default=0, description="null in an answer about a moment, which has points only"
    )
    shortfall: int = 0
    standing_choice: StandingChoice = StandingChoice.ISSUE
    preferred_product_id: UUID | None = None
    status: AccountStatus = AccountStatus.OPEN
    merged_into: UUID | None = None
    lapsing: list[LapsingResponse] = Field(
        default=[], description="the next points to lapse, soonest first"
    )
    waiting: list[WaitingResponse] = Field(
        default=[], description="what the volunteer waits for; the first 50"
    )
    at: datetime | None = Field(default=None, description="the moment of the request")


class EntryResponse(ResponseModel):
    id: UUID
    debit_account: str
    credit_account: str
    amount: int
    kind: TransferKind
    cause_id: UUID
    rule_id: UUID | None
    rule_version: int | None
    created_at: datetime


class AccountQuery(RequestModel):
    at: Instant | None = Field(
        default=None, description="points as the journal had them at that moment"
    )


class StatementQuery(RequestModel):
    first: Day = Field(alias="from", description="the first day, at the site")
    last: Day = Field(alias="to", description="the last day, included")
    limit: int = Field(default=50, ge=1, le=200)
    after: str | None = Field(default=None, max_length=400, description="`next` of the page before")

    @model_validator(mode="after")
    def _in_order(self) -> "StatementQuery":
        if self.first > self.last:
            raise ValueError("`from` is after `to`")
        return self


class HoldingsResponse(ResponseModel):
    available: int
    held: int
    owed: int


class LineResponse(HoldingsResponse):
    """An entry, and what it changed."""

    transfer: EntryResponse


class AccountStatementResponse(BaseModel):
    opening: HoldingsResponse
    items: list[LineResponse]
    closing: HoldingsResponse
    next: str | None


class ChoiceRequest(RequestModel):
    choice: StandingChoice
    product_id: UUID | None = Field(
        default=None, description="product to issue first while it is offered; missing: none"
    )


@bp.get("/accounts/<uuid:volunteer_id>")
@bp.input(AccountQuery, location="query")
@bp.output(AccountResponse)
@bp.doc(summary="Points and minutes of a volunteer, now or as of a moment; zeros before the first")
@allow(Role.VOLUNTEER, Role.COORDINATOR, Role.STAFF, Role.AUDITOR)
def get_account(volunteer_id: UUID, query_data: AccountQuery) -> Any:
    only_self_or_staff(volunteer_id)
    with transaction() as session:
        account = session.get(Account, volunteer_id)
        if account is None:
            response = AccountResponse(volunteer_id=volunteer_id)
        else:
            response = AccountResponse.model_validate(account)
        if query_data.at is not None:
            return _as_of(session, response, query_data.at)
        return _with_lists(session, response)


def _as_of(session: Session, response: AccountResponse, at: datetime) -> AccountResponse:
    """Put the points of a moment in place of those of now."""
    holdings = holdings_as_of(session, response.volunteer_id, at)
    changed = {
        "points_available": holdings.available,
        "points_held": holdings.held,
        "shortfall": holdings.owed,
        "minutes_credited": None,
        "at": at,
    }
    return response.model_copy(update=changed)


def _with_lists(session: Session, response: AccountResponse) -> AccountResponse:
    """Add what will lapse and what is waited for; most accounts need no query for either."""
    owner_id = response.volunteer_id
    lapsing = lapsing_of(session, owner_id) if response.points_available else []
    waiting = waiting_of(session, owner_id) if response.points_held else []
    lists = {
        "lapsing": [LapsingResponse.model_validate(one) for one in lapsing],
        "waiting": [WaitingResponse.model_validate(one) for one in waiting],
    }
    return response.model_copy(update=lists)


@bp.get("/accounts/<uuid:volunteer_id>/statement")
@bp.input(StatementQuery, location="query")
@bp.output(AccountStatementResponse)
@bp.doc(summary="What happened between two days, oldest first: opening + all items = closing")
@allow(Role.VOLUNTEER, Role.COORDINATOR, Role.STAFF, Role.AUDITOR)
def get_statement(volunteer_id: UUID, query_data: StatementQuery) -> Any:
    only_self_or_staff(volunteer_id)
    after = UUID(decode_cursor(query_data.after)[0]) if query_data.after is not None else None
    with transaction() as session:
        found = statement(
            session,
            volunteer_id,
            query_data.first,
            query_data.last,
            after=after,
            limit=query_data.limit,
        )
    following = encode_cursor(str(found.lines[-1].transfer.id)) if found.more else None
    return {
        "opening": found.opening,
        "items": found.lines,
        "closing": found.closing,
        "next": following,
    }


@bp.get("/accounts/<uuid:volunteer_id>/entries")
@bp.input(PageQuery, location="query")
@bp.output(Page[EntryResponse])
@bp.doc(summary="The journal of one account, newest first")
@allow(Role.VOLUNTEER, Role.COORDINATOR, Role.STAFF, Role.AUDITOR)
def get_entries(volunteer_id: UUID, query_data: PageQuery) -> Any:
    only_self_or_staff(volunteer_id)
    with transaction() as session:
        mine = select(Transfer).where(Transfer.volunteer_id == volunteer_id)
        items, following = page_of(session, mine, Transfer.id, query_data)
        return {"items": items, "next": following}


@bp.put("/accounts/<uuid:volunteer_id>/standing-choice")
@bp.input(ChoiceRequest)
@bp.output(AccountResponse)
@bp.doc(summary="Issue vouchers automatically, save the points, or give them on")
@allow(Role.VOLUNTEER, Role.COORDINATOR, Role.STAFF)
def put_standing_choice(volunteer_id: UUID, json_data: ChoiceRequest) -> Any:
    only_self_or_staff(volunteer_id)
    with transaction() as session:
        return choose(session, volunteer_id, json_data.choice, json_data.product_id)

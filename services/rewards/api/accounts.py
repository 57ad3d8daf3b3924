"""`/v1/accounts`: what a volunteer has, and how it came about."""

from datetime import datetime
from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from pydantic import BaseModel
from sqlalchemy import select

from services.rewards.members import choose
from services.rewards.models import Account, AccountStatus, StandingChoice, Transfer, TransferKind
from shared.auth import Role, allow, only_self_or_staff
from shared.db import transaction
from shared.fields import Body, Shown
from shared.paging import PageQuery, page_of

bp = APIBlueprint("accounts", __name__, url_prefix="/v1")


class AccountShown(Shown):
    volunteer_id: UUID
    points_available: int = 0
    points_held: int = 0
    minutes_credited: int = 0
    shortfall: int = 0
    standing_choice: StandingChoice = StandingChoice.ISSUE
    status: AccountStatus = AccountStatus.OPEN
    merged_into: UUID | None = None


class EntryShown(Shown):
    id: UUID
    debit_account: str
    credit_account: str
    amount: int
    kind: TransferKind
    cause_id: UUID
    rule_id: UUID | None
    rule_version: int | None
    created_at: datetime


class EntriesShown(BaseModel):
    items: list[EntryShown]
    next: str | None


class ChoiceBody(Body):
    choice: StandingChoice


@bp.get("/accounts/<uuid:volunteer_id>")
@bp.output(AccountShown)
@bp.doc(summary="Points and minutes of a volunteer; zeros before the first")
@allow(Role.VOLUNTEER, Role.COORDINATOR, Role.STAFF, Role.AUDITOR)
def get_account(volunteer_id: UUID) -> Any:
    only_self_or_staff(volunteer_id)
    with transaction() as session:
        return session.get(Account, volunteer_id) or AccountShown(volunteer_id=volunteer_id)


@bp.get("/accounts/<uuid:volunteer_id>/entries")
@bp.input(PageQuery, location="query")
@bp.output(EntriesShown)
@bp.doc(summary="The journal of one account, newest first")
@allow(Role.VOLUNTEER, Role.COORDINATOR, Role.STAFF, Role.AUDITOR)
def get_entries(volunteer_id: UUID, query_data: PageQuery) -> Any:
    only_self_or_staff(volunteer_id)
    with transaction() as session:
        mine = select(Transfer).where(Transfer.volunteer_id == volunteer_id)
        items, following = page_of(session, mine, Transfer.id, query_data)
        return {"items": items, "next": following}


@bp.put("/accounts/<uuid:volunteer_id>/standing-choice")
@bp.input(ChoiceBody)
@bp.output(AccountShown)
@bp.doc(summary="Issue vouchers automatically, save the points, or give them on")
@allow(Role.VOLUNTEER, Role.COORDINATOR, Role.STAFF)
def put_standing_choice(volunteer_id: UUID, json_data: ChoiceBody) -> Any:
    only_self_or_staff(volunteer_id)
    with transaction() as session:
        return choose(session, volunteer_id, json_data.choice)

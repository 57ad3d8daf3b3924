"""`/v1/ledger`: heads of the journal's chain for everybody; audit and balances for auditors."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from apiflask import APIBlueprint
from pydantic import BaseModel, Field
from sqlalchemy import select

from services.rewards.ledger import audit, balances, statements
from services.rewards.models import ExportedHead
from shared.auth.access import allow
from shared.auth.principal import Role
from shared.db.engine import transaction
from shared.http.paging import Page, PageQuery, decode_cursor, encode_cursor
from shared.http.schemas import Instant, RequestModel, ResponseModel

bp = APIBlueprint("ledger", __name__, url_prefix="/v1")

PAGE = 20_000
"""Transfers per page of the audit: about a second."""


class HeadResponse(BaseModel):
    exported_on: date
    number: int = Field(description="of the seal")
    entries: int = Field(description="transfers sealed so far")
    hash: str = Field(description="sha-256, hex")
    exported_at: datetime


class AuditQuery(RequestModel):
    start: Annotated[int, Field(ge=1, le=2**62)] = Field(
        default=1, alias="from", description="number of a seal"
    )
    head: str | None = Field(
        default=None, pattern=r"^[1-9][0-9]{0,17}:[0-9a-f]{64}$", description="NUMBER:HASH, as kept"
    )


class AccountsQuery(RequestModel):
    after: UUID | None = Field(default=None, description="`next` of the page before")


class FindingResponse(ResponseModel):
    kind: audit.Flaw
    detail: str
    seal: int | None
    transfer_id: UUID | None
    account: str | None


class ChainPageResponse(ResponseModel):
    checked_to: int = Field(description="up to this seal everything on this page is sound")
    entries: int = Field(description="transfers checked on this page")
    finding: FindingResponse | None
    next: int | None = Field(description="pass it as `from`; none at the end, or after a finding")


class AccountsPageResponse(ResponseModel):
    accounts: int = Field(description="checked on this page")
    finding: FindingResponse | None
    next: UUID | None = Field(description="pass it as `after`; none at the end, or after a finding")


class BookResponse(ResponseModel):
    book: str
    debit: int
    credit: int
    balance: int


class BooksResponse(BaseModel):
    items: list[BookResponse]
    balance: int = Field(description="of all books together: 0")


class BalanceQuery(RequestModel):
    at: Instant | None = Field(default=None, description="now if missing")


class BalanceResponse(BaseModel):
    account: str
    at: datetime | None
    points: int


@bp.get("/ledger/heads")
@bp.input(PageQuery, location="query")
@bp.output(Page[HeadResponse])
@bp.doc(
    summary="The head of the journal's chain on each day, newest first",
    description="A head kept elsewhere proves later that no transfer before it was changed.",
)
@allow(public=True)
def get_heads(query_data: PageQuery) -> Any:
    heads = (
        select(ExportedHead).order_by(ExportedHead.exported_on.desc()).limit(query_data.limit + 1)
    )
    if query_data.after is not None:
        (before,) = decode_cursor(query_data.after, lambda parts: date.fromisoformat(*parts))
        heads = heads.where(ExportedHead.exported_on < date.fromisoformat(before))
    with transaction() as session:
        rows = session.scalars(heads).all()
    page = rows[: query_data.limit]
    following = encode_cursor(page[-1].exported_on.isoformat()) if len(rows) > len(page) else None
    return {"items": [_head_response(row) for row in page], "next": following}


@bp.get("/ledger/audit")
@bp.input(AuditQuery, location="query")
@bp.output(ChainPageResponse)
@bp.doc(summary="Check a part of the chain against the journal; name the first entry that is wrong")
@allow(Role.STAFF, Role.AUDITOR)
def get_audit(query_data: AuditQuery) -> Any:
    head = audit.read_head(query_data.head) if query_data.head else None
    with transaction() as session:
        return audit.check_chain(session, query_data.start, head, PAGE)


@bp.get("/ledger/audit/accounts")
@bp.input(AccountsQuery, location="query")
@bp.output(AccountsPageResponse)
@bp.doc(summary="Check a part of the accounts against the journal; name the first that is wrong")
@allow(Role.STAFF, Role.AUDITOR)
def get_audit_of_accounts(query_data: AccountsQuery) -> Any:
    with transaction() as session:
        return balances.check_accounts(session, query_data.after)


@bp.get("/ledger/books")
@bp.output(BooksResponse)
@bp.doc(summary="Trial balance: what came into and left each book; the balances sum to zero")
@allow(Role.STAFF, Role.AUDITOR)
def get_books() -> Any:
    with transaction() as session:
        found = balances.trial_balance(session)
    return {"items": found, "balance": sum(book.balance for book in found)}


@bp.get("/ledger/balances/<account>")
@bp.input(BalanceQuery, location="query")
@bp.output(BalanceResponse)
@bp.doc(summary="Points on volunteer:ID, venue:ID or pool:PRODUCT_ID, now or at a moment")
@allow(Role.STAFF, Role.AUDITOR)
def get_balance(account: str, query_data: BalanceQuery) -> Any:
    with transaction() as session:
        points = statements.balance_of(session, account, query_data.at)
    return {"account": account, "at": query_data.at, "points": points}


def _head_response(row: ExportedHead) -> HeadResponse:
    return HeadResponse(
        exported_on=row.exported_on,
        number=row.number,
        entries=row.entries,
        hash=row.hash.hex(),
        exported_at=row.exported_at,
    )

"""Requests to the pool: for oneself, or by a station worker for somebody in need.

The reason is one word of a closed list.
"""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.rewards.ledger.accounts import check_standing, lock_accounts
from services.rewards.models import Account, Need, PoolRequest, PoolRequestStatus, Product
from services.rewards.rules.versions import NoSuchProduct
from shared.core.clock import app_now
from shared.core.ids import new_id
from shared.core.problems import Conflict, NotFound
from shared.db.statements import changed, inserted

FOR_OTHERS_A_YEAR = 50


class PoolRequestNotFound(NotFound):
    """There is no such request to the pool."""


class RequestWaiting(Conflict):
    """A request for this person waits already."""


class TooManyForOthers(Conflict):
    """You have asked for as many people this year as one person may. Let the centre's staff ask."""


class RequestGranted(Conflict):
    """This request was granted: there is nothing to withdraw."""


def request_voucher(
    session: Session,
    recipient_id: UUID,
    holder_id: UUID,
    need: Need,
    product_id: UUID | None,
    by: str,
    *,
    by_staff: bool = False,
) -> PoolRequest:
    """Request a voucher of one product or (None) of any; one waiting request per person.

    `holder_id` will see the code. Who is not staff may ask for FOR_OTHERS_A_YEAR people: nobody
    here can check that they exist. Raises NoSuchProduct, RequestWaiting, TooManyForOthers,
    AccountSuspended, AccountEnded.
    """
    if product_id is not None:
        check_product(session, product_id)
    accounts = lock_accounts(session, {recipient_id, holder_id})
    for account in accounts.values():
        check_standing(account)
    recipient = id_after_merges(accounts.get(recipient_id), recipient_id)
    holder = id_after_merges(accounts.get(holder_id), holder_id)
    if not by_staff and recipient != holder:
        _check_requests_for_others(session, holder)
    request_id = new_id()
    row = insert(PoolRequest).values(
        id=request_id,
        recipient_id=recipient,
        holder_id=holder,
        product_id=product_id,
        need=need,
        asked_by=by,
    )
    if not inserted(session, row.on_conflict_do_nothing()):
        raise RequestWaiting(f"A request for {recipient} waits already.")
    return get_request(session, request_id)


def check_product(session: Session, product_id: UUID) -> None:
    """Raise NoSuchProduct for an unknown product."""
    if session.get(Product, product_id) is None:
        raise NoSuchProduct(
            f"No product {product_id}.", errors=[{"pointer": "/product_id", "detail": "unknown"}]
        )


def id_after_merges(account: Account | None, asked_id: UUID) -> UUID:
    """Return the id of a person's account, which differs for a merged duplicate."""
    return asked_id if account is None else account.volunteer_id


def _check_requests_for_others(session: Session, holder_id: UUID) -> None:
    """Raise TooManyForOthers. One requester at a time, so that none slips past the count."""
    key = func.hashtextextended(f"rewards.pool_requests {holder_id}", 0)
    session.execute(select(func.pg_advisory_xact_lock(key)))
    requested = session.scalar(
        select(func.count()).where(
            PoolRequest.holder_id == holder_id,
            PoolRequest.recipient_id != holder_id,
            PoolRequest.status != PoolRequestStatus.WITHDRAWN,
            PoolRequest.created_at > app_now() - timedelta(days=365),
        )
    )
    if (requested or 0) >= FOR_OTHERS_A_YEAR:
        raise TooManyForOthers(f"{FOR_OTHERS_A_YEAR} requests for others in 365 days.")


def get_request(session: Session, request_id: UUID) -> PoolRequest:
    """Return a request. Raises PoolRequestNotFound."""
    request = session.get(PoolRequest, request_id, populate_existing=True)
    if request is None:
        raise PoolRequestNotFound(f"No request {request_id}.")
    return request


def withdraw(session: Session, request_id: UUID) -> PoolRequest:
    """Withdraw a request. Repeating it changes nothing.

    Raises PoolRequestNotFound, RequestGranted.
    """
    withdrawn = session.execute(
        update(PoolRequest)
        .where(PoolRequest.id == request_id, PoolRequest.status == PoolRequestStatus.WAITING)
        .values(status=PoolRequestStatus.WITHDRAWN, ended_at=app_now())
    )
    request = get_request(session, request_id)
    if not changed(withdrawn) and request.status is PoolRequestStatus.GRANTED:
        raise RequestGranted(f"Request {request_id} was granted.")
    return request


def withdraw_of(session: Session, person_id: UUID) -> None:
    """Withdraw what waits for somebody who left, and what they requested for others."""
    for mine in (PoolRequest.recipient_id, PoolRequest.holder_id):
        session.execute(
            update(PoolRequest)
            .where(mine == person_id, PoolRequest.status == PoolRequestStatus.WAITING)
            .values(status=PoolRequestStatus.WITHDRAWN, ended_at=app_now())
        )


def merge_requests(session: Session, old_id: UUID, new_id_: UUID) -> None:
    """Move a duplicate's requests to the account that stays; of two waiting the older stays."""
    waiting = session.scalars(
        select(PoolRequest.id)
        .where(
            PoolRequest.recipient_id.in_([old_id, new_id_]),
            PoolRequest.status == PoolRequestStatus.WAITING,
        )
        .order_by(PoolRequest.id)
        .with_for_update()
    ).all()
    for request_id in waiting[1:]:
        withdraw(session, request_id)
    for column in (PoolRequest.recipient_id, PoolRequest.holder_id):
        session.execute(update(PoolRequest).where(column == old_id).values({column: new_id_}))

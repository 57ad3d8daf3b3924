"""Hand a voucher on: a new voucher with a new code replaces it, and the chain of custody is kept.

A gift cannot be withdrawn: its receiver may have used it in the same moment. Points are neither
made nor lost. From person to person they stay in the product's journal account; a transfer moves
them into the pool 爱心券池 and out of it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import literal, or_, select
from sqlalchemy.orm import Session

from services.rewards.ledger import journal
from services.rewards.ledger.accounts import check_standing, everybody_merged, lock_accounts
from services.rewards.ledger.journal import TransferDraft
from services.rewards.models import (
    Account,
    AccountStatus,
    Handover,
    HandoverKind,
    TransferKind,
    Voucher,
    VoucherOrigin,
    VoucherStatus,
)
from services.rewards.rules.versions import RuleRef
from services.rewards.vouchers import codes, lifecycle
from services.rewards.vouchers.codes import code_vault
from services.rewards.vouchers.drafts import VoucherDraft, insert_vouchers, seal_code
from services.rewards.vouchers.lifecycle import (
    VoucherNotFound,
    about,
    get_voucher,
    lock_all_free,
    lock_free,
)
from shared.contracts.rewards import VoucherGiven
from shared.core.ids import new_id
from shared.core.problems import Conflict, Unprocessable, invalid
from shared.db.bulk import insert_rows
from shared.db.statements import among
from shared.messaging.outbox import publish


class VoucherNotGivable(Conflict):
    """This voucher was used, has ended, or a venue holds it just now."""


class NoSuchReceiver(Unprocessable):
    """Nobody with this id can receive a voucher."""


@dataclass(frozen=True, slots=True)
class Handing:
    """How a voucher changes hands."""

    kind: HandoverKind
    actor: str
    giver_id: UUID | None = None  #: None out of the pool
    receiver_id: UUID | None = None  #: None into the pool
    named: bool = False
    wish_id: UUID | None = None
    request_id: UUID | None = None
    reason: str | None = None  #: what staff wrote


def give(
    session: Session,
    voucher_id: UUID,
    giver_id: UUID,
    to: UUID | None,
    *,
    named: bool = False,
    actor: str,
) -> Voucher:
    """Give one's own unused voucher to a person, or (`to` None) to the pool, unnamed.

    Returns the new voucher: same product, points, cost and last day, another code. Of a gift and a
    redemption, or of two gifts, at the same moment one wins. Raises VoucherNotFound (also for
    somebody else's), VoucherNotGivable, NoSuchReceiver (also where the account has ended),
    AccountSuspended, AccountEnded, and Unprocessable for a gift to oneself.
    """
    if get_voucher(session, voucher_id).holder_id != giver_id:
        raise VoucherNotFound(f"No voucher {voucher_id}.")
    accounts = lock_accounts(session, [giver_id, *([to] if to else [])])
    check_standing(accounts.get(giver_id))
    receiver = accounts.get(to) if to else None
    if to is not None:
        _check_receiver(to, receiver, accounts.get(giver_id))
    voucher = lock_free(session, voucher_id, Voucher.holder_id == giver_id)
    if voucher is None:
        raise not_givable(session, voucher_id)
    if receiver is None:
        return hand_on(session, voucher, Handing(HandoverKind.DONATION, actor, giver_id))
    handing = Handing(HandoverKind.GIFT, actor, giver_id, receiver.volunteer_id, named)
    return hand_on(session, voucher, handing)


def _check_receiver(to: UUID, receiver: Account | None, giver: Account | None) -> None:
    """Raise NoSuchReceiver, or Unprocessable for a gift to oneself."""
    if receiver is None or receiver.status is not AccountStatus.OPEN:
        raise NoSuchReceiver(
            f"{to} cannot receive a voucher.", errors=[{"pointer": "/to", "detail": "unknown"}]
        )
    if receiver is giver:
        raise invalid("/to", "A gift goes to somebody else, or to the pool.")


def not_givable(session: Session, voucher_id: UUID) -> VoucherNotGivable:
    """Make the problem that names the voucher's status."""
    voucher = get_voucher(session, voucher_id)
    return VoucherNotGivable(
        f"Voucher {voucher_id} is {voucher.status}.", voucher_status=voucher.status
    )


def hand_on(session: Session, old: Voucher, handing: Handing) -> Voucher:
    """End a voucher and put a new one in its place. The old one is locked and free."""
    (new,) = hand_all_on(session, [old], handing)
    session.refresh(old)
    return new


def hand_all_on(
    session: Session, vouchers: Sequence[Voucher], handing: Handing
) -> Sequence[Voucher]:
    """End vouchers and put a new one in the place of each; return the new ones in this order.

    They are locked and free. However many there are, the statements are the same few.
    """
    lifecycle.end_vouchers(session, vouchers, VoucherStatus.GIVEN, handing.reason, handing.actor)
    drafts = [_successor(old, handing) for old in vouchers]
    insert_vouchers(session, drafts)
    ids = [draft.id for draft in drafts]
    written = {
        one.id: one for one in session.scalars(select(Voucher).where(among(Voucher.id, ids)))
    }
    links = [
        _Link(new_id(), old, written[draft.id]) for old, draft in zip(vouchers, drafts, strict=True)
    ]
    insert_rows(session, Handover, [_columns_of(link, handing) for link in links])
    journal.record_transfers(session, _transfers_of(links, handing))
    publish(session, *(_given(link, handing) for link in links))
    return [link.new for link in links]


@dataclass(frozen=True, slots=True)
class _Link:
    """A voucher and the one that takes its place."""

    id: UUID
    old: Voucher
    new: Voucher


def _columns_of(link: _Link, handing: Handing) -> Mapping[str, object]:
    """Return the columns of a handover's row."""
    return {
        "id": link.id,
        "kind": handing.kind,
        "from_voucher_id": link.old.id,
        "to_voucher_id": link.new.id,
        "giver_id": handing.giver_id,
        "receiver_id": handing.receiver_id,
        "named": handing.named,
        "wish_id": handing.wish_id,
        "request_id": handing.request_id,
        "actor": handing.actor,
    }


def _transfers_of(links: Iterable[_Link], handing: Handing) -> Iterator[TransferDraft]:
    """Draft the transfers of points that move into the pool or out of it."""
    for link in links:
        left, came = journal.of_voucher(link.old), journal.of_voucher(link.new)
        if left != came:
            pooled = link.new.holder_id is None
            yield TransferDraft(
                left,
                came,
                link.new.points,
                TransferKind.GIVEN if pooled else TransferKind.ALLOCATED,
                link.id,
                volunteer_id=handing.giver_id or handing.receiver_id,
                actor=handing.actor,
            )


def _given(link: _Link, handing: Handing) -> VoucherGiven:
    # Somebody who left is not notified.
    giver_id = None if handing.kind is HandoverKind.RETURN else handing.giver_id
    return VoucherGiven(
        **about(link.new),
        previous_id=link.old.id,
        giver_id=giver_id,
        named=handing.named,
        kind=handing.kind.value,
        expires_at=link.new.expires_at,
    )


def _successor(old: Voucher, handing: Handing) -> VoucherDraft:
    """Draft the same voucher with a new code and the same dates; a reissued one is no gift."""
    again = handing.kind is HandoverKind.REISSUE
    return VoucherDraft(
        holder_id=handing.receiver_id,
        origin=old.origin if again else VoucherOrigin.GIFT,
        product_id=old.product_id,
        venue_id=old.venue_id,
        title=old.title,
        points=old.points,
        cost_fen=old.cost_fen,
        code=seal_code(code_vault(), codes.new_code()),
        rule=RuleRef(old.rule_id, old.rule_version),
        issued_at=old.issued_at,
        expires_at=old.expires_at,
        reminded_at=old.reminded_at,
    )


def return_gifts(session: Session, holder_id: UUID) -> None:
    """Return the unused gifts of somebody who left to the pool. The account is locked.

    A gift that a venue holds stays.
    """
    of_holder = Voucher.holder_id == holder_id
    gifts = lock_all_free(session, of_holder, Voucher.origin == VoucherOrigin.GIFT)
    if gifts:
        handing = Handing(HandoverKind.RETURN, journal.REGISTRATION, giver_id=holder_id)
        hand_all_on(session, gifts, handing)


def reissue(session: Session, voucher_id: UUID, reason: str, by: str) -> Voucher:
    """Replace a voucher whose code was lost or seen by others. The old code becomes void.

    Returns the new voucher; only its holder sees the new code. Raises VoucherNotFound,
    VoucherNotGivable.
    """
    voucher = get_voucher(session, voucher_id)
    if voucher.holder_id is None:
        raise VoucherNotGivable(
            f"Voucher {voucher_id} has no holder.", voucher_status=voucher.status
        )
    lock_accounts(session, [voucher.holder_id])
    locked = lock_free(session, voucher_id)
    if locked is None:
        raise not_givable(session, voucher_id)
    handing = Handing(
        HandoverKind.REISSUE, by, locked.holder_id, locked.holder_id, named=True, reason=reason
    )
    return hand_on(session, locked, handing)


def came_from(session: Session, voucher_id: UUID) -> Handover | None:
    """Return the link that leads to a voucher."""
    return session.scalars(
        select(Handover).where(Handover.to_voucher_id == voucher_id)
    ).one_or_none()


def went_to(session: Session, voucher_id: UUID) -> Handover | None:
    """Return the link that leads away from a voucher."""
    return session.scalars(
        select(Handover).where(Handover.from_voucher_id == voucher_id)
    ).one_or_none()


def links_before(session: Session, voucher_id: UUID) -> Iterator[Handover]:
    """Yield the links that led to a voucher, newest first."""
    wanted: UUID | None = voucher_id
    while wanted is not None and (link := came_from(session, wanted)) is not None:
        yield link
        wanted = link.from_voucher_id


def latest_code(session: Session, voucher_id: UUID) -> UUID:
    """Return the voucher that replaced this one after any reissues, or itself."""
    codes = select(literal(voucher_id).label("id"), literal(0).label("step"))
    replaced = codes.cte("codes", recursive=True)
    replaced = replaced.union_all(
        select(Handover.to_voucher_id, replaced.c.step + 1).where(
            Handover.from_voucher_id == replaced.c.id, Handover.kind == HandoverKind.REISSUE
        )
    )
    newest = select(replaced.c.id).order_by(replaced.c.step.desc()).limit(1)
    return session.scalars(newest).one()


@dataclass(frozen=True, slots=True)
class Chain:
    """Who had a voucher, oldest link first, as far as the reader may see it."""

    voucher_id: UUID
    links: Sequence[Handover]
    reader: frozenset[UUID] | None  #: the ids of the reader's accounts; None: staff or an auditor

    def giver_of(self, link: Handover) -> UUID | None:
        """Return the giver to the giver; to the receiver only if the giver agreed."""
        if self.reader is None or link.named or link.giver_id in self.reader:
            return link.giver_id
        return None


def chain(session: Session, voucher_id: UUID, reader_id: UUID | None) -> Chain:
    """Return the chain of custody through a voucher; `reader_id` None sees all of it.

    Others see the links that they took part in. Raises VoucherNotFound, also for a reader who never
    had the voucher.
    """
    get_voucher(session, voucher_id)
    links = [*reversed(list(links_before(session, voucher_id))), *links_after(session, voucher_id)]
    if reader_id is None:
        return Chain(voucher_id, links, None)
    reader = frozenset(everybody_merged(session, reader_id))
    own = [link for link in links if reader & {link.giver_id, link.receiver_id}]
    if not own and not _had_one(session, reader, voucher_id, links):
        raise VoucherNotFound(f"No voucher {voucher_id}.")
    return Chain(voucher_id, own, reader)


def links_after(session: Session, voucher_id: UUID) -> Iterator[Handover]:
    """Yield the links that led away from a voucher, oldest first."""
    while (link := went_to(session, voucher_id)) is not None:
        yield link
        voucher_id = link.to_voucher_id


def _had_one(
    session: Session, reader: Iterable[UUID], voucher_id: UUID, links: Iterable[Handover]
) -> bool:
    """Tell whether a reader holds or held the voucher, or one that it was before or after."""
    ids = {voucher_id}
    for link in links:
        ids |= {id_ for id_ in (link.from_voucher_id, link.to_voucher_id) if id_}
    held = or_(*(Voucher.holder_id == id_ for id_ in reader))
    found = select(Voucher.id).where(Voucher.id.in_(ids), held).limit(1)
    return session.scalar(found) is not None

"""The audit: walks seals and journal side by side and names the first thing amiss. `books.py`
checks the balances.

Goes in pages of bounded size, each on its own, so that ten million transfers never lie in memory
and no request runs for minutes. What a page found sound counts only together with the pages before
it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, bindparam, select, text
from sqlalchemy.orm import Session

from services.rewards.ledger.seal import (
    BATCH,
    ENTRY,
    GENESIS,
    NOWHERE,
    Entry,
    chain,
    read_entries,
    transfers_after,
)
from services.rewards.models import Seal, Transfer

PAGE = 50_000


class Flaw(StrEnum):
    """What is wrong."""

    ALTERED = "altered"  #: a sealed transfer is no longer what was sealed
    MISSING = "missing"  #: a sealed transfer is gone
    ADDED = "added"  #: a transfer stands among sealed ones that no seal knows
    SEAL_ALTERED = "seal_altered"  #: a seal does not fit its own hash, or the seal before it
    SEAL_MISSING = "seal_missing"  #: a number of the chain is left out
    TAIL_CUT = "tail_cut"  #: a head that was told to the world is not in the chain: cut off, or written anew
    BALANCE = "balance"  #: an account holds something else than the journal says
    BOOK = "book"  #: the journal moved points of an account that does not exist


@dataclass(frozen=True, slots=True)
class Finding:
    """The first thing amiss: what, where, in words."""

    kind: Flaw
    detail: str
    seal: int | None = None
    transfer_id: UUID | None = None
    account: str | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """A head of the chain, as somebody kept it."""

    number: int
    hash: bytes


def read_head(written: str) -> Head:
    """`NUMBER:HASH`, as `wishtree ledger head` prints it. Raises ValueError."""
    number, _, hex_hash = written.strip().partition(":")
    head = Head(int(number), bytes.fromhex(hex_hash))
    if head.number < 1 or len(head.hash) != len(GENESIS):
        raise ValueError("a head is NUMBER:HASH, with 64 hexadecimal digits")
    return head


@dataclass(frozen=True, slots=True)
class ChainPage:
    """Seals up to `checked_to` fit the journal, unless there is a finding; `next` is where to go
    on, if anywhere.
    """

    checked_to: int
    entries: int  #: transfers checked on this page
    finding: Finding | None
    next: int | None


@dataclass(frozen=True, slots=True)
class _Link:
    """What one seal leaves to the next."""

    number: int = 0
    txid: int = NOWHERE[0]
    last_id: UUID = NOWHERE[1]
    hash: bytes = GENESIS


def check_chain(
    session: Session, start: int = 1, head: Head | None = None, limit: int = PAGE
) -> ChainPage:
    """Check seals from number `start` on, and every transfer in them, until about `limit` transfers
    were looked at.

    At the end of the chain the heads that were told to the world must be in it, and `head`, if
    somebody kept one.
    """
    link, checked = _link_before(session, start), 0
    if link is None:
        gone = Finding(Flaw.SEAL_MISSING, f"There is no seal {start - 1}.", seal=start - 1)
        return ChainPage(start - 1, 0, gone, None)
    while checked < limit:
        seals = _next_seals(session, link.number)
        if not seals:
            return ChainPage(link.number, checked, _first_head_amiss(session, head), None)
        sound, finding = _sound_seals(link, seals)
        finding = _first_entry_amiss(session, link, sound) or finding
        if finding is not None:
            return ChainPage((finding.seal or 1) - 1, checked, finding, None)
        checked += sum(seal.count for seal in sound)
        link = _link_of(sound[-1])
    return ChainPage(link.number, checked, None, link.number + 1)


def _link_of(seal: Seal) -> _Link:
    return _Link(seal.number, int(seal.last_txid), seal.last_id, seal.hash)


def _link_before(session: Session, start: int) -> _Link | None:
    seal = session.get(Seal, start - 1) if start > 1 else None
    return _link_of(seal) if seal is not None else _Link() if start <= 1 else None


_NEXT_SEALS = text(
    """
    SELECT * FROM (
        SELECT number, count, entries, last_txid, last_id, previous_hash, hash, sealed_at,
            sum(octet_length(entries)) OVER (ORDER BY number) - octet_length(entries) AS before
        FROM (SELECT * FROM seals WHERE number > :number ORDER BY number LIMIT 500) AS following
    ) AS seals WHERE before < :bytes ORDER BY number
    """
).columns(*(Seal.__table__.columns))


def _next_seals(session: Session, number: int) -> Sequence[Seal]:
    """The seals after a number, as many as hold a batch of transfers and one more seal."""
    rows = session.execute(_NEXT_SEALS, {"number": number, "bytes": BATCH * ENTRY}).mappings()
    return [Seal(**{name: row[name] for name in Seal.__table__.columns.keys()}) for row in rows]  # noqa: SIM118


def _sound_seals(link: _Link, seals: Sequence[Seal]) -> tuple[Sequence[Seal], Finding | None]:
    """The seals before the first that is amiss in itself, and what is amiss with that one."""
    for place, seal in enumerate(seals):
        number = link.number + 1
        if seal.number != number:
            return seals[:place], Finding(
                Flaw.SEAL_MISSING, f"There is no seal {number}.", seal=number
            )
        fits = (
            0 < len(seal.entries) == ENTRY * seal.count
            and seal.last_id.bytes == seal.entries[-ENTRY : 16 - ENTRY]
            and seal.previous_hash == link.hash
            and seal.hash == chain(link.hash, seal.entries, number, int(seal.last_txid))
        )
        if not fits:
            detail = f"Seal {number} does not fit its own hash, or the seal before it."
            return seals[:place], Finding(Flaw.SEAL_ALTERED, detail, seal=number)
        link = _link_of(seal)
    return seals, None


_UP_TO = transfers_after("(t.txid, t.id) <= (CAST(CAST(:last_txid AS text) AS xid8), :last_id)")


def _first_entry_amiss(session: Session, link: _Link, seals: Sequence[Seal]) -> Finding | None:
    """Compare what seals hold with the transfers that stand where they were sealed."""
    if not seals:
        return None
    sealed = [
        (
            seal.number,
            Entry(UUID(bytes=seal.entries[at : at + 16]), 0, seal.entries[at + 16 : at + ENTRY]),
        )
        for seal in seals
        for at in range(0, len(seal.entries), ENTRY)
    ]
    last = _link_of(seals[-1])
    where = {
        "txid": str(link.txid),
        "id": link.last_id,
        "last_txid": str(last.txid),
        "last_id": last.last_id,
    }
    found = iter(read_entries(session.execute(_UP_TO, where | {"limit": len(sealed) + 1})))
    known = {entry.id for _, entry in sealed}
    for number, entry in sealed:
        stands = next(found, None)
        if stands is not None and stands.id not in known:
            detail = f"Transfer {stands.id} stands among those of seal {number}, and no seal knows it there."
            return Finding(Flaw.ADDED, detail, number, stands.id)
        if stands is None or stands.id != entry.id:
            following = next(
                found, None
            )  # the one expected here? Then the other was moved before it
            ahead = stands is not None and following is not None and following.id == entry.id
            return _gone(session, stands.id if stands is not None and ahead else entry.id, number)
        if stands.digest != entry.digest:
            return Finding(
                Flaw.ALTERED,
                f"Transfer {entry.id} is not what seal {number} sealed.",
                number,
                entry.id,
            )
    return None


def _gone(session: Session, transfer_id: UUID, number: int) -> Finding:
    if session.scalar(select(Transfer.id).where(Transfer.id == transfer_id)):
        detail = f"Transfer {transfer_id} of seal {number} no longer stands where it was sealed: its txid was changed."
        return Finding(Flaw.ALTERED, detail, number, transfer_id)
    detail = f"Transfer {transfer_id} of seal {number} is gone."
    return Finding(Flaw.MISSING, detail, number, transfer_id)


_HEADS = text(
    """
    SELECT told.number, seals.hash AS found FROM (
        SELECT number, hash FROM exported_heads
        UNION ALL SELECT :number, :hash WHERE CAST(:number AS bigint) IS NOT NULL
    ) AS told LEFT JOIN seals USING (number)
    WHERE seals.hash IS DISTINCT FROM told.hash ORDER BY told.number LIMIT 1
    """
).bindparams(bindparam("number", type_=BigInteger()))


def _first_head_amiss(session: Session, head: Head | None) -> Finding | None:
    kept = {"number": head.number, "hash": head.hash} if head else {"number": None, "hash": None}
    row = session.execute(_HEADS, kept).one_or_none()
    if row is None:
        return None
    what = "is gone" if row.found is None else "has another hash"
    detail = f"Seal {row.number} was told as the head of the chain, and {what}: the chain was cut before, or rewritten."
    return Finding(Flaw.TAIL_CUT, detail, seal=row.number)

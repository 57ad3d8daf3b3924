"""The audit: compare seals and journal side by side, and name the first thing that is wrong.

`balances.py` checks the balances. Pages are of bounded size and each stands alone, so that ten
million transfers are never in memory together and no request runs for minutes. What a page found
sound counts only together with the pages before it.
"""

import re
from collections.abc import Iterator, Sequence
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
HEAD = re.compile("([1-9][0-9]{0,17}):([0-9a-fA-F]{64})")


class Flaw(StrEnum):
    """What is wrong."""

    ALTERED = "altered"  #: a sealed transfer is no longer what was sealed
    MISSING = "missing"  #: a sealed transfer is gone
    ADDED = "added"  #: a transfer is among sealed ones that no seal holds
    SEAL_ALTERED = "seal_altered"  #: a seal does not fit its own hash, or the seal before it
    SEAL_MISSING = "seal_missing"  #: a number of the chain is left out
    TAIL_CUT = "tail_cut"  #: a published head is not in the chain: cut off or rewritten
    BALANCE = "balance"  #: an account holds something else than the journal says
    BOOK = "book"  #: the journal moved points of an account that does not exist


@dataclass(frozen=True, slots=True)
class Finding:
    """The first thing that is wrong: what, where, in words."""

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
    found = HEAD.fullmatch(written.strip())
    if found is None:
        raise ValueError("a head is NUMBER:HASH, with 64 hexadecimal digits")
    return Head(int(found[1]), bytes.fromhex(found[2]))


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
    """Check seals from number `start` on, and every transfer in them, about `limit` transfers.

    At the end of the chain the published heads must be in it, and `head`, if somebody kept one.
    """
    link, checked = _link_before(session, start), 0
    if link is None:
        gone = Finding(Flaw.SEAL_MISSING, f"There is no seal {start - 1}.", seal=start - 1)
        return ChainPage(start - 1, 0, gone, None)
    while checked < limit:
        seals = _next_seals(session, link.number)
        if not seals:
            return ChainPage(link.number, checked, _check_heads(session, head), None)
        sound, finding = _sound_seals(link, seals)
        finding = _check_entries(session, link, sound) or finding
        if finding is not None:
            return ChainPage((finding.seal or 1) - 1, checked, finding, None)
        checked += sum(seal.count for seal in sound)
        link = _link_of(sound[-1])
    return ChainPage(link.number, checked, None, link.number + 1)


def _link_of(seal: Seal) -> _Link:
    return _Link(seal.number, int(seal.last_txid), seal.last_id, seal.hash)


def _link_before(session: Session, start: int) -> _Link | None:
    """The link before a seal; None where that seal is missing."""
    if start <= 1:
        return _Link()
    seal = session.get(Seal, start - 1)
    return _link_of(seal) if seal is not None else None


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
    """Read the seals after a number, as many as hold a batch of transfers and one more seal."""
    rows = session.execute(_NEXT_SEALS, {"number": number, "bytes": BATCH * ENTRY}).mappings()
    return [Seal(**{name: row[name] for name in Seal.__table__.columns.keys()}) for row in rows]  # noqa: SIM118


def _sound_seals(link: _Link, seals: Sequence[Seal]) -> tuple[Sequence[Seal], Finding | None]:
    """Return the seals before the first that is wrong in itself, and what is wrong with it."""
    for place, seal in enumerate(seals):
        number = link.number + 1
        if seal.number != number:
            detail = f"There is no seal {number}."
            return seals[:place], Finding(Flaw.SEAL_MISSING, detail, seal=number)
        if not _fits(link, seal):
            detail = f"Seal {number} does not fit its own hash, or the seal before it."
            return seals[:place], Finding(Flaw.SEAL_ALTERED, detail, seal=number)
        link = _link_of(seal)
    return seals, None


def _fits(link: _Link, seal: Seal) -> bool:
    """Whether a seal fits its count, its last id, its own hash and the seal before it."""
    return (
        0 < len(seal.entries) == ENTRY * seal.count
        and seal.last_id.bytes == seal.entries[-ENTRY : 16 - ENTRY]
        and seal.previous_hash == link.hash
        and seal.hash == chain(link.hash, seal.entries, seal.number, int(seal.last_txid))
    )


_UP_TO = transfers_after("(t.txid, t.id) <= (CAST(CAST(:last_txid AS text) AS xid8), :last_id)")


@dataclass(frozen=True, slots=True)
class _Sealed:
    """A transfer as seal `number` holds it."""

    number: int
    id: UUID
    digest: bytes


def _check_entries(session: Session, link: _Link, seals: Sequence[Seal]) -> Finding | None:
    """Compare what seals hold with the transfers that stand where they were sealed."""
    sealed = [one for seal in seals for one in _entries_of(seal)]
    if not sealed:
        return None
    found = iter(_transfers_between(session, link, _link_of(seals[-1]), len(sealed) + 1))
    known = {entry.id for entry in sealed}
    for entry in sealed:
        stands = next(found, None)
        if stands is None or stands.id != entry.id or stands.digest != entry.digest:
            return _finding(session, entry, stands, next(found, None), known)
    return None


def _entries_of(seal: Seal) -> Iterator[_Sealed]:
    for start in range(0, len(seal.entries), ENTRY):
        entry = seal.entries[start : start + ENTRY]
        yield _Sealed(seal.number, UUID(bytes=entry[:16]), entry[16:])


def _transfers_between(session: Session, before: _Link, last: _Link, limit: int) -> list[Entry]:
    bounds = {
        "txid": str(before.txid),
        "id": before.last_id,
        "last_txid": str(last.txid),
        "last_id": last.last_id,
        "limit": limit,
    }
    return read_entries(session.execute(_UP_TO, bounds))


def _finding(
    session: Session,
    entry: _Sealed,
    stands: Entry | None,
    following: Entry | None,
    known: set[UUID],
) -> Finding:
    """Name what is wrong where `entry` was sealed and `stands` is found, with one after it."""
    number = entry.number
    if stands is None:
        return _gone(session, entry.id, number)
    if stands.id not in known:
        detail = f"Transfer {stands.id} is among those of seal {number}, which does not hold it."
        return Finding(Flaw.ADDED, detail, number, stands.id)
    if stands.id == entry.id:
        detail = f"Transfer {entry.id} is not what seal {number} sealed."
        return Finding(Flaw.ALTERED, detail, number, entry.id)
    # Is the one expected here the next? Then the other was moved before it.
    is_ahead = following is not None and following.id == entry.id
    return _gone(session, stands.id if is_ahead else entry.id, number)


def _gone(session: Session, transfer_id: UUID, number: int) -> Finding:
    """Say that a transfer is not where it was sealed: moved, or deleted."""
    if session.scalar(select(Transfer.id).where(Transfer.id == transfer_id)):
        detail = (
            f"Transfer {transfer_id} of seal {number} is no longer where it was sealed:"
            " its txid was changed."
        )
        return Finding(Flaw.ALTERED, detail, number, transfer_id)
    detail = f"Transfer {transfer_id} of seal {number} is gone."
    return Finding(Flaw.MISSING, detail, number, transfer_id)


_HEADS = text(
    """
    SELECT published.number, seals.hash AS found FROM (
        SELECT number, hash FROM exported_heads
        UNION ALL SELECT :number, :hash WHERE CAST(:number AS bigint) IS NOT NULL
    ) AS published LEFT JOIN seals USING (number)
    WHERE seals.hash IS DISTINCT FROM published.hash ORDER BY published.number LIMIT 1
    """
).bindparams(bindparam("number", type_=BigInteger()))


def _check_heads(session: Session, head: Head | None) -> Finding | None:
    kept = {"number": head.number, "hash": head.hash} if head else {"number": None, "hash": None}
    row = session.execute(_HEADS, kept).one_or_none()
    if row is None:
        return None
    what = "is gone" if row.found is None else "has another hash"
    detail = (
        f"Seal {row.number} was published as the head of the chain, and {what}:"
        " the chain was cut before it, or rewritten."
    )
    return Finding(Flaw.TAIL_CUT, detail, seal=row.number)

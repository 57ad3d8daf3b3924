"""The seal on the journal: transfers are chained by hash after they were committed.

Nothing waits for the seal. A head of the chain (`NUMBER:HASH`) kept elsewhere proves later that
no transfer before it was changed, taken away or put in between. `audit.py` checks it; the form of
what is hashed is in docs/operations/audit-the-ledger.md.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.rewards.models import ExportedHead, Seal, Transfer
from shared.contracts.rewards import LedgerSealed
from shared.core.clock import site_today
from shared.messaging.outbox import publish

BATCH = 5000
GENESIS = bytes(32)
"""What the first seal follows."""
ENTRY = 48
"""Bytes per transfer in a seal: 16 of id, 32 of digest."""
NOWHERE = (0, UUID(int=0))
"""The position before the first transfer."""
SEALED_COLUMNS = tuple(
    sorted(column.name for column in Transfer.__table__.columns if column.name != "txid")
)
"""All but `txid`: the place in the order is the seal's matter."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A transfer as it is sealed."""

    id: UUID
    txid: int
    digest: bytes

    @property
    def sealed(self) -> bytes:
        return self.id.bytes + self.digest


def canonical(values: Iterable[str | None]) -> bytes:
    """Write the bytes of a transfer, from the texts of SEALED_COLUMNS.

    They are a JSON object of strings: names sorted, missing ones left out, ASCII only, no spaces. A
    column added later leaves older bytes as they are.
    """
    found = {
        name: value for name, value in zip(SEALED_COLUMNS, values, strict=True) if value is not None
    }
    return json.dumps(found, separators=(",", ":")).encode()


def chain(previous: bytes, entries: bytes, number: int, last_txid: int) -> bytes:
    """Hash a seal: h = sha256(h + entry) from the hash of the seal before it on.

    Number, count and last txid are hashed last.
    """
    link = previous
    for start in range(0, len(entries), ENTRY):
        link = sha256(link + entries[start : start + ENTRY]).digest()
    bound = b"".join(value.to_bytes(8) for value in (number, len(entries) // ENTRY, last_txid))
    return sha256(link + bound).digest()


def transfers_after(condition: str) -> TextClause:
    """Select transfers after the position (:txid, :id) in their order, for `read_entries`."""
    columns = ", ".join(_as_text(name) for name in SEALED_COLUMNS)
    return text(
        f"SELECT {columns}, CAST(t.txid AS text) FROM transfers AS t"  # noqa: S608 - our names
        f" WHERE (t.txid, t.id) > (CAST(CAST(:txid AS text) AS xid8), :id) AND {condition}"
        " ORDER BY t.txid, t.id LIMIT :limit"
    )


def _as_text(column: str) -> str:
    """Select a column as PostgreSQL writes it.

    Instants are microseconds since 1970 in UTC, in any session's time zone.
    """
    if column == "created_at":
        return "CAST(trunc(extract(epoch FROM t.created_at) * 1000000) AS text)"
    return f"CAST(t.{column} AS text)"


_ID = SEALED_COLUMNS.index("id")


def read_entries(rows: Iterable[Sequence[Any]]) -> list[Entry]:
    return [
        Entry(UUID(row[_ID]), int(row[-1]), sha256(canonical(row[:-1])).digest()) for row in rows
    ]


_SETTLED = transfers_after("t.txid < journal_txid(pg_snapshot_xmin(pg_current_snapshot()))")


def seal_batch(session: Session, limit: int = BATCH) -> int:
    """Seal the next transfers, and return how many. A full batch means there may be more.

    One sealer works at a time: a second finds nothing to do. Nothing is locked that a transfer
    needs.
    """
    if not _is_only_sealer(session):
        return 0
    last = newest_seal(session)
    entries = _next_entries(session, last, limit)
    if entries:
        session.add(_seal_of(entries, last))
        session.flush()
    return len(entries)


def _is_only_sealer(session: Session) -> bool:
    lock = func.pg_try_advisory_xact_lock(func.hashtextextended("rewards.seal_journal", 0))
    return bool(session.scalar(select(lock)))


def _next_entries(session: Session, last: Seal | None, limit: int) -> list[Entry]:
    """Read only what no running transaction can precede: who commits late is never passed over."""
    txid, last_id = (int(last.last_txid), last.last_id) if last else NOWHERE
    position = {"txid": str(txid), "id": last_id, "limit": limit}
    return read_entries(session.execute(_SETTLED, position))


def _seal_of(entries: Sequence[Entry], last: Seal | None) -> Seal:
    number, previous = (last.number + 1, last.hash) if last else (1, GENESIS)
    sealed = b"".join(entry.sealed for entry in entries)
    return Seal(
        number=number,
        count=len(entries),
        entries=sealed,
        last_txid=str(entries[-1].txid),
        last_id=entries[-1].id,
        previous_hash=previous,
        hash=chain(previous, sealed, number, entries[-1].txid),
    )


def newest_seal(session: Session) -> Seal | None:
    """Return the head of the chain; None before the first seal."""
    return session.scalars(select(Seal).order_by(Seal.number.desc()).limit(1)).one_or_none()


def export_head(session: Session) -> ExportedHead | None:
    """Publish the head of the chain, once per calendar day at the site.

    None where that was done already, or nothing is sealed yet.
    """
    head = newest_seal(session)
    if head is None:
        return None
    row = insert(ExportedHead).values(
        exported_on=site_today(),
        number=head.number,
        entries=_sealed_so_far(session),
        hash=head.hash,
    )
    exported = session.scalars(row.on_conflict_do_nothing().returning(ExportedHead)).one_or_none()
    if exported is not None:
        publish(
            session,
            LedgerSealed(head=head.hash.hex(), number=head.number, entries=exported.entries),
        )
    return exported


def _sealed_so_far(session: Session) -> int:
    """Count all sealed transfers, from the count that was exported last."""
    before = session.scalars(
        select(ExportedHead).order_by(ExportedHead.exported_on.desc()).limit(1)
    ).one_or_none()
    number, entries = (before.number, before.entries) if before else (0, 0)
    counted = func.coalesce(func.sum(Seal.count), 0)
    since = session.scalar(select(counted).where(Seal.number > number))
    return entries + int(since or 0)

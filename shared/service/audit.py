"""The audit across services: what is copied here is compared with what its owner has.

The receiving service audits. Both sides are read in the order of ids, side by side, so that memory
stays bounded. What differs only because an event is still on its way is no difference: such rows
are known by the ids that the event is about.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from shared.contracts.evidence import Evidence
from shared.core import clock
from shared.core.ids import oldest_id_of
from shared.core.settings import Settings
from shared.db.engine import transaction
from shared.db.keyset import PAGE, Keyset
from shared.service.arrivals import LOOKED_BACK, Arrivals, batches_of
from shared.service.differences import Difference, DifferenceKind
from shared.service.evidence import EvidenceReader, evidence_from
from shared.service.evidence_api import BEGINNING

MOST_KEPT = 10_000
"""Differences of one comparison that are kept; more are only counted."""


class OwnRow(Protocol):
    """A row of this service, in a comparison."""

    @property
    def id(self) -> UUID: ...


Theirs = TypeVar("Theirs", bound=Evidence)
Ours = TypeVar("Ours", bound=OwnRow)
Confirm = Callable[[Session, Sequence[Difference]], Sequence[Difference]]


def all_of_them(_: Session, found: Sequence[Difference]) -> Sequence[Difference]:
    return found


@dataclass(frozen=True, slots=True)
class Comparison(Generic[Theirs, Ours]):
    """Rows of another service, and the copies of them here."""

    theirs: type[Theirs]
    source: str  #: the service that owns the rows
    kind: str  #: of evidence
    ours: Keyset
    row: type[Ours]  #: what a row of ours is read as: its fields are the columns, in order
    difference: Callable[[Theirs | None, Ours | None], Difference | None]
    confirm: Confirm = all_of_them  #: what else this service knows of the rows that differ
    lately: bool = False  #: compare only what feeds still have


@dataclass(frozen=True, slots=True)
class OwnCheck:
    """Rows of this service that contradict each other: one statement finds them."""

    kind: DifferenceKind
    key: InstrumentedAttribute[UUID]  #: what it is read in the order of
    rows: Select[*tuple[Any, ...]]  #: columns `id`, `here`, `there` of the rows that are wrong


Check = Comparison[Any, Any] | OwnCheck


@dataclass(slots=True)
class AuditResult:
    """What one run found."""

    service: str
    differences: list[Difference] = field(default_factory=list)
    found: int = 0  #: also those beyond what is kept
    compared: int = 0  #: rows that were read, there and here
    in_flight: int = 0  #: rows that differ because of events that are on their way

    def add(self, found: Sequence[Difference]) -> None:
        self.differences += found
        self.found += len(found)


def audit(
    service: str, settings: Settings, reader: EvidenceReader, checks: Sequence[Check]
) -> AuditResult:
    """Compare everything that this service has of others, in its database.

    It changes nothing. Raises requests.RequestException when another service does not answer.
    """
    result, arrivals = AuditResult(service), Arrivals(service, settings, reader)
    arrivals.look()
    suspected = [one for check in checks for one in _suspected(check, reader, result)]
    arrivals.look_again()
    explained = [one for one in suspected if one.about & arrivals.about]
    result.in_flight = len(explained)
    result.found -= len(explained)
    result.differences = [one for one in suspected if not one.about & arrivals.about]
    result.add(arrivals.differences())
    result.compared += arrivals.looked_at
    return result


def _suspected(check: Check, reader: EvidenceReader, result: AuditResult) -> list[Difference]:
    """The differences of one check, before those are left out that events explain."""
    found = (
        _check(check, result) if isinstance(check, OwnCheck) else _compare(check, reader, result)
    )
    kept: list[Difference] = []
    for one in found:
        result.found += 1
        if len(kept) < MOST_KEPT:
            kept.append(one)
    return kept


def _compare(
    comparison: Comparison[Any, Any], reader: EvidenceReader, result: AuditResult
) -> Iterator[Difference]:
    after = oldest_id_of(clock.now() - LOOKED_BACK) if comparison.lately else BEGINNING
    theirs = evidence_from(reader, comparison.theirs, comparison.source, comparison.kind, after)
    ours = (comparison.row(*row) for row in comparison.ours.all(after))
    pairs = _counted(side_by_side(theirs, ours), result)
    differences = (one for pair in pairs if (one := comparison.difference(*pair)) is not None)
    for batch in batches_of(differences, PAGE):
        with transaction() as session:
            confirmed = comparison.confirm(session, batch)
        yield from confirmed


def side_by_side(
    theirs: Iterator[Theirs], ours: Iterator[Ours]
) -> Iterator[tuple[Theirs | None, Ours | None]]:
    """Pair rows with the same id; None where one side has none. Both are in the order of ids."""
    their, our = next(theirs, None), next(ours, None)
    while their is not None or our is not None:
        if our is None or (their is not None and their.id.int < our.id.int):
            yield their, None
            their = next(theirs, None)
        elif their is None or our.id.int < their.id.int:
            yield None, our
            our = next(ours, None)
        else:
            yield their, our
            their, our = next(theirs, None), next(ours, None)


def _counted(
    pairs: Iterator[tuple[Any | None, Any | None]], result: AuditResult
) -> Iterator[tuple[Any | None, Any | None]]:
    for pair in pairs:
        result.compared += sum(one is not None for one in pair)
        yield pair


def _check(check: OwnCheck, result: AuditResult) -> Iterator[Difference]:
    after: UUID | None = BEGINNING
    while after is not None:
        with transaction() as session:
            ids = session.scalars(
                select(check.key).where(check.key > after).order_by(check.key).limit(PAGE)
            ).all()
            until = ids[-1] if ids else after
            wrong = session.execute(check.rows.where(check.key > after, check.key <= until)).all()
        yield from (check.kind(row.id, row.here, row.there) for row in wrong)
        result.compared += len(ids)
        after = until if len(ids) == PAGE else None

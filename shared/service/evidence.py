"""Read the evidence of other services: page after page, as its contract."""

from collections.abc import Iterator
from functools import cache
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from pydantic import BaseModel

from shared.contracts.evidence import Evidence
from shared.core.settings import Settings
from shared.db.keyset import PAGE
from shared.service.other_services import OtherServices

SECONDS = 30
"""For one page: it is read beside the running system, which comes first."""

T = TypeVar("T", bound=Evidence)


class EvidenceReader(Protocol):
    """Where pages of evidence come from: other services, or in tests other apps."""

    def read(self, source: str, kind: str, after: UUID, limit: int) -> bytes:
        """Return the JSON of one page."""


class EvidencePage(BaseModel, Generic[T]):
    items: list[T]


class HttpReader:
    """Reads over HTTP, with this service's own token."""

    def __init__(self, service: str, settings: Settings) -> None:
        self._others = OtherServices(service, settings)

    def read(self, source: str, kind: str, after: UUID, limit: int) -> bytes:
        """Return the JSON of one page. Raises requests.RequestException."""
        params = {"after": str(after), "limit": str(limit)}
        path = f"/v1/evidence/{source}/{kind}"
        return self._others.get(source, path, params, SECONDS).content


def evidence_from(
    reader: EvidenceReader, contract: type[T], source: str, kind: str, after: UUID
) -> Iterator[T]:
    """Read all evidence of a kind behind an id, in the order of ids."""
    while True:
        page = read_page(reader, contract, source, kind, after, PAGE)
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1].id


def read_page(
    reader: EvidenceReader,
    contract: type[T],
    source: str,
    kind: str,
    after: UUID,
    limit: int,
) -> list[T]:
    """Read one page."""
    body = reader.read(source, kind, after, limit)
    return _page_model(contract).model_validate_json(body).items


@cache
def _page_model(contract: type[T]) -> type[EvidencePage[T]]:
    return EvidencePage[contract]  # type: ignore[valid-type]

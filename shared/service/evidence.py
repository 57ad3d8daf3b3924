"""Read the evidence of other services: page after page, as its contract."""

from collections.abc import Iterator
from functools import cache
from typing import Generic, Protocol, TypeVar
from uuid import UUID

import requests
from pydantic import BaseModel

from shared.contracts.evidence import Evidence
from shared.core.settings import Settings
from shared.db.keyset import PAGE
from shared.service.catch_up import service_token

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
        self._service, self._settings = service, settings
        self._token = ""

    def read(self, source: str, kind: str, after: UUID, limit: int) -> bytes:
        """Return the JSON of one page. Raises requests.RequestException."""
        url = f"{self._settings.url_of(source)}/v1/evidence/{source}/{kind}"
        params = {"after": str(after), "limit": str(limit)}
        response = self._get(url, params)
        if response.status_code == 401:  # no token yet, or it has expired
            self._token = service_token(self._settings, self._service)
            response = self._get(url, params)
        response.raise_for_status()
        return response.content

    def _get(self, url: str, params: dict[str, str]) -> requests.Response:
        headers = {"Authorization": f"Bearer {self._token}"}
        return requests.get(url, params, headers=headers, timeout=SECONDS)


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

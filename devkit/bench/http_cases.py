"""The hot endpoints that `devkit.bench.http` measures, each with a maker of requests."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import requests
from sqlalchemy import text
from sqlalchemy.orm import Session

from devkit.bench.bank import make_venue_and_rules
from devkit.testkit import District
from shared.core.ids import new_id

PEOPLE = 200
WISHES = 4_000
BATCH = 100
SCOPES = "records:write records:verified"
STATION = {"name": "站", "kind": "association"}
WISH = {
    "title": "棉衣",
    "description": "红色",
    "category": "clothing",
    "beneficiary": {"name": "陈奶奶", "phone": "13700000000", "age_band": "60+", "consent": True},
}

MakeRequest = Callable[[requests.Session, str, int], requests.Response]
"""Send a request to this base URL; the number is the client's."""


@dataclass(frozen=True, slots=True)
class Case:
    """One endpoint. Each of its requests has its own body, so that each does the whole work."""

    name: str
    service: str
    make: MakeRequest
    pool: list[UUID] = field(default_factory=list)  #: rows of which each request takes the next


def cases(district: District) -> Iterator[Case]:
    """Fill the database and yield the cases, each when its rows are there."""
    records = _Records(district)
    records.send_first()
    key, code = _voucher(district, records.people[0])
    yield Case("POST /v1/service-records", "registration", records.post_one)
    yield Case(f"POST /v1/service-records:batch ({BATCH})", "registration", records.post_batch)
    wishes = _publish_wishes(district)
    claims = _Claims(district, wishes, records.people)
    yield Case("PUT /v1/wishes/{id}/claim", "wishes", claims.put, wishes)
    yield Case("GET /v1/wishes (board)", "wishes", _get_board)
    yield Case("POST /v1/vouchers/check", "rewards", _Check(key, code).post)


def _get_board(http: requests.Session, url: str, _client: int) -> requests.Response:
    return http.get(f"{url}/v1/wishes?limit=50", timeout=10)


class _Records:
    """Service records of two hundred people, no two of which overlap."""

    def __init__(self, district: District) -> None:
        self._district = district
        self._headers = _bearer(district.token("system", "bench", scopes=SCOPES))
        self._staff = district.token("staff")
        self._numbers = count()
        organisation = {"name": "台", "kind": "company"}
        self._organisation = self._call("POST", "/v1/organisations", organisation)["id"]
        self.people = [self._volunteer(number) for number in range(PEOPLE)]

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        return self._district.registration.call(method, path, body, as_=self._staff).get_json()

    def _volunteer(self, number: int) -> str:
        body = {"name": "测试", "phone": f"137{number:08}", "birth_date": "1990-01-01"}
        created = self._call("POST", "/v1/volunteers", body)["id"]
        self._call("PUT", f"/v1/volunteers/{created}/activation")
        return str(created)

    def send_first(self) -> None:
        """Three hours of the first volunteer, which pay for a voucher."""
        start = datetime(2019, 1, 1, tzinfo=UTC)
        body = self._body(self.people[0], start, timedelta(hours=3), "first")
        client = self._district.registration.app.test_client()
        response = client.post("/v1/service-records", json=body, headers=self._headers)
        assert response.status_code == 201, response.text

    def _body(
        self, volunteer: str, start: datetime, length: timedelta, reference: str
    ) -> dict[str, str]:
        return {
            "volunteer_id": volunteer,
            "organisation_id": self._organisation,
            "category": "community",
            "started_at": start.isoformat(),
            "ended_at": (start + length).isoformat(),
            "reference": reference,
        }

    def _next(self) -> dict[str, str]:
        number = next(self._numbers)
        start = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(hours=number // PEOPLE)
        volunteer = self.people[number % PEOPLE]
        return self._body(volunteer, start, timedelta(minutes=30), f"bench-{number}")

    def post_one(self, http: requests.Session, url: str, _client: int) -> requests.Response:
        path = f"{url}/v1/service-records"
        return http.post(path, json=self._next(), headers=self._headers, timeout=10)

    def post_batch(self, http: requests.Session, url: str, _client: int) -> requests.Response:
        body = {"items": [self._next() for _ in range(BATCH)]}
        path = f"{url}/v1/service-records:batch"
        return http.post(path, json=body, headers=self._headers, timeout=10)


class _Claims:
    """One claim after another, each of another wish."""

    def __init__(self, district: District, wishes: list[UUID], people: list[str]) -> None:
        self._headers = _bearer(district.token("staff"))
        self._wishes, self._people = wishes, people
        self._numbers = count()

    def put(self, http: requests.Session, url: str, _client: int) -> requests.Response:
        number = next(self._numbers)
        claimer = self._people[number % len(self._people)]
        body = {"claimer_id": claimer, "claimer_kind": "volunteer"}
        path = f"{url}/v1/wishes/{self._wishes[number % len(self._wishes)]}/claim"
        return http.put(path, json=body, headers=self._headers, timeout=10)


@dataclass(frozen=True, slots=True)
class _Check:
    """The same voucher, looked up again and again."""

    key: str
    code: str

    def post(self, http: requests.Session, url: str, _client: int) -> requests.Response:
        headers = {"Api-Key": self.key}
        path = f"{url}/v1/vouchers/check"
        return http.post(path, json={"code": self.code}, headers=headers, timeout=10)


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _publish_wishes(district: District) -> list[UUID]:
    """Publish one wish over the API and copy its row: the board and the claims need many."""
    wish = _publish_wish(district)
    wishes = [new_id() for _ in range(WISHES)]
    beneficiaries = [new_id() for _ in range(WISHES)]
    with district.wishes.session() as session:
        _copy_beneficiary(session, wish, beneficiaries)
        _copy_wish(session, wish, wishes, beneficiaries)
    return wishes


def _publish_wish(district: District) -> str:
    staff = district.token("staff")
    station = district.registration.call("POST", "/v1/organisations", STATION, as_=staff)
    body = WISH | {"station_id": station.get_json()["id"]}
    wish = str(district.wishes.call("POST", "/v1/wishes", body).get_json()["id"])
    for move in ("verification", "publication"):
        response = district.wishes.call("PUT", f"/v1/wishes/{wish}/{move}", as_=staff)
        assert response.status_code == 200, response.text
    return wish


def _copy_beneficiary(session: Session, wish: str, ids: list[UUID]) -> None:
    rest = _columns(session, "beneficiaries", "id")
    session.execute(
        text(
            f"INSERT INTO beneficiaries (id, {rest})"
            f" SELECT new, {rest} FROM beneficiaries, unnest(:new) AS new"
            " WHERE id = (SELECT beneficiary_id FROM wishes WHERE id = :wish)"
        ),
        {"new": ids, "wish": wish},
    )


def _copy_wish(session: Session, wish: str, ids: list[UUID], beneficiaries: list[UUID]) -> None:
    rest = _columns(session, "wishes", "id", "beneficiary_id")
    session.execute(
        text(
            f"INSERT INTO wishes (id, beneficiary_id, {rest})"
            f" SELECT new, person, {rest} FROM wishes,"
            " unnest(:new, :people) AS t (new, person) WHERE id = :wish"
        ),
        {"new": ids, "people": beneficiaries, "wish": wish},
    )


def _columns(session: Session, table: str, *without: str) -> str:
    """The columns of a table that take a value, as SQL."""
    found = session.scalars(
        text(
            "SELECT quote_ident(column_name) FROM information_schema.columns"
            " WHERE table_schema = 'wishes' AND table_name = :t AND is_generated = 'NEVER'"
            " AND is_identity = 'NO' AND column_name <> ALL(:without)"
        ),
        {"t": table, "without": list(without)},
    )
    return ", ".join(found)


def _voucher(district: District, volunteer: str) -> tuple[str, str]:
    """An API key of a venue, and the code of a voucher of that venue."""
    make_venue_and_rules(district)
    district.deliver_all()
    call, staff = district.rewards.call, district.token("staff")
    held = call("GET", f"/v1/vouchers?holder_id={volunteer}", as_=staff).get_json()["items"]
    path = f"/v1/vouchers/{held[0]['id']}"
    venue = call("GET", path, as_=staff).get_json()["venue_id"]
    code = call("GET", f"{path}/code", as_=district.token("volunteer", volunteer)).get_json()
    secrets = f"/v1/venues/{venue}/secrets"
    key = call("POST", secrets, {"kind": "api_key"}, as_=staff).get_json()
    return key["secret"], code["code"]

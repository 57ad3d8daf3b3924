"""Hot endpoints against a bare Flask view that runs the same SQL in one transaction, without auth,
ORM and validation.

Same server (gunicorn, one process, 8 threads), same database, same client threads, in turn: figures
are requests per second and their ratio. The SQL of the bare view is what the endpoint was seen to
send, statement for statement.
"""

import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from statistics import median
from typing import Any
from uuid import UUID

import click
import requests
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from devkit.bench.stage import servers, stage
from devkit.installation import Installation, wait_until
from devkit.local.ports import free_port
from devkit.testkit import District
from shared.core.ids import new_id

THREADS = 4
TARGET = 1.6

Request = Callable[[requests.Session, str, int], requests.Response]


def run(seconds: int, runs: int) -> None:
    """Print, per endpoint, both rates and how many times the bare view is faster."""
    ratios: dict[str, list[tuple[float, float]]] = {}
    with servers(with_broker=False) as (postgres, _):
        for number in range(1, runs + 1):
            click.echo(f"run {number} of {runs}", err=True)
            with stage(postgres, None) as (installation, district):
                for name, service, make, pool in _cases(installation, district):
                    ours, bare = _compare(installation, district, service, make, seconds, pool)
                    click.echo(
                        f"  {name}: {ours:.0f}/s, bare {bare:.0f}/s, {bare / ours:.2f} x", err=True
                    )
                    ratios.setdefault(name, []).append((ours, bare))
    click.echo(
        "\n| endpoint | ours, median req/s | bare Flask, median req/s | bare / ours | target |\n|---|---|---|---|---|"
    )
    for name, pairs in ratios.items():
        ours, bare = median(a for a, _ in pairs), median(b for _, b in pairs)
        ratio = median(b / a for a, b in pairs)
        click.echo(
            f"| {name} | {ours:,.0f} | {bare:,.0f} | {ratio:.2f} | {TARGET} {'met' if ratio <= TARGET else 'MISSED'} |"
        )


def _cases(installation: Installation, district: District) -> Any:
    """(name, service, request maker). Each request has its own body, so that each does the whole
    work.
    """
    staff = district.token("staff")
    system = {
        "Authorization": f"Bearer {district.token('system', 'bench', scopes='records:write records:verified')}"
    }
    call = district.registration.call
    organisation = call(
        "POST", "/v1/organisations", {"name": "台", "kind": "company"}, as_=staff
    ).get_json()["id"]
    people = []
    for number in range(200):
        body = {"name": "测试", "phone": f"137{number:08}", "birth_date": "1990-01-01"}
        people.append(call("POST", "/v1/volunteers", body).get_json()["id"])
        call("PUT", f"/v1/volunteers/{people[-1]}/activation", as_=staff)
    numbers = count()
    first = {
        "volunteer_id": people[0],
        "organisation_id": organisation,
        "category": "community",
        "reference": "first",
        "started_at": "2019-01-01T00:00:00Z",
        "ended_at": "2019-01-01T03:00:00Z",
    }
    assert (
        district.registration.app.test_client()
        .post("/v1/service-records", json=first, headers=system)
        .status_code
        == 201
    )
    key, code = _voucher(district, staff, people[0])

    def record() -> dict[str, Any]:
        number = next(numbers)
        start = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(hours=number // 200)
        return {
            "volunteer_id": people[number % 200],
            "organisation_id": organisation,
            "category": "community",
            "started_at": start.isoformat(),
            "ended_at": (start + timedelta(minutes=30)).isoformat(),
            "reference": f"bench-{number}",
        }

    def single(http: requests.Session, url: str, _: int) -> requests.Response:
        return http.post(f"{url}/v1/service-records", json=record(), headers=system, timeout=10)

    def batch(http: requests.Session, url: str, _: int) -> requests.Response:
        body = {"items": [record() for _ in range(100)]}
        return http.post(f"{url}/v1/service-records:batch", json=body, headers=system, timeout=10)

    yield "POST /v1/service-records", "registration", single, []
    yield "POST /v1/service-records:batch (100)", "registration", batch, []
    wishes = _publish_wishes(district, staff, 4_000)
    giver = {"Authorization": f"Bearer {staff}"}
    nextwish = count()

    def claim(http: requests.Session, url: str, _: int) -> requests.Response:
        number = next(nextwish)
        body = {"claimer_id": people[number % len(people)], "claimer_kind": "volunteer"}
        path = f"{url}/v1/wishes/{wishes[number % len(wishes)]}/claim"
        return http.put(path, json=body, headers=giver, timeout=10)

    yield "PUT /v1/wishes/{id}/claim", "wishes", claim, [UUID(w) for w in wishes]

    def board(http: requests.Session, url: str, _: int) -> requests.Response:
        return http.get(f"{url}/v1/wishes?limit=50", timeout=10)

    yield "GET /v1/wishes (board)", "wishes", board, []

    def check(http: requests.Session, url: str, _: int) -> requests.Response:
        return http.post(
            f"{url}/v1/vouchers/check", json={"code": code}, headers={"Api-Key": key}, timeout=10
        )

    yield "POST /v1/vouchers/check", "rewards", check, []


def _publish_wishes(district: District, staff: str, number: int) -> list[str]:
    """One through the front door, the rest as copies of its row: the board and the claims need
    many.
    """
    station = district.registration.call(
        "POST", "/v1/organisations", {"name": "站", "kind": "association"}, as_=staff
    ).get_json()["id"]
    body = {
        "title": "棉衣",
        "description": "红色",
        "category": "clothing",
        "station_id": station,
        "beneficiary": {
            "name": "陈奶奶",
            "phone": "13700000000",
            "age_band": "60+",
            "consent": True,
        },
    }
    wish = district.wishes.call("POST", "/v1/wishes", body).get_json()["id"]
    for move in ("verification", "publication"):
        assert (
            district.wishes.call("PUT", f"/v1/wishes/{wish}/{move}", as_=staff).status_code == 200
        )
    wishes, people = [new_id() for _ in range(number)], [new_id() for _ in range(number)]
    with district.wishes.session() as session:
        beneficiary = session.scalars(
            text("SELECT beneficiary_id FROM wishes WHERE id = :id"), {"id": wish}
        ).one()
        rest = _columns(session, "beneficiaries", "id")
        session.execute(
            text(
                f"INSERT INTO beneficiaries (id, {rest}) SELECT new, {rest} FROM beneficiaries, unnest(:new) AS new"
                " WHERE id = :id"
            ),
            {"new": people, "id": beneficiary},
        )
        rest = _columns(session, "wishes", "id", "beneficiary_id")
        session.execute(
            text(
                f"INSERT INTO wishes (id, beneficiary_id, {rest}) SELECT new, person, {rest} FROM wishes,"
                " unnest(:new, :people) AS t (new, person) WHERE id = :id"
            ),
            {"new": wishes, "people": people, "id": wish},
        )
    return [str(i) for i in wishes]


def _columns(session: Session, table: str, *without: str) -> str:
    """The columns of a table that take a value, as SQL."""
    found = session.scalars(
        text(
            "SELECT quote_ident(column_name) FROM information_schema.columns WHERE table_schema = 'wishes'"
            " AND table_name = :t AND is_generated = 'NEVER' AND is_identity = 'NO' AND column_name <> ALL(:without)"
        ),
        {"t": table, "without": list(without)},
    )
    return ", ".join(found)


def _voucher(district: District, staff: str, volunteer_id: str) -> tuple[str, str]:
    """An API key of a venue, and the code of a voucher there."""
    from devkit.bench.pipeline import furnish

    furnish(district)
    district.deliver_all()
    found = district.rewards.call(
        "GET", f"/v1/vouchers?holder_id={volunteer_id}", as_=staff
    ).get_json()["items"]
    venue = district.rewards.call("GET", f"/v1/vouchers/{found[0]['id']}", as_=staff).get_json()[
        "venue_id"
    ]
    holder = district.token("volunteer", volunteer_id)
    code = district.rewards.call(
        "GET", f"/v1/vouchers/{found[0]['id']}/code", as_=holder
    ).get_json()["code"]
    key = district.rewards.call(
        "POST", f"/v1/venues/{venue}/secrets", {"kind": "api_key"}, as_=staff
    ).get_json()["secret"]
    return key, code


def _compare(
    installation: Installation,
    district: District,
    service: str,
    make: Request,
    seconds: int,
    pool: list[UUID],
) -> tuple[float, float]:
    """Both servers in turn, twice each; the better rate of each counts."""
    since = new_id()
    statements = _listen(district, service, make)
    ours_url = installation.api(service, name=f"api-{service}-{free_port()}", port=free_port())
    port = free_port()
    bare = subprocess.Popen(
        [sys.executable, "-m", "devkit.bench.bare", service, str(port)],
        stdin=subprocess.PIPE,
        env={**os.environ, **installation.env},
        start_new_session=True,
    )
    try:
        assert bare.stdin is not None
        pickle.dump((statements, since, pool), bare.stdin)
        bare.stdin.close()
        bare_url = f"http://127.0.0.1:{port}"
        wait_until(
            lambda: requests.get(f"{bare_url}/healthz", timeout=2).ok,
            20,
            "the bare view does not answer",
        )
        for url in (ours_url, bare_url):
            _rate(make, url, 1)
        rates = [(_rate(make, ours_url, seconds), _rate(make, bare_url, seconds)) for _ in range(2)]
        return max(a for a, _ in rates), max(b for _, b in rates)
    finally:
        bare.terminate()
        installation.stop()


def _listen(district: District, service: str, make: Request) -> list[tuple[str, Any]]:
    """The statements that one request sends, with their parameters."""
    member = district.services[service]
    heard: list[tuple[str, Any]] = []

    def note(
        _conn: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool
    ) -> None:
        heard.append((statement, list(parameters) if many else parameters))

    class InProcess(requests.Session):
        def request(self, method: Any, url: Any, **options: Any) -> Any:  # type: ignore[override]
            answer = member.app.test_client().open(
                str(url),
                method=str(method),
                json=options.get("json"),
                headers=options.get("headers"),
            )
            assert answer.status_code < 300, answer.text
            return answer

    make(InProcess(), "", 0)  # fills caches: keys, denials
    event.listen(member.database.engine, "before_cursor_execute", note)
    make(InProcess(), "", 0)
    event.remove(member.database.engine, "before_cursor_execute", note)
    return heard


def _rate(make: Request, url: str, seconds: float) -> float:
    """Successful requests per second from a few keep-alive clients."""
    done = [0] * THREADS
    end = time.monotonic() + seconds

    def client(number: int) -> None:
        with requests.Session() as http:
            while time.monotonic() < end:
                done[number] += make(http, url, number).status_code < 300

    threads = [threading.Thread(target=client, args=(n,)) for n in range(THREADS)]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / (time.monotonic() - started)

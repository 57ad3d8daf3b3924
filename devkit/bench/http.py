"""Hot endpoints against a bare Flask view that runs the same SQL in one transaction, without auth,
ORM and validation.

Same server (gunicorn, one process, 16 threads), same database, same client threads, in turn:
figures are requests per second and their ratio. The SQL of the bare view is what the endpoint was
seen to send, statement for statement.
"""

import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

import click
import requests
from sqlalchemy import event

from devkit.bench.http_cases import Case, MakeRequest, cases
from devkit.bench.stage import servers, stage
from devkit.bench.statements import Recording, Statement
from devkit.installation import Installation, wait_until
from devkit.local.ports import free_port
from devkit.testkit import District, Member
from shared.core.ids import new_id

THREADS = 4
TARGET = 1.6


@dataclass(frozen=True, slots=True)
class Rates:
    """Requests per second of the endpoint and of the bare view."""

    ours: float
    bare: float

    @property
    def ratio(self) -> float:
        return self.bare / self.ours


def run(seconds: int, runs: int) -> None:
    """Print, per endpoint, both rates and how many times the bare view is faster."""
    rates: dict[str, list[Rates]] = {}
    with servers(with_broker=False) as (postgres, _):
        for number in range(1, runs + 1):
            click.echo(f"run {number} of {runs}", err=True)
            with stage(postgres, None) as (installation, district):
                for case in cases(district):
                    measured = _compare(installation, district, case, seconds)
                    _print_progress(case.name, measured)
                    rates.setdefault(case.name, []).append(measured)
    _print_table(rates)


def _print_progress(name: str, rates: Rates) -> None:
    line = f"  {name}: {rates.ours:.0f}/s, bare {rates.bare:.0f}/s, {rates.ratio:.2f} x"
    click.echo(line, err=True)


def _print_table(rates: dict[str, list[Rates]]) -> None:
    click.echo(
        "\n| endpoint | ours, median req/s | bare Flask, median req/s | bare / ours | target |"
        "\n|---|---|---|---|---|"
    )
    for name, measured in rates.items():
        ours = median(rate.ours for rate in measured)
        bare = median(rate.bare for rate in measured)
        ratio = median(rate.ratio for rate in measured)
        met = "met" if ratio <= TARGET else "MISSED"
        click.echo(f"| {name} | {ours:,.0f} | {bare:,.0f} | {ratio:.2f} | {TARGET} {met} |")


def _compare(installation: Installation, district: District, case: Case, seconds: int) -> Rates:
    """Measure both servers in turn, twice each; the better rate of each counts."""
    recording = _record(district, case)
    name = f"api-{case.service}-{free_port()}"
    ours_url = installation.api(case.service, name=name, port=free_port())
    try:
        with _bare_view(installation, case.service, recording) as bare_url:
            for url in (ours_url, bare_url):
                _rate(case.make, url, 1)  # warm up
            ours, bare = 0.0, 0.0
            for _ in range(2):
                ours = max(ours, _rate(case.make, ours_url, seconds))
                bare = max(bare, _rate(case.make, bare_url, seconds))
            return Rates(ours, bare)
    finally:
        installation.stop()


@contextmanager
def _bare_view(installation: Installation, service: str, recording: Recording) -> Iterator[str]:
    """Start the bare view as a process of its own; yields its URL."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "devkit.bench.bare", service, str(port)],
        stdin=subprocess.PIPE,
        env={**os.environ, **installation.env},
        start_new_session=True,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        assert process.stdin is not None
        pickle.dump(recording, process.stdin)
        process.stdin.close()
        wait_until(
            lambda: requests.get(f"{url}/healthz", timeout=2).ok,
            20,
            "the bare view does not answer",
        )
        yield url
    finally:
        process.terminate()


def _record(district: District, case: Case) -> Recording:
    """Record the statements that one request sends, with their parameters."""
    member = district.services[case.service]
    made_since = new_id()
    statements: list[Statement] = []

    def note(
        _conn: Any, _cursor: Any, sql: str, parameters: Any, _context: Any, many: bool
    ) -> None:
        statements.append(Statement(sql, list(parameters) if many else parameters))

    in_process = InProcess(member)
    case.make(in_process, "", 0)  # fills caches: keys, withdrawn access
    event.listen(member.database.engine, "before_cursor_execute", note)
    case.make(in_process, "", 0)
    event.remove(member.database.engine, "before_cursor_execute", note)
    return Recording(statements, made_since, case.pool)


class InProcess(requests.Session):
    """Sends a request to the app in this process instead of to a server."""

    def __init__(self, member: Member) -> None:
        super().__init__()
        self._client = member.app.test_client()

    def request(self, method: Any, url: Any, **options: Any) -> Any:  # type: ignore[override]
        body, headers = options.get("json"), options.get("headers")
        response = self._client.open(str(url), method=str(method), json=body, headers=headers)
        assert response.status_code < 300, response.text
        return response


def _rate(make: MakeRequest, url: str, seconds: float) -> float:
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

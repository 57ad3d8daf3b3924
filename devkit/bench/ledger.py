"""A small bank and a large one in one run: balances, statements and a month's settlement."""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from statistics import median, quantiles
from typing import Any
from uuid import UUID

import click

from devkit.bench.ledger_rows import Rows, account_id
from devkit.bench.stage import servers, stage
from devkit.testkit import District
from shared.core.clock import SITE

SMALL_ACCOUNTS, SMALL_ENTRIES = 1_000, 10_000
REQUESTS = 300
TARGET = 2.0

Waits = dict[str, list[float]]
"""Milliseconds of each request, by what it requests."""


def run(accounts: int, entries: int, redemptions: int) -> None:
    """Print p50 and p95 in both sizes, and how long the settlement of one venue takes."""
    with servers(with_broker=False) as (postgres, _), stage(postgres, None) as (_, district):
        bank = _Bank(district)
        bank.rows.load(0, SMALL_ACCOUNTS, SMALL_ENTRIES // SMALL_ACCOUNTS)
        small = bank.measure(SMALL_ACCOUNTS)
        began = time.monotonic()
        bank.rows.load(SMALL_ACCOUNTS, accounts, entries // accounts)
        click.echo(f"loaded in {time.monotonic() - began:.0f} s", err=True)
        large = bank.measure(accounts)
        _print_header(accounts, entries)
        for name in small:
            _print_row(name, small[name], large[name])
        bank.rows.load_redemptions(redemptions)
        bank.settle(redemptions)


def _print_header(accounts: int, entries: int) -> None:
    click.echo(
        f"\n| request | {SMALL_ACCOUNTS:,} accounts, {SMALL_ENTRIES:,} entries: p50, p95 ms |"
        f" {accounts:,} accounts, {entries:,} entries: p50, p95 ms | p95 ratio | target {TARGET} |"
        "\n|---|---|---|---|---|"
    )


def _print_row(name: str, small: list[float], large: list[float]) -> None:
    small_p95, large_p95 = _p95(small), _p95(large)
    met = "met" if large_p95 <= TARGET * small_p95 else "MISSED"
    click.echo(
        f"| {name} | {median(small):.1f}, {small_p95:.1f} | {median(large):.1f}, {large_p95:.1f} |"
        f" {large_p95 / small_p95:.2f} | {met} |"
    )


def _p95(values: list[float]) -> float:
    return quantiles(values, n=20)[-1]


def _paths() -> dict[str, Callable[[UUID], str]]:
    """What is requested about an account, and its path."""
    day = datetime.now(SITE).date()
    month = f"from={day.replace(day=1)}&to={day}"
    return {
        "GET /v1/accounts/{id} (balance)": lambda who: f"/v1/accounts/{who}",
        "... as of a moment": lambda who: f"/v1/accounts/{who}?at={day}T00:00:00Z",
        "... entries": lambda who: f"/v1/accounts/{who}/entries",
        "... statement of a month": lambda who: f"/v1/accounts/{who}/statement?{month}",
    }


class _Bank:
    """The rewards service in this process, with one venue and one product."""

    def __init__(self, district: District) -> None:
        self._rewards = district.rewards
        self._staff = district.token("staff")
        venue = {"name": "星光影城", "kind": "cinema"}
        self._venue = self._create("/v1/venues", venue)
        product = {"venue_id": self._venue, "title": "电影票", "points": 120, "stock": 1_000_000}
        product_id = self._create("/v1/products", product | {"valid_days": 90})
        self.rows = Rows(district.env["WISHTREE_OWNER_DATABASE_URL"], self._venue, product_id)

    def _create(self, path: str, body: Mapping[str, object]) -> str:
        response = self._rewards.call("POST", path, body, as_=self._staff)
        assert response.status_code < 300, (path, response.get_data(as_text=True))
        return str(response.get_json()["id"])

    def _request(self, method: str, path: str, body: Any = None) -> int:
        """Send a request; returns the size of the response."""
        response = self._rewards.call(method, path, body, as_=self._staff)
        size = len(response.get_data())
        assert response.status_code < 300, (path, response.get_data(as_text=True)[:500])
        return size

    def measure(self, accounts: int) -> Waits:
        """Milliseconds per response, in this process; people chosen at random."""
        chance = random.Random(7)
        waits: Waits = {}
        for name, path in _paths().items():
            self._request("GET", path(account_id(0)))  # warm up
            people = [account_id(chance.randrange(accounts)) for _ in range(REQUESTS)]
            waits[name] = [1000 * self._seconds("GET", path(who)) for who in people]
        return waits

    def _seconds(self, method: str, path: str) -> float:
        began = time.perf_counter()
        self._request(method, path)
        return time.perf_counter() - began

    def settle(self, redemptions: int) -> None:
        """Print how long each step of the settlement of last month takes."""
        title = f"settlement of one venue with {redemptions:,} redemptions"
        click.echo(f"\n| {title} | seconds |\n|---|---|")
        path = f"/v1/settlements/{self._venue}/{self.rows.month}"
        for name, method, step in _settlement_steps(path):
            began = time.perf_counter()
            size = self._request(method, step, {} if method == "PUT" else None)
            seconds = time.perf_counter() - began
            click.echo(f"| {name} ({size / 1e6:.1f} MB) | {seconds:.1f} |")


def _settlement_steps(path: str) -> Iterator[tuple[str, str, str]]:
    """Name, method and path of each step."""
    yield "preview", "GET", path
    yield "closing", "PUT", f"{path}/closing"
    yield "closed statement", "GET", path
    for format_ in ("csv", "xlsx", "pdf"):
        yield format_.upper(), "GET", f"{path}?format={format_}"

"""A small bank and a large one in one run: balances, statements and a month's settlement, as they
are asked for.
"""

import random
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from statistics import median, quantiles
from typing import Any
from uuid import UUID

import click
from sqlalchemy import create_engine, text

from devkit.bench.stage import servers, stage
from devkit.testkit import District
from shared.core.clock import SITE

SMALL_ACCOUNTS, SMALL_ENTRIES = 1_000, 10_000
ASKED = 300
TARGET = 2.0


def run(accounts: int, entries: int, redemptions: int) -> None:
    """Print p50 and p95 in both sizes, and how long the settlement of one venue takes."""
    with servers(with_broker=False) as (postgres, _), stage(postgres, None) as (_, district):
        bank = _Bank(district)
        bank.load(0, SMALL_ACCOUNTS, SMALL_ENTRIES // SMALL_ACCOUNTS)
        small = bank.ask(SMALL_ACCOUNTS)
        began = time.monotonic()
        bank.load(SMALL_ACCOUNTS, accounts, entries // accounts)
        click.echo(f"loaded in {time.monotonic() - began:.0f} s", err=True)
        large = bank.ask(accounts)
        _print(small, large, accounts, entries)
        bank.load_redemptions(redemptions)
        bank.settle(redemptions)


def _print(
    small: dict[str, list[float]], large: dict[str, list[float]], accounts: int, entries: int
) -> None:
    click.echo(
        f"\n| asked | {SMALL_ACCOUNTS:,} accounts, {SMALL_ENTRIES:,} entries: p50, p95 ms |"
        f" {accounts:,} accounts, {entries:,} entries: p50, p95 ms | p95 ratio | target {TARGET} |"
        "\n|---|---|---|---|---|"
    )
    for name in small:
        (a50, a95), (b50, b95) = (
            (median(w[name]), quantiles(w[name], n=20)[-1]) for w in (small, large)
        )
        met = "met" if b95 <= TARGET * a95 else "MISSED"
        click.echo(
            f"| {name} | {a50:.1f}, {a95:.1f} | {b50:.1f}, {b95:.1f} | {b95 / a95:.2f} | {met} |"
        )


class _Bank:
    """One rewards service, furnished; rows are loaded by INSERT ... SELECT as the owner."""

    def __init__(self, district: District) -> None:
        self.rewards = district.rewards
        self.staff = district.token("staff")
        url = district.env["WISHTREE_OWNER_DATABASE_URL"].replace(
            "postgresql://", "postgresql+psycopg://", 1
        )
        self.owner = create_engine(url, connect_args={"options": "-csearch_path=rewards,public"})
        self.venue = self._call("POST", "/v1/venues", {"name": "星光影城", "kind": "cinema"})["id"]
        body = {
            "venue_id": self.venue,
            "title": "电影票",
            "points": 120,
            "stock": 1_000_000,
            "valid_days": 90,
        }
        self.product = self._call("POST", "/v1/products", body)["id"]
        last_month = datetime.now(SITE).replace(
            day=1, hour=12, minute=0, second=0, microsecond=0
        ) - timedelta(days=15)
        self.redeemed_at, self.month = last_month, f"{last_month:%Y-%m}"

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.rewards.call(method, path, body, as_=self.staff)
        assert answer.status_code < 300, (path, answer.status_code, answer.get_data(as_text=True))
        return answer.get_json()

    def _run(self, sql: str, **parameters: Any) -> None:
        with self.owner.begin() as connection:
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text(sql), parameters)

    def _vacuum(self) -> None:
        with self.owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM (ANALYZE) transfers, accounts, vouchers, redemptions"))

    def load(self, first: int, last: int, each: int) -> None:
        """Accounts `first` to `last` with `each` entries of 60 points."""
        self._run(
            "INSERT INTO accounts (volunteer_id, points_available, minutes_credited)"
            f" SELECT {_id('1', 'n')}, 60 * :each, 60 * :each FROM generate_series(:first, :last - 1) AS n",
            first=first,
            last=last,
            each=each,
        )
        for start in range(first, last, 50_000):
            self._run(
                "INSERT INTO transfers (id, debit_account, credit_account, amount, kind, cause_id, actor, volunteer_id)"
                f" SELECT {_id('2', 'n * 100 + e')}, 'outside', 'volunteer:' || {_id('1', 'n')}, 60, 'earned',"
                f" {_id('3', 'n * 100 + e')}, 'registration', {_id('1', 'n')}"
                " FROM generate_series(:first, :last - 1) AS n, generate_series(1, :each) AS e",
                first=start,
                last=min(last, start + 50_000),
                each=each,
            )
        self._vacuum()

    def ask(self, accounts: int) -> dict[str, list[float]]:
        """Milliseconds per answer, in this process; people chosen at random."""
        day = datetime.now(SITE).date()
        paths: dict[str, Callable[[UUID], str]] = {
            "GET /v1/accounts/{id} (balance)": lambda who: f"/v1/accounts/{who}",
            "... as of a moment": lambda who: f"/v1/accounts/{who}?at={day}T00:00:00Z",
            "... entries": lambda who: f"/v1/accounts/{who}/entries",
            "... statement of a month": lambda who: (
                f"/v1/accounts/{who}/statement?from={day.replace(day=1)}&to={day}"
            ),
        }
        waits: dict[str, list[float]] = {}
        chance = random.Random(7)
        for name, path in paths.items():
            self._call("GET", path(_uuid("1", 0)))  # warm
            for _ in range(ASKED):
                who = _uuid("1", chance.randrange(accounts))
                began = time.perf_counter()
                self._call("GET", path(who))
                waits.setdefault(name, []).append(1000 * (time.perf_counter() - began))
        return waits

    def load_redemptions(self, count: int) -> None:
        """Vouchers that the venue took in last month, with their transfers."""
        more = {
            "count": count,
            "product": self.product,
            "venue": self.venue,
            "at": self.redeemed_at,
        }
        self._run(
            "INSERT INTO vouchers (id, holder_id, product_id, venue_id, title, points, cost_fen, code_fingerprint,"
            " code_sealed, status, issued_at, expires_at, ended_at)"
            f" SELECT {_id('4', 'n')}, {_id('1', 'n % 1000')}, cast(:product AS uuid), cast(:venue AS uuid), '电影票',"
            " 120, 3500, sha256(cast(cast(n AS text) AS bytea)), '', 'redeemed', cast(:at AS timestamptz),"
            " cast(:at AS timestamptz) + interval '90 days', cast(:at AS timestamptz)"
            " FROM generate_series(1, :count) AS n",
            **more,
        )
        self._run(
            "INSERT INTO redemptions (id, voucher_id, venue_id, reference, channel, redeemed_at)"
            f" SELECT {_id('5', 'n')}, {_id('4', 'n')}, cast(:venue AS uuid), 'sale-' || n, 'counter',"
            " cast(:at AS timestamptz) FROM generate_series(1, :count) AS n",
            **{name: more[name] for name in ("count", "venue", "at")},
        )
        self._run(
            "INSERT INTO transfers (id, debit_account, credit_account, amount, kind, cause_id, actor, volunteer_id,"
            f" created_at) SELECT {_id('6', 'n')}, 'product:' || :product, 'venue:' || :venue, 120, 'redeemed',"
            f" {_id('5', 'n')}, 'venue', {_id('1', 'n % 1000')}, cast(:at AS timestamptz)"
            " FROM generate_series(1, :count) AS n",
            **more,
        )
        self._vacuum()

    def settle(self, redemptions: int) -> None:
        path = f"/v1/settlements/{self.venue}/{self.month}"
        click.echo(
            f"\n| settlement of one venue with {redemptions:,} redemptions | seconds |\n|---|---|"
        )
        for name, method, what, body in (
            ("preview", "GET", path, None),
            ("closing", "PUT", f"{path}/closing", {}),
            ("closed statement", "GET", path, None),
            ("CSV", "GET", f"{path}?format=csv", None),
            ("XLSX", "GET", f"{path}?format=xlsx", None),
            ("PDF", "GET", f"{path}?format=pdf", None),
        ):
            began = time.perf_counter()
            answer = self.rewards.call(method, what, body, as_=self.staff)
            size = len(answer.get_data())
            assert answer.status_code < 300, (
                what,
                answer.status_code,
                answer.get_data(as_text=True)[:500],
            )
            click.echo(f"| {name} ({size / 1e6:.1f} MB) | {time.perf_counter() - began:.1f} |")


def _id(kind: str, number: str) -> str:
    """SQL: the uuid that `_uuid` makes of the same number; growing, as real ids are."""
    return f"cast('0190000{kind}-0000-7000-8000-' || lpad(to_hex({number}), 12, '0') AS uuid)"


def _uuid(kind: str, number: int) -> UUID:
    return UUID(f"0190000{kind}-0000-7000-8000-{number:012x}")

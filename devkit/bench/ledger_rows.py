"""Many rows for the ledger's benchmark, loaded by INSERT ... SELECT as the owner."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import create_engine, text

from devkit.testkit import psycopg_url
from shared.core.clock import SITE

TRANSFERS_AT_ONCE = 50_000  #: accounts whose entries are inserted by one statement
INSERT_ACCOUNTS = """
    INSERT INTO accounts (volunteer_id, points_available, minutes_credited)
    SELECT {account}, 60 * :each, 60 * :each FROM generate_series(:first, :last - 1) AS n
"""
INSERT_ENTRIES = """
    INSERT INTO transfers (
        id, debit_account, credit_account, amount, kind, cause_id, actor, volunteer_id
    )
    SELECT {transfer}, 'outside', 'volunteer:' || {account}, 60, 'earned',
        {cause}, 'registration', {account}
    FROM generate_series(:first, :last - 1) AS n, generate_series(1, :each) AS e
"""
INSERT_VOUCHERS = """
    INSERT INTO vouchers (
        id, holder_id, product_id, venue_id, title, points, cost_fen, code_fingerprint,
        code_sealed, status, issued_at, expires_at, ended_at
    )
    SELECT {voucher}, {holder}, cast(:product AS uuid), cast(:venue AS uuid), '电影票',
        120, 3500, sha256(cast(cast(n AS text) AS bytea)), '', 'redeemed',
        cast(:at AS timestamptz), cast(:at AS timestamptz) + interval '90 days',
        cast(:at AS timestamptz)
    FROM generate_series(1, :count) AS n
"""
INSERT_REDEMPTIONS = """
    INSERT INTO redemptions (id, voucher_id, venue_id, reference, channel, redeemed_at)
    SELECT {redemption}, {voucher}, cast(:venue AS uuid), 'sale-' || n, 'counter',
        cast(:at AS timestamptz)
    FROM generate_series(1, :count) AS n
"""
INSERT_REDEEMED = """
    INSERT INTO transfers (
        id, debit_account, credit_account, amount, kind, cause_id, actor, volunteer_id, created_at
    )
    SELECT {transfer}, 'product:' || :product, 'venue:' || :venue, 120, 'redeemed',
        {redemption}, 'venue', {holder}, cast(:at AS timestamptz)
    FROM generate_series(1, :count) AS n
"""


class Rows:
    """Loads the rows of one venue and one product."""

    def __init__(self, owner_url: str, venue: str, product: str) -> None:
        options = {"options": "-csearch_path=rewards,public"}
        self._owner = create_engine(psycopg_url(owner_url), connect_args=options)
        self._venue, self._product = venue, product
        noon = datetime.now(SITE).replace(day=1, hour=12, minute=0, second=0, microsecond=0)
        self._redeemed_at = noon - timedelta(days=15)
        self.month = f"{self._redeemed_at:%Y-%m}"

    def load(self, first: int, last: int, each: int) -> None:
        """Load accounts `first` to `last` with `each` entries of 60 points."""
        account = _id("1", "n")
        accounts = INSERT_ACCOUNTS.format(account=account)
        entries = INSERT_ENTRIES.format(
            account=account, transfer=_id("2", "n * 100 + e"), cause=_id("3", "n * 100 + e")
        )
        self._run(accounts, first=first, last=last, each=each)
        for start in range(first, last, TRANSFERS_AT_ONCE):
            end = min(last, start + TRANSFERS_AT_ONCE)
            self._run(entries, first=start, last=end, each=each)
        self._vacuum()

    def load_redemptions(self, count: int) -> None:
        """Load vouchers that the venue redeemed last month, with their transfers."""
        ids = {
            "holder": _id("1", "n % 1000"),
            "voucher": _id("4", "n"),
            "redemption": _id("5", "n"),
            "transfer": _id("6", "n"),
        }
        when = {"count": count, "at": self._redeemed_at}
        venue, product = {"venue": self._venue}, {"product": self._product}
        self._run(INSERT_VOUCHERS.format(**ids), **when, **venue, **product)
        self._run(INSERT_REDEMPTIONS.format(**ids), **when, **venue)
        self._run(INSERT_REDEEMED.format(**ids), **when, **venue, **product)
        self._vacuum()

    def _run(self, sql: str, **parameters: Any) -> None:
        with self._owner.begin() as connection:
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text(sql), parameters)

    def _vacuum(self) -> None:
        with self._owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM (ANALYZE) transfers, accounts, vouchers, redemptions"))


def account_id(number: int) -> UUID:
    return UUID(f"01900001-0000-7000-8000-{number:012x}")


def _id(kind: str, number: str) -> str:
    """SQL: an id made of a kind and a number; growing, as real ids are."""
    return f"cast('0190000{kind}-0000-7000-8000-' || lpad(to_hex({number}), 12, '0') AS uuid)"

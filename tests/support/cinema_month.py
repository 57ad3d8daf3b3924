"""A cinema's last month: films redeemed on days that tests choose, and the venue's report."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import create_engine, text

from services.rewards.settlement.months import Month
from shared.core.clock import SITE
from shared.core.ids import new_id
from tests.support.bank import Bank, Venue

THIS = Month(datetime.now(SITE).date().replace(day=1))
LAST = THIS.before
FILM_FEN = 3500


class CinemaMonth:
    """The Star cinema, which is paid 35 CNY for a film."""

    def __init__(self, bank: Bank, star: Venue) -> None:
        self.bank, self.star = bank, star
        self.path = f"/v1/settlements/{star.id}"
        self.codes: dict[str, str] = {}
        self.as_owner("UPDATE products SET cost_fen = :fen", fen=FILM_FEN)

    def as_owner(self, sql: str, **parameters: Any) -> None:
        """Run SQL that the application may not run: tests turn back time."""
        url = self.bank.district.env["WISHTREE_OWNER_DATABASE_URL"].replace(
            "postgresql://", "postgresql+psycopg://", 1
        )
        engine = create_engine(url, connect_args={"options": "-csearch_path=rewards,public"})
        with engine.begin() as connection:
            connection.execute(text(sql), parameters)
        engine.dispose()

    def take_in(self, *references: str, on: date = LAST.first, by_webhook: bool = False) -> None:
        """Redeem one film for each reference, at noon of a day."""
        for reference in references:
            who = new_id()
            self.bank.receive(self.bank.hours(who, 120))
            self.codes[reference] = code = self.bank.code(who)
            if by_webhook:
                assert self.star.confirm(code, reference)["outcome"] == "redeemed"
            else:
                assert self.star.redeem(code, reference) == "redeemed"
            self.happened(reference, on)

    def happened(self, reference: str, on: date) -> None:
        """Move a redemption to noon of a day."""
        at = datetime(on.year, on.month, on.day, 12, tzinfo=SITE).astimezone(UTC)
        which = "SELECT id FROM redemptions WHERE reference = :reference"
        self.as_owner(
            f"UPDATE transfers SET created_at = :at"
            f" WHERE cause_id IN ({which}) AND kind = 'redeemed'",
            reference=reference,
            at=at,
        )
        self.as_owner(
            "UPDATE redemptions SET redeemed_at = :at WHERE reference = :reference",
            reference=reference,
            at=at,
        )

    def load(self, count: int) -> None:
        """Insert so many redeemed films on the third of the last month."""
        at, venue = LAST.since + timedelta(days=2), self.star.id
        ids = {
            kind: f"cast('0190000{kind}-0000-7000-8000-' || lpad(to_hex(n), 12, '0') AS uuid)"
            for kind in "456"
        }
        self.as_owner(
            "INSERT INTO vouchers (id, holder_id, product_id, venue_id, title, points, cost_fen,"
            " code_fingerprint, code_sealed, status, issued_at, expires_at, ended_at)"
            f" SELECT {ids['4']}, {ids['4']}, p.id, p.venue_id, p.title,"
            " 120, 3500, sha256(cast(cast(n AS text) AS bytea)), '', 'redeemed', :at, :at, :at"
            " FROM products p, generate_series(1, :count) AS n",
            count=count,
            at=at,
        )
        self.as_owner(
            "INSERT INTO redemptions (id, voucher_id, venue_id, reference, channel, redeemed_at)"
            f" SELECT {ids['5']}, {ids['4']}, cast(:venue AS uuid), 'sale-' || n, 'counter', :at"
            " FROM generate_series(1, :count) AS n",
            count=count,
            at=at,
            venue=venue,
        )
        self.as_owner(
            "INSERT INTO transfers"
            " (id, debit_account, credit_account, amount, kind, cause_id, actor, created_at)"
            f" SELECT {ids['6']}, 'product:x', 'venue:' || :venue, 120, 'redeemed', {ids['5']},"
            " 'venue', :at"
            " FROM generate_series(1, :count) AS n",
            count=count,
            at=at,
            venue=venue,
        )
        self.as_owner("ANALYZE redemptions, vouchers, transfers")

    def reverse(self, reference: str) -> str:
        body = {
            "type": "redemption.reversed",
            "timestamp": "2026-11-23T08:00:00Z",
            "data": {"code": self.codes[reference], "reference": reference},
        }
        found: str = self.star.webhook(body)["outcome"]
        return found

    def voucher(self, reference: str) -> str:
        return str(
            self.bank.rows("SELECT voucher_id FROM redemptions WHERE reference = :r", r=reference)[
                0
            ][0]
        )

    # Requests
    def statement(self, month: Month = LAST, query: str = "") -> Any:
        return self.bank.by_staff("GET", f"{self.path}/{month}{query}")

    def close(self, month: Month = LAST, status: int = 200, **body: Any) -> Any:
        return self.bank.by_staff("PUT", f"{self.path}/{month}/closing", body, status)

    def reopen(self, month: Month = LAST, status: int = 200) -> Any:
        return self.bank.by_staff(
            "DELETE", f"{self.path}/{month}/closing", {"reason": "miscounted"}, status
        )

    def send(self, lines: list[Any], month: Month = LAST, status: int = 201) -> Any:
        """Send the venue's report: references, or whole lines."""
        full = [{"reference": line} if isinstance(line, str) else line for line in lines]
        return self.by_venue(
            "POST",
            f"/v1/venues/{self.star.id}/statements",
            {"month": str(month), "lines": full},
            status,
        )

    def by_venue(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        return self.bank.ask(method, path, body, status=status, headers={"Api-Key": self.star.key})

    def differences(self, month: Month = LAST) -> list[tuple[str, str]]:
        items = self.bank.by_staff("GET", f"{self.path}/{month}/differences?limit=200")["items"]
        return [(item["kind"], item["reference"]) for item in items]

    def in_journal(self) -> int:
        """Return the balance of the venue's account in the journal."""
        sums = (
            "SELECT sum(amount) FILTER (WHERE credit_account = :account),"
            " sum(amount) FILTER (WHERE debit_account = :account) FROM transfers"
        )
        ((credit, debit),) = self.bank.rows(sums, account=f"venue:{self.star.id}")
        return (credit or 0) - (debit or 0)


def day(number: int, month: Month = LAST) -> date:
    return month.first + timedelta(days=number - 1)


def uuid(number: int) -> str:
    return str(UUID(int=number))

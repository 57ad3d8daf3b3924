"""A small bank: staff, 沈芳 and 王强 who volunteer, the Star cinema and its rival the pool."""

import json
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from devkit.testkit import District, Member
from shared.auth import webhook_signatures
from shared.contracts.base import Event
from shared.contracts.registration import (
    Bucket,
    HoursCorrected,
    HoursRecorded,
    Origin,
)
from shared.core.ids import new_id
from shared.messaging.inbox import Delivery

DAY = date(2026, 7, 15)


class Bank:
    """Requests and events of tests, in few words."""

    def __init__(self, district: District) -> None:
        self.district = district
        self.rewards: Member = district.rewards
        self.staff = district.token("staff")
        self.fang, self.qiang = new_id(), new_id()
        self.organisation = new_id()
        self.sequence = 0

    # Requests
    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        status: int = 200,
        as_: str | None = None,
        **options: Any,
    ) -> Any:
        answer = self.rewards.call(method, path, body, as_=as_, **options)
        assert answer.status_code == status, (answer.status_code, answer.get_data(as_text=True))
        return answer.get_json(silent=True)

    def by_staff(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        return self.ask(method, path, body, status=status, as_=self.staff)

    def of(self, volunteer_id: UUID) -> str:
        return self.district.token("volunteer", volunteer_id)

    def account(self, volunteer_id: UUID) -> Any:
        return self.by_staff("GET", f"/v1/accounts/{volunteer_id}")

    def points(self, volunteer_id: UUID) -> int:
        return int(self.account(volunteer_id)["points_available"])

    def vouchers(self, volunteer_id: UUID, status: str | None = None) -> list[Any]:
        items: list[Any] = self.by_staff("GET", f"/v1/vouchers?holder_id={volunteer_id}&limit=200")[
            "items"
        ]
        return [item for item in items if status in (None, item["status"])]

    def code(self, volunteer_id: UUID, number: int = 0) -> str:
        voucher = self.vouchers(volunteer_id)[number]
        found: str = self.ask(
            "GET", f"/v1/vouchers/{voucher['id']}/code", as_=self.of(volunteer_id)
        )["code"]
        return found

    def rows(self, sql: str, **parameters: Any) -> list[Any]:
        with self.rewards.session() as session:
            return list(session.execute(text(sql), parameters).all())

    def count(self, table: str) -> int:
        return int(self.rows(f"SELECT count(*) FROM {table}")[0][0])

    def earned(self, volunteer_id: UUID, minutes: int = 120) -> str:
        """Hours that buy a voucher; its id."""
        self.receive(self.hours(volunteer_id, minutes))
        found: str = self.vouchers(volunteer_id, "issued")[0]["id"]
        return found

    def earn_many(self, volunteer_id: UUID, count: int) -> None:
        """Hours that buy so many vouchers, in batches of which each is issued at once."""
        for begin in range(0, count, 150):
            this = range(begin, min(begin + 150, count))
            self.receive(*(self.hours(volunteer_id, 120) for _ in this))

    def code_of(self, volunteer_id: UUID, voucher_id: str) -> str:
        found: str = self.ask("GET", f"/v1/vouchers/{voucher_id}/code", as_=self.of(volunteer_id))[
            "code"
        ]
        return found

    def give(
        self, giver: UUID, voucher_id: str, to: UUID | str, status: int = 201, **more: Any
    ) -> Any:
        return self.ask(
            "POST",
            f"/v1/vouchers/{voucher_id}/gift",
            {"to": str(to)} | more,
            as_=self.of(giver),
            status=status,
        )

    def donate(self, giver: UUID) -> str:
        """Hours that buy a voucher, which its holder leaves to the pool; its new id."""
        found: str = self.give(giver, self.earned(giver), "pool")["voucher_id"]
        return found

    # Setting up
    def venue(self, name: str = "星光影城 Star cinema") -> str:
        found: str = self.by_staff("POST", "/v1/venues", {"name": name, "kind": "cinema"}, 201)[
            "id"
        ]
        return found

    def secret(self, venue_id: str, kind: str) -> str:
        found: str = self.by_staff("POST", f"/v1/venues/{venue_id}/secrets", {"kind": kind}, 201)[
            "secret"
        ]
        return found

    def product(
        self, venue_id: str, points: int = 120, stock: int = 100, title: str = "电影票"
    ) -> str:
        body = {
            "venue_id": venue_id,
            "title": title,
            "points": points,
            "stock": stock,
            "valid_days": 90,
        }
        found: str = self.by_staff("POST", "/v1/products", body, 201)["id"]
        return found

    def minute_is_a_point(self) -> None:
        self.by_staff("POST", "/v1/rules", {"kind": "earn", "minutes": 1, "points": 1}, 201)

    def issue(self, product_id: str) -> None:
        self.by_staff("POST", "/v1/rules", {"kind": "issue", "product_id": product_id}, 201)

    # Events of registration
    def receive(self, *events: Event, times: int = 1) -> None:
        deliveries = []
        for event in events:
            self.sequence += 1
            body = {
                "specversion": "1.0",
                "id": str(new_id()),
                "source": f"/{event.source}",
                "type": event.type,
                "subject": event.subject,
                "time": datetime.now(UTC).isoformat(),
                "sequence": str(self.sequence),
                "dataschema": event.dataschema(),
                "data": event.model_dump(mode="json"),
            }
            deliveries.append(Delivery(json.dumps(body).encode()))
        for _ in range(times):
            self.rewards.receive(*deliveries)
        assert self.count("attempts") == 0, self.rows("SELECT error FROM attempts")
        assert self.count("dead_letters") == 0, self.rows("SELECT reason, error FROM dead_letters")

    def hours(self, volunteer_id: UUID, minutes: int, **more: Any) -> HoursRecorded:
        fields: dict[str, Any] = {
            "record_id": new_id(),
            "volunteer_id": volunteer_id,
            "organisation_id": self.organisation,
            "minutes": minutes,
            "category": "tutoring",
            "bucket": Bucket.VERIFIED,
            "origin": Origin.ATTENDANCE,
            "worked_on": DAY,
        }
        return HoursRecorded(**(fields | more))

    def correction(self, record: HoursRecorded, old: int, new: int) -> HoursCorrected:
        return HoursCorrected(
            correction_id=new_id(),
            record_id=record.record_id,
            volunteer_id=record.volunteer_id,
            old_minutes=old,
            new_minutes=new,
            category=record.category,
            bucket=record.bucket,
            origin=record.origin,
            worked_on=record.worked_on,
        )

    # What holds at any time
    def assert_sound(self) -> None:
        """Balances are sums of the journal, which sums to zero; no voucher lacks its transfers."""
        sums = self.rows(
            "SELECT account, sum(points) FROM ("
            "SELECT credit_account AS account, amount AS points FROM transfers"
            " UNION ALL SELECT debit_account, -amount FROM transfers"
            ") AS t GROUP BY 1"
        )
        journal = {row[0]: row[1] for row in sums}
        assert sum(journal.values()) == 0
        for row in self.rows(
            "SELECT volunteer_id, points_available, points_held, shortfall FROM accounts"
        ):
            found = tuple(
                journal.pop(f"{kind}:{row[0]}", 0) for kind in ("volunteer", "held", "owed")
            )
            assert found == (row[1], row[2], -row[3])
        assert not [a for a in journal if a.startswith(("volunteer:", "held:", "owed:"))]
        nobodys = "holder_id IS NULL AND origin <> 'sandbox'"
        unused = (
            "SELECT coalesce(sum(points), 0) FROM vouchers WHERE status IN ('issued', 'held') AND"
        )
        out, pooled = (
            self.rows(f"{unused} {which}")[0][0] for which in (f"NOT ({nobodys})", nobodys)
        )
        used = self.rows("SELECT coalesce(sum(points), 0) FROM vouchers WHERE status = 'redeemed'")[
            0
        ][0]
        assert sum(v for a, v in journal.items() if a.startswith("product:")) == out
        assert sum(v for a, v in journal.items() if a.startswith("pool:")) == pooled
        assert sum(v for a, v in journal.items() if a.startswith("venue:")) == used


class Venue:
    """The Star cinema with one film for 120 points."""

    def __init__(self, bank: Bank, name: str = "星光影城 Star cinema") -> None:
        self.bank = bank
        self.id = bank.venue(name)
        self.key = bank.secret(self.id, "api_key")
        self.secret = bank.secret(self.id, "webhook")

    def counter(self, verb: str, body: Any, status: int = 200) -> Any:
        return self.bank.ask(
            "POST", f"/v1/vouchers/{verb}", body, status=status, headers={"Api-Key": self.key}
        )

    def redeem(self, code: str, reference: str, **more: Any) -> str:
        found: str = self.counter("redeem", {"code": code, "reference": reference} | more)[
            "outcome"
        ]
        return found

    def webhook(
        self,
        body: Any,
        *,
        id_: str | None = None,
        secret: str | None = None,
        status: int = 200,
        at: datetime | None = None,
        secrets: list[str] | None = None,
    ) -> Any:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        id_, at = id_ or f"msg_{new_id()}", at or datetime.now(UTC)
        headers = {
            "webhook-id": id_,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": webhook_signatures.sign(
                secrets or [secret or self.secret], id_, at, raw
            ),
        }
        return self.bank.ask(
            "POST", f"/v1/webhooks/venues/{self.id}", status=status, data=raw, headers=headers
        )

    def confirm(self, code: str, reference: str, **options: Any) -> Any:
        return self.webhook(
            venue_event("redemption.confirmed", {"code": code, "reference": reference}), **options
        )


def venue_event(type_: str, data: Any) -> dict[str, Any]:
    return {"type": type_, "timestamp": "2026-11-23T08:00:00Z", "data": data}

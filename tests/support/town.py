"""A town in which everything happens over HTTP, through all four services: nothing is made up."""

import itertools
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from werkzeug.test import TestResponse

from devkit.testkit import District
from shared.auth import webhook_signatures
from tests.support.bank import venue_event


@dataclass
class Town:
    """A station, a cinema, a film for 120 points; whoever registers volunteers at once.

    A random step may come at the wrong moment and be refused; none may end in a 5xx.
    """

    district: District
    random: Random = field(default_factory=lambda: Random(0))
    volunteers: list[str] = field(default_factory=list)
    records: list[str] = field(default_factory=list)
    sales: list[dict[str, str]] = field(default_factory=list)
    wishes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        token = self.district.token
        self.staff, self.second = token("staff"), token("staff")
        self.system = token("system", "school", scopes="records:write records:verified")
        self.numbers = itertools.count()
        self.station = self.make("registration", "/v1/organisations", name="站", kind="group")
        self.venue = self.make("rewards", "/v1/venues", name="星光影城", kind="cinema")
        self.key, self.secret = (self._secret(kind) for kind in ("api_key", "webhook"))
        self.film = self.make(
            "rewards",
            "/v1/products",
            venue_id=self.venue,
            title="电影票",
            points=120,
            stock=1000,
            valid_days=90,
        )
        self.make("rewards", "/v1/rules", kind="earn", minutes=1, points=1)
        self.make("rewards", "/v1/rules", kind="issue", product_id=self.film)

    def _secret(self, kind: str) -> str:
        path = f"/v1/venues/{self.venue}/secrets"
        found: str = self.ask("rewards", "POST", path, {"kind": kind}).get_json()["secret"]
        return found

    def ask(
        self, service: str, method: str, path: str, body: Any = None, as_: str | None = None
    ) -> TestResponse:
        """Send a request, as staff unless `as_` names somebody; a refusal is allowed."""
        answer = self.district.services[service].call(method, path, body, as_=as_ or self.staff)
        assert answer.status_code < 500, answer.get_data(as_text=True)
        return answer

    def make(self, service: str, path: str, as_: str | None = None, **body: Any) -> str:
        answer = self.ask(service, "POST", path, body, as_)
        assert answer.status_code == 201, answer.get_data(as_text=True)
        made: str = answer.get_json()["id"]
        return made

    def of(self, volunteer_id: str) -> str:
        return self.district.token("volunteer", volunteer_id)

    def anybody(self) -> str:
        return self.random.choice(self.volunteers)

    def vouchers(self, volunteer_id: str) -> list[str]:
        path = f"/v1/vouchers?holder_id={volunteer_id}&status=issued"
        return [one["id"] for one in self.ask("rewards", "GET", path).get_json()["items"]]

    # What people do, one step each
    def registers(self) -> None:
        phone = f"139{next(self.numbers):08}"
        body = {"name": "沈芳", "phone": phone, "birth_date": "1990-05-01"}
        volunteer = self.make("registration", "/v1/volunteers", **body)
        self.ask("registration", "PUT", f"/v1/volunteers/{volunteer}/activation")
        self.volunteers.append(volunteer)

    def works(self) -> None:
        answer = self._send_record(self.system, self.random.randint(1, 300))
        if answer.status_code == 201:
            self.records.append(answer.get_json()["id"])

    def works_unverified(self) -> None:
        only_writes = self.district.token("system", "library", scopes="records:write")
        answer = self._send_record(only_writes, 60)
        if answer.status_code == 201 and self.random.random() < 0.7:
            record, body = answer.get_json()["id"], {"bucket": "verified"}
            self.ask("registration", "PUT", f"/v1/service-records/{record}/approval", body)

    def _send_record(self, system: str, minutes: int) -> TestResponse:
        number = next(self.numbers)
        began = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=7 * number)
        body = {
            "volunteer_id": self.anybody(),
            "organisation_id": self.station,
            "category": "reading",
            "started_at": began.isoformat(),
            "ended_at": (began + timedelta(minutes=minutes)).isoformat(),
            "reference": f"town-{number}",
        }
        return self.ask("registration", "POST", "/v1/service-records", body, system)

    def is_corrected(self) -> None:
        if not self.records:
            return
        record = self.random.choice(self.records)
        began = datetime(2026, 1, 1, tzinfo=UTC) - timedelta(hours=7 * next(self.numbers))
        minutes = self.random.choice((0, 5, 90, 200))
        body = {
            "started_at": began.isoformat(),
            "ended_at": (began + timedelta(minutes=minutes)).isoformat(),
            "reason": "Left early",
        }
        path = f"/v1/service-records/{record}/corrections"
        asked = self.ask("registration", "POST", path, body)
        if asked.status_code == 201:
            path = f"/v1/corrections/{asked.get_json()['id']}/approval"
            self.ask("registration", "PUT", path, as_=self.second)

    def is_suspended_or_back(self) -> None:
        move = self.random.choice(("suspension", "activation"))
        self.ask("registration", "PUT", f"/v1/volunteers/{self.anybody()}/{move}")

    def leaves(self) -> None:
        move = self.random.choice(("departure", "erasure"))
        self.ask("registration", "PUT", f"/v1/volunteers/{self.anybody()}/{move}")

    def is_merged(self) -> None:
        body = {"into_id": self.anybody()}
        self.ask("registration", "PUT", f"/v1/volunteers/{self.anybody()}/merger", body)

    def gives(self) -> None:
        giver = self.anybody()
        for voucher in self.vouchers(giver)[:1]:
            to = self.random.choice(("pool", self.anybody()))
            self.ask("rewards", "POST", f"/v1/vouchers/{voucher}/gift", {"to": to}, self.of(giver))

    def is_reissued(self) -> None:
        holder = self.anybody()
        for voucher in self.vouchers(holder)[:1]:
            path = f"/v1/vouchers/{voucher}/reissue"
            self.ask("rewards", "POST", path, {"reason": "lost"})

    def goes_to_the_cinema(self) -> None:
        holder = self.anybody()
        for voucher in self.vouchers(holder)[:1]:
            path = f"/v1/vouchers/{voucher}/code"
            shown = self.ask("rewards", "GET", path, as_=self.of(holder)).get_json()
            sale = {"code": shown.get("code", "?"), "reference": f"sale-{next(self.numbers)}"}
            answer = self.district.rewards.call(
                "POST", "/v1/vouchers/redeem", sale, headers={"Api-Key": self.key}
            )
            assert answer.status_code < 500, answer.get_data(as_text=True)
            self.sales.append(sale)

    def is_reversed(self) -> None:
        if self.sales:
            self._send_webhook("redemption.reversed", self.random.choice(self.sales))

    def _send_webhook(self, type_: str, sale: dict[str, str]) -> None:
        at, id_ = datetime.now(UTC), f"msg-{next(self.numbers)}"
        body = json.dumps(venue_event(type_, sale)).encode()
        headers = {
            "webhook-id": id_,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": webhook_signatures.sign([self.secret], id_, at, body),
        }
        path = f"/v1/webhooks/venues/{self.venue}"
        answer = self.district.rewards.call("POST", path, data=body, headers=headers)
        assert answer.status_code < 500, answer.get_data(as_text=True)

    def voucher_is_voided(self) -> None:
        for voucher in self.vouchers(self.anybody())[:1]:
            self.ask("rewards", "PUT", f"/v1/vouchers/{voucher}/voidance", {"reason": "staff"})

    def wishes_something(self) -> None:
        beneficiary = {"name": "陈奶奶", "phone": "13712345678", "age_band": "60+", "consent": True}
        wish = self.make(
            "wishes",
            "/v1/wishes",
            title="一条毛毯",
            description="红色",
            category="goods",
            station_id=self.station,
            beneficiary=beneficiary,
        )
        self.ask("wishes", "PUT", f"/v1/wishes/{wish}/verification", {})
        self.ask("wishes", "PUT", f"/v1/wishes/{wish}/publication")
        self.wishes.append(wish)

    def claims_a_wish(self) -> None:
        if self.wishes:
            who = self.anybody()
            body = {"claimer_id": who, "claimer_kind": "volunteer"}
            path = f"/v1/wishes/{self.random.choice(self.wishes)}"
            claim = self.ask("wishes", "PUT", f"{path}/claim", body, self.of(who))
            if claim.status_code == 200 and self.random.random() < 0.7:
                fulfilled = {"note": "送到", "fence": claim.get_json()["fence"], "minutes": 45}
                self.ask("wishes", "PUT", f"{path}/fulfilment", fulfilled, self.of(who))

    def wish_moves_on(self) -> None:
        if self.wishes:
            path = f"/v1/wishes/{self.random.choice(self.wishes)}"
            move = self.random.choice(("confirmation", "confirmation", "withdrawal"))
            self.ask("wishes", "PUT", f"{path}/{move}", {} if move == "withdrawal" else None)

    def claim_is_released(self) -> None:
        if self.wishes:
            path = f"/v1/wishes/{self.random.choice(self.wishes)}/claim?reason=other"
            self.ask("wishes", "DELETE", path)

    def pool_grants(self) -> None:
        if self.wishes:
            body = {
                "wish_id": self.random.choice(self.wishes),
                "product_id": self.film,
                "holder_id": self.anybody(),
            }
            self.ask("rewards", "POST", "/v1/pool/wish-grants", body)

    def station_is_added(self) -> None:
        self.make("registration", "/v1/organisations", name="站点", kind="group")

    def step(self) -> None:
        """Let one thing happen; work and wishes happen more often than ends."""
        happens = self.random.choices(
            (
                *(self.works, self.works_unverified, self.registers, self.is_corrected),
                *(self.gives, self.goes_to_the_cinema, self.wishes_something, self.claims_a_wish),
                *(self.wish_moves_on, self.pool_grants, self.claim_is_released, self.is_reissued),
                *(self.is_reversed, self.voucher_is_voided, self.is_suspended_or_back),
                *(self.is_merged, self.leaves, self.station_is_added),
            ),
            weights=(8, 2, 2, 3, 3, 3, 3, 4, 3, 3, 1, 1, 1, 1, 2, 1, 1, 1),
        )
        happens[0]()

"""Hours recorded -> voucher -> alert, through all four services' own code, with facts doubled and
shuffled.
"""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from devkit.testkit import District

PRICE = 120


class Centre:
    """A district at work: the cinema, its product, the rules, a station, 沈芳 and 王强."""

    def __init__(self, district: District) -> None:
        self.district, self.staff = district, district.token("staff")
        call = district.rewards.call
        venue = call(
            "POST", "/v1/venues", {"name": "星光影城", "kind": "cinema"}, as_=self.staff
        ).get_json()["id"]
        product = {
            "venue_id": venue,
            "title": "电影票",
            "points": PRICE,
            "stock": 100,
            "valid_days": 90,
        }
        product_id = call("POST", "/v1/products", product, as_=self.staff).get_json()["id"]
        for rule in (
            {"kind": "earn", "minutes": 1, "points": 1},
            {"kind": "issue", "product_id": product_id},
        ):
            assert call("POST", "/v1/rules", rule, as_=self.staff).status_code == 201
        self.station = self.ask("POST", "/v1/organisations", {"name": "站", "kind": "company"})[
            "id"
        ]
        self.system = district.token("system", "partner", scopes="records:write records:verified")
        self.numbers = itertools.count()
        self.fang, self.qiang = self.volunteer("沈芳"), self.volunteer("王强")

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        as_: str | None = None,
        service: str = "registration",
    ) -> Any:
        answer = self.district.services[service].call(method, path, body, as_=as_ or self.staff)
        assert answer.status_code < 300, answer.get_data(as_text=True)
        return answer.get_json()

    def volunteer(self, name: str) -> str:
        body = {"name": name, "phone": f"139{next(self.numbers):08}", "birth_date": "1990-01-01"}
        volunteer_id = str(self.ask("POST", "/v1/volunteers", body)["id"])
        self.ask("PUT", f"/v1/volunteers/{volunteer_id}/activation")
        return volunteer_id

    def work(self, volunteer_id: str, minutes: int) -> str:
        number = next(self.numbers)
        start = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(hours=12 * number)
        body = {
            "volunteer_id": volunteer_id,
            "organisation_id": self.station,
            "category": "community",
            "started_at": start.isoformat(),
            "ended_at": (start + timedelta(minutes=minutes)).isoformat(),
            "reference": f"flow-{number}",
        }
        return str(self.ask("POST", "/v1/service-records", body, as_=self.system)["id"])

    def end_state(self) -> dict[str, Any]:
        """What everybody ends up with; ids and times left out, since they differ from run to
        run.
        """
        with self.district.rewards.session() as session:
            accounts = session.execute(
                text(
                    "SELECT minutes_credited, points_available, points_held, status FROM accounts ORDER BY 1, 2, 3, 4"
                )
            ).all()
            vouchers = session.execute(
                text("SELECT status, count(*) FROM vouchers GROUP BY 1 ORDER BY 1")
            ).all()
            debit = session.scalars(
                text("SELECT coalesce(sum(amount), 0) FROM transfers WHERE kind = 'earned'")
            ).one()
        with self.district.notify.session() as session:
            alerts = session.execute(
                text("SELECT template, count(*) FROM alerts GROUP BY 1 ORDER BY 1")
            ).all()
        return {
            "accounts": [tuple(r) for r in accounts],
            "vouchers": [tuple(r) for r in vouchers],
            "earned": int(debit),
            "alerts": [tuple(r) for r in alerts],
        }

    def no_leftovers(self) -> None:
        for service in self.district.services.values():
            with service.session() as session:
                for table in ("attempts", "dead_letters"):
                    rows = session.execute(text(f"SELECT * FROM {table}")).all()
                    assert not rows, f"{service.service}.{table}: {rows}"


@pytest.fixture
def centre(district: District) -> Centre:
    return Centre(district)


def test_hours_become_a_voucher_and_an_alert(centre: Centre, district: District) -> None:
    centre.work(centre.fang, 150)
    district.deliver_all()
    account = centre.ask("GET", f"/v1/accounts/{centre.fang}", service="rewards")
    assert (account["minutes_credited"], account["points_available"]) == (150, 150 - PRICE)
    (voucher,) = centre.ask("GET", f"/v1/vouchers?holder_id={centre.fang}", service="rewards")[
        "items"
    ]
    assert voucher["status"] == "issued"
    alerts = centre.ask("GET", f"/v1/people/{centre.fang}/alerts", service="notify")["items"]
    assert {"hours_recorded", "voucher_issued"} <= {alert["template"] for alert in alerts}
    assert (
        centre.ask("GET", f"/v1/vouchers?holder_id={centre.qiang}", service="rewards")["items"]
        == []
    )
    centre.no_leftovers()


def play(centre: Centre, times: int, seed: int | None) -> dict[str, Any]:
    for minutes in (50, 80, 130, 30, 240):
        centre.work(centre.fang, minutes)
        centre.work(centre.qiang, minutes // 2)
    centre.district.deliver_all(times=times, seed=seed)
    state = centre.end_state()
    centre.no_leftovers()
    return state


def test_facts_doubled_and_shuffled_end_the_same(centre: Centre, district: District) -> None:
    in_order = play(centre, 1, None)
    for seed in range(4):
        district.clear()
        assert play(Centre(district), 2, seed) == in_order


def test_a_trace_is_followed_from_request_to_alert(centre: Centre, district: District) -> None:
    """The trace id of the HTTP request is in registration's and rewards' outbox rows."""
    trace = "ab" * 16
    number = next(centre.numbers)
    start = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(hours=12 * number)
    body = {
        "volunteer_id": centre.fang,
        "organisation_id": centre.station,
        "category": "community",
        "started_at": start.isoformat(),
        "ended_at": (start + timedelta(minutes=PRICE)).isoformat(),
        "reference": "t",
    }
    district.deliver_all()
    headers = {"traceparent": f"00-{trace}-{'cd' * 8}-01"}
    answer = district.registration.call(
        "POST", "/v1/service-records", body, as_=centre.system, headers=headers
    )
    assert answer.status_code == 201
    district.deliver_all()
    for service in ("registration", "rewards"):
        with district.services[service].session() as session:
            found = session.scalars(
                text("SELECT type FROM outbox WHERE traceparent LIKE :t"), {"t": f"%{trace}%"}
            ).all()
        assert found, f"{service} lost the trace"


def facts_of(district: District, *types: str) -> list[Any]:
    """Waiting messages of registration, by type, taken out of its outbox."""
    from devkit.testkit import take_outbox
    from shared.messaging.inbox import Delivery

    taken = take_outbox(district.registration)
    return [Delivery(body) for wanted in types for type_, _, body in taken if type_ == wanted]


PAIRS = [
    ("volunteer.registered", "hours.recorded"),
    ("volunteer.merged", "hours.recorded"),
    ("volunteer.erased", "hours.recorded"),
    ("hours.recorded", "hours.corrected"),
]


@pytest.mark.parametrize("pair", PAIRS, ids=" and ".join)
def test_a_pair_of_facts_may_come_in_either_order(
    district: District, pair: tuple[str, str]
) -> None:
    """Each order on a fresh district, each fact handed over twice: the same end state."""
    states = []
    for order in (0, 1):
        district.clear()
        centre = Centre(district)
        district.deliver_all() if "volunteer.registered" not in pair else None
        if pair == ("hours.recorded", "hours.corrected"):
            record = centre.work(centre.fang, 150)
            correct(centre, record, 40)
        else:
            centre.work(centre.fang, 150)
            if "volunteer.merged" in pair:
                centre.ask("PUT", f"/v1/volunteers/{centre.fang}/merger", {"into_id": centre.qiang})
            if "volunteer.erased" in pair:
                centre.ask("PUT", f"/v1/volunteers/{centre.fang}/departure")
                centre.ask("PUT", f"/v1/volunteers/{centre.fang}/erasure")
        first, second = pair if order == 0 else tuple(reversed(pair))
        deliveries = facts_of(district, first, second)
        assert len(deliveries) >= 2
        for delivery in deliveries * 2:
            for listener in ("rewards", "notify", "wishes"):
                from shared.messaging.envelope import read_event

                if listener in read_event(delivery.body).handled_by:
                    district.services[listener].inbox.receive([delivery])
        centre.no_leftovers()
        state = centre.end_state()
        states.append(
            {k: state[k] for k in ("accounts",)}
            | {"live": dict(state["vouchers"]).get("issued", 0)}
        )
    assert states[0] == states[1]


def correct(centre: Centre, record_id: str, minutes: int) -> None:
    record = centre.ask("GET", f"/v1/service-records/{record_id}")
    start = datetime.fromisoformat(record["started_at"])
    body = {
        "started_at": start.isoformat(),
        "ended_at": (start + timedelta(minutes=minutes)).isoformat(),
        "reason": "早退",
    }
    asked = centre.ask("POST", f"/v1/service-records/{record_id}/corrections", body)
    centre.ask(
        "PUT",
        f"/v1/corrections/{asked['id']}/approval",
        {"decision": "approve"},
        as_=centre.district.token("staff"),
    )


def test_redeemed_before_issued_leaves_both_alerts_once(centre: Centre, district: District) -> None:
    from devkit.testkit import take_outbox
    from shared.messaging.inbox import Delivery

    centre.work(centre.fang, PRICE)
    deliveries = facts_of(district, "volunteer.registered", "volunteer.activated", "hours.recorded")
    district.rewards.inbox.receive(deliveries)
    holder = district.token("volunteer", centre.fang)
    (voucher,) = centre.ask("GET", f"/v1/vouchers?holder_id={centre.fang}", service="rewards")[
        "items"
    ]
    code = centre.ask("GET", f"/v1/vouchers/{voucher['id']}/code", as_=holder, service="rewards")[
        "code"
    ]
    detail = centre.ask("GET", f"/v1/vouchers/{voucher['id']}", service="rewards")
    key = centre.ask(
        "POST", f"/v1/venues/{detail['venue_id']}/secrets", {"kind": "api_key"}, service="rewards"
    )["secret"]
    answer = district.rewards.call(
        "POST", "/v1/vouchers/redeem", {"code": code, "reference": "R"}, headers={"Api-Key": key}
    )
    assert answer.get_json()["outcome"] == "redeemed"
    said = {type_: Delivery(body) for type_, _, body in take_outbox(district.rewards)}
    for type_ in ("voucher.redeemed", "voucher.issued") * 2:
        district.notify.inbox.receive([said[type_]])
    templates = [
        a["template"]
        for a in centre.ask("GET", f"/v1/people/{centre.fang}/alerts", service="notify")["items"]
    ]
    assert sorted(t for t in templates if t.startswith("voucher")) == [
        "voucher_issued",
        "voucher_redeemed",
    ]

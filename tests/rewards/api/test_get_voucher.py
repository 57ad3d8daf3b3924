"""Who sees what of a voucher: only the holder the code; the trace leads back to the records."""

from services.rewards.membership.members import issue_reached
from shared.contracts.registration import VolunteerMerged
from shared.core.ids import new_id
from tests.support.bank import Bank, Venue


def test_only_the_holder_sees_the_code_and_each_look_is_noted(bank: Bank, star: Venue) -> None:
    bank.receive(bank.hours(bank.fang, 120))
    path = f"/v1/vouchers/{bank.vouchers(bank.fang)[0]['id']}"
    code = bank.ask("GET", f"{path}/code", as_=bank.of(bank.fang))["code"]
    assert len(code.replace("-", "")) == 19
    bank.ask("GET", f"{path}/code", as_=bank.of(bank.qiang), status=404)
    bank.ask("GET", f"{path}/code", as_=bank.staff, status=403)
    assert bank.rows("SELECT looked_by FROM code_looks") == [(bank.fang,)]
    stored = bank.rows("SELECT code_fingerprint, code_sealed FROM vouchers")[0]
    assert all(code.replace("-", "").encode() not in bytes(column) for column in stored)
    assert code not in str(bank.rewards.published())


def test_others_see_nothing_and_lists_hold_own_vouchers_only(bank: Bank, star: Venue) -> None:
    bank.receive(bank.hours(bank.fang, 240))
    voucher = bank.vouchers(bank.fang)[0]
    strange = bank.of(bank.qiang)
    for path in (
        f"/v1/vouchers/{voucher['id']}",
        f"/v1/vouchers/{voucher['id']}/trace",
        f"/v1/vouchers/{new_id()}",
    ):
        bank.ask("GET", path, as_=strange, status=404)
    bank.ask("GET", f"/v1/vouchers?holder_id={bank.fang}", as_=strange, status=404)
    assert bank.ask("GET", "/v1/vouchers", as_=strange) == {"items": [], "next": None}
    page = bank.ask("GET", "/v1/vouchers?limit=1", as_=bank.of(bank.fang))
    rest = bank.ask("GET", f"/v1/vouchers?limit=1&after={page['next']}", as_=bank.of(bank.fang))
    assert page["items"][0]["id"] == voucher["id"] != rest["items"][0]["id"]
    assert rest["next"] is None


def test_an_unknown_account_is_all_zeros(bank: Bank) -> None:
    account = bank.ask("GET", f"/v1/accounts/{bank.fang}", as_=bank.of(bank.fang))
    assert (account["points_available"], account["points_held"], account["minutes_credited"]) == (
        0,
        0,
        0,
    )
    bank.ask("GET", f"/v1/accounts/{bank.fang}", as_=bank.of(bank.qiang), status=404)
    bank.ask("GET", f"/v1/accounts/{bank.fang}/entries", as_=bank.of(bank.qiang), status=404)


def test_the_entries_are_the_journal(bank: Bank, star: Venue) -> None:
    bank.receive(bank.hours(bank.fang, 130))
    items = bank.ask("GET", f"/v1/accounts/{bank.fang}/entries", as_=bank.of(bank.fang))["items"]
    assert [(item["kind"], item["amount"]) for item in items] == [("issued", 120), ("earned", 130)]


def test_a_trace_leads_back_to_the_records(bank: Bank, star: Venue) -> None:
    rule = bank.by_staff("GET", "/v1/rules")["items"][-1]
    records = [bank.hours(bank.fang, minutes) for minutes in (100, 50, 90)]
    for record in records:
        bank.receive(record)
    second, first = bank.vouchers(bank.fang)
    assert sources(bank, first) == [
        (str(records[0].record_id), 100),
        (str(records[1].record_id), 20),
    ]
    assert sources(bank, second) == [
        (str(records[1].record_id), 30),
        (str(records[2].record_id), 90),
    ]
    trace = bank.by_staff("GET", f"/v1/vouchers/{first['id']}/trace")
    assert {(s["rule_id"], s["rule_version"]) for s in trace["sources"]} == {(rule["id"], 1)}
    star.redeem(bank.code(bank.fang, 1), "POS-1")
    trace = bank.by_staff("GET", f"/v1/vouchers/{first['id']}/trace")
    assert [t["kind"] for t in trace["transfers"]] == ["issued", "redeemed"]


def test_a_trace_goes_through_a_merge_a_wait_and_a_voided_voucher(bank: Bank) -> None:
    star = Venue(bank)
    bank.minute_is_a_point()
    product = bank.product(star.id, stock=0)
    bank.issue(product)
    early, late = bank.hours(bank.qiang, 70), bank.hours(bank.fang, 60)
    bank.receive(early)
    bank.receive(VolunteerMerged(volunteer_id=bank.qiang, into_id=bank.fang))
    bank.receive(late)
    bank.by_staff("PUT", f"/v1/products/{product}/stock", {"stock": 5})
    (voucher,) = bank.vouchers(bank.fang)
    paid = [(str(early.record_id), 70), (str(late.record_id), 50)]
    assert sources(bank, voucher) == paid
    bank.by_staff("PUT", f"/v1/vouchers/{voucher['id']}/voidance", {"reason": "misprint"})
    bank.receive(bank.hours(bank.fang, 1))
    fresh = bank.vouchers(bank.fang, "issued")[0]
    assert sources(bank, fresh) == [
        (str(late.record_id), 10),
        *[(paid[0][0], 70), (paid[1][0], 40)],
    ]
    bank.assert_sound()


def sources(bank: Bank, voucher: dict[str, str]) -> list[tuple[str, int]]:
    trace = bank.by_staff("GET", f"/v1/vouchers/{voucher['id']}/trace")
    return [(source["record_id"], source["points"]) for source in trace["sources"]]


def test_staff_void_a_voucher_and_its_points_come_back(bank: Bank, star: Venue) -> None:
    bank.receive(bank.hours(bank.fang, 120))
    voucher = bank.vouchers(bank.fang)[0]
    path = f"/v1/vouchers/{voucher['id']}/voidance"
    code = bank.code(bank.fang)
    bank.ask("PUT", path, {"reason": "x"}, as_=bank.of(bank.fang), status=403)
    for _ in range(2):
        assert bank.by_staff("PUT", path, {"reason": "misprint"})["status"] == "voided"
    assert bank.points(bank.fang) == 120
    assert len(bank.rewards.published("voucher.voided")) == 1
    assert star.redeem(code, "POS-1") == "voided"
    bank.assert_sound()


def test_a_used_voucher_cannot_be_voided(bank: Bank, star: Venue) -> None:
    bank.receive(bank.hours(bank.fang, 120))
    star.redeem(bank.code(bank.fang), "POS-1")
    bank.by_staff(
        "PUT", f"/v1/vouchers/{bank.vouchers(bank.fang)[0]['id']}/voidance", {"reason": "late"}, 409
    )


def test_a_new_issue_rule_reaches_accounts_that_have_the_points_already(bank: Bank) -> None:
    star = Venue(bank)
    bank.minute_is_a_point()
    bank.receive(*(bank.hours(new_id(), 120) for _ in range(5)))
    bank.issue(bank.product(star.id))
    more = True
    while more:
        with bank.rewards.session() as session:
            more = issue_reached(session, limit=2)
    assert bank.count("vouchers") == 5
    bank.assert_sound()


def test_rules_are_versions_and_must_fit_their_kind(bank: Bank, star: Venue) -> None:
    again = bank.by_staff("POST", "/v1/rules", {"kind": "earn", "minutes": 1, "points": 2}, 201)
    assert again["version"] == 2
    for body in (
        {"kind": "earn", "minutes": 1},
        {"kind": "issue"},
        {"kind": "earn", "minutes": 0, "points": 1},
    ):
        bank.by_staff("POST", "/v1/rules", body, 422)
    bank.by_staff("POST", "/v1/rules", {"kind": "issue", "product_id": str(new_id())}, 422)
    bank.ask(
        "POST",
        "/v1/rules",
        {"kind": "earn", "minutes": 1, "points": 9},
        status=403,
        as_=bank.of(bank.fang),
    )


def test_the_seed_fills_an_empty_service_once(bank: Bank) -> None:
    from console.demo.rewards import seed

    with bank.rewards.session() as session:
        assert list(seed(session))
    with bank.rewards.session() as session:
        assert not list(seed(session))
    assert len(bank.ask("GET", "/v1/venues")["items"]) == 2
    bank.receive(bank.hours(bank.fang, 120))
    assert len(bank.vouchers(bank.fang)) == 1

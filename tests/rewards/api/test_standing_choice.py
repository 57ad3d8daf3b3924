"""What a volunteer wants done with points: vouchers at once, kept, given on; and which product
rather.
"""

from typing import Any

from shared.core.ids import new_id
from tests.support.bank import Bank, Venue


def choose(bank: Bank, choice: str, status: int = 200, **more: Any) -> Any:
    return bank.ask(
        "PUT",
        f"/v1/accounts/{bank.fang}/standing-choice",
        {"choice": choice} | more,
        as_=bank.of(bank.fang),
        status=status,
    )


def test_given_on_the_voucher_lies_in_the_pool_and_is_nobodys(bank: Bank, star: Venue) -> None:
    choose(bank, "give_on")
    bank.receive(bank.hours(bank.fang, 250), times=2)
    assert not bank.vouchers(bank.fang)
    (pooled,) = bank.ask("GET", "/v1/pool")["items"]
    assert (pooled["count"], pooled["title"]) == (2, "电影票")
    assert bank.points(bank.fang) == 10
    events = bank.rewards.published("voucher.given")
    assert {(f["data"]["kind"], f["data"]["holder_id"], f["data"]["giver_id"]) for f in events} == {
        ("donation", None, str(bank.fang))
    }
    assert not bank.rewards.published("voucher.issued")
    assert bank.rows(
        "SELECT kind, sum(amount) FROM transfers WHERE kind <> 'earned' GROUP BY 1"
    ) == [("donated", 240)]
    bank.assert_sound()


def test_what_is_not_there_for_the_pool_stays_with_the_giver(bank: Bank) -> None:
    star = Venue(bank)
    bank.minute_is_a_point()
    bank.issue(bank.product(star.id, stock=1))
    choose(bank, "give_on")
    bank.receive(bank.hours(bank.fang, 240))
    assert bank.points(bank.fang) == 120
    assert (bank.count("vouchers"), bank.count("backorders")) == (1, 0)
    bank.assert_sound()


def test_saved_points_stay_and_choosing_to_issue_spends_them(bank: Bank, star: Venue) -> None:
    choose(bank, "save")
    bank.receive(bank.hours(bank.fang, 130))
    assert (bank.points(bank.fang), bank.count("vouchers")) == (130, 0)
    for _ in range(2):
        assert choose(bank, "issue")["points_available"] == 10
    assert len(bank.vouchers(bank.fang, "issued")) == 1


def test_what_somebody_would_rather_have_is_bought_first(bank: Bank, star: Venue) -> None:
    swim = bank.product(star.id, points=50, title="游泳票")
    bank.by_staff(
        "POST", "/v1/rules", {"kind": "issue", "product_id": swim, "automatic": False}, 201
    )
    assert choose(bank, "issue", product_id=swim)["preferred_product_id"] == swim
    bank.receive(bank.hours(bank.fang, 120), bank.hours(bank.qiang, 120))
    assert [v["product_id"] for v in bank.vouchers(bank.fang)] == [swim, swim]
    assert (bank.points(bank.fang), len(bank.vouchers(bank.qiang))) == (20, 1)
    assert choose(bank, "issue")["preferred_product_id"] is None
    bank.assert_sound()


def test_an_unknown_product_is_refused_and_nothing_changes(bank: Bank, star: Venue) -> None:
    choose(bank, "save")
    assert (
        choose(bank, "issue", 422, product_id=str(new_id()))["errors"][0]["pointer"]
        == "/product_id"
    )
    assert bank.account(bank.fang)["standing_choice"] == "save"

"""GET /v1/wishes/{id}/contact: who sees whom to deliver to, and until when."""

import pytest

from services.wishes import contacts
from tests.support.wish_tree import CANARIES, Tree

GUARDIAN = {"name": CANARIES[2], "phone": CANARIES[3], "consent": True}


@pytest.mark.check("P1")
def test_the_claimer_sees_the_contact_only_while_claimed_and_each_look_is_logged(
    tree: Tree,
) -> None:
    wish_id = tree.published()
    path, shen, wang = (
        f"/v1/wishes/{wish_id}/contact",
        tree.tokens[tree.shen_fang],
        tree.tokens[tree.wang_qiang],
    )
    tree.call("GET", path, expect=401)
    tree.call("GET", path, as_=shen, expect=404)
    fence = tree.claim(wish_id, tree.shen_fang)["fence"]
    assert tree.call("GET", path, as_=shen) == {
        "name": CANARIES[0],
        "phone": CANARIES[1],
        "guardian": None,
    }
    tree.call("GET", path, as_=wang, expect=404)
    tree.call("GET", path, as_=tree.foreign_coordinator, expect=404)
    tree.lapse(wish_id)
    tree.call("GET", path, as_=shen, expect=404)
    tree.fulfil(wish_id, tree.shen_fang, fence)
    tree.call("GET", path, as_=shen, expect=404)
    tree.call("GET", path, as_=tree.coordinator)
    assert tree.rows(
        "SELECT why, looked_by LIKE :shen FROM contact_looks ORDER BY id", shen=f"%{tree.shen_fang}"
    ) == [("delivery", True), ("station", False)]


@pytest.mark.check("P2")
def test_a_giver_is_led_to_the_guardian_not_to_the_child(tree: Tree) -> None:
    wish_id = tree.published(beneficiary={"age_band": "0-13", "guardian": GUARDIAN})
    tree.claim(wish_id, tree.shen_fang)
    response = tree.call("GET", f"/v1/wishes/{wish_id}/contact", as_=tree.tokens[tree.shen_fang])
    assert response == {
        "name": None,
        "phone": CANARIES[3],
        "guardian": {"name": CANARIES[2], "phone": CANARIES[3]},
    }


@pytest.mark.check("P3")
def test_contacts_are_erased_after_the_end(tree: Tree) -> None:
    rejected, open_wish = tree.submitted(description="电话 13712345678"), tree.published()
    body = {"decision": "reject", "reason_code": "other"}
    tree.call("PUT", f"/v1/wishes/{rejected}/verification", body, tree.staff)
    for days, expected in ((1, 0), (-1, 1), (-1, 0)):
        with tree.wishes.session() as session:
            assert contacts.erase_old_contacts(session, days) == expected
    tree.call("GET", f"/v1/wishes/{rejected}/contact", as_=tree.staff, expect=409)
    tree.call("GET", f"/v1/wishes/{open_wish}/contact", as_=tree.staff)
    assert tree.rows("SELECT title, description FROM wishes WHERE id = :id", id=rejected) == [
        ("", "")
    ]

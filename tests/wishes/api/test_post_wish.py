"""POST /v1/wishes: consent, guardians, appeals; and what the application role cannot change."""

import pytest
from sqlalchemy import text

from tests.support.wish_tree import CANARIES, Tree

GUARDIAN = {"name": CANARIES[2], "phone": CANARIES[3], "consent": True}


def test_anybody_hangs_a_wish_and_its_contact_is_sealed(tree: Tree) -> None:
    response = tree.call("POST", "/v1/wishes", tree.body(), expect=201)
    assert response["status"] == "submitted"
    ((name, phone, guardian),) = tree.rows("SELECT name, phone, guardian_name FROM beneficiaries")
    assert CANARIES[0].encode() not in bytes(name)
    assert CANARIES[1].encode() not in bytes(phone)
    assert guardian is None
    assert [event["type"] for event in tree.events()] == ["wish.submitted"]
    assert tree.rows("SELECT from_status, to_status, actor FROM wish_moves") == [
        (None, "submitted", "anyone")
    ]


@pytest.mark.check("P2")
def test_no_consent_no_wish(tree: Tree) -> None:
    response = tree.call(
        "POST", "/v1/wishes", tree.body(beneficiary={"consent": False}), expect=422
    )
    assert response["errors"][0]["pointer"] == "/beneficiary/consent"
    assert tree.rows("SELECT * FROM wishes") == []


@pytest.mark.check("P2")
def test_a_childs_wish_needs_a_guardian(tree: Tree) -> None:
    for band in ("0-13", "14-17"):
        response = tree.call(
            "POST", "/v1/wishes", tree.body(beneficiary={"age_band": band}), expect=422
        )
        assert response["type"] == "/problems/guardian-consent-missing"
        refused = {"age_band": band, "guardian": {**GUARDIAN, "consent": False}}
        tree.call("POST", "/v1/wishes", tree.body(beneficiary=refused), expect=422)
    assert tree.rows("SELECT * FROM beneficiaries") == []
    tree.submitted(beneficiary={"age_band": "14-17", "guardian": GUARDIAN})
    assert tree.rows("SELECT guardian_consented_at IS NOT NULL FROM beneficiaries") == [(True,)]


def test_an_appeal_for_cash_or_medical_fees_is_led_elsewhere(tree: Tree) -> None:
    for words in ("家里困难, 急需现金", "请帮忙付手术费", "please send money"):
        response = tree.call("POST", "/v1/wishes", tree.body(description=words), expect=422)
        assert response["type"] == "/problems/appeal-for-other-channels"
        assert response["title"].startswith("心愿树只接受物品")
        assert response["channels"]
    assert tree.rows("SELECT * FROM wishes") == []
    assert tree.events() == []


def test_history_and_looks_cannot_be_rewritten(tree: Tree) -> None:
    tree.submitted()
    for statement in (
        "UPDATE wish_moves SET actor = 'x'",
        "DELETE FROM wish_moves",
        "DELETE FROM contact_looks",
    ):
        try:
            with tree.wishes.session() as session:
                session.execute(text(statement))
        except Exception as error:
            assert "permission denied" in str(error)
        else:
            raise AssertionError(statement)

"""A POST that is repeated with its key has one effect and the same answer, for 24 hours."""

import json
import threading
from datetime import timedelta

import pytest
from sqlalchemy import text, update

from devkit.testkit import District
from shared.core.clock import app_now
from shared.http.idempotency import IdempotencyKey

ORGANISATION = {"name": "信安街道站", "kind": "company"}


def post(
    district: District, key: str, body: object = ORGANISATION, as_: str | None = None
) -> tuple[int, object, bool]:
    """Post an organisation, as JSON or as text that is sent as it stands."""
    text_ = body if isinstance(body, str) else json.dumps(body)
    answer = district.registration.call(
        "POST",
        "/v1/organisations",
        as_=as_ or district.staff,  # type: ignore[attr-defined]
        headers={"Idempotency-Key": key},
        data=text_.encode(),
        content_type="application/json",
    )
    return answer.status_code, answer.get_json(), "Idempotent-Replayed" in answer.headers


@pytest.fixture(autouse=True)
def staff(district: District) -> None:
    district.staff = district.token("staff")  # type: ignore[attr-defined]


def organisations(district: District) -> int:
    with district.registration.session() as session:
        return session.scalars(text("SELECT count(*) FROM organisations")).one()


def test_the_same_key_and_body_give_the_same_answer(district: District) -> None:
    first, second = post(district, "a"), post(district, "a")
    assert first[0] == 201
    assert second == (first[0], first[1], True)
    assert organisations(district) == 1


@pytest.mark.check("M3")
def test_another_body_is_refused(district: District) -> None:
    post(district, "a")
    status, body, _ = post(district, "a", {"name": "别的", "kind": "company"})
    assert status == 422
    assert body["type"] == "/problems/key-reused"  # type: ignore[index]
    assert organisations(district) == 1


@pytest.mark.parametrize(
    "again",
    [
        '{"name": "信安街道站",  "kind": "company"}',
        '{"kind":"company","name":"信安街道站"}',
        r'{"name": "\u4fe1\u5b89\u8857\u9053\u7ad9", "kind": "company"}',
    ],
    ids=["one more space", "another order", "escaped"],
)
def test_the_same_content_written_otherwise_gives_the_same_answer(
    district: District, again: str
) -> None:
    first = post(district, "a", '{"name": "信安街道站", "kind": "company"}')
    second = post(district, "a", again)
    assert first[0] == 201
    assert second == (first[0], first[1], True)
    assert organisations(district) == 1


def test_a_number_is_not_the_text_of_that_number(district: District) -> None:
    assert post(district, "a", '{"name": "1", "kind": "company"}')[0] == 201
    assert post(district, "a", '{"name": 1, "kind": "company"}')[0] == 422
    assert organisations(district) == 1


def test_what_is_no_json_is_compared_byte_by_byte(district: District) -> None:
    assert post(district, "a", '{"name": "x"')[0] == 400
    assert post(district, "a")[0] == 201
    status, body, _ = post(district, "a", '{"name": "x"')
    assert (status, body["type"]) == (422, "/problems/key-reused")  # type: ignore[index]


@pytest.mark.check("M3")
def test_a_failed_request_leaves_no_trace(district: District) -> None:
    assert post(district, "a", {"name": "x", "kind": "nonsense"})[0] == 422
    assert post(district, "a")[0] == 201


def test_a_key_belongs_to_its_caller(district: District) -> None:
    post(district, "a")
    assert post(district, "a", as_=district.token("staff"))[0] == 201
    assert organisations(district) == 2


@pytest.mark.check("M3")
def test_fifty_at_once_have_one_effect(district: District) -> None:
    answers: list[tuple[int, object, bool]] = []
    threads = [
        threading.Thread(target=lambda: answers.append(post(district, "a"))) for _ in range(50)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert organisations(district) == 1
    # 503: the pool was full, and nothing happened.
    assert {status for status, _, _ in answers} <= {201, 409, 503}
    assert len({str(body) for status, body, _ in answers if status == 201}) == 1


@pytest.mark.check("M3")
def test_a_key_is_forgotten_after_a_day(district: District) -> None:
    post(district, "a")
    with district.registration.session() as session:
        session.execute(update(IdempotencyKey).values(created_at=app_now() - timedelta(hours=25)))
    assert post(district, "a", {"name": "别的", "kind": "company"})[0] == 201


@pytest.mark.parametrize("key", ["", "k" * 256])
def test_an_impossible_key_is_refused(district: District, key: str) -> None:
    assert post(district, key)[0] == 400


def test_stored_answers_cannot_be_read_in_the_database(district: District) -> None:
    _, body, _ = post(district, "a")
    with district.registration.session() as session:
        stored = session.scalars(text("SELECT answer FROM idempotency_keys")).one()
    assert body["id"].encode() not in bytes(stored)  # type: ignore[index]

"""Our signatures equal those of an independent library; any other is refused."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from shared.auth import webhook_signatures
from shared.auth.webhook_signatures import BadSignature

BODY = '{"type": "redemption.confirmed", "data": "星光"}'.encode()


def headers(secret: str, at: datetime, body: bytes = BODY) -> dict[str, str]:
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": webhook_signatures.sign([secret], "msg_1", at, body),
    }


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@pytest.mark.check("W1")
def test_the_library_accepts_what_we_sign() -> None:
    secret = webhook_signatures.new_secret()
    Webhook(secret).verify(BODY, headers(secret, now()))


@pytest.mark.check("W1")
def test_we_accept_what_the_library_signs() -> None:
    secret, at = webhook_signatures.new_secret(), now()
    signed = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign("msg_1", at, BODY.decode()),
    }
    assert webhook_signatures.verify([secret], signed, BODY, at) == "msg_1"


def test_any_of_several_secrets_may_have_signed() -> None:
    old, new, at = webhook_signatures.new_secret(), webhook_signatures.new_secret(), now()
    assert webhook_signatures.verify([old, new], headers(new, at), BODY, at)
    both = headers(old, at) | {
        "webhook-signature": webhook_signatures.sign([old, new], "msg_1", at, BODY)
    }
    assert webhook_signatures.verify([new], both, BODY, at)


@pytest.mark.check("W1", "L8")
@pytest.mark.parametrize("seconds", [-301, 301])
def test_five_minutes_both_ways(seconds: int) -> None:
    secret, at = webhook_signatures.new_secret(), now()
    signed = headers(secret, at + timedelta(seconds=seconds))
    with pytest.raises(BadSignature):
        webhook_signatures.verify([secret], signed, BODY, at)
    inside = headers(secret, at + timedelta(seconds=seconds - seconds // abs(seconds) * 2))
    assert webhook_signatures.verify([secret], inside, BODY, at)


@pytest.mark.check("W1")
@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "msg_2"},
        {"webhook-id": ""},
        {"webhook-timestamp": "nan"},
        {"webhook-timestamp": "1e9"},
        {"webhook-timestamp": "9" * 40},
        {"webhook-timestamp": "٣"},
        {"webhook-signature": ""},
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,é"},
        {"webhook-signature": "v1,a"},
        {"webhook-signature": "v1a,AAAA v2,BBBB"},
    ],
)
def test_altered_headers_are_refused(change: dict[str, str]) -> None:
    secret, at = webhook_signatures.new_secret(), now()
    with pytest.raises(BadSignature):
        webhook_signatures.verify([secret], headers(secret, at) | change, BODY, at)


def test_an_altered_body_and_no_secret_are_refused() -> None:
    secret, at = webhook_signatures.new_secret(), now()
    for secrets, body in (
        ([secret], BODY + b" "),
        ([secret], b"\xff\xfe"),
        ([], BODY),
        ([webhook_signatures.new_secret()], BODY),
    ):
        with pytest.raises(BadSignature):
            webhook_signatures.verify(secrets, headers(secret, at), body, at)


@given(
    st.dictionaries(
        st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]), st.text()
    ),
    st.binary(),
)
def test_no_message_upsets_the_check(given_headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(BadSignature):
        webhook_signatures.verify([webhook_signatures.new_secret()], given_headers, body, now())

"""Tokens are verified without registration, once its keys are known."""

import socket
import time
from collections.abc import Iterator

import pytest

from devkit.testkit import District
from shared.auth import verifier
from shared.auth.verifier import Verifier
from shared.db.engine import using
from tests.support.at_once import at_once


@pytest.fixture
def silent_registration() -> Iterator[str]:
    """It takes connections in and never answers, as a frozen process does."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_requests_do_not_wait_for_new_keys_while_registration_hangs(
    district: District, silent_registration: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = Verifier(district.settings)
    token = district.token("staff")
    with using(district.rewards.database):
        tokens.principal(token)  # knows the keys from now on
    update = {"signing_key": None, "registration_url": silent_registration}
    tokens._settings = district.settings.model_copy(update=update)
    tokens._keys_until = time.monotonic() - 1

    def seconds_taken() -> float:
        started = time.monotonic()
        with using(district.rewards.database):
            tokens.principal(token)
        return time.monotonic() - started

    taken = sorted(at_once([seconds_taken] * 8))
    assert taken[-1] >= verifier.JWKS_TIMEOUT  # one tried
    assert taken[-2] < verifier.JWKS_TIMEOUT
    assert seconds_taken() < verifier.JWKS_TIMEOUT

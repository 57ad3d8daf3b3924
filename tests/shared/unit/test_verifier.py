"""Tokens are verified without registration, once its keys are known."""

import socket
import time
from collections.abc import Iterator

import pytest

from devkit.testkit import District
from shared.auth import verifier
from shared.auth.verifier import Verifier
from shared.core.problems import Unavailable
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


def test_nobody_waits_for_the_first_keys_behind_all_others(
    district: District, silent_registration: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifier, "FIRST_JWKS_TIMEOUT", 0.5)
    monkeypatch.setattr(verifier, "LONGEST_WAIT_SECONDS", 0.4)
    update = {"signing_key": None, "registration_url": silent_registration}
    tokens = Verifier(district.settings.model_copy(update=update))
    token = district.token("staff")

    def seconds_taken() -> float:
        started = time.monotonic()
        with pytest.raises(Unavailable):
            tokens.principal(token)
        return time.monotonic() - started

    assert max(at_once([seconds_taken] * 8)) < 1
    assert seconds_taken() < 0.3  # the failure is remembered
    time.sleep(verifier.FIRST_JWKS_RETRY_SECONDS)
    tokens._settings = district.settings
    with using(district.rewards.database):
        assert tokens.principal(token)

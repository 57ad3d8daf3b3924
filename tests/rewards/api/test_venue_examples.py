"""The examples in docs/examples run unchanged against a server on a free port."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from services.rewards.redemption.outcomes import Outcome
from services.rewards.venues.keys import Scope
from tests.rewards.api.test_sandbox import Practice
from tests.support.bank import Bank

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"


@pytest.fixture
def practice(bank: Bank) -> Practice:
    return Practice(bank)


@pytest.fixture
def url(bank: Bank) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, bank.rewards.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


def run(command: list[str], url: str, venue: Practice) -> str:
    env = {
        **os.environ,
        "WISHTREE_URL": url,
        "VENUE_ID": venue.id,
        "PRODUCT_ID": venue.product,
        "API_KEY": venue.key,
        "WEBHOOK_SECRET": venue.secret,
        "no_proxy": "127.0.0.1",
    }
    done = subprocess.run(
        command, env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_example_in_python_practises_every_outcome(
    bank: Bank, practice: Practice, url: str
) -> None:
    output = run([sys.executable, str(EXAMPLES / "venue_client.py")], url, practice)
    assert "offline check: True False" in output
    for outcome in (
        "redeemable",
        "held",
        "redeemed",
        "already_redeemed",
        "expired",
        "voided",
        "held_elsewhere",
        "unknown",
        "reversed",
    ):
        assert f": {outcome}\n" in output
    assert bank.rows("SELECT count(*) FROM redemptions WHERE reversed_at IS NULL") == [(4,)]
    bank.assert_sound()


def test_the_example_in_python_fails_on_an_unexpected_outcome(
    bank: Bank, practice: Practice, url: str
) -> None:
    bank.by_staff("PUT", f"/v1/venues/{practice.id}/suspension")
    with pytest.raises(AssertionError, match="venue-suspended"):
        run([sys.executable, str(EXAMPLES / "venue_client.py")], url, practice)


@pytest.mark.skipif(
    not (shutil.which("curl") and shutil.which("openssl")), reason="needs curl and openssl"
)
def test_the_example_with_curl_redeems_at_the_till_and_by_webhook(
    bank: Bank, practice: Practice, url: str
) -> None:
    codes = [voucher["code"] for voucher in practice.vouchers(2)]
    output = run([str(EXAMPLES / "venue_client.sh"), *codes], url, practice)
    assert [word in output for word in ('"redeemable"', '"redeemed"')] == [True, True]
    assert bank.rows("SELECT channel FROM redemptions ORDER BY channel") == [
        ("counter",),
        ("webhook",),
    ]


def test_the_page_lists_exactly_the_problems_and_outcomes_that_exist() -> None:
    page = (EXAMPLES.parent / "venue-integration.md").read_text()
    for word in (*Outcome, *Scope):
        assert f"`{word}`" in page, word

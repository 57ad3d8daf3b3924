"""The pages on a loopback port, and a browser in front of them."""

import os
import shutil
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.serving import make_server

from devkit.testkit import District
from tests.support.browsing import Centre


def _chromium() -> str | None:
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    api = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: browser tests are not run"
    )
    path = _chromium()
    if path is None:
        pytest.skip("Chromium is not installed: browser tests are not run")
    with api.sync_playwright() as playwright:
        # Chromium's own sandbox refuses to run as root, as containers do; only our own pages are
        # opened here.
        options = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=path, args=options)
        yield browser
        browser.close()


@pytest.fixture
def centre(district: District) -> Centre:
    return Centre(district)


@pytest.fixture
def address(centre: Centre) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, centre.gateway, threaded=True)  # type: ignore[arg-type]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()

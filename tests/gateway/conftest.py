"""Fixtures of the gateway: see `tests/support/browsing.py`."""

import pytest

from devkit.testkit import District
from tests.support.browsing import Centre


@pytest.fixture
def centre(district: District) -> Centre:
    return Centre(district)

"""Fixtures of a small bank: see `tests/support/bank.py`."""

import pytest

from devkit.testkit import District
from tests.support.bank import Bank, Venue


@pytest.fixture
def bank(district: District) -> Bank:
    return Bank(district)


@pytest.fixture
def star(bank: Bank) -> Venue:
    """The cinema; a minute is a point, 120 points are a film."""
    venue = Venue(bank)
    bank.minute_is_a_point()
    bank.issue(bank.product(venue.id))
    return venue

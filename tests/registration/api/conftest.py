"""Fixtures of registration: see `tests/support/volunteering.py`."""

from uuid import UUID

import pytest

from devkit.testkit import District
from tests.support.volunteering import World


@pytest.fixture
def world(district: District) -> World:
    found = World(district)
    found.staff, found.second_staff = district.token("staff"), district.token("staff")
    parent = None
    for kind in ("federation", "branch", "station"):
        body = {"name": f"柯城 {kind}", "kind": kind, "parent_id": parent}
        parent = found.ok("POST", "/v1/organisations", body, as_=found.staff)["id"]
        setattr(found, kind, UUID(parent))
    return found

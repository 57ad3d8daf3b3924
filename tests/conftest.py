"""One private PostgreSQL and one migrated database per test process; each test has empty tables.

Under pytest-xdist every worker is such a process, so tests in different workers share nothing.
"""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from devkit.testkit import District, PrivatePostgres, environment, migrate_all, private_postgres

pytest_plugins = [
    "tests.support.loud_skips",
    "tests.support.scoreboard",
    "tests.support.time_limit",
]

# Tests share the cores, so a deadline for each example would measure the machine.
settings.register_profile("no-deadline", settings.default, deadline=None)
settings.load_profile("no-deadline")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PrivatePostgres]:
    with private_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def whole_district(postgres: PrivatePostgres) -> Iterator[District]:
    owner_url, name = postgres.create_database()
    env = environment(owner_url, name)
    migrate_all(env)
    district = District(env)
    yield district
    district.close()
    postgres.drop_database(name)


@pytest.fixture
def district(whole_district: District) -> District:
    """All four services, empty."""
    whole_district.clear()
    return whole_district

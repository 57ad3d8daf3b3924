"""One private PostgreSQL and one migrated database per test session; every test starts with empty
tables.
"""

from collections.abc import Iterator

import pytest

from devkit.testkit import District, PrivatePostgres, environment, migrate_all, private_postgres

pytest_plugins = ["tests.support.loud_skips"]


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
    for member in district.services.values():
        member.database.engine.dispose()
    postgres.drop_database(name)


@pytest.fixture
def district(whole_district: District) -> District:
    """All four services, empty."""
    whole_district.clear()
    return whole_district

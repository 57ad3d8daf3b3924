"""The models and the migrations say the same; the application role can do its work and no more."""

import os

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text
from sqlalchemy.exc import ProgrammingError

from devkit.testkit import District
from shared import SERVICES
from shared.core.settings import Settings
from shared.service.migrate import metadata_of, migrate


@pytest.mark.parametrize("service", SERVICES)
def test_the_migrations_make_what_the_models_say(district: District, service: str) -> None:
    url = district.env["WISHTREE_OWNER_DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://", 1)
    engine = create_engine(url, connect_args={"options": f"-csearch_path={service}"})
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"compare_type": True, "version_table": f"alembic_{service}",
                  "include_name": lambda name, kind, _: kind != "table" or not (name or "").startswith("alembic_")},
        )  # fmt: skip
        differences = compare_metadata(context, metadata_of(service))
    engine.dispose()
    assert not differences


@pytest.mark.parametrize("service", SERVICES)
def test_migrating_again_changes_nothing(district: District, service: str) -> None:
    os.environ.update(district.env)
    migrate(service, Settings.read())


@pytest.mark.parametrize("service", SERVICES)
def test_the_application_role_cannot_change_the_schema(district: District, service: str) -> None:
    for statement in ("CREATE TABLE mine (id int)", "DROP TABLE outbox", "ALTER TABLE inbox ADD COLUMN x int"):
        with pytest.raises(ProgrammingError), district.services[service].session() as session:
            session.execute(text(statement))


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_cannot_read_another_services_tables(district: District, service: str) -> None:
    for other in SERVICES:
        if other != service:
            with pytest.raises(ProgrammingError), district.services[service].session() as session:
                session.execute(text(f"SELECT count(*) FROM {other}.outbox"))

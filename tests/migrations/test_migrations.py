"""Models and migrations describe the same tables. The application role can do its work, no more."""

import importlib
import os
import pkgutil

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, create_engine, text
from sqlalchemy.exc import ProgrammingError

import shared
from console.services import definition_of
from devkit.testkit import District
from shared import SERVICES
from shared.core.settings import Settings
from shared.db.types import Plumbing
from shared.service.migrate import migrate


def models_of(service: str) -> list[MetaData]:
    """The service's own tables, and those that every service has."""
    for module in pkgutil.walk_packages(shared.__path__, "shared."):
        if ".migrations." not in module.name:
            importlib.import_module(module.name)
    return [definition_of(service).models, Plumbing.metadata]


@pytest.mark.filterwarnings("ignore:Did not recognize type 'xid8'")
@pytest.mark.parametrize("service", SERVICES)
def test_the_migrations_make_the_tables_of_the_models(district: District, service: str) -> None:
    url = district.env["WISHTREE_OWNER_DATABASE_URL"].replace(
        "postgresql://", "postgresql+psycopg://", 1
    )
    engine = create_engine(url, connect_args={"options": f"-csearch_path={service}"})
    with engine.connect() as connection:
        options = {
            "compare_type": True,
            "include_name": lambda name, kind, _: (
                kind != "table" or not (name or "").startswith("alembic_")
            ),
        }
        context = MigrationContext.configure(connection, opts=options)
        differences = compare_metadata(context, models_of(service))
    engine.dispose()
    assert not differences


@pytest.mark.parametrize("service", SERVICES)
def test_migrating_again_changes_nothing(district: District, service: str) -> None:
    os.environ.update(district.env)
    migrate(definition_of(service), Settings.read())


@pytest.mark.parametrize("service", SERVICES)
def test_the_application_role_cannot_change_the_schema(district: District, service: str) -> None:
    for statement in (
        "CREATE TABLE mine (id int)",
        "DROP TABLE outbox",
        "ALTER TABLE inbox ADD COLUMN x int",
    ):
        with pytest.raises(ProgrammingError), district.services[service].session() as session:
            session.execute(text(statement))


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_cannot_read_another_services_tables(district: District, service: str) -> None:
    for other in SERVICES:
        if other != service:
            with pytest.raises(ProgrammingError), district.services[service].session() as session:
                session.execute(text(f"SELECT count(*) FROM {other}.outbox"))

"""The composition root: which code belongs to a service's name.

Nothing else loads services by name.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module

from sqlalchemy.orm import Session

from shared.core.settings import Settings
from shared.db.engine import Database, transaction, using
from shared.service.definition import ServiceDefinition
from shared.service.web import ServiceApp, make_app


def definition_of(service: str) -> ServiceDefinition:
    """Import a service, and only that one: a process of rewards holds no code of wishes."""
    definition: ServiceDefinition = import_module(f"services.{service}.app").SERVICE
    return definition


def definitions_of(services: Iterable[str]) -> tuple[ServiceDefinition, ...]:
    return tuple(definition_of(service) for service in services)


def create_api(service: str) -> ServiceApp:
    """The web app of a service, with its own settings."""
    definition = definition_of(service)
    return make_app(definition, definition.settings.read())


@contextmanager
def operator_transaction(service: str) -> Iterator[Session]:
    """A transaction in one service's database, for the operator's commands."""
    with using(Database(service, Settings.read())), transaction() as session:
        yield session

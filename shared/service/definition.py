"""What a service hands to the shared library: `shared` names no service and imports none."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from apiflask import APIBlueprint
from sqlalchemy import MetaData

from shared.auth.principal import Principal
from shared.auth.withdrawn import withdraw_access
from shared.contracts.base import Event, events_handled_by
from shared.contracts.registration import PersonAccessChanged
from shared.core.settings import Settings
from shared.db.engine import Database
from shared.messaging.inbox import Handler, Inbox, handlers_in

ApiKeys = Callable[[str], Principal]


@dataclass(frozen=True, slots=True)
class ServiceDefinition:
    """One service: its tables, what it handles, its jobs and its endpoints."""

    name: str
    models: MetaData
    events: ModuleType  #: with one `@handles` function per event
    tasks: ModuleType  #: importing it declares the jobs
    blueprints: Sequence[APIBlueprint]
    migrations: Path
    settings: type[Settings] = Settings
    api_keys: ApiKeys | None = None  #: who sent an API key; None: the service takes none

    def database(self, settings: Settings) -> Database:
        return Database(self.name, settings)

    def handlers(self) -> dict[type[Event], Handler]:
        """The function for each event that the service handles. Withdrawn access is handled alike by all."""
        found = handlers_in(self.events)
        if PersonAccessChanged in events_handled_by(self.name):
            found[PersonAccessChanged] = withdraw_access
        return found

    def inbox(self, database: Database) -> Inbox:
        """What the service does with the events it receives."""
        return Inbox(database, self.handlers())

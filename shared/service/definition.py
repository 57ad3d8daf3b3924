"""What a service hands to the library, which imports no service."""

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
from shared.db.limits import JOBS, Limits
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
    api_keys: ApiKeys | None = None  #: finds who sent an API key; None: the service takes none

    def database(self, settings: Settings, limits: Limits = JOBS) -> Database:
        """Its tables, with the limits of a kind of process."""
        return Database(self.name, settings, limits)

    def handlers(self) -> dict[type[Event], Handler]:
        """The handler of each event. Every service handles withdrawn access in the same way."""
        found = handlers_in(self.events)
        if PersonAccessChanged in events_handled_by(self.name):
            found[PersonAccessChanged] = withdraw_access
        return found

    def inbox(self, database: Database) -> Inbox:
        """Takes in the events that the service handles."""
        return Inbox(database, self.handlers())

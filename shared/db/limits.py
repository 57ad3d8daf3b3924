"""Settings of a database session, and how long statements may take in each kind of process.

They are sent when a connection begins. A pooler drops them then, so `wishtree migrate` gives each
service's role the settings of an API too, and `Database` sends with each transaction what differs.
"""

from dataclasses import dataclass

from shared.core.settings import Settings

SessionSettings = dict[str, str]  #: PostgreSQL's names and values


@dataclass(frozen=True, slots=True)
class Limits:
    """How many seconds PostgreSQL gives to one statement, to a lock, and to an idle transaction."""

    statement_seconds: int
    lock_seconds: int
    idle_seconds: int


ENDPOINTS = Limits(statement_seconds=10, lock_seconds=3, idle_seconds=30)
"""Of an API: somebody waits, and its threads are few."""
HANDLERS = Limits(statement_seconds=10, lock_seconds=5, idle_seconds=60)
"""Of a bus: a batch and two of its events can wait before the broker misses our heartbeat. A relay
publishes within its transaction, which is idle meanwhile."""
JOBS = Limits(statement_seconds=120, lock_seconds=5, idle_seconds=60)
"""Of jobs and of the operator's commands: some read a month or all of the journal."""


def role_settings(service: str, shares_its_role: bool) -> SessionSettings:
    """What a service's role has from `wishtree migrate`: all that an API needs.

    A role that several services share has no search path of its own.
    """
    own = {} if shares_its_role else {"search_path": search_path_of(service)}
    return own | _common(ENDPOINTS)


def session_settings(service: str, settings: Settings, limits: Limits) -> SessionSettings:
    """What the sessions of one kind of process need."""
    wanted = {"search_path": search_path_of(service)} | _common(limits)
    if settings.clock_offset_seconds:
        wanted["wishtree.clock_offset"] = f"{settings.clock_offset_seconds}s"
    return wanted


def missing_settings(service: str, settings: Settings, limits: Limits) -> SessionSettings:
    """What a process must set by itself behind a pooler, because the service's role differs."""
    given = role_settings(service, settings.shares_its_role(service))
    wanted = session_settings(service, settings, limits)
    return {name: value for name, value in wanted.items() if given.get(name) != value}


def search_path_of(service: str) -> str:
    """Its own schema, and the one of the extensions."""
    return f"{service},public"


def _common(limits: Limits) -> SessionSettings:
    return {
        "timezone": "UTC",
        "statement_timeout": f"{limits.statement_seconds}s",
        "lock_timeout": f"{limits.lock_seconds}s",
        "idle_in_transaction_session_timeout": f"{limits.idle_seconds}s",
        "jit": "off",  # short statements: compiling them costs more than running them
    }

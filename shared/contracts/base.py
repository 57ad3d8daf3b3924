"""The contracts of events: one frozen class per event, registered by type and version.

An event says what became true. It carries ids, codes of categories, amounts, times and public
titles; never names, contacts, birth dates or free text of wishes or people. Fields are only ever
added; a new meaning is a new version. The JSON Schemas are exported to `docs/events/`, and a test
checks that they only grow.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import ClassVar, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, PrivateAttr


@dataclass(frozen=True, slots=True)
class Received:
    """What a handler may need of the message that an event came in."""

    id: UUID  #: the outbox row in the publisher; the inbox key here
    sequence: int  #: grows per aggregate; with gaps; for copies of which the newest wins
    time: datetime  #: when the publisher committed it, by its database's clock
    traceparent: str | None = None
    body: str = ""  #: the message as it was received, for another attempt
    epoch: UUID | None = None  #: the history of the installation that it belongs to
    trusted: bool = False  #: from a feed or from our own attempts: its epoch is not compared


class Event(BaseModel):
    """Base of all events. `subject_field` names the field that holds the aggregate's id."""

    # A newer publisher may send fields that this version does not know: they are ignored.
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    source: ClassVar[str]  #: the service that publishes it, and the only one
    type: ClassVar[str]
    version: ClassVar[int]
    handled_by: ClassVar[tuple[str, ...]]  #: the services whose queues receive it
    subject_field: ClassVar[str]

    _envelope: Received | None = PrivateAttr(default=None)

    @property
    def envelope(self) -> Received:
        """The message that this event came in. Only received events have one."""
        if self._envelope is None:
            raise ValueError(f"This {self.type} was made here, not received.")
        return self._envelope

    def received_in(self, envelope: Received) -> "Event":
        """Note the message that this event came in."""
        self._envelope = envelope
        return self

    @property
    def subject(self) -> str:
        return str(getattr(self, self.subject_field))

    @classmethod
    def routing_key(cls) -> str:
        """Return `<source>.<type>`.

        With RabbitMQ a service may write only keys that start with its own name.
        """
        return f"{cls.source}.{cls.type}"

    @classmethod
    def dataschema(cls) -> str:
        return f"/events/{cls.source}/{cls.type}/v{cls.version}"


Contract = TypeVar("Contract", bound=type[Event])
REGISTRY: dict[tuple[str, int], type[Event]] = {}


def event(
    source: str, type_: str, *, subject: str, handled_by: tuple[str, ...], version: int = 1
) -> Callable[[Contract], Contract]:
    """Register a class as the contract of `type_`.

    Type and version together are unique over all services.
    """

    def register(cls: Contract) -> Contract:
        cls.source, cls.type, cls.version = source, type_, version
        cls.subject_field, cls.handled_by = subject, handled_by
        taken = REGISTRY.setdefault((type_, version), cls)
        if taken is not cls:
            raise ValueError(f"{type_} v{version} is already the contract {taken.__name__}.")
        return cls

    return register


def events_handled_by(service: str) -> Iterator[type[Event]]:
    return (cls for cls in catalogue().values() if service in cls.handled_by)


def events_published_by(service: str) -> Iterator[type[Event]]:
    return (cls for cls in catalogue().values() if cls.source == service)


@cache
def catalogue() -> dict[tuple[str, int], type[Event]]:
    """Return every contract of every service, by type and version."""
    # Importing these modules registers their contracts. They import this one, so not on top.
    from shared.contracts import notify, registration, rewards, wishes  # noqa: F401

    return REGISTRY


class UnknownEvent(ValueError):
    """A message whose type or version this version of the code does not know."""

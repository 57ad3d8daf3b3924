"""What an audit across services finds: one difference of a closed set of kinds."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Difference:
    """One row that is not what the service that owns the truth has."""

    kind: str
    id: UUID  #: the record, voucher, wish, event ... that differs
    here: str  #: what this service has; codes and numbers, nothing about people
    there: str  #: what the owner has
    #: ids that it is about: an event about one of them, still on its way, explains it
    about: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class DifferenceKind:
    """A kind of difference, in English; the catalogue has the Chinese."""

    name: str
    title: str  #: what is wrong, in one sentence
    repair: str  #: what a person does about it

    def __call__(self, id_: UUID, here: object, there: object, *about: UUID | None) -> Difference:
        """Make a difference of this kind. `id_` is always among what it is about."""
        ids = frozenset(str(one) for one in (id_, *about) if one is not None)
        return Difference(self.name, id_, str(here), str(there), ids)


NOTHING = "-"  #: there is no such row

EVENT_MISSING = DifferenceKind(
    "event_missing",
    "An event of another service never arrived here.",
    "Run `wishtree reconcile --audit --repair`: the event is handed over again and takes effect"
    " once.",
)
EVENT_GIVEN_UP = DifferenceKind(
    "event_given_up",
    "An event was given up here and is a dead letter.",
    "Look at it with `wishtree dead-letters show`, mend the cause, then replay it.",
)
COMMON_KINDS = (EVENT_MISSING, EVENT_GIVEN_UP)

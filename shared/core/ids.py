"""Identifiers: UUIDv7 (RFC 9562), so that new rows land at the end of an index and sort by age."""

from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7


def oldest_id_of(moment: datetime) -> UUID:
    """Below this lie exactly the ids made before `moment` (to the millisecond): a primary key that
    knows its age.
    """
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def new_id() -> UUID:
    """A new, time-ordered, unguessable-enough id. Not a secret: what must not be guessed comes from
    `secrets`.
    """
    return uuid7()

"""Identifiers: UUIDv7 (RFC 9562), so that new rows land at the end of an index and sort by age."""

from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7


def oldest_id_of(moment: datetime) -> UUID:
    """The bound below which exactly the ids made before `moment` lie, to the millisecond."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def new_id() -> UUID:
    """A new id, ordered by time. It is no secret: those come from the module `secrets`."""
    return uuid7()

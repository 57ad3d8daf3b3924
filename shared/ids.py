"""Identifiers: UUIDv7 (RFC 9562), so that new rows land at the end of an index and sort by age."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A new, time-ordered, unguessable-enough id. Not a secret: what must not be guessed comes from `secrets`."""
    return uuid7()

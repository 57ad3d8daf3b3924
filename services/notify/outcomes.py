"""What became of one attempt to send something, to a person or to a system."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Accepted:
    """The message was taken. Nothing is left to do."""


@dataclass(frozen=True, slots=True)
class RetryLater:
    """The attempt failed. Another one may succeed."""

    after: timedelta = timedelta(0)  #: the receiver asked to wait at least this long


@dataclass(frozen=True, slots=True)
class Permanent:
    """The message will never be taken. Do not try again."""

    reason: str


Outcome = Accepted | RetryLater | Permanent

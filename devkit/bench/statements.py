"""The SQL of one request, recorded in our process and run again by the bare view."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement; a list of parameters means `executemany`."""

    sql: str
    parameters: Any


@dataclass(frozen=True, slots=True)
class Recording:
    """What the bare view gets on its standard input, pickled."""

    statements: list[Statement]
    made_since: UUID  #: ids that are newer were made by the request
    pool: list[UUID]  #: ids of rows of which each request takes the next

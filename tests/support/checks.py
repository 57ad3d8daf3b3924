"""The 40 checks of the scoreboard, as `checks.toml` describes them."""

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("checks.toml")

#: How many checks of each kind there are: faults, money, webhooks, security, privacy, load.
KINDS = {"R": 10, "M": 5, "W": 4, "S": 9, "P": 4, "L": 8}
ALL = tuple(f"{kind}{number + 1}" for kind, many in KINDS.items() for number in range(many))


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what is done to the product, at which size, and how its guard was tried."""

    id: str
    do: str  #: what is done and what must hold, in one sentence
    asked: str  #: the size that the plan asks for
    run: str = ""  #: the size that is run here
    sabotage: str = ""  #: the guard that was switched off
    seen_red: str = ""  #: what was seen then, and the commit where it is on record
    missing: str = ""  #: why it is not covered, or which part of it is not

    @property
    def is_proven(self) -> bool:
        """Whether it was seen red with its guard switched off."""
        return bool(self.sabotage and self.seen_red)


def read_checks(file: Path = FILE) -> dict[str, Check]:
    """Read all checks, in the order of the scoreboard. Raises ValueError if one is malformed."""
    tables: dict[str, dict[str, Any]] = tomllib.loads(file.read_text())
    known = {field.name for field in fields(Check)}
    for id_, table in tables.items():
        if not {"id", *table} <= known or not all(isinstance(v, str) for v in table.values()):
            raise ValueError(f"{file.name}: {id_} has a field that is unknown or is no text.")
    if set(tables) != set(ALL):
        raise ValueError(f"{file.name}: missing or unknown: {sorted(set(tables) ^ set(ALL))}.")
    return {id_: Check(id=id_, **tables[id_]) for id_ in ALL}

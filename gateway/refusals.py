"""A service's refusal, as pages show it."""

from dataclasses import dataclass
from typing import Any

from shared.core.json import JsonObject


@dataclass(frozen=True, slots=True)
class FieldError:
    pointer: str  #: JSON pointer of the field; empty if it is about the whole body
    detail: str


@dataclass(eq=False)
class Refusal(Exception):
    """A service refused a request. `title` is in the language of the page."""

    status: int
    title: str
    detail: str = ""
    request_id: str = ""
    errors: tuple[FieldError, ...] = ()
    next_possible_on: str = ""  #: the day from which a venue takes the voucher again


def refusal_from(status: int, document: Any) -> Refusal:
    """Read a problem document; of any other body only the status is known."""
    known: JsonObject = document if isinstance(document, dict) else {}
    return Refusal(
        status,
        known.get("title", ""),
        known.get("detail", ""),
        known.get("request_id", ""),
        tuple(_field_error(error) for error in known.get("errors") or ()),
        known.get("next_possible_on") or "",
    )


def _field_error(error: dict[str, str]) -> FieldError:
    return FieldError(error.get("pointer", ""), error.get("detail", ""))

"""A service's refusal, as pages show it."""

from dataclasses import dataclass
from typing import Any

from flask import g

from gateway.labels import label_of
from gateway.routing import owner_of
from shared.core.json import JsonObject
from shared.core.language import translate

LOG_IN_PATHS = "/v1/auth/"
NOT_DONE = "It was not sent, and nothing has changed. Please send it again in a moment."
MAY_BE_DONE = (
    "No answer came in time, so it is not known whether it was done."
    " You can send it again: it is not done twice."
)


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


@dataclass(eq=False)
class Unanswered(Refusal):
    """A service does not answer just now. The title says what people miss, never who is away."""

    is_form: bool = False  #: it was to do something, not only to show it


@dataclass(frozen=True, slots=True)
class Missing:
    """What a page shows in the place of a part that its service does not give."""

    refusal: Unanswered


def unanswered(method: str, path: str, *, may_be_done: bool) -> Unanswered:
    """What to tell people; `may_be_done` if the request may have reached the service."""
    if method == "GET":
        topic = "log_in" if path.startswith(LOG_IN_PATHS) else owner_of(path)
        return Unanswered(503, label_of("away", topic))
    title = MAY_BE_DONE if may_be_done else NOT_DONE
    return Unanswered(503, translate(title, g.language), is_form=True)


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

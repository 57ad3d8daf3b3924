"""What a form does: send a request to a service, then show the page with the outcome."""

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from flask import redirect, render_template, request
from werkzeug.wrappers import Response

from gateway.client import ApiRequest, ask
from gateway.form_tokens import FIELD
from gateway.refusals import Refusal, Unanswered

Answer = Response | str | tuple[str, int]
ShowRefusal = Callable[[Refusal], str]
FormFields = dict[str, str | int | bool | list[str] | None]
"""The fields that a form sends to a service, as JSON."""

LONGEST_NUMBER = 15
LARGEST_FEN = 10**12


def submit(wanted: ApiRequest, *, then: str, done: str, show: ShowRefusal) -> Answer:
    """Send a form's request; go to the page `then`, which says `done`, or show the refusal."""
    return submit_and(wanted, lambda _: redirect(with_done(then, done)), show)


def submit_and(wanted: ApiRequest, use: Callable[[Any], Answer], show: ShowRefusal) -> Answer:
    """Send a form's request; answer with what `use` makes of the JSON, or show the refusal.

    If the service does not answer, the form is kept as it was typed, for sending it again.
    """
    try:
        answer = ask(wanted)
    except Unanswered as silence:
        return unsent_page(silence), silence.status
    except Refusal as refusal:
        return show(refusal), refusal.status
    return use(answer)


def unsent_page(silence: Unanswered) -> str:
    """The form as it was typed, its own number included, so that it has one effect if sent again.

    Files are not in it: a browser lets nobody fill them in.
    """
    return render_template(
        "unsent.html",
        silence=silence,
        fields=[(name, value) for name, value in request.form.items(multi=True) if name != FIELD],
        has_files=bool(request.files),
    )


def with_done(path: str, done: str) -> str:
    """The address of a page that says what a form did, a code of `labels.DONE_MESSAGES`."""
    return f"{path}{'&' if '?' in path else '?'}done={done}"


def field_text(name: str) -> str:
    return request.form.get(name, "").strip()


def filled_in(*texts: str, numbers: tuple[str, ...] = ()) -> FormFields:
    """The fields of the form that are filled in.

    What should be a number and is none stays text, for the service to refuse.
    """
    found: FormFields = {name: field_text(name) for name in texts}
    found |= {name: whole_number(field_text(name)) for name in numbers}
    return {name: value for name, value in found.items() if value != ""}


def whole_number(text: str) -> int | str:
    is_number = text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER
    return int(text) if is_number else text


def fen_from_yuan(text: str) -> int | str:
    """Fen from yuan as people type them. What is no sum stays text, for the service to refuse."""
    try:
        fen = Decimal(text) * 100
        is_sum = fen == fen.to_integral_value() and abs(fen) < LARGEST_FEN
        return int(fen) if is_sum else text
    except InvalidOperation:
        return text


def instant_at_site(text: str) -> str:
    """An instant from a `datetime-local` or `date` field, which means the clock at the site."""
    return f"{text}{'' if 'T' in text else 'T00:00'}:00+08:00"

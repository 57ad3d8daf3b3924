"""What a form does: ask a service, then show the page again with what became of it."""

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from flask import redirect
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from gateway.client import Told, ask

Answer = Response | tuple[str, int]
PAGE = 20


def do(
    method: str, path: str, body: Any, *, then: str, done: str, show: Callable[[Told], str]
) -> Answer:
    """Ask; go to the page `then`, which says `done`, or show the page with the refusal."""
    try:
        ask(method, path, body)
    except Told as told:
        return show(told), told.status
    return redirect(f"{then}{'&' if '?' in then else '?'}done={done}")


def given(form: MultiDict[str, str], *texts: str, numbers: tuple[str, ...] = ()) -> dict[str, Any]:
    """The fields of a form that were filled in. What should be a number and is none goes on as it
    is, to be refused.
    """
    found: dict[str, Any] = {
        name: form[name].strip() for name in texts if form.get(name, "").strip()
    }
    return found | {
        name: whole(form[name].strip()) for name in numbers if form.get(name, "").strip()
    }


def whole(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else text


def fen(text: str) -> int | str:
    """Fen from yuan as people type them; what is no sum goes on as it is, to be refused."""
    try:
        sum_ = Decimal(text) * 100
        return int(sum_) if sum_ == sum_.to_integral_value() and abs(sum_) < 10**12 else text
    except InvalidOperation:
        return text


def at_site(text: str) -> str:
    """An instant from a `datetime-local` or `date` field, which means the clock at the site."""
    return f"{text}{'' if 'T' in text else 'T00:00'}:00+08:00"


def named(items: list[Mapping[str, Any]], field: str = "name") -> dict[str, str]:
    """Id to name."""
    return {one["id"]: one[field] for one in items}


def products() -> list[Any]:
    found: list[Any] = ask("GET", "/v1/products", query={"limit": 200})["items"]
    return found


def venues() -> list[Any]:
    found: list[Any] = ask("GET", "/v1/venues", query={"limit": 200})["items"]
    return found


def if_there(method: str, path: str, otherwise: Any, **options: Any) -> Any:
    """An answer that may not be there: the account opens when the fact about the volunteer has
    arrived.
    """
    try:
        return ask(method, path, **options)
    except Told as told:
        if told.status != 404:
            raise
        return otherwise

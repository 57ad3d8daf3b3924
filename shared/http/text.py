"""Text outside of JSON bodies: query, path, form and headers.

werkzeug reads all of them without surrogates, so only NUL is left that no text column holds.
"""

from collections.abc import Iterable

from flask import Request

from shared.core.json import in_pointer, made_storable
from shared.core.problems import invalid

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def refuse_nul(request: Request) -> None:
    """Refuse a request with NUL in its address or form with a 422 that names the field."""
    if b"%00" in request.query_string or b"\x00" in request.query_string:
        _refuse(request.args.items(multi=True))
    if "\x00" in request.path:
        raise invalid("", "The path may not contain NUL.")
    if request.mimetype in FORMS:
        # Kept for the view: JSON may come under this type (curl's default), and reading a form
        # alone would use the body up.
        request.get_data()
        _refuse(request.form.items(multi=True))


def _refuse(fields: Iterable[tuple[str, str]]) -> None:
    for name, value in fields:
        if "\x00" in name + value:
            raise invalid(f"/{in_pointer(made_storable(name))}", "Text may not contain NUL.")

"""Errors as RFC 9457 problem documents. An error class lives beside the verb that raises it.

The docstring's first line is the title, the class name is the slug of `type`, the exception's text
is the `detail`. A caller does not learn whether a thing exists: forbidden and unknown raise the
same `NotFound`.
"""

import re
from typing import Any, ClassVar

from shared.core.json import JsonObject


class Problem(Exception):
    """Something about the request was wrong."""

    status: ClassVar[int] = 400

    def __init__(self, detail: str = "", **more: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        #: further members of the document: JSON, without personal data
        self.more = more
        self.headers: dict[str, str] = {}

    @classmethod
    def title(cls) -> str:
        return (cls.__doc__ or cls.__name__).partition("\n")[0].strip()

    @classmethod
    def slug(cls) -> str:
        return "/problems/" + re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower()

    def document(self, title: str | None = None) -> JsonObject:
        """The problem as JSON, with a translated title if one is given."""
        body = {
            "type": self.slug(),
            "title": title or self.title(),
            "status": self.status,
            **self.more,
        }
        if self.detail:
            body["detail"] = self.detail
        return body


class BadRequest(Problem):
    """The request cannot be read."""

    status = 400


class Unauthorized(Problem):
    """Log in first, or send a valid token."""

    status = 401


class Forbidden(Problem):
    """Your role may not do this."""

    status = 403


class NotFound(Problem):
    """There is nothing here, or you may not see it."""

    status = 404


class Conflict(Problem):
    """The current state does not allow this."""

    status = 409


class Unprocessable(Problem):
    """The request is readable, but something in it is wrong."""

    status = 422


class TooManyRequests(Problem):
    """Too many tries. Wait a little."""

    status = 429


class Unavailable(Problem):
    """The service cannot answer just now. Try again shortly."""

    status = 503

    def __init__(self, detail: str = "", **more: Any) -> None:
        super().__init__(detail, **more)
        self.headers["Retry-After"] = "2"


class Unanswered(Problem):
    """No answer came in time, so it is not known whether it was done."""

    status = 503


def invalid(pointer: str, reason: str) -> Unprocessable:
    """Refuse a field that is well-formed but wrong, named by JSON pointer as in validation."""
    return Unprocessable(reason, errors=[{"pointer": pointer, "detail": reason}])

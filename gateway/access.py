"""Who may see a page. The services decide what is done; this only spares people a refusal."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import abort

from gateway.login_sessions import LogInNeeded, current_login

View = Callable[..., Any]


def page_for(*roles: str) -> Callable[[View], View]:
    """Let these roles see a page; answer others 403, and send people without a log-in to it.

    A coordinator is a volunteer too.
    """
    allowed = {*roles, "coordinator"} if "volunteer" in roles else set(roles)

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            _check(allowed)
            return view(*args, **kwargs)

        return guarded

    return guard


def _check(allowed: set[str]) -> None:
    login = current_login()
    if login is None:
        raise LogInNeeded
    if login.role not in allowed:
        abort(403)

"""Who may see a page. The services decide what is done; this only spares people a refusal."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import abort, current_app

from gateway.login_sessions import LogInNeeded


def page_for(*roles: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A page for these roles: others are told, strangers are sent to the log-in. Who coordinates
    volunteers too.
    """
    if "volunteer" in roles:
        roles = (*roles, "coordinator")

    def wrap(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            session = current_app.extensions["sessions"].current()
            if session is None:
                raise LogInNeeded
            if session.role not in roles:
                abort(403)
            return view(*args, **kwargs)

        return guarded

    return wrap

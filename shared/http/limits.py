"""How large a request may be: 2 MB, but for the few routes that say otherwise."""

from collections.abc import Callable
from typing import Any, TypeVar

MAX_BODY_BYTES = 2 * 1024 * 1024
_LIMIT = "__max_body_bytes__"

View = TypeVar("View", bound=Callable[..., Any])


def takes_up_to(size: int) -> Callable[[View], View]:
    """Let a route take larger bodies, in bytes. Only for known callers: access is checked before
    the body is read.
    """

    def mark(view: View) -> View:
        setattr(view, _LIMIT, size)
        return view

    return mark


def limit_of(view: Callable[..., Any]) -> int:
    """What a route takes at most."""
    return int(getattr(view, _LIMIT, MAX_BODY_BYTES))

"""How large a request may be: 2 MB, except for routes that state another size."""

from collections.abc import Callable
from typing import Any, TypeVar

MAX_BODY_BYTES = 2 * 1024 * 1024
_LIMIT = "__max_body_bytes__"

View = TypeVar("View", bound=Callable[..., Any])


def takes_up_to(size: int) -> Callable[[View], View]:
    """Let a route take bodies of up to `size` bytes.

    Only for known callers: access is checked before the body is read.
    """

    def mark(view: View) -> View:
        setattr(view, _LIMIT, size)
        return view

    return mark


def limit_of(view: Callable[..., Any]) -> int:
    """The largest body that a route takes, in bytes."""
    return int(getattr(view, _LIMIT, MAX_BODY_BYTES))

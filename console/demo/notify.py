"""The demo needs nothing of notify's own: its alerts come from the other services' events."""

from collections.abc import Iterable

from sqlalchemy.orm import Session


def seed(session: Session) -> Iterable[str]:
    """Add nothing."""
    return ()

"""The demo needs nothing of notify's own: its alerts come from what the other services say."""

from collections.abc import Iterable

from sqlalchemy.orm import Session


def seed(session: Session) -> Iterable[str]:
    """Nothing to put in."""
    return ()

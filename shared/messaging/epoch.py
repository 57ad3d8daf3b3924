"""The epoch: which history of the installation a message belongs to.

A restore discards what happened after the backup, but the broker may still hold events of that
discarded future. So the relay writes the epoch into each message, and the inbox refuses one of
another epoch. What was legitimate among them comes by catch-up: a feed shows only what is there.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, select, true
from sqlalchemy.orm import Mapped, Session, mapped_column

from shared.core.clock import app_now
from shared.db.types import Plumbing

FIRST_EPOCH = UUID(int=0)
"""The epoch of every installation until its first restore. It is fixed, so that schemas which are
migrated at different times, or in databases of their own, agree without asking each other."""


class InstallationEpoch(Plumbing):
    """The epoch: one row, the same in every schema; no row while a restore is not finished.

    Only `wishtree restore` and `wishtree new-epoch` write it; the application role cannot.
    """

    __tablename__ = "installation_epoch"

    only_row: Mapped[bool] = mapped_column(primary_key=True, server_default=true())
    epoch: Mapped[UUID]
    since: Mapped[datetime] = mapped_column(server_default=app_now())

    __table_args__ = (CheckConstraint("only_row", name="only_row"),)


CURRENT_EPOCH = select(InstallationEpoch.epoch).scalar_subquery()
"""SQL: the epoch, evaluated once a statement; NULL while a restore is not finished."""


def current_epoch(session: Session) -> UUID | None:
    """Read the epoch; None while a restore is not finished.

    The table stays locked against a restore until the caller's transaction ends, so that no effect
    is committed into another epoch than the one that was read.
    """
    return session.scalar(select(InstallationEpoch.epoch))
